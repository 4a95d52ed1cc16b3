//! Rules: what they have brought in, and how often people agreed.

use std::sync::Arc;

use maud::{Markup, html};

use super::shadows;
use crate::core::model::{Bilingual, Hazard, Millis};
use crate::core::ruleset::RuleSet;
use crate::desk::console::layout::{self, Tab};
use crate::desk::console::text::{harmless, shown};
use crate::desk::console::time;
use crate::desk::console::view::{self, Viewer};
use crate::desk::console::widgets;
use crate::desk::console::words::Msg;
use crate::desk::shadows::Shadows;
use crate::desk::tallies::{self, Tallies};

/// One rule.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleRow {
    /// Id.
    pub id: Arc<str>,
    /// Title.
    pub title: Bilingual,
    /// Hazard.
    pub hazard: Hazard,
    /// It is only tried out.
    pub shadow: bool,
    /// Incidents that it took part in.
    pub incidents: u64,
    /// Of these open now.
    pub open: u64,
    /// Closed ones: confirmed, false alarm, duplicate, no action.
    pub verdicts: [u64; 4],
    /// Of a shadow rule: reports on which it fired since the process started.
    pub tried: Option<u64>,
}

/// All rules.
#[derive(Clone, Debug, PartialEq)]
pub struct RulesView {
    /// Version of the rule set.
    pub version: Arc<str>,
    /// Since when it is in use, where known.
    pub since: Option<Millis>,
    /// Over how many days incidents are counted.
    pub days: u32,
    /// Rules.
    pub rules: Vec<RuleRow>,
}

impl RulesView {
    /// Of the rule set in use, with what became of each rule's incidents.
    pub fn of(set: &RuleSet, counted: &Tallies, hits: impl Fn(&str) -> Option<u64>) -> Self {
        let rules = set.program.rules.iter().map(|rule| {
            let tally = counted.get(&rule.id).copied().unwrap_or_default();
            RuleRow {
                id: Arc::clone(&rule.id),
                title: Bilingual {
                    en: rule.title.to_string(),
                    zh: rule.title_zh.as_deref().unwrap_or_default().to_owned(),
                },
                hazard: rule.hazard,
                shadow: rule.shadow,
                incidents: tally.incidents,
                open: tally.open,
                verdicts: tally.verdicts,
                tried: hits(&rule.id).filter(|_| rule.shadow),
            }
        });
        let mut rules: Vec<RuleRow> = rules.collect();
        rules.sort_by(|a, b| b.incidents.cmp(&a.incidents).then_with(|| a.id.cmp(&b.id)));
        Self {
            version: Arc::clone(&set.version),
            since: None,
            days: tallies::DAYS,
            rules,
        }
    }
}

/// The page. `seen`: what shadow rules would have done, where they are watched.
pub fn page(viewer: &Viewer, view: &RulesView, seen: Option<&Shadows>) -> Markup {
    let (shadow, live): (Vec<&RuleRow>, Vec<&RuleRow>) =
        view.rules.iter().partition(|rule| rule.shadow);
    let body = html! {
        header.pagehead {
            h1 { (viewer.t(Msg::Rules)) }
            p.muted { (viewer.t(Msg::RuleSet)) " " code { (view.version) }
                @if let Some(since) = view.since { " · " (viewer.t(Msg::InUseSince)) " " (time::instant(since)) }
                " · " (viewer.lang.fill(Msg::CountedOver, view.days)) }
            p.muted { (viewer.t(Msg::PrecisionHint)) }
        }
        table.list {
            thead { tr {
                th scope="col" { (viewer.t(Msg::Rule)) } th scope="col" { (viewer.t(Msg::Hazard)) } th.n scope="col" { (viewer.t(Msg::Incidents)) } th.n scope="col" { (viewer.t(Msg::OpenNow)) }
                th.n scope="col" { (viewer.t(Msg::Confirmed)) } th.n scope="col" { (viewer.t(Msg::FalseAlarm)) } th.n scope="col" { (viewer.t(Msg::OtherVerdicts)) } th scope="col" { (viewer.t(Msg::Precision)) }
            } }
            tbody { @for rule in &live { (one(viewer, rule)) } }
        }
        @if !shadow.is_empty() { (shadows::section(viewer, &shadow, seen)) }
    };
    layout::page(viewer, Tab::Rules, viewer.t(Msg::Rules), &body)
}

pub(super) fn title(viewer: &Viewer, rule: &RuleRow) -> Markup {
    html! { (shown(viewer.lang.of(&rule.title.en, Some(&rule.title.zh)))) " " code.muted { (harmless(&rule.id)) } }
}

fn one(viewer: &Viewer, rule: &RuleRow) -> Markup {
    let [confirmed, false_alarm, duplicate, no_action] = rule.verdicts;
    html! {
        tr id=(rule.id) {
            td { (title(viewer, rule)) } td { (view::hazard(viewer.lang, rule.hazard)) }
            td.n { (rule.incidents) } td.n { (rule.open) } td.n { (confirmed) } td.n { (false_alarm) } td.n { (duplicate + no_action) }
            td { (widgets::rate(viewer.lang, confirmed, confirmed + false_alarm)) }
        }
    }
}
