//! Shadow rules on the page of rules: what they would have added and removed, examples, and what speaks against them.

use maud::{Markup, html};

use super::rules::{RuleRow, title};
use crate::core::tools::promotion::Against;
use crate::core::tools::shadow::{Observed, Sample};
use crate::desk::console::shadow_words::ShadowMsg;
use crate::desk::console::text::{harmless, shown};
use crate::desk::console::time;
use crate::desk::console::view::{self, Viewer};
use crate::desk::console::words::Msg;
use crate::desk::shadows::{Shadows, Tried};

/// The section; `seen` is the latest look at what they did, where there is one.
pub fn section(viewer: &Viewer, rules: &[&RuleRow], seen: Option<&Shadows>) -> Markup {
    html! {
        h2 { (viewer.t(ShadowMsg::Rules)) }
        p.muted { (viewer.t(ShadowMsg::Hint))
            @if let Some(seen) = seen { " " (as_of(viewer, seen)) }
        }
        table.list #shadow-rules {
            thead { tr {
                th scope="col" { (viewer.t(Msg::Rule)) } th scope="col" { (viewer.t(Msg::Hazard)) } th scope="col" { (viewer.t(ShadowMsg::Since)) }
                th.n scope="col" { (viewer.t(ShadowMsg::Hits)) } th.n scope="col" { (viewer.t(ShadowMsg::ADay)) }
                th.n scope="col" { (viewer.t(ShadowMsg::Adds)) } th.n scope="col" { (viewer.t(ShadowMsg::Removes)) }
                th scope="col" { (viewer.t(ShadowMsg::Gate)) }
            } }
            tbody { @for rule in rules {
                (one(viewer, rule, seen.and_then(|seen| seen.rules.iter().find(|it| it.rule == rule.id))))
            } }
        }
    }
}

fn as_of(viewer: &Viewer, seen: &Shadows) -> Markup {
    html! {
        (viewer.t(ShadowMsg::AsOf)) " " (time::instant(seen.at)) "."
        @if seen.failed.is_some() { " " strong { (viewer.t(ShadowMsg::Failed)) } }
        @else if !seen.complete { " " strong { (viewer.t(ShadowMsg::Reading)) } }
        " " (viewer.lang.fill(ShadowMsg::BarDays, seen.bars.min_days)) " " (viewer.lang.fill(ShadowMsg::BarAdds, seen.bars.max_new_per_day))
    }
}

fn one(viewer: &Viewer, rule: &RuleRow, tried: Option<&Tried>) -> Markup {
    let observed = tried.and_then(|tried| tried.observed.as_ref());
    html! {
        tr id=(rule.id) {
            td { (title(viewer, rule)) @if let Some(observed) = observed { (samples(viewer, observed)) } }
            td { (view::hazard(viewer.lang, rule.hazard)) }
            @match observed {
                Some(it) => {
                    td { (time::instant(it.since)) }
                    td.n { (it.hits) } td.n { (rate(it.per_day)) }
                    td.n { (rate(it.new_per_day)) br; span.muted { (it.new) " / " (viewer.lang.fill(ShadowMsg::Keys, it.new_keys)) } }
                    td.n { (removes(viewer, it)) }
                }
                None => {
                    td { "–" }
                    td.n { @match rule.tried { Some(hits) => (hits), None => "–" } }
                    td.n { "–" } td.n { "–" } td.n { "–" }
                }
            }
            td { @match tried { Some(tried) => (gate(viewer, &tried.against)), None => "–" } }
        }
    }
}

fn rate(a_day: f64) -> String {
    format!("{a_day:.1}")
}

/// What it would remove, a day of at least one.
fn removes(viewer: &Viewer, it: &Observed) -> Markup {
    html! {
        @match (it.removed, &it.replaces) {
            (Some(removed), Some(replaced)) => {
                (rate(removed as f64 / it.days.max(1.0))) br;
                span.muted { (removed) " / " (viewer.lang.fill(ShadowMsg::Of, harmless(replaced))) }
            }
            _ => "–",
        }
    }
}

fn samples(viewer: &Viewer, observed: &Observed) -> Markup {
    html! {
        @if !observed.samples.is_empty() {
            details.samples { summary { (viewer.lang.fill(ShadowMsg::Examples, observed.samples.len())) }
                ul { @for sample in &observed.samples { li { (example(viewer, sample)) } } }
            }
        }
    }
}

fn example(viewer: &Viewer, sample: &Sample) -> Markup {
    let kind = if sample.new {
        ShadowMsg::New
    } else {
        ShadowMsg::Known
    };
    html! {
        span.tag { (viewer.t(kind)) } " " (time::instant(sample.received)) " " code.muted { (harmless(&sample.feed)) } " "
        @if !sample.place.is_empty() { (shown(&sample.place)) ": " }
        "“" (shown(&sample.excerpt)) "”"
    }
}

fn gate(viewer: &Viewer, against: &[Against]) -> Markup {
    html! {
        @if against.is_empty() {
            span.tag { (viewer.t(ShadowMsg::Open)) }
        } @else {
            span.tag { (viewer.t(ShadowMsg::Stays)) }
            ul { @for reason in against { li { (why(viewer, reason)) } } }
        }
    }
}

fn why(viewer: &Viewer, reason: &Against) -> String {
    let fill = |msg, value: &dyn std::fmt::Display| viewer.lang.fill(msg, value.to_string());
    let place = |file: &str, line: usize| format!("{}:{line}", harmless(file));
    match reason {
        Against::Unseen => viewer.t(ShadowMsg::Unseen).to_owned(),
        Against::Days { watched, .. } => fill(ShadowMsg::Short, &rate(*watched)),
        Against::Loud { rate: a_day, .. } => fill(ShadowMsg::Loud, &rate(*a_day)),
        Against::Untested => viewer.t(ShadowMsg::Untested).to_owned(),
        Against::Test { file, line, .. } => fill(ShadowMsg::TestFails, &place(file, *line)),
        Against::Lint {
            file,
            line,
            code,
            message,
        } => {
            let found = format!("{} {code} {}", place(file, *line), harmless(message));
            fill(ShadowMsg::Lint, &found)
        }
    }
}
