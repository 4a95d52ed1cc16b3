//! A drill changes nothing that is actual: over 10,000 seeded interleavings of real and simulated reports of the same hazards at
//! the same places, every actual outcome, alert, limit and byte of state is the same with the drill and without it; and so is what
//! the joint meeting makes of them (`at_the_desk`).

use std::collections::BTreeMap;
use std::sync::Arc;

use tocsin::core::correlate::{CorrelateConfig, CorrelateOutput, Correlator, LimitHit};
use tocsin::core::detect::{
    DetectEngine, DetectOutput, DrillKey, EXERCISE_ID, EXERCISE_MAC, EXERCISE_WITHDRAWN,
};
use tocsin::core::diagnostic::SourceFile;
use tocsin::core::model::{
    Alert, CorrelateOutcome, DetectOutcome, Detection, Feed, Millis, Position, RawRecord,
    Retraction, Status,
};
use tocsin::core::place::{Gazetteer, GazetteerSources};
use tocsin::core::ruleset::{RuleSet, RuleSources};

use super::at_the_desk::{Tried, at_the_desk};

const SEEDS: u64 = 10_000;
/// One of so many is taken on at the desk.
const DESK_EVERY: u64 = 4;
const KEY: &[u8] = b"the drill key of a test, no secret";
const START: i64 = 1_767_225_600_000;

const RULES: &str = "
title: Fire
id: fire
status: stable
detection: {fire: {any|contains: [on fire, 起火]}, deaths: {casualties.dead|gte: 1}, condition: fire}
tocsin:
  hazard: fire
  quiet: 10m
  score: {base: 35, add: [{when: deaths, points: 30, because: people died}]}
---
title: Gas
id: gas
status: stable
detection: {gas: {any|contains: [gas leak]}, condition: gas}
tocsin: {hazard: gas_leak, quiet: 5m, score: {base: 45}}
---
title: Again and again
id: again
status: stable
correlation: {type: event_count, rules: [fire], timespan: 30m, condition: {gte: 3}}
tocsin: {score: {base: 7}}
";

struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        // splitmix64, S. Vigna.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }
}

fn rule_set() -> Arc<RuleSet> {
    let file = |name: &str, text: &str| SourceFile {
        name: name.to_owned(),
        text: text.to_owned(),
    };
    let sources = RuleSources {
        rules: vec![file("rules.yml", RULES)],
        lexicons: Vec::new(),
        departments: file(
            "departments.yaml",
            include_str!("../../config/departments.yaml"),
        ),
        gazetteer: Arc::new(Gazetteer::build(&GazetteerSources::default()).unwrap()),
    };
    Arc::new(RuleSet::compile(&sources).unwrap_or_else(|found| panic!("{found:#?}")))
}

fn feeds() -> Vec<Arc<Feed>> {
    let feed = |id: &str, kind: &str| {
        let feed = serde_json::json!({
            "id": id, "topic": id, "decoder": "tocsin", "kind": kind, "reliability": 60, "publisher": kind == "news",
            "max_age_s": 3_600,
        });
        Arc::new(serde_json::from_value::<Feed>(feed).unwrap())
    };
    vec![
        feed("posts", "post"),
        feed("news", "news"),
        feed("calls", "dispatch"),
    ]
}

/// How a record is labelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Labelled {
    No,
    /// An actual record that somebody wants to pass off as a drill.
    Wrongly,
    Half,
    Drill,
    Withdrawn,
}

/// What a record led to in detect.
struct Step {
    drill: bool,
    outcome: DetectOutcome,
    detections: Vec<Detection>,
    retraction: Option<Retraction>,
    verdict: Option<&'static str>,
}

struct Bench {
    engine: DetectEngine,
    feeds: Vec<Arc<Feed>>,
    key: Arc<DrillKey>,
    config: Arc<CorrelateConfig>,
}

impl Bench {
    fn new(set: Arc<RuleSet>) -> Self {
        let feeds = feeds();
        let key = Arc::new(DrillKey::new(KEY).unwrap());
        let engine = DetectEngine::new(Arc::clone(&set), &feeds).unwrap();
        let mut config = CorrelateConfig::new(Arc::clone(&set.routing));
        // Limits that both sides reach.
        config.limits.keys = 3;
        config.limits.reports_per_key = 16;
        config.limits.aggregated_per_key = 4;
        config.limits.fingerprints_per_key = 2;
        config.limits.sources_per_key = 2;
        config.limits.correlation_events_per_key = 4;
        config.incident.reopen_for_ms = 20 * 60_000;
        config.incident.text_retention_ms = 15 * 60_000;
        Self {
            engine: engine.with_drill_key(Some(Arc::clone(&key))),
            feeds,
            key,
            config: Arc::new(config),
        }
    }

    fn step(&mut self, random: &mut Random, received: i64, drill: bool, nth: u64) -> Step {
        let feed = random.below(3) as usize;
        // The same ids, words and places on both sides.
        let id = format!("r-{}", random.below(8));
        let text = [
            "House on fire in the old town",
            "House on fire in the old town again, smoke over the whole street now",
            "居民楼起火，造成2人死亡",
            "gas leak at the market",
            "quiet evening",
        ][random.below(5) as usize];
        let at = [(30.0, 104.0), (31.0, 121.5)][random.below(2) as usize];
        let withdrawn = random.below(5) == 0;
        let observed = received - [0, 1_000, 7_200_000][usize::from(random.below(20) == 0) * 2];
        let body = serde_json::json!({
            "id": id, "text": text, "lat": at.0, "lon": at.1, "observed": Millis(observed).to_string(),
            "withdrawn": !drill && withdrawn, "publisher": format!("p{}", random.below(4)),
        });
        let body = serde_json::to_vec(&body).unwrap();
        let labelled = match (drill, withdrawn, random.below(6)) {
            (true, true, _) => Labelled::Withdrawn,
            (true, false, _) => Labelled::Drill,
            (false, _, 0) => Labelled::Wrongly,
            (false, _, 1) => Labelled::Half,
            _ => Labelled::No,
        };
        self.detect(feed, &id, &body, received, labelled, nth)
    }

    fn detect(
        &mut self,
        feed: usize,
        id: &str,
        body: &[u8],
        received: i64,
        labelled: Labelled,
        nth: u64,
    ) -> Step {
        let name = Arc::clone(&self.feeds[feed].id);
        let exercise = if nth.is_multiple_of(2) {
            "drill-a"
        } else {
            "drill-b"
        };
        let mac = match labelled {
            Labelled::Withdrawn => self.key.withdrawal_mac(exercise, &name, id, body),
            Labelled::Wrongly => self.key.mac(exercise, &name, "another", body),
            _ => self.key.mac(exercise, &name, id, body),
        };
        let mut record = RawRecord::new(body, Millis(received));
        if labelled != Labelled::No {
            record.headers.push((EXERCISE_ID, exercise.as_bytes()));
        }
        if !matches!(labelled, Labelled::No | Labelled::Half) {
            record.headers.push((EXERCISE_MAC, mac.as_bytes()));
        }
        if labelled == Labelled::Withdrawn {
            record.headers.push((EXERCISE_WITHDRAWN, b"true"));
        }
        let position = Position {
            topic: "t".into(),
            partition: 0,
            offset: 0,
        };
        let mut out = DetectOutput::default();
        let outcome = self.engine.process(feed, &record, &position, &mut out);
        let drill = matches!(labelled, Labelled::Drill | Labelled::Withdrawn);
        let status = if drill {
            Status::Exercise
        } else {
            Status::Actual
        };
        assert_eq!(out.status, status, "{labelled:?}");
        assert!(
            out.detections.iter().all(|it| it.status == status),
            "{labelled:?}"
        );
        Step {
            drill,
            outcome,
            detections: out.detections,
            retraction: out.retraction,
            verdict: out.label,
        }
    }
}

/// Everything actual that came of a history.
#[derive(Debug, Default, PartialEq)]
struct Actual {
    outcomes: Vec<CorrelateOutcome>,
    alerts: Vec<String>,
    limits: BTreeMap<LimitHit, u64>,
    state: BTreeMap<String, Vec<u8>>,
    sizes: (usize, usize),
}

/// What the drill led to, so that the test is known to have tested something.
#[derive(Default)]
struct Counted {
    alerts: u64,
    exercises: u64,
    limits: u64,
    rejected: u64,
    expired: u64,
    cancelled: u64,
    series: u64,
    desk: Tried,
}

fn fold(bench: &Bench, steps: &[&Step], end: i64, counted: &mut Counted) -> (Actual, Vec<Alert>) {
    let mut correlator = Correlator::new(Arc::clone(&bench.config));
    let (mut actual, mut out) = (Actual::default(), CorrelateOutput::default());
    for (nth, step) in steps.iter().enumerate() {
        for detection in &step.detections {
            let outcome = correlator.fold(detection, &mut out);
            if !step.drill {
                actual.outcomes.push(outcome);
            }
        }
        if let Some(retraction) = &step.retraction {
            correlator.retract(retraction, &mut out);
        }
        if nth % 5 == 4 {
            keep_state(&mut correlator, &mut actual);
        }
    }
    correlator.advance(Millis(end), &mut out);
    keep_state(&mut correlator, &mut actual);
    for alert in &out.alerts {
        if alert.status == Status::Actual {
            assert!(alert.exercise.is_none() && !alert.headline.en.contains("Exercise"));
            actual.alerts.push(serde_json::to_string(alert).unwrap());
        } else {
            assert!(
                alert.headline.en.contains("Exercise"),
                "{}",
                alert.headline.en
            );
            assert!(alert.headline.zh.contains("演"), "{}", alert.headline.zh);
            counted.exercises += 1;
            counted.cancelled += u64::from(alert.msg_type == tocsin::core::model::MsgType::Cancel);
        }
    }
    counted.alerts += actual.alerts.len() as u64;
    let series = actual.state.keys().filter(|key| key.starts_with('~'));
    counted.series += series.count() as u64;
    let limits = out.limits.iter();
    actual.limits = limits
        .filter(|(hit, _)| hit.status == Status::Actual)
        .map(|(hit, times)| (*hit, *times))
        .collect();
    counted.limits += out
        .limits
        .iter()
        .filter(|(hit, _)| hit.status == Status::Exercise)
        .map(|(_, times)| times)
        .sum::<u64>();
    let size = correlator
        .sizes()
        .find(|(status, ..)| *status == Status::Actual);
    actual.sizes = size.map(|(_, keys, bytes)| (keys, bytes)).unwrap();
    (actual, out.alerts)
}

/// The bytes of every actual key that is there, and of every series and volume by which growth is judged.
fn keep_state(correlator: &mut Correlator, actual: &mut Actual) {
    for change in correlator.take_changes() {
        let kinds = ["actual/", "~series/actual/", "~volume/actual/"];
        if kinds.iter().any(|kind| change.key.starts_with(kind)) {
            match change.value {
                Some(bytes) => actual.state.insert(change.key, bytes),
                None => actual.state.remove(&change.key),
            };
        }
    }
    correlator.commit();
}

#[test]
fn a_drill_changes_nothing_that_is_actual() {
    const THREADS: u64 = 4;
    let set = rule_set();
    let parts = std::thread::scope(|scope| {
        let run = |thread: u64| {
            let set = Arc::clone(&set);
            scope.spawn(move || interleavings(set, (thread..SEEDS).step_by(THREADS as usize)))
        };
        let threads: Vec<_> = (0..THREADS).map(run).collect();
        let join = |it: std::thread::ScopedJoinHandle<'_, Counted>| it.join().expect("they hold");
        threads.into_iter().map(join).collect::<Vec<Counted>>()
    });
    let sum = |of: fn(&Counted) -> u64| parts.iter().map(of).sum::<u64>();
    let (alerts, exercises, limits) = (
        sum(|it| it.alerts),
        sum(|it| it.exercises),
        sum(|it| it.limits),
    );
    let (rejected, expired, cancelled) = (
        sum(|it| it.rejected),
        sum(|it| it.expired),
        sum(|it| it.cancelled),
    );
    let series = sum(|it| it.series);
    let mut desk = Tried::default();
    parts.iter().for_each(|it| desk += it.desk);
    // Enough of everything, so that the property is known to have been tried.
    assert!(
        alerts > SEEDS
            && exercises > SEEDS
            && limits > 100
            && rejected > SEEDS / 2
            && expired > 100
            && cancelled > 100
            && series > SEEDS
            && desk.deeds > SEEDS / 10
            && desk.missed > SEEDS / 4
            && desk.closed > 20
            && desk.exercises > SEEDS / 8,
        "{desk:?}, {alerts} actual and {exercises} exercise alerts, {limits} limits hit by drills, {rejected} labels rejected, {expired} \
         expired, {cancelled} cancelled, {series} series"
    );
}

fn interleavings(set: Arc<RuleSet>, seeds: impl Iterator<Item = u64>) -> Counted {
    let mut bench = Bench::new(set);
    let mut counted = Counted::default();
    for seed in seeds {
        let mut random = Random(seed);
        let mut at = START;
        let count = 4 + random.below(9);
        let steps: Vec<Step> = (0..count)
            .map(|nth| {
                at += [0, 1_000, 40_000, 700_000][random.below(4) as usize];
                // Some come late.
                let received = at - i64::from(random.below(4) == 0) * random.below(90_000) as i64;
                let drill = random.below(2) == 0;
                bench.step(&mut random, received, drill, nth)
            })
            .collect();
        let mixed: Vec<&Step> = steps.iter().collect();
        let alone: Vec<&Step> = steps.iter().filter(|step| !step.drill).collect();
        let end = at + 3_600_000;
        let (with, mixed) = fold(&bench, &mixed, end, &mut counted);
        let (without, alone) = fold(&bench, &alone, end, &mut Counted::default());
        assert_eq!(with, without, "seed {seed}");
        // The desk takes longer than the fold; thousands of interleavings are enough for it.
        if seed.is_multiple_of(DESK_EVERY) {
            let end = (seed, Millis(end + 3 * 86_400_000));
            let (with, tried) = at_the_desk(&bench.config.routing, &mixed, end);
            let (without, _) = at_the_desk(&bench.config.routing, &alone, end);
            assert_eq!(with, without, "seed {seed} at the desk");
            counted.desk += tried;
        }
        for step in &steps {
            counted.expired += u64::from(step.drill && step.outcome == DetectOutcome::Expired);
            counted.rejected += u64::from(!step.drill && step.verdict.is_some());
            assert_eq!(step.drill, step.verdict == Some("accepted"), "seed {seed}");
        }
    }
    counted
}

/// Whatever the drill sends while it runs counts for nothing; what it sends after its end does so too.
#[test]
fn a_signed_record_stays_exercise_after_its_drill_has_ended() {
    let mut bench = Bench::new(rule_set());
    let body =
        br#"{"id": "late", "text": "House on fire in the old town", "lat": 30.0, "lon": 104.0}"#;
    let year = 365 * 86_400_000_i64;
    for received in [START, START + year] {
        let step = bench.detect(0, "late", body, received, Labelled::Drill, 0);
        assert_eq!(step.verdict, Some("accepted"));
        assert_eq!(step.detections[0].exercise.as_deref(), Some("drill-a"));
        assert!(step.detections[0].key.ends_with("/drill-a"));
    }
    let step = bench.detect(0, "late", body, START, Labelled::Half, 0);
    assert_eq!(step.verdict, Some("mac_missing"));
    assert!(step.detections[0].key.starts_with("actual/"));
}
