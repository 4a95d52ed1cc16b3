//! Words of notices in both languages.

use super::kind::{Deadline, NoticeKind};
use super::text::Language;
use crate::core::model::{Level, Status};
use crate::core::obligation::Office;

fn pick(language: Language, en: &'static str, zh: &'static str) -> &'static str {
    match language {
        Language::En => en,
        Language::Zh => zh,
    }
}

/// Why somebody is told.
pub fn kind_word(kind: NoticeKind, language: Language) -> &'static str {
    let (en, zh) = match kind {
        NoticeKind::NewObligation => ("New task", "新任务"),
        NoticeKind::LevelRaised => ("Level raised", "级别上升"),
        NoticeKind::DeadlineMissed => ("Deadline missed", "超过时限"),
        NoticeKind::Escalated => ("Escalated to you", "逾期上报"),
        NoticeKind::Reopened => ("Reopened", "重新打开"),
        NoticeKind::Cancelled => ("Withdrawn", "来源已撤回"),
        NoticeKind::TransferOffered => ("Offered to you", "请求移交"),
        NoticeKind::StillOpen => ("Still open", "仍未办结"),
    };
    pick(language, en, zh)
}

/// A level.
pub fn level_word(level: Level, language: Language) -> &'static str {
    let (en, zh) = match level {
        Level::Blue => ("Blue", "蓝色"),
        Level::Yellow => ("Yellow", "黄色"),
        Level::Orange => ("Orange", "橙色"),
        Level::Red => ("Red", "红色"),
    };
    pick(language, en, zh)
}

/// An office.
pub fn office_word(office: Office, language: Language) -> &'static str {
    let (en, zh) = match office {
        Office::Department => ("department", "部门"),
        Office::Township => ("township office", "乡镇街道"),
        Office::County => ("county office", "县区级"),
        Office::City => ("city office", "市级"),
        Office::Province => ("province office", "省级"),
        Office::Country => ("national office", "国家级"),
        Office::Coordinators => ("coordinators", "协调人"),
    };
    pick(language, en, zh)
}

pub(super) fn deadline_word(deadline: Deadline, language: Language) -> &'static str {
    let (en, zh) = match deadline {
        Deadline::Acknowledge => ("acknowledgement", "签收"),
        Deadline::Dispose => ("disposal", "处置"),
    };
    pick(language, en, zh)
}

/// What stands before every title that is not about something real.
pub(super) fn status_mark(status: Status, language: Language) -> &'static str {
    let (en, zh) = match status {
        Status::Actual => ("", ""),
        Status::Exercise => ("EXERCISE ", "【演练】"),
        Status::Test => ("TEST ", "【测试】"),
    };
    pick(language, en, zh)
}

/// Labels of a text, in the order in which they stand there.
pub(super) struct Labels {
    pub(super) department: &'static str,
    pub(super) level: &'static str,
    pub(super) place: &'static str,
    pub(super) hazard: &'static str,
    pub(super) why: &'static str,
    pub(super) reports: &'static str,
    pub(super) acknowledge_by: &'static str,
    pub(super) dispose_by: &'static str,
    pub(super) missed: &'static str,
    pub(super) quoted: &'static str,
    pub(super) open: &'static str,
    pub(super) notices: &'static str,
    pub(super) exercise: &'static str,
    pub(super) foot: &'static str,
}

const EN: Labels = Labels {
    department: "Department",
    level: "Level",
    place: "Place",
    hazard: "Hazard",
    why: "Why",
    reports: "Reports / sources",
    acknowledge_by: "Acknowledge by",
    dispose_by: "Dispose by",
    missed: "Missed",
    quoted: "From the reports (masked)",
    open: "Open",
    notices: "notices",
    exercise: "This is an exercise. Nothing of it is real.",
    foot: "Sent by Tocsin. People decide; this message does nothing by itself.",
};

const ZH: Labels = Labels {
    department: "部门",
    level: "级别",
    place: "地点",
    hazard: "灾种",
    why: "依据",
    reports: "报告数 / 来源数",
    acknowledge_by: "签收时限",
    dispose_by: "处置时限",
    missed: "已超过",
    quoted: "报告摘录（已脱敏）",
    open: "打开",
    notices: "条通知",
    exercise: "这是演练，内容均非真实事件。",
    foot: "由 Tocsin 发送。处置由人决定，本邮件不触发任何操作。",
};

pub(super) fn labels(language: Language) -> &'static Labels {
    match language {
        Language::En => &EN,
        Language::Zh => &ZH,
    }
}
