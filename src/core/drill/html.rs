//! A report as one HTML page that needs nothing else: no script, no font, no link.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::chart::chart;
use super::compare::Comparison;
use super::phrases::{Words, span};
use super::report::{Check, Deeds, Report, Verdict};
use super::words::Lang;

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem;color:#1b1f24;\
background:#fff}h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem}table{border-collapse:collapse;width:100%}\
th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #d8dde3}td.n{font-variant-numeric:tabular-nums;\
white-space:nowrap}.banner{background:#4a2a7b;color:#fff;padding:.4rem .8rem;font-weight:600}.met{color:#1a6b2d}\
.late,.missed{color:#a61b1b;font-weight:600}.unmeasured{color:#5b6470}.small{font-size:12px;fill:#3b424b}svg{width:100%;\
height:auto;border:1px solid #d8dde3}dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1rem}dd{margin:0}\
@media print{body{margin:0}}";

/// The report, with the run before it where there is one.
pub fn html_page(report: &Report, before: Option<&Comparison>, lang: Lang) -> String {
    let words = Words::new(report, lang);
    let title = words.both(&report.title);
    let page = html! {
        (DOCTYPE)
        html lang=(lang.id()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (words.of("Exercise", "演练")) ": " (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                p.banner { (words.of("EXERCISE: nothing on this page happened", "演练：本页内容均非真实事件")) }
                h1 { (title) }
                (html_body(report, before, lang))
            }
        }
    };
    page.into_string()
}

/// What stands on the page below its title, for a page that has a style of its own.
pub fn html_body(report: &Report, before: Option<&Comparison>, lang: Lang) -> Markup {
    let words = Words::new(report, lang);
    html! {
        (head(report, words))
        h2 { (words.of("Timeline", "时间线")) }
        (chart(report, words))
        h2 { (words.of("Expected incidents", "预期事件")) }
        (outcomes(report, words))
        h2 { (words.of("Unexpected", "意外")) }
        (surprises(report, words))
        (departments(report, words))
        @if let Some(before) = before { (comparison(before, words)) }
    }
}

fn head(report: &Report, words: Words<'_>) -> Markup {
    let run = &report.run;
    html! {
        dl {
            dt { (words.of("Result", "结果")) }
            dd class=(if report.passed { "met" } else { "missed" }) {
                (words.result(report))
                @if run.stopped { ", " (words.of("stopped before its end", "提前中止")) }
            }
            dt { (words.of("Exercise id", "演练编号")) } dd { (run.exercise) }
            dt { (words.of("Scenario", "场景")) } dd { (report.scenario) ", " (words.of("seed", "随机种子")) " " (run.seed) }
            dt { (words.of("Time", "时间")) } dd { (run.started) " – " (run.ended) ", ×" (run.speed) }
            dt { (words.of("Simulated reports", "模拟报告")) }
            dd {
                (report.sent) " (" (report.noise) " " (words.of("noise", "噪声")) ", " (report.detected) " "
                (words.of("detected", "被检出")) ")"
            }
            dt { (words.of("Rule set", "规则集")) } dd { (run.rule_set) }
        }
    }
}

fn class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Met => "met",
        Verdict::Late => "late",
        Verdict::Missed => "missed",
        Verdict::Unmeasured => "unmeasured",
    }
}

fn outcomes(report: &Report, words: Words<'_>) -> Markup {
    let row = |check: &Check| {
        html! {
            td { (words.what(&check.what)) }
            td.n { (span(check.target_ms)) }
            td.n { (span(check.took_ms)) }
            td class=(class(check.verdict)) { (words.verdict(check.verdict)) }
        }
    };
    html! {
        @for outcome in &report.outcomes {
            h3 {
                (outcome.name) ": " (words.of(outcome.hazard.en(), outcome.hazard.zh()))
                @if let Some(place) = &outcome.place { ", " (words.both(place)) }
                @if let Some(level) = outcome.level { " (" (words.level(level)) ", " (outcome.reports) " "
                    (words.of("reports", "条报告")) ")" }
            }
            table {
                tr {
                    th { (words.of("what", "指标")) } th { (words.of("target", "目标")) }
                    th { (words.of("took", "用时")) } th { (words.of("result", "结果")) }
                }
                @for check in &outcome.checks { tr { (row(check)) } }
            }
        }
    }
}

fn surprises(report: &Report, words: Words<'_>) -> Markup {
    html! {
        @if report.unexpected.is_empty() && report.heard.is_empty() { p { (words.of("Nothing.", "无。")) } }
        ul {
            @for one in &report.unexpected {
                li { (span(Some(one.after_ms))) ": " (words.both(&one.headline)) " (" (words.level(one.level)) ")" }
            }
            @for one in &report.heard {
                li { (words.of("noise that a rule fired on", "规则命中的噪声")) ": " (one.report) " (" (one.rule) ")" }
            }
        }
    }
}

fn departments(report: &Report, words: Words<'_>) -> Markup {
    let deeds = |deeds: &Deeds| {
        html! { (deeds.count) " (" (span(deeds.median_ms)) ", " (span(deeds.longest_ms)) ")" }
    };
    html! {
        h2 { (words.of("Departments", "部门")) }
        table {
            tr {
                th { (words.of("department", "部门")) } th { (words.of("incidents", "事件")) }
                th { (words.of("acknowledged (median, longest)", "签收（中位、最长）")) }
                th { (words.of("disposed of (median, longest)", "处置（中位、最长）")) }
                th { (words.of("escalated", "升级")) }
            }
            @for one in &report.departments {
                tr {
                    td { (words.department(&one.id)) } td.n { (one.incidents) } td.n { (deeds(&one.acknowledged)) }
                    td.n { (deeds(&one.disposed)) } td.n { (one.escalated) }
                }
            }
        }
    }
}

fn comparison(before: &Comparison, words: Words<'_>) -> Markup {
    html! {
        h2 { (words.of("Compared with", "与上次比较：")) " " (before.exercise) " (" (words.passed(before.passed)) ")" }
        table {
            tr {
                th { (words.of("incident", "事件")) } th { (words.of("what", "指标")) }
                th { (words.of("before", "上次")) } th { (words.of("now", "本次")) }
            }
            @for change in &before.changes {
                tr {
                    td { (change.name) } td { (words.what(&change.what)) }
                    td class={"n " (class(change.before))} { (span(change.before_ms)) }
                    td class={"n " (class(change.now))} { (span(change.now_ms)) }
                }
            }
        }
    }
}
