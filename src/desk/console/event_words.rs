//! What happened, as timelines and the audit page say it, in both languages.

use super::words::messages;

messages! {
    /// A kind of event.
    EventMsg
    Opened "case opened" "立案"
    Revised "revised by the machine" "系统修订"
    Cancelled "withdrawn by its sources" "信源撤回"
    ObligationAdded "obligation added" "新增职责"
    ObligationRequired "obligation now required" "职责改为必办"
    DeadlineShortened "deadline shortened" "时限缩短"
    Acknowledged "acknowledged" "确认"
    Started "work started" "开始处置"
    Disposed "disposed" "处置完成"
    TransferOffered "offered to another department" "拟移交"
    Transferred "handed over" "移交"
    TransferDeclined "transfer declined" "拒绝移交"
    Declined "declined as not its own" "退回"
    Waived "waived" "免除"
    Released "released" "解除"
    Noted "note" "备注"
    Watching "is looking at it" "正在查看"
    Unwatched "stopped looking" "停止查看"
    Assessed "assessed" "研判"
    Corrected "corrected" "更正"
    CorrectionRemoved "correction taken back" "撤销更正"
    MeetingRequested "joint meeting requested" "提请会商"
    OnAgenda "put on the agenda" "列入会商"
    AcknowledgeMissed "acknowledgement missed" "确认逾期"
    DisposeMissed "disposal missed" "处置逾期"
    Escalated "escalated" "升级"
    Closed "closed" "结案"
    Reopened "reopened" "重新打开"
    ExcerptsDeleted "report excerpts deleted after their retention time" "报告摘录到期删除"
    SilenceCreated "silence made" "新建静默"
    SilenceRedConfirmed "silence of red confirmed" "确认静默红色"
    SilenceEnded "silence ended" "静默结束"
    TokenCreated "token made" "创建令牌"
    TokenRevoked "token revoked" "撤销令牌"
    NotificationsRetried "dead notifications tried again" "重发已放弃通知"
    ConfigurationChanged "rules or receivers changed" "规则或接收方变更"
    ScenarioCreated "scenario of drills made" "新建演练场景"
    DrillStarted "drill started" "演练开始"
    DrillStopped "drill stopped" "演练中止"
    DrillEnded "drill over" "演练结束"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::console::words::tests::check;

    #[test]
    fn every_kind_is_there_in_both_languages() {
        check(EventMsg::ALL);
    }
}
