//! What only charts say, in both languages.

use super::words::messages;

messages! {
    /// A message beside a chart.
    ChartMsg
    Period "period" "时段"
    Before "reports" "报告"
    Now "reports in this period so far" "本期目前的报告"
    Usual "usual for this period" "本期通常值"
    Alarm "alarm from" "异常线"
    Week "week from" "起始周"
    WeekByWeek "Week by week" "逐周情况"
    NothingDue "nothing due" "无到期事项"
    Numbers "The numbers" "查看数据"
}
