//! What only counts in a wider area touches nothing else: from rules and records to alerts and state.

use std::collections::BTreeMap;
use std::sync::Arc;

use tocsin::config::Settings;
use tocsin::core::correlate::{CorrelateConfig, CorrelateOutput, Correlator};
use tocsin::core::detect::{DetectEngine, DetectOutput};
use tocsin::core::diagnostic::SourceFile;
use tocsin::core::growth::{DAY_MS, HOUR_MS, Series};
use tocsin::core::model::{
    Alert, Feed, FeedKind, IncidentState, Level, Millis, Position, RawRecord,
};
use tocsin::core::replay::default_feed;
use tocsin::core::ruleset::{RuleSet, RuleSources};

use super::sample::{MINUTE, START};

const RULES: &str = "
title: Smell of gas
id: smell
detection: {a: {any|contains: smell of gas}, condition: a}
tocsin: {hazard: gas_leak, tier: county, growth_tiers: [city], quiet: 1h, score: {base: 5}}
---
title: Gas in the whole city
id: whole-city
detection: {a: {any|contains: gas everywhere}, condition: a}
tocsin: {hazard: gas_leak, tier: city, quiet: 1h, score: {base: 85}}
---
title: A rumour of gas
id: rumour
detection: {a: {any|contains: rumour of gas}, condition: a}
tocsin: {hazard: gas_leak, tier: city, quiet: 1h, score: {base: 5}}
";
const CITY: &str = "cn-330300";
const DISTRICTS: [&str; 6] = [
    "cn-330302",
    "cn-330303",
    "cn-330304",
    "cn-330324",
    "cn-330326",
    "cn-330327",
];
const DAYS: i64 = 32;
/// Places of the feeds.
const CALLS: usize = 0;
const OFFICE: usize = 1;

struct World {
    engine: DetectEngine,
    correlator: Correlator,
    found: DetectOutput,
    out: CorrelateOutput,
    told: usize,
}

impl World {
    fn with(change: impl FnOnce(&mut CorrelateConfig)) -> Self {
        let shipped = Settings::bundled().unwrap();
        let shipped = tocsin::config::load_rule_set(&shipped.paths).unwrap();
        let sources = RuleSources {
            rules: vec![SourceFile {
                name: "r.yml".into(),
                text: RULES.into(),
            }],
            lexicons: Vec::new(),
            departments: SourceFile::default(),
            gazetteer: Arc::clone(&shipped.gazetteer),
        };
        let set = RuleSet::compile(&sources).unwrap_or_else(|found| panic!("{}", found[0]));
        let mut config = CorrelateConfig::new(Arc::clone(&set.routing));
        change(&mut config);
        let feed = |id: &str, kind, reliability| {
            Arc::new(Feed {
                id: id.into(),
                topic: id.into(),
                kind,
                reliability,
                ..default_feed()
            })
        };
        let feeds = [
            feed("calls", FeedKind::Hotline, 30),
            feed("office", FeedKind::Official, 95),
        ];
        Self {
            engine: DetectEngine::new(Arc::new(set), &feeds).unwrap(),
            correlator: Correlator::new(Arc::new(config)),
            found: DetectOutput::default(),
            out: CorrelateOutput::default(),
            told: 0,
        }
    }

    /// Every district had a call on every third day, one after the other.
    fn taught(change: impl FnOnce(&mut CorrelateConfig)) -> Self {
        let mut world = Self::with(change);
        for day in 0..DAYS {
            for (n, code) in (0..).zip(DISTRICTS).filter(|(n, _)| (n + day) % 3 == 0) {
                world.smell(CALLS, code, START + day * DAY_MS + n * MINUTE);
            }
        }
        assert_eq!(world.out.alerts, [], "what is usual");
        world
    }

    fn smell(&mut self, feed: usize, code: &str, at: i64) {
        let (id, text) = (self.told.to_string(), "a smell of gas");
        self.tell(feed, &id, code, text, at, &[]);
    }

    /// A call from one district after the other.
    fn every_20_minutes(&mut self, from: i64, to: i64) {
        let times = (0..).map(|n| (n, from + n * 20 * MINUTE));
        for (n, at) in times.take_while(|(_, at)| *at < to) {
            self.smell(CALLS, DISTRICTS[n as usize % 6], at);
        }
    }

    /// One record, with its detections and what takes the report out elsewhere.
    fn tell(&mut self, feed: usize, id: &str, code: &str, text: &str, at: i64, flags: &[&str]) {
        self.told += 1;
        let mut record = serde_json::json!({
            "id": id, "text": format!("{text}, call {id}"), "place": {"code": code}, "observed": Millis(at).to_string(),
        });
        for flag in flags {
            record[*flag] = true.into();
        }
        let body = record.to_string();
        self.found.clear();
        let record = RawRecord::new(body.as_bytes(), Millis(at));
        self.engine
            .process(feed, &record, &Position::default(), &mut self.found);
        for detection in &self.found.detections {
            self.correlator.fold(detection, &mut self.out);
        }
        if let Some(retraction) = &self.found.retraction {
            self.correlator.retract(retraction, &mut self.out);
        }
    }

    fn pass(&mut self, to: i64) {
        self.correlator.advance(Millis(to), &mut self.out);
    }

    /// Places on the queue, sorted.
    fn queued(&self) -> Vec<&str> {
        let alerts = self.out.alerts.iter();
        let mut codes: Vec<&str> = alerts.map(|alert| &*alert.place.code).collect();
        codes.sort_unstable();
        codes.dedup();
        codes
    }

    /// Revisions of the incident that the first revision of the city is of.
    fn first_of_city(&self) -> Vec<&Alert> {
        let of_city = |alert: &&Alert| &*alert.place.code == CITY;
        let first = self.out.alerts.iter().find(of_city).expect("an incident");
        let alerts = self.out.alerts.iter();
        let same = alerts.filter(|alert| alert.incident_id == first.incident_id);
        same.collect()
    }

    /// Reports by series, or by volume of a feed: what the state begins with `prefix`.
    fn counted(&mut self, prefix: &str) -> BTreeMap<String, u32> {
        let changes = self.correlator.take_changes().into_iter();
        let of = changes.filter(|it| it.key.starts_with(prefix));
        let sums = of.map(|it| {
            let series = Series::decode(it.value.as_deref().unwrap()).unwrap();
            (it.key, series.sum(i32::MIN, i32::MAX))
        });
        sums.filter(|(_, sum)| *sum > 0).collect()
    }
}

#[test]
fn a_report_of_a_district_is_no_source_of_the_citys_incident() {
    let mut world = World::with(|_| {});
    world.tell(CALLS, "city", CITY, "gas everywhere", START, &[]);
    for (n, code) in (1..).zip(DISTRICTS) {
        world.smell(OFFICE, code, START + n * MINUTE);
    }
    world.pass(START + 30 * MINUTE);
    let of_city = world.first_of_city();
    let last = of_city.last().unwrap();
    assert_eq!(last.level, Level::Orange, "one caller makes no red");
    assert!((last.certainty - 0.3).abs() < 1e-9, "{}", last.certainty);
    assert_eq!((last.counts.reports, last.counts.sources), (1, 1));
    assert_eq!((last.evidence.len(), last.report_ids.len()), (1, 1));
    assert_eq!(last.rules, ["whole-city".into()]);
}

#[test]
fn districts_neither_prolong_nor_wake_the_citys_incident() {
    let mut world = World::with(|_| {});
    world.tell(CALLS, "city", CITY, "gas everywhere", START, &[]);
    for n in 1..40 {
        world.smell(CALLS, DISTRICTS[n as usize % 6], START + n * 10 * MINUTE);
    }
    let of_city = world.first_of_city();
    let last = of_city.last().unwrap();
    assert_eq!(last.state, IncidentState::Resolved);
    assert_eq!(last.sent, Millis(START + HOUR_MS));
}

/// A report of the city that is said to be of a district after all, and the other way round.
#[test]
fn what_a_feed_carries_stays_right_when_a_report_moves_between_tiers() {
    for (first, then) in [(CITY, DISTRICTS[0]), (DISTRICTS[0], CITY)] {
        let mut world = World::with(|_| {});
        let text = "a smell of gas";
        world.tell(CALLS, "other", DISTRICTS[1], text, START, &[]);
        world.tell(CALLS, "moved", first, text, START + MINUTE, &[]);
        let at = START + 2 * MINUTE;
        world.tell(CALLS, "moved", then, text, at, &["revised"]);
        let volumes = world.counted("~volume/");
        assert_eq!(volumes["~volume/actual/*/calls"], 2, "{first} {volumes:?}");
        assert_eq!(volumes["~volume/actual/gas_leak/calls"], 2);
        let at = START + 3 * MINUTE;
        world.tell(CALLS, "moved", then, text, at, &["withdrawn"]);
        let volumes = world.counted("~volume/");
        assert_eq!(volumes["~volume/actual/*/calls"], 1, "{first} {volumes:?}");
        let series = world.counted("~series/");
        assert_eq!(series.values().sum::<u32>(), 2, "{first} {series:?}");
    }
}

/// The area that makes most of the period does so however many of its reports are remembered one by one.
#[test]
fn what_one_district_makes_alone_is_no_rise_of_the_city_however_many_reports_it_has() {
    for (members, entries) in [(1_500, 4_096), (16, 4_096), (16, 0)] {
        let mut world = World::taught(|config| {
            config.limits.reports_per_key = members;
            config.limits.aggregated_per_key = entries;
        });
        let now = START + DAYS * DAY_MS;
        for n in 0..40 {
            world.smell(CALLS, DISTRICTS[2], now + n * 1_000);
        }
        for (n, code) in (0..).zip([0, 1, 3, 4, 5, 0, 1, 3, 4, 5]) {
            world.smell(CALLS, DISTRICTS[code], now + MINUTE + n * 1_000);
        }
        assert_eq!(world.queued(), [DISTRICTS[2]], "{members} {entries}");
    }
}

/// A rumour of the city, long over or taken back, does not make what the districts count an ordinary incident.
#[test]
fn a_report_of_the_city_changes_nothing_about_what_its_districts_count() {
    let mut world = World::taught(|_| {});
    let now = START + DAYS * DAY_MS;
    world.tell(CALLS, "city", CITY, "a rumour of gas", now, &[]);
    world.tell(
        CALLS,
        "city",
        CITY,
        "a rumour of gas",
        now + 1,
        &["withdrawn"],
    );
    for n in 0..20 {
        world.smell(CALLS, DISTRICTS[2], now + MINUTE + n * 1_000);
    }
    assert_eq!(world.queued(), [DISTRICTS[2]]);
    // Two days on the rise is one of all districts, and is the city's.
    let later = now + 2 * DAY_MS;
    for n in 0..24 {
        world.smell(CALLS, DISTRICTS[n % 6], later + n as i64 * 1_000);
    }
    assert!(world.queued().contains(&CITY), "{:?}", world.queued());
}

/// The rise of a day is over when the day is, though the districts go on as they always do.
#[test]
fn a_rise_of_the_city_ends_with_its_alarm() {
    let mut world = World::with(|_| {});
    let now = START + DAYS * DAY_MS;
    world.every_20_minutes(START, now);
    assert_eq!(world.out.alerts, [], "what is usual");
    for n in 0..18 {
        world.smell(CALLS, DISTRICTS[n % 6], now + n as i64 * 1_000);
    }
    let opened = world.first_of_city().last().copied().unwrap().clone();
    assert_eq!(opened.level, Level::Yellow);
    // Calls come within the quiet time of one another.
    world.every_20_minutes(now + 20 * MINUTE, now + 30 * HOUR_MS);
    let of_city = world.first_of_city();
    let last = of_city.last().unwrap();
    assert_eq!(last.state, IncidentState::Resolved, "{}", last.sent);
    // A rise of the next days is an incident of its own, and names the one before.
    let later = now + 3 * DAY_MS;
    world.every_20_minutes(now + 30 * HOUR_MS, later);
    let before = world.out.alerts.len();
    for n in 0..18 {
        world.smell(CALLS, DISTRICTS[n % 6], later + n as i64 * 1_000);
    }
    let of_city = |alert: &&Alert| &*alert.place.code == CITY;
    let again = world.out.alerts[before..].iter().find(of_city).unwrap();
    assert_eq!(again.revision, 1);
    assert_eq!(again.previous, Some(opened.incident_id));
}
