//! A drill changes nothing that is actual: over 10,000 seeded interleavings of real and simulated reports of the same hazards at
//! the same places, every actual outcome, detection, retraction, alert, limit and byte of state is the same with the drill and without
//! it; and so is what the joint meeting makes of each of them (`at_the_desk`).

use std::collections::BTreeMap;
use std::sync::Arc;

use tocsin::core::correlate::{
    CorrelateConfig, CorrelateOutput, Correlator, LimitHit, OpenIncidents,
};
use tocsin::core::detect::{
    DetectEngine, DetectOutput, DrillKey, EXERCISE_ID, EXERCISE_MAC, EXERCISE_WITHDRAWN,
};
use tocsin::core::diagnostic::SourceFile;
use tocsin::core::model::{
    Alert, CorrelateOutcome, DetectOutcome, Detection, Feed, Millis, Position, RawRecord,
    Retraction, Status,
};
use tocsin::core::obligation::Policy;
use tocsin::core::place::{Gazetteer, GazetteerSources};
use tocsin::core::ruleset::{RuleSet, RuleSources};

use super::at_the_desk::{Figures, Tried, at_the_desk};

const SEEDS: u64 = 10_000;
/// What the desk measures is compared after so many: a registry is large, and what differs in one differs in the sum.
const FIGURES_EVERY: usize = 50;
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

/// A record of a feed.
struct Made {
    feed: usize,
    id: String,
    body: Vec<u8>,
    received: i64,
    labelled: Labelled,
    exercise: &'static str,
}

/// What a record led to in detect.
#[derive(Debug, PartialEq)]
struct Step {
    drill: bool,
    outcome: DetectOutcome,
    detections: Vec<Detection>,
    retraction: Option<Retraction>,
    verdict: Option<&'static str>,
}

impl Made {
    fn new(random: &mut Random, received: i64, drill: bool, nth: u64) -> Self {
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
        let labelled = match (drill, withdrawn, random.below(6)) {
            (true, true, _) => Labelled::Withdrawn,
            (true, false, _) => Labelled::Drill,
            (false, _, 0) => Labelled::Wrongly,
            (false, _, 1) => Labelled::Half,
            _ => Labelled::No,
        };
        Self {
            feed,
            id,
            body: serde_json::to_vec(&body).unwrap(),
            received,
            labelled,
            exercise: if nth.is_multiple_of(2) {
                "drill-a"
            } else {
                "drill-b"
            },
        }
    }

    fn is_drill(&self) -> bool {
        matches!(self.labelled, Labelled::Drill | Labelled::Withdrawn)
    }
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

    fn detect(&mut self, made: &Made) -> Step {
        let (id, body, labelled) = (&*made.id, &*made.body, made.labelled);
        let (name, exercise) = (Arc::clone(&self.feeds[made.feed].id), made.exercise);
        let mac = match labelled {
            Labelled::Withdrawn => self.key.withdrawal_mac(exercise, &name, id, body),
            Labelled::Wrongly => self.key.mac(exercise, &name, "another", body),
            _ => self.key.mac(exercise, &name, id, body),
        };
        let mut record = RawRecord::new(body, Millis(made.received));
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
        let outcome = self.engine.process(made.feed, &record, &position, &mut out);
        let drill = made.is_drill();
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
    /// After the last record, and at the end.
    open: [OpenIncidents; 2],
}

/// What the drill led to, so that the test is known to have tested something.
#[derive(Default)]
struct Counted {
    alerts: u64,
    exercises: u64,
    limits: u64,
    open: u64,
    rejected: u64,
    expired: u64,
    cancelled: u64,
    series: u64,
    figures: u64,
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
    keep_state(&mut correlator, &mut actual);
    let after_the_last = open(&correlator);
    counted.open += after_the_last.levels.values().sum::<u64>();
    correlator.advance(Millis(end), &mut out);
    keep_state(&mut correlator, &mut actual);
    actual.open = [after_the_last, open(&correlator)];
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

/// Actual incidents that are open.
fn open(correlator: &Correlator) -> OpenIncidents {
    let mut open = correlator.open().clone();
    open.levels.retain(|of, _| of.0 == Status::Actual);
    open.places.retain(|of, _| of.0 == Status::Actual);
    open
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
    assert!(
        sum(|it| it.open) > SEEDS / 10,
        "incidents are open after the last record"
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
            && desk.deeds > SEEDS / 10 * 4
            && desk.missed > SEEDS
            && desk.closed > 80
            && desk.exercises > SEEDS / 2
            && sum(|it| it.figures) == SEEDS / FIGURES_EVERY as u64,
        "{desk:?}, {alerts} actual and {exercises} exercise alerts, {limits} limits hit by drills, {rejected} labels rejected, {expired} \
         expired, {cancelled} cancelled, {series} series"
    );
}

fn interleavings(set: Arc<RuleSet>, seeds: impl Iterator<Item = u64>) -> Counted {
    let policy = Policy::new(Arc::clone(&set.routing));
    let [with, without] = [(); 2].map(|()| Figures::new(&set.routing));
    let mut bench = Bench::new(Arc::clone(&set));
    let mut undisturbed = Bench::new(set);
    let mut counted = Counted::default();
    for (nth, seed) in seeds.enumerate() {
        let (steps, alone, end) = history(&mut bench, &mut undisturbed, seed);
        let mixed: Vec<&Step> = steps.iter().collect();
        let alone: Vec<&Step> = alone.iter().collect();
        let (left, mixed) = fold(&bench, &mixed, end, &mut counted);
        let (right, alone) = fold(&bench, &alone, end, &mut Counted::default());
        assert_eq!(left, right, "seed {seed}");
        let end = Millis(end + 3 * 86_400_000);
        let (left, tried) = at_the_desk(&policy, &with, &mixed, end);
        let (right, _) = at_the_desk(&policy, &without, &alone, end);
        assert_eq!(left, right, "seed {seed} at the desk");
        counted.desk += tried;
        if nth % FIGURES_EVERY == FIGURES_EVERY - 1 {
            let (left, right) = (with.actual(), without.actual());
            assert_eq!(left, right, "figures up to seed {seed}");
            counted.figures += 1;
        }
        for step in &steps {
            counted.expired += u64::from(step.drill && step.outcome == DetectOutcome::Expired);
            counted.rejected += u64::from(!step.drill && step.verdict.is_some());
            assert_eq!(step.drill, step.verdict == Some("accepted"), "seed {seed}");
        }
    }
    assert_eq!(with.actual(), without.actual());
    counted
}

/// A history with a drill, what is left without it, and when it ends. The second engine reads the real records alone, and says of each
/// what the one that reads both does.
fn history(bench: &mut Bench, undisturbed: &mut Bench, seed: u64) -> (Vec<Step>, Vec<Step>, i64) {
    let mut random = Random(seed);
    let mut at = START;
    let (mut steps, mut alone) = (Vec::new(), Vec::new());
    for nth in 0..4 + random.below(9) {
        at += [0, 1_000, 40_000, 700_000][random.below(4) as usize];
        // Some come late.
        let received = at - i64::from(random.below(4) == 0) * random.below(90_000) as i64;
        let drill = random.below(2) == 0;
        let made = Made::new(&mut random, received, drill, nth);
        let step = bench.detect(&made);
        if !drill {
            let same = undisturbed.detect(&made);
            assert_eq!(step, same, "seed {seed}, record {nth} in detect");
            alone.push(same);
        }
        steps.push(step);
    }
    (steps, alone, at + 3_600_000)
}

/// Whatever the drill sends while it runs counts for nothing; what it sends after its end does so too.
#[test]
fn a_signed_record_stays_exercise_after_its_drill_has_ended() {
    let mut bench = Bench::new(rule_set());
    let body =
        br#"{"id": "late", "text": "House on fire in the old town", "lat": 30.0, "lon": 104.0}"#;
    let made = |received: i64, labelled: Labelled| Made {
        feed: 0,
        id: "late".to_owned(),
        body: body.to_vec(),
        received,
        labelled,
        exercise: "drill-a",
    };
    let year = 365 * 86_400_000_i64;
    for received in [START, START + year] {
        let step = bench.detect(&made(received, Labelled::Drill));
        assert_eq!(step.verdict, Some("accepted"));
        assert_eq!(step.detections[0].exercise.as_deref(), Some("drill-a"));
        assert!(step.detections[0].key.ends_with("/drill-a"));
    }
    let step = bench.detect(&made(START, Labelled::Half));
    assert_eq!(step.verdict, Some("mac_missing"));
    assert!(step.detections[0].key.starts_with("actual/"));
}
