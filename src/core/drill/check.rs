//! A scenario against what a deployment has: feeds, places, departments.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::codes;
use super::scenario::{Locate, Scenario, Step};
use super::schedule::{Simulated, schedule};
use super::{encode, words};
use crate::core::decode::Decoder;
use crate::core::diagnostic::Diagnostic;
use crate::core::model::{Feed, Millis, RawRecord};
use crate::core::place::Gazetteer;
use crate::core::route::Routing;
use crate::core::yaml::Findings;

/// What a deployment has.
#[derive(Clone, Copy)]
pub struct Deployment<'a> {
    /// Feeds of its configuration.
    pub feeds: &'a [Arc<Feed>],
    /// Feeds of the scenario that are others here: name in the scenario → id of the configuration.
    pub renamed: &'a BTreeMap<String, String>,
    /// Places.
    pub gazetteer: &'a Gazetteer,
    /// Departments.
    pub routing: &'a Routing,
}

impl Deployment<'_> {
    /// The feed that a scenario calls so.
    pub fn feed(&self, name: &str) -> Option<&Arc<Feed>> {
        let id = self.renamed.get(name).map_or(name, String::as_str);
        self.feeds.iter().find(|feed| *feed.id == *id)
    }
}

/// What of the scenario does not fit; empty: it can be run.
pub fn check_scenario(file: &str, scenario: &Scenario, here: &Deployment<'_>) -> Vec<Diagnostic> {
    let mut findings = Findings::new(file);
    for place in scenario.places.values() {
        if here.gazetteer.get(&place.code).is_none() {
            let message = format!("`{}` is no place of the gazetteer", place.code);
            let finding = findings.error(codes::UNKNOWN_PLACE, place.at, message);
            finding.help("codes are such as cn-330304 (county) or gn-5391959 (GeoNames)");
        }
    }
    for (step, _) in scenario.steps() {
        if here.feed(&step.feed).is_none() {
            let known: Vec<&str> = here.feeds.iter().map(|feed| &*feed.id).collect();
            let message = format!("there is no feed `{}`", step.feed);
            let finding = findings.error(codes::UNKNOWN_FEED, step.line, message);
            finding.help(format!(
                "feeds here: {}; `--feed {}=ID` takes another one",
                known.join(", "),
                step.feed
            ));
        }
    }
    for one in &scenario.incidents {
        for (id, at) in &one.departments {
            if here.routing.get(id).is_none() {
                let message = format!("there is no department `{id}`");
                findings.error(codes::UNKNOWN_DEPARTMENT, *at, message);
            }
        }
    }
    if findings.list.is_empty() {
        check_records(scenario, here, &mut findings);
    }
    findings.list
}

/// The first report of every step must survive its feed's format.
fn check_records(scenario: &Scenario, here: &Deployment<'_>, findings: &mut Findings<'_>) {
    let all = schedule(scenario, here, 0, "check");
    for (step, _) in scenario.steps() {
        let Some(first) = all.iter().find(|one| *one.step == *step.name) else {
            continue;
        };
        if let Err(why) = survives(step, first) {
            let message = format!("the step `{}` {why}", step.name);
            findings.error(codes::UNKNOWN_FEED, step.line, message);
        }
    }
}

fn survives(step: &Step, one: &Simulated) -> Result<(), String> {
    let bytes = encode(&one.feed, &one.report, Millis(0))?;
    let decoder = Decoder::new(Arc::clone(&one.feed))?;
    let read = decoder.decode(&RawRecord::new(&bytes, Millis(0)));
    let read = read.map_err(|refusal| format!("is refused by its feed: {refusal}"))?;
    if read.id != one.report.id {
        return Err(format!(
            "has a report id that its feed reads as `{}`",
            read.id
        ));
    }
    let said = format!("{} {}", read.title, read.text);
    let by_words = step.locate == Locate::Text && step.place.is_some();
    let asks = |text: &str| words::slots(text).any(|slot| slot == words::PLACE);
    if by_words && !asks(&step.text) && said.trim().is_empty() {
        return Err("says nothing".to_owned());
    }
    let has = match step.locate {
        Locate::Text => true,
        Locate::Code => read.place_code.is_some(),
        Locate::Coordinates => read.coordinates.is_some(),
    };
    if step.place.is_some() && !has {
        return Err(format!(
            "says where in a way that the feed `{}` does not carry",
            one.feed.id
        ));
    }
    Ok(())
}
