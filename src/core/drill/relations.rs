//! What the parts of a scenario say of each other: names that are used and defined, times within the drill.

use super::codes;
use super::fields::Reader;
use super::scenario::{Expected, MAX_REPORTS, Scenario, Step};
use super::words::{self, PLACE, Wording};
use crate::core::diagnostic::Diagnostic;
use crate::core::yaml::At;

impl Reader<'_> {
    /// What refers to what.
    pub(super) fn relations(&mut self, scenario: &Scenario) {
        let mut names = std::collections::BTreeSet::new();
        let steps = scenario.steps().map(|(step, _)| (&step.name, step.line));
        let incidents = scenario.incidents.iter().map(|one| (&one.name, one.line));
        for (name, at) in steps.chain(incidents) {
            if !name.is_empty() && !names.insert(name.as_str()) {
                let message = format!("`{name}` names another step or expectation too");
                self.findings.error(codes::DEFINED_TWICE, at, message);
            }
        }
        let total: u64 = scenario
            .steps()
            .map(|(step, _)| u64::from(step.count))
            .sum();
        if total > MAX_REPORTS {
            let message = format!("{total} simulated reports, {MAX_REPORTS} are allowed");
            self.findings.error(codes::TOO_MANY, At::default(), message);
        }
        let mut used = Used::default();
        for (step, _) in scenario.steps() {
            self.step_relations(step, scenario, &mut used);
        }
        for one in &scenario.incidents {
            self.incident_relations(one, scenario, &mut used);
        }
        let defined = [
            ("text", scenario.texts.iter().map(at_of).collect::<Vec<_>>()),
            ("slot", scenario.slots.iter().map(at_of).collect()),
            (
                "place",
                scenario
                    .places
                    .iter()
                    .map(|(n, p)| (n.as_str(), p.at))
                    .collect(),
            ),
        ];
        for (what, all) in defined {
            for (name, at) in all {
                if !used.0.contains(&(what, name.to_owned())) {
                    let message = format!("nothing uses the {what} `{name}`");
                    self.findings.warn(codes::UNUSED, at, message);
                }
            }
        }
    }

    fn step_relations(&mut self, step: &Step, scenario: &Scenario, used: &mut Used) {
        let texts = step.title.iter().chain(std::iter::once(&step.text));
        for name in texts.filter(|name| !name.is_empty()) {
            used.add("text", name);
            let Some(wording) = scenario.texts.get(name) else {
                self.undefined(step.line, "text", name);
                continue;
            };
            self.wording(step, name, wording);
            for lang in &step.langs {
                for template in wording.of(*lang) {
                    self.slots(step, template, scenario, used);
                }
            }
        }
        for value in step.fields.values().filter_map(serde_json::Value::as_str) {
            self.slots(step, value, scenario, used);
        }
        if let Some(place) = &step.place {
            used.add("place", place);
            if !scenario.places.contains_key(place) {
                self.undefined(step.line, "place", place);
            }
        }
        if step.starts.saturating_add(step.over) > scenario.lasts {
            let message = format!("the step `{}` ends after the drill", step.name);
            let finding = self.findings.error(codes::TOO_LATE, step.line, message);
            finding.help("let the drill last longer, or the step end earlier");
        }
    }

    fn slots(&mut self, step: &Step, template: &str, scenario: &Scenario, used: &mut Used) {
        for slot in words::slots(template) {
            if slot == PLACE {
                if step.place.is_none() {
                    let message = format!("`{{place}}` in a step without a place: `{}`", step.name);
                    self.findings.error(codes::UNDEFINED, step.line, message);
                }
                continue;
            }
            used.add("slot", slot);
            match scenario.slots.get(slot) {
                Some(wording) => self.wording(step, slot, wording),
                None => self.undefined(step.line, "slot", slot),
            }
        }
    }

    fn wording(&mut self, step: &Step, name: &str, wording: &Wording) {
        for lang in &step.langs {
            if wording.of(*lang).is_empty() {
                let message = format!(
                    "`{name}` has no wording in {}, which the step `{}` asks for",
                    lang.id(),
                    step.name
                );
                let known = |d: &Diagnostic| d.message == message;
                if !self.findings.list.iter().any(known) {
                    self.findings.error(codes::NO_WORDING, wording.at, message);
                }
            }
        }
    }

    fn undefined(&mut self, at: At, what: &str, name: &str) {
        let message = format!("the {what} `{name}` is not defined here");
        let known = |d: &Diagnostic| d.message == message;
        if !self.findings.list.iter().any(known) {
            self.findings.error(codes::UNDEFINED, at, message);
        }
    }

    fn incident_relations(&mut self, one: &Expected, scenario: &Scenario, used: &mut Used) {
        if let Some(place) = &one.place {
            used.add("place", place);
            if !scenario.places.contains_key(place) {
                self.undefined(one.line, "place", place);
            }
        }
        let starts = scenario.start_of(one).map(|step| step.starts);
        if let (Some(from), None) = (&one.from, starts) {
            self.undefined(one.line, "step of the script", from);
        }
        let levels = one.levels.iter().map(|(_, within)| *within);
        let targets = [one.detect, one.alert].into_iter().flatten().chain(levels);
        let latest = targets.max().unwrap_or(0);
        if starts.unwrap_or(0).saturating_add(latest) > scenario.lasts {
            let message = format!("a target of `{}` is later than the drill lasts", one.name);
            self.findings.error(codes::TOO_LATE, one.line, message);
        }
        let by_people = [("acknowledge", one.acknowledge), ("dispose", one.dispose)];
        for (name, target) in by_people {
            let target = target.unwrap_or(0);
            if starts.unwrap_or(0).saturating_add(target) > scenario.lasts {
                let message = format!(
                    "`{name}` of `{}` may take longer than the drill lasts, so that it cannot be missed",
                    one.name
                );
                let finding = self.findings.warn(codes::TOO_LATE, one.line, message);
                finding.help("let the drill last longer, or allow less: the desk's own deadlines stay as they are");
            }
        }
    }
}

/// Names that something refers to.
#[derive(Default)]
struct Used(std::collections::BTreeSet<(&'static str, String)>);

impl Used {
    fn add(&mut self, what: &'static str, name: &str) {
        self.0.insert((what, name.to_owned()));
    }
}

fn at_of<'a>((name, wording): (&'a String, &Wording)) -> (&'a str, At) {
    (name.as_str(), wording.at)
}
