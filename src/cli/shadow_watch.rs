//! Shadow rules, watched for the console's page of rules: a thread beside the desk reads `tocsin.shadow` on from where it was.
//!
//! Invariant: bounded. Without a shadow rule in use nothing is read; at most [`MOST_RECORDS`] records are read in a look, at most
//! [`MOST_REPORTS`] reports of a rule are told apart, and at most [`MOST_RULES`] rules are watched.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::rules::promoted;
use crate::config::Settings;
use crate::core::model::Detection;
use crate::core::ruleset::RuleSet;
use crate::core::tools::promotion::{Against, Bars};
use crate::core::tools::shadow::Tally;
use crate::desk::shadows::{ShadowBoard, Shadows, Tried};
use crate::kafka::dump::{DumpError, Positions, read_on};
use crate::telemetry::wall_clock;

/// Time between two looks.
const EVERY: Duration = Duration::from_mins(1);
/// How often it is looked whether the process is told to stop.
const STEP: Duration = Duration::from_millis(250);
/// Records of a topic that are read in a look; the next look goes on from there.
const MOST_RECORDS: usize = 200_000;
/// Reports of a rule that are told apart.
const MOST_REPORTS: usize = 20_000;
/// Rules that are watched.
const MOST_RULES: usize = 100;
/// Samples that a page shows of a rule.
const SAMPLES: usize = 5;

/// What was read so far, of one rule set.
struct Watch {
    version: Arc<str>,
    rules: BTreeSet<Arc<str>>,
    tally: Tally,
    hits: Positions,
    detections: Positions,
    /// What rule files and cases say against each.
    files: BTreeMap<Arc<str>, Vec<Against>>,
    /// What a rule must keep to before it goes live.
    bars: Bars,
}

impl Watch {
    fn new(settings: &Settings, set: &RuleSet) -> Self {
        let shadow = set.program.rules.iter().filter(|rule| rule.shadow);
        let rules: BTreeSet<Arc<str>> = shadow
            .map(|rule| Arc::clone(&rule.id))
            .take(MOST_RULES)
            .collect();
        let bars = Bars {
            min_days: f64::from(settings.desk.shadow_min_days),
            max_new_per_day: f64::from(settings.desk.shadow_max_new_per_day),
        };
        let files = promoted(settings, bars, &rules).unwrap_or_else(|error| {
            tracing::warn!(%error, "shadow rules cannot be judged by their files");
            BTreeMap::new()
        });
        Self {
            version: Arc::clone(&set.version),
            rules,
            tally: Tally::telling_apart(MOST_REPORTS).of(&set.program),
            hits: Positions::new(),
            detections: Positions::new(),
            files,
            bars,
        }
    }

    /// Reads on; whether all that there is was read.
    fn look(&mut self, settings: &Settings) -> Result<bool, DumpError> {
        let (kafka, names) = (settings.kafka_settings(), settings.topic_names());
        let (tally, rules) = (&mut self.tally, &self.rules);
        let mut complete = read_on(
            &kafka,
            &names.shadow,
            &mut self.hits,
            MOST_RECORDS,
            |_, value| {
                tally.record(value, |id| rules.contains(id));
            },
        )?;
        // What would be removed is told by what live rules fired on.
        if complete && tally.wants_detections() {
            complete = read_on(
                &kafka,
                &names.detections,
                &mut self.detections,
                MOST_RECORDS,
                |_, value| {
                    if let Ok(detection) = serde_json::from_slice::<Detection>(value) {
                        tally.detection(&detection);
                    }
                },
            )?;
        }
        Ok(complete)
    }

    fn shown(&self, read: Result<bool, DumpError>) -> Shadows {
        let now = wall_clock();
        let mut observed = self.tally.observed(Some(now), SAMPLES);
        let rules = self.rules.iter().map(|id| {
            let found = observed.iter().position(|one| one.rule == *id);
            let observed = found.map(|index| observed.swap_remove(index));
            let mut against = self.bars.watched(observed.as_ref());
            against.extend(self.files.get(id).into_iter().flatten().cloned());
            Tried {
                rule: Arc::clone(id),
                observed,
                against,
            }
        });
        Shadows {
            at: now,
            rules: rules.collect(),
            bars: self.bars,
            complete: matches!(read, Ok(true)),
            failed: read.err().map(|error| error.to_string()),
        }
    }
}

/// Watches until `stop` is set.
pub(super) fn start(
    settings: &Settings,
    rules: impl Fn() -> Arc<RuleSet> + Send + 'static,
    stop: Arc<AtomicBool>,
) -> ShadowBoard {
    let board = ShadowBoard::default();
    let (settings, to) = (settings.clone(), board.clone());
    let run = move || watch(&settings, &rules, &to, &stop);
    let thread = std::thread::Builder::new().name("shadow-rules".to_owned());
    if let Err(error) = thread.spawn(run) {
        tracing::warn!(%error, "shadow rules are not watched");
    }
    board
}

fn watch(
    settings: &Settings,
    rules: &impl Fn() -> Arc<RuleSet>,
    board: &ShadowBoard,
    stop: &AtomicBool,
) {
    let (mut watch, mut next) = (None::<Watch>, Instant::now());
    while !stop.load(Ordering::SeqCst) {
        let set = rules();
        if watch.as_ref().is_none_or(|it| it.version != set.version) {
            watch = None;
            board.put(None);
            if set.program.rules.iter().any(|rule| rule.shadow) {
                watch = Some(Watch::new(settings, &set));
                next = Instant::now();
            }
        }
        if let Some(watch) = &mut watch
            && Instant::now() >= next
        {
            let read = watch.look(settings);
            if let Err(error) = &read {
                tracing::warn!(%error, "hits of shadow rules cannot be read");
            }
            // What is still to be read is read at once.
            let wait = if matches!(read, Ok(false)) {
                STEP
            } else {
                EVERY
            };
            board.put(Some(watch.shown(read)));
            next = Instant::now() + wait;
        }
        std::thread::sleep(STEP);
    }
}
