//! Cases of the sample feed, as far into their work as a desk in the middle of a shift.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::sync::{Arc, LazyLock};

use serde_json::Value;
use tocsin::config::{Bundled, Settings, load_rule_set};
use tocsin::core::correlate::{CorrelateOutput, Correlator};
use tocsin::core::detect::{DetectEngine, DetectOutput};
use tocsin::core::model::{Alert, Feed, Level, Millis, Position, RawRecord};
use tocsin::core::obligation::{Action, Actor, Case, Disposition, Event, Policy, Role};
use tocsin::core::ruleset::RuleSet;
use tocsin::desk::console::from_case::{self, Depts};
use tocsin::desk::console::lang::Lang;
use tocsin::desk::console::view::{Theme, Viewer};

pub(super) const START: Millis = Millis(1_767_323_040_000);

/// One incident with everything that the desk knows of it.
pub(super) struct Known {
    pub(super) case: Case,
    pub(super) revisions: Vec<Arc<Alert>>,
    pub(super) history: Vec<Event>,
}

pub(super) struct Sample {
    pub(super) set: Arc<RuleSet>,
    pub(super) known: Vec<Known>,
    pub(super) now: Millis,
    pub(super) depts: Depts,
}

pub(super) static SAMPLE: LazyLock<Sample> = LazyLock::new(build);

/// The slots `@[form:ms]` of the sample, filled; see config/samples/README.md.
fn filled(text: &str) -> String {
    let slot = regex::Regex::new(r"@\[(\w+):(-?\d+)\]").unwrap();
    slot.replace_all(text, |found: &regex::Captures<'_>| {
        let at = START.plus(found[2].parse().unwrap());
        let stamp = jiff::Timestamp::from_millisecond(at.0).unwrap();
        match &found[1] {
            "cap" => stamp.strftime("%Y-%m-%dT%H:%M:%S-00:00").to_string(),
            "rfc822" => stamp.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string(),
            "space" => stamp.strftime("%Y-%m-%d %H:%M:%S+00:00").to_string(),
            "millis" => at.0.to_string(),
            _ => at.to_string(),
        }
    })
    .into_owned()
}

fn alerts(set: &Arc<RuleSet>, settings: &Settings) -> (Vec<Alert>, Millis) {
    let packed = Bundled::get("samples/feed.jsonl.gz").expect("the sample feed");
    let mut text = String::new();
    flate2::read::GzDecoder::new(&packed[..])
        .read_to_string(&mut text)
        .unwrap();
    let feeds: Vec<Arc<Feed>> = settings.shared_feeds();
    let config = Arc::new(settings.correlate_config(Arc::clone(&set.routing)));
    let mut correlator = Correlator::new(config);
    let mut engine = DetectEngine::new(Arc::clone(set), &feeds).unwrap();
    let (mut detected, mut folded) = (DetectOutput::default(), CorrelateOutput::default());
    let mut now = START;
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let feed = feeds
            .iter()
            .position(|feed| *feed.id == *line["feed"].as_str().unwrap())
            .unwrap();
        let payload = filled(line["payload"].as_str().unwrap_or_default());
        now = START.plus(line["offset_ms"].as_i64().unwrap());
        detected.clear();
        let record = RawRecord::new(payload.as_bytes(), now);
        engine.process(feed, &record, &Position::default(), &mut detected);
        for detection in &detected.detections {
            correlator.fold(detection, &mut folded);
        }
    }
    (folded.alerts, now)
}

fn build() -> Sample {
    let settings = Settings::bundled().unwrap();
    let set = Arc::new(load_rule_set(&settings.paths).unwrap());
    let (alerts, now) = alerts(&set, &settings);
    let policy = Policy::new(Arc::clone(&set.routing));
    let mut known: BTreeMap<String, Known> = BTreeMap::new();
    for alert in alerts {
        let alert = Arc::new(alert);
        match known.get_mut(&alert.incident_id.to_string()) {
            Some(it) => {
                let due = it.case.advance(alert.sent, &policy);
                it.history.extend(due);
                let revised = it.case.revise(Arc::clone(&alert), alert.sent, &policy);
                it.history.extend(revised);
                it.revisions.push(alert);
            }
            None => {
                let (case, history) = Case::open(Arc::clone(&alert), alert.sent, &policy);
                let fresh = Known {
                    case,
                    revisions: vec![Arc::clone(&alert)],
                    history,
                };
                known.insert(alert.incident_id.to_string(), fresh);
            }
        }
    }
    let mut known: Vec<Known> = known.into_values().collect();
    known.sort_by_key(|it| {
        let case = &it.case;
        (
            std::cmp::Reverse((case.level(), case.alert.score)),
            case.incident,
        )
    });
    work(&mut known, now, &policy);
    let depts = Depts(from_case::departments(&set.routing));
    Sample {
        set,
        known,
        now,
        depts,
    }
}

/// What people have done by now.
fn work(known: &mut [Known], now: Millis, policy: &Policy) {
    let analyst = Actor::new("lin", Role::Analyst);
    let coordinator = Actor::new("kato", Role::Coordinator);
    for (index, it) in known.iter_mut().enumerate() {
        let missed = it.case.advance(now, policy);
        it.history.extend(missed);
        let lead = it.case.lead().map(|lead| Arc::clone(&lead.department));
        let Some(lead) = lead else { continue };
        // What is refused here is not part of the picture.
        let mut act = |actor: &Actor, action: Action| {
            if let Ok(events) = it.case.act(actor, &action, now, policy) {
                it.history.extend(events);
            }
        };
        match index % 5 {
            0 => {
                act(&analyst, Action::Watch);
                act(
                    &coordinator,
                    Action::Acknowledge {
                        department: Some(Arc::clone(&lead)),
                    },
                );
                act(
                    &analyst,
                    Action::Note {
                        text: "Asked the operator for the valve's state.\n已联系值班人员核实。"
                            .to_owned(),
                    },
                );
            }
            1 => {
                act(
                    &coordinator,
                    Action::Acknowledge {
                        department: Some(Arc::clone(&lead)),
                    },
                );
                act(&coordinator, Action::Start { department: lead });
            }
            2 => act(
                &analyst,
                Action::Correct {
                    hazard: None,
                    place: None,
                    level: Some(Level::Orange),
                    reason: "A school stands next to it".to_owned(),
                },
            ),
            3 if index > 20 => act(
                &coordinator,
                Action::Dispose {
                    department: lead,
                    disposition: Disposition::Confirmed,
                    reason: "Crew on site".to_owned(),
                },
            ),
            _ => {}
        }
    }
}

impl Sample {
    pub(super) fn viewer(&self, lang: Lang, role: Role, department: Option<&str>) -> Viewer {
        Viewer {
            name: "mei".to_owned(),
            role,
            department: department.map(Into::into),
            lang,
            theme: Theme::Auto,
            csrf: "csrf-of-the-session".to_owned(),
            here: "/".to_owned(),
            now: self.now,
            departments: Arc::clone(&self.depts.0),
            feeds: true,
            drills: true,
            calls: true,
        }
    }
}
