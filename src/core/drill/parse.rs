//! Reading a scenario file: every finding at once.
//!
//! Invariant: what is returned is bounded, and free of errors when no finding is one; whether feeds, places and departments
//! exist is for [`check`](super::check_scenario) to say.

use super::codes;
use super::fields::Reader;
use super::scenario::{Expected, Locate, MAX_BINS, MAX_LASTS, PlaceOf, Scenario, Step, Surge};
use super::words::Lang;
use crate::core::diagnostic::{Diagnostic, SourceFile};
use crate::core::tools::convert::json;
use crate::core::yaml::{At, Findings, Node, parse};

const TOP: &str = "id, title, about, lasts, places, slots, texts, script, noise, expect";
const STEP: &str =
    "step, feed, at, over, count, surge, text, title, lang, place, locate, publishers, fields";
const EXPECTED: &str =
    "incident, hazard, place, from, detect, alert, levels, departments, acknowledge, dispose";

/// The scenario of a file, if it is one, and what is to be said about it.
pub fn parse_scenario(file: &SourceFile) -> (Option<Scenario>, Vec<Diagnostic>) {
    let mut reader = Reader {
        findings: Findings::new(&file.name),
    };
    let documents = parse(&file.text, &mut reader.findings);
    let scenario = match documents.as_slice() {
        [one] if one.map().is_some() => Some(reader.scenario(one)),
        _ => {
            if !reader.findings.has_errors() {
                let message = "the file is not one map";
                let finding = reader
                    .findings
                    .error(codes::NOT_A_SCENARIO, At::default(), message);
                finding.help("`tocsin drill new` writes a scenario to start from");
            }
            None
        }
    };
    if let Some(scenario) = &scenario {
        reader.relations(scenario);
    }
    (scenario, reader.findings.list)
}

impl Reader<'_> {
    fn scenario(&mut self, node: &Node) -> Scenario {
        let mut scenario = Scenario::default();
        for (key, value) in node.map().unwrap_or_default() {
            match key.text.as_str() {
                "id" => {
                    let id = self.text(value, "id");
                    scenario.id = self.name(&id, value.at);
                }
                "title" => scenario.title = self.both(value, "`title`"),
                "about" => scenario.about = self.both(value, "`about`"),
                "lasts" => scenario.lasts = self.lasts(value),
                "places" => {
                    for (name, code) in self.map(value, "`places`") {
                        let place = PlaceOf {
                            code: self.text(code, &name.text),
                            at: code.at,
                        };
                        let name = self.name(&name.text, name.at);
                        scenario.places.insert(name, place);
                    }
                }
                "slots" => scenario.slots = self.wordings(value, "`slots`"),
                "texts" => scenario.texts = self.wordings(value, "`texts`"),
                "script" => scenario.script = self.steps(value),
                "noise" => scenario.noise = self.steps(value),
                "expect" => self.expect(value, &mut scenario),
                _ => self.unknown(key, "a scenario", TOP),
            }
        }
        for key in ["id", "title", "lasts", "texts", "script", "expect"] {
            if node.get(key).is_none() {
                self.missing(node.at, "the scenario", key);
            }
        }
        scenario
    }

    fn lasts(&mut self, node: &Node) -> i64 {
        let ms = self.time(node).unwrap_or_default();
        if !(1_000..=MAX_LASTS).contains(&ms) {
            self.bad(node.at, "a drill lasts from 1s to 30d");
        }
        ms.clamp(1_000, MAX_LASTS)
    }

    fn steps(&mut self, node: &Node) -> Vec<Step> {
        let items = if node.is_null() { &[] } else { node.items() };
        items.iter().map(|item| self.step(item)).collect()
    }

    fn step(&mut self, node: &Node) -> Step {
        let mut step = Step {
            line: node.at,
            count: 1,
            ..Step::default()
        };
        let mut counted = false;
        for (key, value) in self.map(node, "a step") {
            match key.text.as_str() {
                "step" => {
                    let name = self.text(value, "step");
                    step.name = self.name(&name, value.at);
                }
                "feed" => step.feed = self.text(value, "feed"),
                "at" => step.starts = self.time(value).unwrap_or_default(),
                "over" => step.over = self.time(value).unwrap_or_default(),
                "count" => {
                    counted = true;
                    step.count = self.whole(value).unwrap_or(1);
                }
                "surge" => step.surge = self.surge(value),
                "text" => step.text = self.text(value, "text"),
                "title" => step.title = Some(self.text(value, "title")),
                "lang" => {
                    let items = value.items().iter();
                    step.langs = items.filter_map(|item| self.lang(item)).collect();
                }
                "place" => step.place = Some(self.text(value, "place")),
                "locate" => step.locate = self.locate(value),
                "publishers" => step.publishers = self.texts(value, "publishers"),
                "fields" => {
                    let entries = self.map(value, "`fields`").iter();
                    step.fields = entries.map(|(k, v)| (k.text.clone(), json(v))).collect();
                }
                _ => self.unknown(key, "a step", STEP),
            }
        }
        for key in ["step", "feed", "text"] {
            if node.map().is_some() && node.get(key).is_none() {
                self.missing(node.at, "the step", key);
            }
        }
        if let Surge::Recorded(bins) = &step.surge
            && !counted
        {
            let sum: u64 = bins.iter().map(|bin| u64::from(*bin)).sum();
            step.count = u32::try_from(sum).unwrap_or(u32::MAX);
        }
        if step.langs.is_empty() {
            step.langs.push(Lang::En);
        }
        step
    }

    fn surge(&mut self, node: &Node) -> Surge {
        match node.text() {
            Some("linear") => return Surge::Linear,
            Some("burst") => return Surge::Burst,
            Some("decay") => return Surge::Decay,
            _ => {}
        }
        let Some(list) = node.get("recorded") else {
            let message = "a surge is linear, burst, decay or {recorded: [reports per bin, …]}";
            self.bad(node.at, message);
            return Surge::Linear;
        };
        let items = list.items().iter();
        let bins: Vec<u32> = items.filter_map(|item| self.whole(item)).collect();
        if bins.len() > MAX_BINS || bins.iter().all(|bin| *bin == 0) {
            self.bad(
                list.at,
                format!("a recorded curve has 1 to {MAX_BINS} bins, not all of them 0"),
            );
        }
        Surge::Recorded(bins)
    }

    fn locate(&mut self, node: &Node) -> Locate {
        match node.text() {
            Some("text") => Locate::Text,
            Some("code") => Locate::Code,
            Some("coordinates") => Locate::Coordinates,
            _ => {
                self.bad(node.at, "`locate` is text, code or coordinates");
                Locate::Text
            }
        }
    }

    fn expect(&mut self, node: &Node, scenario: &mut Scenario) {
        for (key, value) in self.map(node, "`expect`") {
            match key.text.as_str() {
                "incidents" => {
                    for item in value.items() {
                        let one = self.incident(item);
                        scenario.incidents.push(one);
                    }
                }
                "may_also" => {
                    let items = value.items().iter();
                    scenario.may_also = items.filter_map(|item| self.hazard(item)).collect();
                }
                _ => self.unknown(key, "`expect`", "incidents, may_also"),
            }
        }
        if node.map().is_some() && node.get("incidents").is_none() {
            self.missing(node.at, "`expect`", "incidents");
        }
    }

    fn incident(&mut self, node: &Node) -> Expected {
        let mut one = Expected {
            line: node.at,
            ..Expected::default()
        };
        for (key, value) in self.map(node, "an expected incident") {
            match key.text.as_str() {
                "incident" => {
                    let name = self.text(value, "incident");
                    one.name = self.name(&name, value.at);
                }
                "hazard" => one.hazard = self.hazard(value),
                "place" => one.place = Some(self.text(value, "place")),
                "from" => one.from = Some(self.text(value, "from")),
                "detect" => one.detect = self.time(value),
                "alert" => one.alert = self.time(value),
                "levels" => {
                    for (level, within) in self.map(value, "`levels`") {
                        let level = self.level(level);
                        let within = self.time(within);
                        one.levels.extend(level.zip(within));
                    }
                    one.levels.sort_unstable();
                }
                "departments" => {
                    let items = value.items().iter();
                    let named = items.map(|item| (self.text(item, "departments"), item.at));
                    one.departments = named.collect();
                }
                "acknowledge" => one.acknowledge = self.time(value),
                "dispose" => one.dispose = self.time(value),
                _ => self.unknown(key, "an expected incident", EXPECTED),
            }
        }
        for key in ["incident", "hazard"] {
            if node.map().is_some() && node.get(key).is_none() {
                self.missing(node.at, "the expected incident", key);
            }
        }
        one
    }
}
