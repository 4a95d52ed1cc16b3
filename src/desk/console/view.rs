//! What pages are made from: who looks, and the words of states. Plain values, without any I/O.

use std::sync::Arc;

use super::lang::Lang;
use super::words::{Msg, Words};
use crate::core::model::{Bilingual, Hazard, Level, Millis, Place};
use crate::core::obligation::{Disposition, Role};
use crate::core::rule::program::CompiledRule;

/// Dark, light, or as the system is set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// As the system is set.
    #[default]
    Auto,
    /// Light on dark.
    Dark,
    /// Dark on light.
    Light,
}

impl Theme {
    /// From the switch's cookie.
    pub fn parse(text: Option<&str>) -> Self {
        match text {
            Some("dark") => Self::Dark,
            Some("light") => Self::Light,
            _ => Self::Auto,
        }
    }

    /// Value of the cookie and of `data-theme`.
    pub fn id(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Dark => "dark",
            Self::Light => "light",
        }
    }
}

/// Who looks at a page, and how.
#[derive(Clone, Debug)]
pub struct Viewer {
    /// Name of the desk account.
    pub name: String,
    /// Role.
    pub role: Role,
    /// The department of an officer.
    pub department: Option<Arc<str>>,
    /// Language.
    pub lang: Lang,
    /// Colours.
    pub theme: Theme,
    /// Token that every change carries.
    pub csrf: String,
    /// Path and query of this page, for the switches to come back to.
    pub here: String,
    /// The time of this page.
    pub now: Millis,
    /// Every department in the order of the routing table.
    pub departments: Arc<[Dept]>,
    /// This process reads feeds.
    pub feeds: bool,
    /// This process takes reports from telephone calls.
    pub calls: bool,
    /// This process runs drills.
    pub drills: bool,
}

impl Viewer {
    /// A message.
    pub fn t(&self, msg: impl Words) -> &'static str {
        self.lang.t(msg)
    }

    /// Name of a department; its id when it is not in the routing table any more.
    pub fn dept<'a>(&'a self, id: &'a str) -> &'a str {
        self.departments
            .iter()
            .find(|dept| &*dept.id == id)
            .map_or(id, |dept| dept.name(self.lang))
    }

    /// May judge: correct, mark duplicates, reopen, report.
    pub fn judges(&self) -> bool {
        matches!(self.role, Role::Analyst | Role::Coordinator)
    }

    /// May write notes, say that it is looking, ask for a meeting.
    pub fn notes(&self) -> bool {
        matches!(self.role, Role::Analyst | Role::Officer | Role::Coordinator)
    }

    /// May report what somebody said on the telephone, here.
    pub fn reports(&self) -> bool {
        self.calls && self.judges()
    }

    /// May see and run drills, here.
    pub fn runs_drills(&self) -> bool {
        self.drills && self.role == Role::Coordinator
    }

    /// May silence: whose notifications, the desk looks at.
    pub fn silences(&self) -> bool {
        self.role != Role::ReadOnly
    }

    /// May end a silence of this department (none: of all).
    pub fn ends_silence(&self, department: Option<&str>) -> bool {
        match self.role {
            Role::Officer => department.is_some() && self.department.as_deref() == department,
            role => role != Role::ReadOnly,
        }
    }

    /// May read the audit log.
    pub fn audits(&self) -> bool {
        matches!(
            self.role,
            Role::Analyst | Role::Coordinator | Role::Operator
        )
    }

    /// May act for this department.
    pub fn acts_for(&self, department: &str) -> bool {
        match self.role {
            Role::Officer => self.department.as_deref() == Some(department),
            Role::Coordinator => true,
            _ => false,
        }
    }

    /// May read this department's page: who speaks for one department reads its own only.
    pub fn reads(&self, department: &str) -> bool {
        self.department
            .as_deref()
            .is_none_or(|own| own == department)
    }

    /// May waive.
    pub fn coordinates(&self) -> bool {
        self.role == Role::Coordinator
    }
}

/// A department by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dept {
    /// Id.
    pub id: Arc<str>,
    /// Names.
    pub names: Bilingual,
}

impl Dept {
    /// In this language.
    pub fn name(&self, lang: Lang) -> &str {
        lang.of(&self.names.en, Some(&self.names.zh))
    }
}

/// Name of a level.
pub fn level(level: Level) -> Msg {
    match level {
        Level::Blue => Msg::Blue,
        Level::Yellow => Msg::Yellow,
        Level::Orange => Msg::Orange,
        Level::Red => Msg::Red,
    }
}

/// What a rule is called.
pub fn rule_title(lang: Lang, rule: &CompiledRule) -> &str {
    lang.of(&rule.title, rule.title_zh.as_deref())
}

/// Name of a hazard.
pub fn hazard(lang: Lang, hazard: Hazard) -> &'static str {
    lang.of(hazard.en(), Some(hazard.zh()))
}

/// Name of a place.
pub fn place(lang: Lang, place: &Place) -> &str {
    lang.of(&place.name, place.name_zh.as_deref())
}

/// Name of a role.
pub fn role(role: Role) -> Msg {
    match role {
        Role::ReadOnly => Msg::RoleReadOnly,
        Role::Analyst => Msg::RoleAnalyst,
        Role::Officer => Msg::RoleOfficer,
        Role::Coordinator => Msg::RoleCoordinator,
        Role::Operator => Msg::RoleOperator,
    }
}

/// Name of a disposition.
pub fn disposition(disposition: Disposition) -> Msg {
    match disposition {
        Disposition::Confirmed => Msg::Confirmed,
        Disposition::FalseAlarm => Msg::FalseAlarm,
        Disposition::Duplicate => Msg::DuplicateTag,
        Disposition::NoAction => Msg::NoAction,
    }
}
