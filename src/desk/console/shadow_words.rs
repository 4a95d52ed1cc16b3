//! What the page of rules says of shadow rules, in both languages.

use super::words::messages;

messages! {
    /// A message about shadow rules.
    ShadowMsg
    Rules "Shadow rules" "影子规则"
    Hint "Tried out on the live stream; they never alert. What each would have added beside the live rules, and removed of the rule that it is to replace." "在实时数据上试运行，不产生预警；以下为各规则本应新增、以及替换现有规则时本应减少的结果。"
    AsOf "As of" "统计截至"
    Reading "Older hits are still being read." "仍在读取较早的命中。"
    Failed "Hits could not be read lately: the log says why." "最近未能读取命中，原因见日志。"
    BarDays "To go live a rule was watched for at least {} days," "转为正式规则的条件：至少观察 {} 天，"
    BarAdds "adds at most {} reports a day, has test cases that hold, and lints clean." "每天新增报告不超过 {} 条，有测试用例且全部通过，检查无问题。"
    Since "Watched since" "观察起始"
    ADay "Hits a day" "每天命中"
    Adds "Would add a day" "每天新增"
    Removes "Would remove a day" "每天减少"
    Gate "May go live" "可否转正"
    Keys "in {} incident[|s]" "涉及 {} 个事件"
    Of "of {}" "来自 {}"
    Examples "{} example[|s]" "示例 {} 条"
    New "new" "新增"
    Known "known" "已有"
    Open "may go live" "可以转正"
    Stays "stays" "暂不转正"
    Unseen "No report is known to have been held against it as it is now." "规则按现行内容尚无与报告比对的记录。"
    Short "Watched for {} days only." "仅观察了 {} 天。"
    Loud "{} new reports a day are too many." "每天新增 {} 条，过多。"
    Untested "It has no test case." "没有测试用例。"
    TestFails "The case at {} does not hold." "测试用例未通过：{}。"
    Lint "Lint: {}" "检查发现：{}"
    Hits "Hits" "命中"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::console::words::tests::check;

    #[test]
    fn every_message_is_there_in_both_languages() {
        check(ShadowMsg::ALL);
    }
}
