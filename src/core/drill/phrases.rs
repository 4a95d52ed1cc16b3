//! Words of reports, in English and Chinese.

use super::observed::Deed;
use super::report::{Names, Report, Verdict, What};
use super::words::Lang;
use crate::core::model::{Bilingual, Level};
use crate::core::tools::convert::duration_text;

/// Words of one language, and what a report calls its departments.
#[derive(Clone, Copy)]
pub(super) struct Words<'a>(Lang, &'a Names);

impl<'a> Words<'a> {
    pub(super) fn new(report: &'a Report, lang: Lang) -> Self {
        Self(lang, &report.names)
    }

    /// The department's name; its id where there is none.
    pub(super) fn department<'b>(self, id: &'b str) -> &'b str
    where
        'a: 'b,
    {
        self.1.get(id).map_or(id, |names| match self.0 {
            Lang::En => names.en.as_str(),
            Lang::Zh => names.zh.as_str(),
        })
    }

    /// The text of the language.
    pub(super) fn of(self, en: &'static str, zh: &'static str) -> &'static str {
        match self.0 {
            Lang::En => en,
            Lang::Zh => zh,
        }
    }

    pub(super) fn both(self, both: &Bilingual) -> &str {
        match self.0 {
            Lang::En => &both.en,
            Lang::Zh => &both.zh,
        }
    }

    pub(super) fn level(self, level: Level) -> &'static str {
        match level {
            Level::Blue => self.of("blue", "蓝色"),
            Level::Yellow => self.of("yellow", "黄色"),
            Level::Orange => self.of("orange", "橙色"),
            Level::Red => self.of("red", "红色"),
        }
    }

    pub(super) fn verdict(self, verdict: Verdict) -> &'static str {
        match verdict {
            Verdict::Met => self.of("met", "达标"),
            Verdict::Late => self.of("late", "超时"),
            Verdict::Missed => self.of("missed", "未发生"),
            Verdict::Unmeasured => self.of("not measured", "未测量"),
        }
    }

    pub(super) fn what(self, what: &What) -> String {
        match what {
            What::Detect => self.of("first detection", "首次检测").to_owned(),
            What::Alert => self.of("first alert", "首次告警").to_owned(),
            What::Level { level } => {
                format!("{} {}", self.of("level", "达到级别"), self.level(*level))
            }
            What::Routed { department } => {
                let department = self.department(department);
                format!("{}{department}", self.of("goes to ", "分派至："))
            }
            What::Acknowledge { department } => {
                let department = self.department(department);
                format!("{}{department}", self.of("acknowledged by ", "签收："))
            }
            What::Dispose { department } => {
                let department = self.department(department);
                format!("{}{department}", self.of("disposed of by ", "处置："))
            }
        }
    }

    pub(super) fn deed(self, deed: Deed) -> &'static str {
        match deed {
            Deed::Acknowledged => self.of("acknowledged", "已签收"),
            Deed::Disposed => self.of("disposed of", "已处置"),
            Deed::Escalated => self.of("escalated", "已升级"),
        }
    }

    /// Whether a drill passed, and how much of it was not measured: a drill that nobody answered shows little.
    pub(super) fn result(self, report: &Report) -> String {
        let passed = self.passed(report.passed);
        match (report.unmeasured(), self.0) {
            (0, _) => passed.to_owned(),
            (1, Lang::En) => format!("{passed}; 1 target not measured"),
            (count, Lang::En) => format!("{passed}; {count} targets not measured"),
            (count, Lang::Zh) => format!("{passed}；{count} 项目标未测量"),
        }
    }

    pub(super) fn passed(self, passed: bool) -> &'static str {
        if passed {
            self.of("passed", "通过")
        } else {
            self.of("not passed", "未通过")
        }
    }
}

/// A time span, or a dash. Above a minute without milliseconds.
pub(super) fn span(ms: Option<i64>) -> String {
    ms.map_or_else(
        || "–".to_owned(),
        |ms| {
            let coarse = if ms >= 60_000 { ms - ms % 1_000 } else { ms };
            duration_text(coarse)
        },
    )
}
