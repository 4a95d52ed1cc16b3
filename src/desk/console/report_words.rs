//! What only the page for reports by telephone says, in both languages.

use super::words::messages;

messages! {
    /// A message about a report by telephone.
    ReportMsg
    Title "Report from a telephone call" "电话报告录入"
    Hint "It goes the way of every other report. The hazard that you choose opens an incident, whatever the words are; others who report the same join it." "与其他报告同样处理。所选灾种即可立案，不依赖用词；其他来源的同一事件会并入。"
    Sent "Taken as report {}. Its incident appears on the board within seconds." "已录入，编号 {}。数秒内将出现在态势页。"
    Headline "In one line" "一句话概述"
    Text "What was said" "内容"
    Place "Place (name or code)" "地点（名称或代码）"
    Persons "No names, telephone numbers or addresses of persons: what is typed of them is masked." "请勿录入个人姓名、电话、住址；录入的号码将被遮蔽。"
    Send "Send" "提交"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::console::words::tests::check;

    #[test]
    fn every_message_is_there_in_both_languages() {
        check(ReportMsg::ALL);
    }
}
