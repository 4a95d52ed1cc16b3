//! What the demo says, in English and Chinese.

use crate::core::model::{Hazard, Level, MsgType, Place};

/// Language of the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Lang {
    /// English.
    En,
    /// 中文
    Zh,
}

impl Lang {
    /// As the environment asks for (`LC_ALL`, `LC_MESSAGES`, `LANG`), else English.
    pub(super) fn from_environment() -> Self {
        let wanted = ["LC_ALL", "LC_MESSAGES", "LANG"]
            .iter()
            .filter_map(|name| std::env::var(name).ok())
            .find(|value| !value.is_empty());
        match wanted {
            Some(value) if value.starts_with("zh") => Self::Zh,
            _ => Self::En,
        }
    }

    /// One of two texts.
    pub(super) fn of(self, en: &'static str, zh: &'static str) -> &'static str {
        match self {
            Self::En => en,
            Self::Zh => zh,
        }
    }
}

/// Name of an outcome.
pub(super) fn outcome_name(id: &str, lang: Lang) -> &str {
    match (id, lang) {
        ("no_match", Lang::Zh) => "未命中",
        ("detected", Lang::Zh) => "命中",
        ("dead_letter", Lang::Zh) => "死信",
        ("expired", Lang::Zh) => "过期",
        ("opened", Lang::Zh) => "新建",
        ("merged", Lang::Zh) => "并入",
        ("copy", Lang::Zh) => "转载",
        ("repeat", Lang::Zh) => "重复",
        ("suppressed", Lang::Zh) => "受限",
        ("no_match", Lang::En) => "no match",
        ("dead_letter", Lang::En) => "dead letter",
        (other, _) => other,
    }
}

/// Name of a level.
pub(super) fn level_name(level: Level, lang: Lang) -> &'static str {
    match level {
        Level::Blue => lang.of("blue", "蓝色"),
        Level::Yellow => lang.of("yellow", "黄色"),
        Level::Orange => lang.of("orange", "橙色"),
        Level::Red => lang.of("red", "红色"),
    }
}

/// A sign per level, so that the screen reads without colour.
pub(super) fn level_sign(level: Level) -> &'static str {
    match level {
        Level::Blue => "○",
        Level::Yellow => "△",
        Level::Orange => "◆",
        Level::Red => "■",
    }
}

/// What an alert does to its incident.
pub(super) fn step_name(msg_type: MsgType, resolved: bool, lang: Lang) -> &'static str {
    match (msg_type, resolved) {
        (MsgType::Cancel, _) => lang.of("cancel", "取消"),
        (_, true) => lang.of("quiet", "平息"),
        (MsgType::Alert, _) => lang.of("new", "新发"),
        (MsgType::Update, _) => lang.of("update", "更新"),
    }
}

/// Name of a hazard.
pub(super) fn hazard_name(hazard: Hazard, lang: Lang) -> &'static str {
    lang.of(hazard.en(), hazard.zh())
}

/// Name of a place.
pub(super) fn place_name(place: &Place, lang: Lang) -> String {
    match (lang, &place.name_zh) {
        (Lang::Zh, Some(zh)) => zh.to_string(),
        _ => place.name.to_string(),
    }
}
