#!/usr/bin/env python3
"""Writes dashboards/grafana/*.json with the builders of grafana-foundation-sdk, so that what is written imports.

    python3 -m venv venv && venv/bin/pip install -r dashboards/requirements.txt
    venv/bin/python dashboards/build.py            # writes
    venv/bin/python dashboards/build.py --check    # exits 1 when the files differ from what would be written

A panel is (kind, English title, Chinese title, description, unit, [(expression, legend), ...]).
"""

import json
import pathlib
import sys

from grafana_foundation_sdk.builders import dashboard, prometheus, stat, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import (
    DataSourceRef,
    VariableHide,
    VariableOption,
    VariableRefresh,
)

HERE = pathlib.Path(__file__).parent
SOURCE = DataSourceRef(type_val="prometheus", uid="${source}")
# Where people find the console, with a `/` at the end: what deploy/compose.yaml publishes. deploy/README.md says how to change it.
CONSOLE = "https://localhost:8443/"
# Every panel of a feed or a status is narrowed by the variables of the page.
FEED = 'feed=~"$feed"'
ACTUAL = 'status="actual"'
DEPARTMENT = 'department=~"$department"'

PAGES = {
    "analysts": (
        "Tocsin: analysts / 监测分析",
        "What comes in, what became of it, how fast: for those who watch the boards. Exercises are on a page of their own.",
        ["feed", "hazard"],
        [
            ("Incidents / 事件", [
                ("series", "Revisions by level", "按级别的告警修订", "Material revisions on the joint-meeting queue, by level. A revision that only refreshes counts is not among them.", "short",
                 [(f'sum by (level) (increase(tocsin_revisions_total{{{ACTUAL},material="true",hazard=~"$hazard"}}[15m]))', "{{level}}")]),
                ("series", "New incidents by hazard", "按灾种的新事件", "First alerts of incidents, by hazard.", "short",
                 [(f'sum by (hazard) (increase(tocsin_revisions_total{{{ACTUAL},message="alert",hazard=~"$hazard"}}[1h]))', "{{hazard}}")]),
                ("stat", "Orange and red, 24 h", "橙色和红色（24 小时）", "Material revisions at orange and red in the last day.", "short",
                 [(f'sum(increase(tocsin_revisions_total{{{ACTUAL},material="true",level=~"orange|red"}}[24h]))', "orange, red")]),
                ("stat", "Withdrawn, 24 h", "已撤销（24 小时）", "Incidents whose every report was withdrawn by its feed in the last day. No data: none ever was.", "short",
                 [(f'sum(increase(tocsin_revisions_total{{{ACTUAL},message="cancel"}}[24h])) or vector(0)', "withdrawn")]),
                ("stat", "False alarms, 30 d", "误报率（30 天）", "Share of incidents closed in the last 30 days whose verdict was a false alarm. NaN until one was closed.", "percentunit",
                 [(f'sum(increase(tocsin_desk_closed_incidents_total{{{ACTUAL},verdict="false_alarm"}}[30d])) / sum(increase(tocsin_desk_closed_incidents_total{{{ACTUAL}}}[30d]))', "false alarms")]),
                ("series", "Closed incidents by verdict", "按结论的结案事件", "Incidents that departments closed, per day, by the lead's verdict.", "short",
                 [(f'sum by (verdict) (increase(tocsin_desk_closed_incidents_total{{{ACTUAL}}}[1d]))', "{{verdict}}")]),
                ("series", "Open incidents by state", "按状态的未结事件", "Incidents on the board, by how far people took them.", "short",
                 [(f'sum by (state) (tocsin_desk_open_incidents{{{ACTUAL}}})', "{{state}}")]),
                ("series", "Open incidents by level", "按级别的在处事件", "Incidents that are active and on the queue now, by level.", "short",
                 [(f'sum by (level) (tocsin_open_incidents{{{ACTUAL},hazard=~"$hazard"}})', "{{level}}")]),
                ("series", "Open incidents by hazard", "按灾种的在处事件", "Incidents that are active and on the queue now, by hazard.", "short",
                 [(f'sum by (hazard) (tocsin_open_incidents{{{ACTUAL},hazard=~"$hazard"}}) > 0', "{{hazard}}")]),
                ("series", "Open incidents by place", "按地点的在处事件", "The ten places with most incidents that are active and on the queue now, by code of the place, of all hazards. The 50 with most of each process are in the metrics; the console has them all.", "short",
                 [(f'topk(10, sum by (place) (tocsin_open_incidents_by_place{{{ACTUAL}}}))', "{{place}}")]),
                ("stat", "Open incident keys", "在管事件数", "Incidents that correlate holds: active ones, and resolved ones that may be reopened.", "short",
                 [(f'sum(tocsin_incident_keys{{{ACTUAL}}})', "keys")]),
            ]),
            ("Reports / 报告", [
                ("series", "Reports by feed", "按来源的报告量", "Records read per second, by feed; whatever became of them.", "cps",
                 [(f'sum by (feed) (rate(tocsin_records_total{{{ACTUAL},{FEED}}}[5m]))', "{{feed}}")]),
                ("series", "Detected reports by feed", "按来源的命中报告", "Records on which a rule fired, per second.", "cps",
                 [(f'sum by (feed) (rate(tocsin_records_total{{{ACTUAL},outcome="detected",{FEED}}}[5m]))', "{{feed}}")]),
                ("series", "Arrival against the hour before", "与前一小时相比的到达量", "Detected reports of the last 15 minutes over those of the 15 minutes an hour earlier: above 1 it grows.", "none",
                 [(f'sum(increase(tocsin_records_total{{{ACTUAL},outcome="detected",{FEED}}}[15m])) / clamp_min(sum(increase(tocsin_records_total{{{ACTUAL},outcome="detected",{FEED}}}[15m] offset 1h)) or vector(0), 1)', "growth")]),
                ("series", "Growth by hazard", "按灾种的增长", "W2 of the place where a hazard deviates most from what is usual, of those on the queue: from 3 on it is an alarm. No data: nothing is on the queue, or it is still being learned.", "none",
                 [('max by (hazard) (tocsin_growth_statistic{hazard=~"$hazard"})', "{{hazard}}")]),
                ("series", "Observed and usual", "实际与通常", "Reports in the hour or the day at that place, and what is usual there.", "short",
                 [('max by (hazard) (tocsin_growth_observed_reports{hazard=~"$hazard"})', "{{hazard}} observed"),
                  ('max by (hazard) (tocsin_growth_expected_reports{hazard=~"$hazard"})', "{{hazard}} usual")]),
                ("series", "Growth by place", "按地点的增长", "W2 of the ten places that deviate most, by hazard and code of the place, of those on the queue: from 3 on it is an alarm. A place goes an hour after its hour or day, or with its incident.", "none",
                 [(f'topk(10, max by (hazard, place) (tocsin_growth_place_statistic{{{ACTUAL},hazard=~"$hazard"}}))', "{{hazard}} {{place}}")]),
                ("series", "Observed by place", "按地点的实际数量", "Reports in the hour or the day, whichever deviates more, at the places that deviate most.", "short",
                 [(f'max by (hazard, place) (tocsin_growth_place_observed_reports{{{ACTUAL},hazard=~"$hazard"}}) and topk(10, max by (hazard, place) (tocsin_growth_place_statistic{{{ACTUAL},hazard=~"$hazard"}}))', "{{hazard}} {{place}}")]),
                ("series", "Usual by place", "按地点的通常数量", "What is usual in that hour or day at these places.", "short",
                 [(f'max by (hazard, place) (tocsin_growth_place_expected_reports{{{ACTUAL},hazard=~"$hazard"}}) and topk(10, max by (hazard, place) (tocsin_growth_place_statistic{{{ACTUAL},hazard=~"$hazard"}}))', "{{hazard}} {{place}}")]),
                ("series", "Rules that fire most", "命中最多的规则", "Detections of the last hour, by rule, the ten most frequent.", "short",
                 [(f'topk(10, sum by (rule) (increase(tocsin_detections_total{{{ACTUAL}}}[1h])))', "{{rule}}")]),
                ("series", "What became of detections", "检测结果去向", "Opened an incident, merged into one, copy of a report, repeat, suppressed by a limit.", "cps",
                 [(f'sum by (outcome) (rate(tocsin_detections_total{{{ACTUAL}}}[5m]))', "{{outcome}}")]),
                ("series", "Feeds below their hour of the week", "低于同期的来源", "Standard deviations by which a feed's reports of hazards in its last whole hour are below what is usual in that hour of the week: from 3 on it is an alarm. No data: it is still being learned (14 days).", "none",
                 [(f'(sum by (feed) (tocsin_feed_hour_usual_reports{{{FEED}}}) - sum by (feed) (tocsin_feed_hour_reports{{{FEED}}})) / sqrt(sum by (feed) (tocsin_feed_hour_usual_variance{{{FEED}}}))', "{{feed}}")]),
                ("series", "Days learned of a feed", "来源已学习天数", "Days learned of a feed's hour of the week, of 14.", "none",
                 [(f'max by (feed) (tocsin_feed_learned{{{FEED}}})', "{{feed}}")]),
                ("series", "Silent feeds", "静默来源", "1 while a feed has sent nothing for much longer than it usually does: silence is not calm.", "none",
                 [(f'min by (feed) (tocsin_feed_silent{{{FEED}}})', "{{feed}}")]),
            ]),
            ("Delay / 时延", [
                ("series", "Report to alert", "报告到告警", "From a report's Kafka timestamp to the commit of the alert that it made.", "s",
                 [(f'histogram_quantile(0.5, sum by (le) (rate(tocsin_report_to_alert_seconds_bucket{{{ACTUAL}}}[15m])))', "p50"),
                  (f'histogram_quantile(0.99, sum by (le) (rate(tocsin_report_to_alert_seconds_bucket{{{ACTUAL}}}[15m])))', "p99")]),
            ]),
        ],
    ),
    "departments": (
        "Tocsin: departments / 部门",
        "What each department was told, what it owes, and how it keeps its deadlines. Exercises are not among it.",
        ["department"],
        [
            ("Queue / 队列", [
                ("series", "Alerts by department", "按部门的告警", "Revisions that went to a department, per hour.", "short",
                 [(f'sum by (department) (increase(tocsin_alerts_total{{{ACTUAL},department=~"$department"}}[1h]))', "{{department}}")]),
                ("series", "Alerts by level", "按级别的告警", "Revisions that went to the chosen departments, per hour and level.", "short",
                 [(f'sum by (level) (increase(tocsin_alerts_total{{{ACTUAL},department=~"$department"}}[1h]))', "{{level}}")]),
                ("stat", "Orange and red, 24 h", "橙色和红色（24 小时）", "Revisions at orange and red that went to the chosen departments in the last day.", "short",
                 [(f'sum by (department) (increase(tocsin_alerts_total{{{ACTUAL},level=~"orange|red",department=~"$department"}}[24h]))', "{{department}}")]),
                ("stat", "Departments told, 24 h", "被通知的部门数（24 小时）", "How many departments were told of anything in the last day.", "short",
                 [(f'count(sum by (department) (increase(tocsin_alerts_total{{{ACTUAL}}}[24h])) > 0)', "departments")]),
                ("series", "Queue by department", "按部门的待办", "Obligations that a department still owes, whether it has acknowledged them or not.", "short",
                 [(f'sum by (department) (tocsin_desk_obligations{{{DEPARTMENT}}})', "{{department}}")]),
                ("series", "Queue by state", "按状态的待办", "Obligations that the chosen departments still owe: open, acknowledged, in progress.", "short",
                 [(f'sum by (state) (tocsin_desk_obligations{{{DEPARTMENT}}})', "{{state}}")]),
            ]),
            ("Deadlines / 时限", [
                ("series", "Overdue deadlines", "逾期时限", "Deadlines that have passed and are still owed, by department and deadline: the backlog.", "short",
                 [(f'sum by (department, deadline) (tocsin_desk_overdue_deadlines{{{DEPARTMENT}}})', "{{department}} {{deadline}}")]),
                ("series", "On-time rate", "按时率", "Share of settled deadlines of the last 30 days that were met.", "percentunit",
                 [(f'min by (department, deadline) (tocsin_desk_on_time_ratio{{{DEPARTMENT}}})', "{{department}} {{deadline}}")]),
                ("series", "Escalations", "升级", "Missed deadlines that called the next office, per day.", "short",
                 [(f'sum by (department, deadline) (increase(tocsin_desk_escalations_total{{{ACTUAL},{DEPARTMENT}}}[1d]))', "{{department}} {{deadline}}")]),
                ("series", "Time to acknowledge", "签收用时", "From the beginning of an obligation to its acknowledgement, over the last day.", "s",
                 [(f'histogram_quantile({q}, sum by (department, le) (increase(tocsin_desk_acknowledge_seconds_bucket{{{ACTUAL},{DEPARTMENT}}}[1d])))', "{{department}} " + name) for q, name in [(0.5, "p50"), (0.9, "p90")]]),
                ("series", "Time to dispose", "处置用时", "From the beginning of an obligation to its disposal, over the last week.", "s",
                 [(f'histogram_quantile({q}, sum by (department, le) (increase(tocsin_desk_dispose_seconds_bucket{{{ACTUAL},{DEPARTMENT}}}[7d])))', "{{department}} " + name) for q, name in [(0.5, "p50"), (0.9, "p90")]]),
                ("series", "Settled deadlines", "已了结时限", "Deadlines of the last 30 days that were met or missed: what the on-time rate is a share of.", "short",
                 [(f'sum by (department, deadline) (tocsin_desk_settled_deadlines{{{DEPARTMENT}}})', "{{department}} {{deadline}}")]),
            ]),
            ("Findings / 处置结论", [
                ("series", "False alarms by department", "按部门的误报率", "Share of a department's disposals of the last 30 days that were false alarms.", "percentunit",
                 [(f'sum by (department) (tocsin_desk_dispositions{{{DEPARTMENT},disposition="false_alarm"}}) / sum by (department) (tocsin_desk_dispositions{{{DEPARTMENT}}})', "{{department}}")]),
                ("series", "Disposals by finding", "按结论的处置", "Disposals of the last 30 days, by what the departments found.", "short",
                 [(f'sum by (disposition) (tocsin_desk_dispositions{{{DEPARTMENT}}})', "{{disposition}}")]),
                ("stat", "Reopened, 7 d", "重新打开（7 天）", "Closed incidents that were opened again in the last week, by why.", "short",
                 [(f'sum by (cause) (increase(tocsin_desk_reopenings_total{{{ACTUAL}}}[7d]))', "{{cause}}")]),
            ]),
        ],
    ),
    "operations": (
        "Tocsin: operations / 运行",
        "For the team that runs it: is everything read, once, in time, and what refuses.",
        ["feed", "stage"],
        [
            ("Promises / 承诺", [
                ("stat", "Conservation residual", "守恒残差", "Records that the ledger says were read, less those whose one outcome was counted. Anything but 0 for minutes is a defect.", "short",
                 [("tocsin:conservation_residual_records", "{{stage}}")]),
                ("stat", "Records lost", "丢失记录", "Offsets that the broker had deleted before they were read. No data: none ever was.", "short",
                 [("sum(tocsin_records_lost_total) or vector(0)", "lost")]),
                ("series", "Offsets without a record", "无记录的偏移量", "Offsets of a feed that were passed over: markers of its producer's transactions, or compaction. A feed written without them has none.", "short",
                 [("increase(tocsin_ledger_empty_offsets_total[15m])", "{{topic}}")]),
                ("series", "Records by outcome", "按结果的记录", "Each record read from a feed has exactly one of these.", "cps",
                 [(f'sum by (outcome) (rate(tocsin_records_total{{{FEED}}}[5m]))', "{{outcome}}")]),
                ("series", "Dead letters by code", "按代码的死信", "Records that could not be read, by feed and code; docs/codes.md says what to do.", "cps",
                 [(f'sum by (feed, code) (rate(tocsin_dead_letters_total{{{FEED}}}[5m]))', "{{feed}} {{code}}")]),
                ("series", "Limits that refused or forgot", "触发的限额", "Named limits, by status: an exercise never evicts an actual. No data: no limit was ever hit.", "cps",
                 [("sum by (limit, status) (rate(tocsin_limit_hits_total[5m])) or vector(0)", "{{limit}} {{status}}")]),
                ("series", "Retractions", "撤回", "Records that took a report back, per partition, by whether an incident there held it.", "cps",
                 [("sum by (result) (rate(tocsin_retractions_total[5m]))", "{{result}}")]),
            ]),
            ("Throughput and delay / 吞吐与时延", [
                ("series", "Consumer lag", "消费积压", "Offsets between what is committed and the end, by stage and topic.", "short",
                 [('sum by (stage, topic) (tocsin_consumer_lag_records{stage=~"$stage"})', "{{stage}} {{topic}}")]),
                ("series", "Report to alert", "报告到告警", "From a report's Kafka timestamp to the commit of the alert that it made.", "s",
                 [(f'histogram_quantile({q}, sum by (le) (rate(tocsin_report_to_alert_seconds_bucket{{{ACTUAL}}}[15m])))', name) for q, name in [(0.5, "p50"), (0.9, "p90"), (0.99, "p99")]]),
                ("series", "Time per record", "单条记录耗时", "Time of one record in a stage, sampled: what rules and lexicons cost.", "s",
                 [('histogram_quantile(0.5, sum by (stage, le) (rate(tocsin_stage_duration_seconds_bucket[15m])))', "{{stage}} p50"),
                  ('histogram_quantile(0.99, sum by (stage, le) (rate(tocsin_stage_duration_seconds_bucket[15m])))', "{{stage}} p99")]),
                ("series", "Time since the newest record", "距最新记录的时间", "By feed; a drill does not count as a sign of life.", "s",
                 [(f'time() - max by (feed) (tocsin_feed_last_record_timestamp_seconds{{{FEED}}})', "{{feed}}")]),
                ("series", "Usual gap", "通常间隔", "Usual gap between records of a feed, stated or learned; five times as long is silence.", "s",
                 [(f'max by (feed) (tocsin_feed_usual_gap_seconds{{{FEED}}})', "{{feed}}")]),
                ("series", "Silent feeds", "静默来源", "1 while a feed has sent nothing for much longer than it usually does.", "none",
                 [(f'min by (feed) (tocsin_feed_silent{{{FEED}}})', "{{feed}}")]),
            ]),
            ("Transactions and state / 事务与状态", [
                ("series", "Transactions", "事务时长", "From the first record of a transaction to its commit.", "s",
                 [('histogram_quantile(0.5, sum by (stage, le) (rate(tocsin_transaction_duration_seconds_bucket{stage=~"$stage"}[5m])))', "{{stage}} p50"),
                  ('histogram_quantile(0.99, sum by (stage, le) (rate(tocsin_transaction_duration_seconds_bucket{stage=~"$stage"}[5m])))', "{{stage}} p99")]),
                ("series", "Commits", "提交时长", "The part of a transaction after its last record: flush, offsets, commit.", "s",
                 [('histogram_quantile(0.99, sum by (stage, le) (rate(tocsin_commit_duration_seconds_bucket{stage=~"$stage"}[5m])))', "{{stage}} p99")]),
                ("series", "Aborts and restarts", "中止与重启", "Transactions aborted and read again; workers that began anew.", "short",
                 [('sum by (stage) (increase(tocsin_transaction_aborts_total{stage=~"$stage"}[15m]))', "{{stage}} aborts"),
                  ('sum by (stage) (increase(tocsin_worker_restarts_total{stage=~"$stage"}[15m]))', "{{stage}} restarts")]),
                ("series", "Assigned partitions", "已分配分区", "Partitions that workers are reading.", "short",
                 [('sum by (stage) (tocsin_assigned_partitions{stage=~"$stage"})', "{{stage}}")]),
                ("series", "Incident keys", "事件键", "Incident keys held in memory, by status.", "short",
                 [("sum by (status) (tocsin_incident_keys)", "{{status}}")]),
                ("series", "Incident state", "事件状态大小", "Encoded incident state held in memory, by status.", "bytes",
                 [("sum by (status) (tocsin_incident_state_bytes)", "{{status}}")]),
                ("series", "Series of growth", "增长序列数", "Series of counts held in memory, by status; growth.series bounds them per partition.", "short",
                 [("sum by (status) (tocsin_growth_series)", "{{status}}")]),
                ("series", "Places of open incidents left out", "未显示的在处事件地点", "Places with open incidents beyond the 50 of a status that the metrics of a process show. The console has them all.", "short",
                 [("max by (status) (tocsin_open_incident_places_left_out)", "{{status}}")]),
                ("series", "Places of growth left out", "未显示的增长地点", "Hazards at places on the queue beyond the 50 of a status that the metrics of growth show. The console has them all.", "short",
                 [("max by (status) (tocsin_growth_places_left_out)", "{{status}}")]),
                ("series", "Restores", "状态恢复", "Time to restore the state of one partition.", "s",
                 [("max(tocsin:restore_duration_seconds:mean)", "mean")]),
                ("series", "Resident memory", "常驻内存", "Resident memory of each process, as the system tells it.", "bytes",
                 [('process_resident_memory_bytes{job="tocsin"}', "{{instance}}")]),
            ]),
            ("Desk / 值班台", [
                ("stat", "Active desks", "在岗值班台数", "1: one desk of the store is active. 0: nobody watches deadlines. Others stand by.", "short",
                 [("sum(tocsin_desk_active)", "active")]),
                ("stat", "Database answers", "数据库应答", "0 while a desk's database is away: it refuses actions, and loses nothing.", "short",
                 [("min(tocsin_desk_store_up)", "up")]),
                ("stat", "Next token ends in", "最近令牌到期", "Time until the next token of the desk ends; negative: one has ended that nobody replaced or revoked.", "s",
                 [("min(tocsin_desk_token_expiry_timestamp_seconds) - time()", "token")]),
                ("stat", "Next certificate ends in", "最近证书到期", "Time until the next certificate of the configuration ends. The one that a proxy shows to people is the proxy's own.", "s",
                 [("min(tocsin_certificate_expiry_timestamp_seconds) - time()", "certificate")]),
                ("series", "Queue not yet taken in", "未接收的告警", "Offsets between what the desk has taken in and the end of the queue.", "short",
                 [("max(tocsin_desk_consumer_lag_records)", "lag")]),
                ("series", "Decisions not yet published", "未发布的决定", "Age of the oldest decision that waits to be published.", "s",
                 [("max(tocsin_desk_outbox_age_seconds)", "age")]),
                ("series", "Audit events", "审计事件", "Events of the audit trail per second, by kind.", "cps",
                 [("sum by (kind) (rate(tocsin_desk_events_total[5m]))", "{{kind}}")]),
                ("series", "Requests by answer", "按应答的请求", "Requests to the desk's API and console per second, by status code.", "cps",
                 [("sum by (status) (rate(tocsin_http_requests_total[5m]))", "{{status}}")]),
            ]),
            ("Notifications / 通知", [
                ("series", "Notices that wait", "待发通知", "Notices that wait for a receiver, those whose digest is still open too, by channel.", "short",
                 [("max by (channel) (tocsin_notifications_pending)", "{{channel}}")]),
                ("series", "Oldest notice that did not arrive", "最久未送达通知", "Age of the oldest notice that is due or was tried, by channel. What waits for its digest is not among them.", "s",
                 [("max by (channel) (tocsin_notifications_oldest_seconds)", "{{channel}}")]),
                ("stat", "Dead notices", "已放弃通知", "Notices in the log whose attempts are used up, by channel: nobody was told. `tocsin desk notifications retry` sends them after all.", "short",
                 [("max by (channel) (tocsin_notifications_dead)", "{{channel}}")]),
                ("series", "Notices by outcome", "按结果的通知", "Notices per second by what became of them, and failed attempts.", "cps",
                 [("sum by (channel, outcome) (rate(tocsin_notifications_total[5m]))", "{{channel}} {{outcome}}")]),
            ]),
            ("Rules / 规则", [
                ("stat", "Rule set versions in use", "在用规则集版本数", "More than one for minutes: a process did not take a change over.", "short",
                 [("count(count by (version) (tocsin_rule_set_info == 1))", "versions")]),
                ("series", "Reloads", "规则重载", "Files of the rule set read again, by what came of it.", "short",
                 [("sum by (outcome) (increase(tocsin_rule_set_reloads_total[1h]))", "{{outcome}}")]),
                ("stat", "Age of the rule set", "规则集使用时长", "Time since the rule set in use was put in use.", "s",
                 [("time() - max(tocsin_rule_set_loaded_timestamp_seconds)", "age")]),
                ("series", "Rule cost", "规则开销", "Time per second that conditions of rules take, the ten dearest. Sampled: one report in 256 of those that touch any rule is measured, so that 256 times this is about what a rule takes of the processors.", "s",
                 [("topk(10, sum by (rule) (rate(tocsin_rule_evaluation_seconds_total[15m])))", "{{rule}}")]),
                ("series", "Rule cost per evaluation", "单次规则评估开销", "Time of one evaluation of a rule's condition over the last hour, the ten dearest; the look at the clock, some 0.00000005 s, is in it. Sampled as the panel beside it.", "s",
                 [("topk(10, sum by (rule) (increase(tocsin_rule_evaluation_seconds_total[1h])) / (sum by (rule) (increase(tocsin_rule_evaluations_total[1h])) > 0))", "{{rule}}")]),
                ("series", "Shadow hits", "影子规则命中", "Reports on which a rule of status test fired: what it would add, once live.", "short",
                 [("sum by (rule) (increase(tocsin_shadow_hits_total[1h]))", "{{rule}}")]),
                ("series", "Detections that are none", "不可读的检测记录", "Records on the topic of detections that are none: something else writes there.", "cps",
                 [("sum(rate(tocsin_unreadable_detections_total[5m]))", "unreadable")]),
            ]),
        ],
    ),
    "drills": (
        "Tocsin: drills / 演练",
        "Exercises, apart from everything actual. `tocsin drill report` has the targets of a single drill.",
        ["feed"],
        [
            ("Exercises / 演练", [
                ("series", "Exercise labels by verdict", "演练标签判定", "Labels on records: accepted, or why not. A rejected one leaves its record actual.", "cps",
                 [("sum by (verdict) (rate(tocsin_drill_labels_total[5m]))", "{{verdict}}")]),
                ("stat", "Labels rejected, 24 h", "被拒标签（24 小时）", "Records that claimed to be of a drill and were not believed. No data: none ever was.", "short",
                 [('sum(increase(tocsin_drill_labels_total{verdict!="accepted"}[24h])) or vector(0)', "rejected")]),
                ("series", "Simulated reports by outcome", "模拟报告结果", "What became of simulated reports in detect.", "cps",
                 [(f'sum by (outcome) (rate(tocsin_records_total{{status="exercise",{FEED}}}[5m]))', "{{outcome}}")]),
                ("series", "Exercise alerts by level", "演练告警级别", "Revisions of exercise incidents.", "short",
                 [('sum by (level) (increase(tocsin_revisions_total{status="exercise"}[15m]))', "{{level}}")]),
                ("series", "Exercise alerts by department", "按部门的演练告警", "Revisions of exercise incidents, by department.", "short",
                 [('sum by (department) (increase(tocsin_alerts_total{status="exercise"}[15m]))', "{{department}}")]),
                ("series", "Report to alert in drills", "演练中的报告到告警", "From a simulated report's Kafka timestamp to the commit of the alert that it made.", "s",
                 [('histogram_quantile(0.99, sum by (le) (rate(tocsin_report_to_alert_seconds_bucket{status="exercise"}[15m])))', "p99")]),
                ("series", "Time to acknowledge in drills", "演练中的签收用时", "From the beginning of an obligation of an exercise to its acknowledgement, over the last day.", "s",
                 [('histogram_quantile(0.5, sum by (department, le) (increase(tocsin_desk_acknowledge_seconds_bucket{status="exercise"}[1d])))', "{{department}} p50")]),
                ("series", "Time to dispose in drills", "演练中的处置用时", "From the beginning of an obligation of an exercise to its disposal, over the last day.", "s",
                 [('histogram_quantile(0.5, sum by (department, le) (increase(tocsin_desk_dispose_seconds_bucket{status="exercise"}[1d])))', "{{department}} p50")]),
                ("stat", "Exercise incident keys", "演练事件键", "Held by correlate, apart from the actual ones.", "short",
                 [('sum(tocsin_incident_keys{status="exercise"})', "keys")]),
            ]),
        ],
    ),
}

VARIABLES = {
    "feed": ("Feed / 来源", "label_values(tocsin_records_total, feed)"),
    "hazard": ("Hazard / 灾种", "label_values(tocsin_revisions_total, hazard)"),
    "department": ("Department / 部门", "label_values(tocsin_alerts_total, department)"),
    "stage": ("Stage / 阶段", "label_values(tocsin_transaction_aborts_total, stage)"),
}


def variable(name):
    label, query = VARIABLES[name]
    everything = VariableOption(text="All", value="$__all")
    return (
        dashboard.QueryVariable(name).label(label).query(query).datasource(SOURCE).multi(True).include_all(True)
        .all_value(".*").refresh(VariableRefresh.ON_TIME_RANGE_CHANGED).current(everything)
    )


def panel(kind, en, zh, description, unit, targets):
    made = (stat if kind == "stat" else timeseries).Panel()
    made = made.title(f"{en} / {zh}").description(description).unit(unit).datasource(SOURCE)
    made = made.height(5 if kind == "stat" else 8).span(6 if kind == "stat" else 8)
    link = dashboard.DashboardLink("Console / 控制台").url("${console}").target_blank(True)
    made = made.links([link])
    for number, (expression, legend) in enumerate(targets):
        query = prometheus.Dataquery().expr(expression).legend_format(legend).ref_id(chr(ord("A") + number))
        made = made.with_target(query)
    return made


def page(name):
    title, description, variables, rows = PAGES[name]
    made = (
        dashboard.Dashboard(title).uid(f"tocsin-{name}").description(description).tags(["tocsin"]).refresh("30s")
        .time("now-6h", "now").timezone("browser").tooltip(1)
        .link(dashboard.DashboardLink("Tocsin").type("dashboards").tags(["tocsin"]).as_dropdown(True))
        .with_variable(dashboard.DatasourceVariable("source").label("Prometheus").type("prometheus"))
        .with_variable(
            dashboard.TextBoxVariable("console").label("Console / 控制台").default_value(CONSOLE)
        )
    )
    for each in variables:
        made = made.with_variable(variable(each))
    for row, panels in rows:
        made = made.with_row(dashboard.Row(row))
        for each in panels:
            made = made.with_panel(panel(*each))
    return JSONEncoder(sort_keys=True, indent=2, ensure_ascii=False).encode(made.build()) + "\n"


def main():
    check, wrong = "--check" in sys.argv[1:], []
    for name in PAGES:
        path, text = HERE / "grafana" / f"{name}.json", page(name)
        json.loads(text)
        if not check:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            wrong.append(str(path))
    if wrong:
        sys.exit(f"not what build.py writes: {', '.join(wrong)}; run dashboards/build.py")


main()
