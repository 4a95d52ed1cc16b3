//! All simulated reports of a drill, in order.
//!
//! Invariant: the same scenario, seed and exercise id give the same reports; ids are unique and begin with the exercise id.

use std::sync::Arc;

use serde_json::Value as Json;

use super::check::Deployment;
use super::scenario::{Locate, Scenario, Step};
use super::surge::offsets;
use super::words::{Filler, Lang};
use crate::core::model::{Feed, Fields, Place, Report, Value};

/// One simulated report.
#[derive(Clone, Debug, PartialEq)]
pub struct Simulated {
    /// Feed that it goes through.
    pub feed: Arc<Feed>,
    /// Step that it belongs to.
    pub step: Arc<str>,
    /// No rule should fire on it.
    pub noise: bool,
    /// Milliseconds from the start of the script.
    pub at: i64,
    /// What it says, without a time.
    pub report: Report<'static>,
}

/// Every simulated report, by time, those of one time in the order of the file. Steps of feeds that are not there are left out.
pub fn schedule(
    scenario: &Scenario,
    here: &Deployment<'_>,
    seed: u64,
    exercise: &str,
) -> Vec<Simulated> {
    let mut all = Vec::new();
    for (step, noise) in scenario.steps() {
        let Some(feed) = here.feed(&step.feed) else {
            continue;
        };
        let code = step
            .place
            .as_ref()
            .and_then(|name| scenario.places.get(name));
        let place = code.and_then(|place| here.gazetteer.get(&place.code));
        let name: Arc<str> = step.name.as_str().into();
        for (nth, offset) in offsets(&step.surge, step.count, step.over)
            .into_iter()
            .enumerate()
        {
            all.push(Simulated {
                feed: Arc::clone(feed),
                step: Arc::clone(&name),
                noise,
                at: step.starts.saturating_add(offset),
                report: report(scenario, step, place.as_ref(), seed, nth),
            });
        }
    }
    all.sort_by_key(|one| one.at);
    for (nth, one) in all.iter_mut().enumerate() {
        one.report.id = format!("{exercise}-{:05}", nth + 1).into();
    }
    all
}

fn report(
    scenario: &Scenario,
    step: &Step,
    place: Option<&Place>,
    seed: u64,
    nth: usize,
) -> Report<'static> {
    let turn = |len: usize| nth.checked_rem(len).unwrap_or(0);
    let lang = step.langs.get(turn(step.langs.len())).copied();
    let lang = lang.unwrap_or(Lang::En);
    let filler = Filler {
        slots: &scenario.slots,
        place,
        lang,
        seed,
        step: &step.name,
        number: nth as u64,
    };
    let say = |name: &str| {
        let wording = scenario.texts.get(name);
        wording.map_or_else(String::new, |wording| filler.say(name, wording))
    };
    let mut report = Report {
        title: step.title.as_deref().map(say).unwrap_or_default().into(),
        text: say(&step.text).into(),
        lang: Some(lang.id().into()),
        fields: fields(step, &filler),
        ..Report::default()
    };
    let publisher = step.publishers.get(turn(step.publishers.len()));
    report.publisher = publisher.cloned().map(Into::into);
    match (step.locate, place) {
        (Locate::Code, Some(place)) => report.place_code = Some(place.code.to_string().into()),
        (Locate::Coordinates, Some(place)) => report.coordinates = place.coordinates,
        _ => {}
    }
    report
}

fn fields(step: &Step, filler: &Filler<'_>) -> Fields<'static> {
    let value = |value: &Json| match value {
        Json::Bool(it) => Some(Value::Bool(*it)),
        Json::String(text) => Some(Value::Text(filler.fill(text).into())),
        Json::Number(number) => number
            .as_i64()
            .map(Value::Int)
            .or_else(|| number.as_f64().map(Value::Float)),
        _ => None,
    };
    let all = step.fields.iter();
    all.filter_map(|(name, it)| Some((name.clone().into(), value(it)?)))
        .collect()
}
