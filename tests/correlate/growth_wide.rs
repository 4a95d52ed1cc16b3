//! Wider areas: a rise that no district sees alone is an incident of the city, and one district's own is not two.

use tocsin::core::correlate::{CorrelateOutput, Correlator};
use tocsin::core::growth::{DAY_MS, Series};
use tocsin::core::model::{Detection, Level};

use super::calls::call;
use super::sample::{START, config, place};

const CITY: &str = "actual/fire/~cn-3101";
const DAYS: i64 = 32;

/// A call from a district, and the same for the city alone.
fn from(district: i64, id: &str, at: i64) -> [Detection; 2] {
    let mut own = call(id, at);
    let code = format!("cn-3101{district:02}");
    (own.place, own.key_place) = (place(&code), place(&code));
    own.key = format!("actual/fire/{code}");
    let mut city = own.clone();
    city.key_place = place("cn-3101");
    city.key = CITY.into();
    (city.severity, city.score) = (0, Vec::new());
    city.wide_of = Some(code.into());
    [own, city]
}

struct World {
    correlator: Correlator,
    out: CorrelateOutput,
    calls: i64,
}

impl World {
    /// Every district had a call on every third day, one after the other.
    fn new() -> Self {
        let mut world = Self {
            correlator: Correlator::new(config()),
            out: CorrelateOutput::default(),
            calls: 0,
        };
        for day in 0..DAYS {
            for district in (0..12).filter(|district| (district + day) % 3 == 0) {
                world.calls(district, START + day * DAY_MS + district * 60_000, 1);
            }
        }
        assert_eq!(world.out.alerts, [], "what is usual");
        world
    }

    fn calls(&mut self, district: i64, at: i64, times: i64) {
        for n in 0..times {
            self.calls += 1;
            for detection in from(district, &self.calls.to_string(), at + n) {
                self.correlator.fold(&detection, &mut self.out);
            }
        }
    }

    /// Keys on the queue, sorted.
    fn queued(&self) -> Vec<&str> {
        let mut keys: Vec<&str> = self.out.alerts.iter().map(|alert| &*alert.key).collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }
}

#[test]
fn many_districts_with_a_few_each_are_an_incident_of_the_city() {
    let mut world = World::new();
    for district in 0..12 {
        world.calls(district, START + DAYS * DAY_MS + district * 1_000, 2);
    }
    assert_eq!(world.queued(), [CITY]);
    let last = world.out.alerts.last().unwrap();
    assert_eq!(last.level, Level::Yellow, "the highest for this reason");
    assert_eq!(last.place.code.as_ref(), "cn-3101");
    assert!(last.growth.as_ref().unwrap().alarm);
    let sum: i32 = last.reasons.iter().map(|line| line.points).sum();
    assert_eq!(sum, i32::from(last.score));
}

#[test]
fn what_one_district_makes_alone_is_an_incident_there_only() {
    let mut world = World::new();
    let now = START + DAYS * DAY_MS;
    world.calls(0, now, 1);
    world.calls(7, now + 60_000, 20);
    assert_eq!(world.queued(), ["actual/fire/cn-310107"]);
}

#[test]
fn an_ordinary_report_of_the_city_is_an_incident_beside_it() {
    let mut world = World::new();
    let now = START + DAYS * DAY_MS;
    for district in 0..12 {
        world.calls(district, now + district * 1_000, 2);
    }
    let before = world.out.alerts.last().unwrap().incident_id;
    let [mut severe, _] = from(0, "severe", now + 60_000);
    (severe.key, severe.key_place) = ("actual/fire/cn-3101".into(), place("cn-3101"));
    severe.severity = 85;
    world.correlator.fold(&severe, &mut world.out);
    let last = world.out.alerts.last().unwrap();
    assert_ne!(last.incident_id, before);
    assert_eq!((last.level, last.counts.reports), (Level::Orange, 1));
    assert_eq!(last.headline.en, "Fire: Place cn-3101");
    let city = world.out.alerts.iter().find(|it| it.incident_id == before);
    let headline = &city.unwrap().headline;
    assert_eq!(headline.en, "Fire: Place cn-3101, several areas");
    assert_eq!(headline.zh, "地点cn-3101火灾（多个区域）");
}

#[test]
fn what_a_feed_carries_is_counted_once() {
    let mut world = World::new();
    let changes = world.correlator.take_changes();
    let sum = |of: &dyn Fn(&str) -> bool| -> u32 {
        let of = changes.iter().filter(|change| of(&change.key));
        of.map(|change| Series::decode(change.value.as_deref().unwrap()).unwrap())
            .map(|series| series.sum(i32::MIN, i32::MAX))
            .sum()
    };
    let calls = world.calls as u32;
    assert_eq!(sum(&|key| key == "~series/actual/fire/~cn-3101"), calls);
    assert_eq!(
        sum(&|key| key.starts_with("~series/actual/fire/")),
        2 * calls
    );
    assert_eq!(sum(&|key| key == "~volume/actual/*/calls"), calls);
}
