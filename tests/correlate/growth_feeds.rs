//! Feeds that are new, stop, come twice or come late are no outbreak; an outbreak among them is one. On a virtual clock.

use tocsin::core::correlate::{CorrelateOutput, Correlator};
use tocsin::core::growth::{DAY_MS, HOUR_MS};
use tocsin::core::model::{Alert, Detection, Hazard};

use super::calls::call_to;
use super::sample::{START, config};

const HAZARDS: [Hazard; 4] = [
    Hazard::Fire,
    Hazard::GasLeak,
    Hazard::Flood,
    Hazard::PowerOutage,
];

/// Days before the one that matters.
const DAYS: i64 = 34;
/// Hours of a day in which anything is reported; incidents end in the others.
const AWAKE: i64 = 12;

/// A report of no severity.
fn report(feed: &str, hazard: Hazard, n: u64, observed: i64, received: i64) -> Detection {
    let mut made = call_to(feed, &format!("{feed} {n}"), observed, received);
    made.hazard = hazard;
    made.key = format!("actual/{}/cn-310115", hazard.id());
    made
}

/// Feeds that report, every one a few of each hazard in every hour, now and then one more: what is usual.
struct City {
    correlator: Correlator,
    out: CorrelateOutput,
    reports: u64,
}

impl City {
    fn new() -> Self {
        Self {
            correlator: Correlator::new(config()),
            out: CorrelateOutput::default(),
            reports: 0,
        }
    }

    fn report(&mut self, feed: &str, hazard: Hazard, observed: i64, received: i64) {
        self.reports += 1;
        let made = report(feed, hazard, self.reports, observed, received);
        self.correlator.fold(&made, &mut self.out);
    }

    /// An hour of a feed, `times` as much as is usual.
    fn hour(&mut self, feed: &str, hour: i64, times: u32) {
        if hour % 24 >= AWAKE {
            return;
        }
        for n in 0..reports_of(hour) * times {
            for hazard in HAZARDS {
                let at = START + hour * HOUR_MS + i64::from(n) * 1_000;
                self.report(feed, hazard, at, at);
            }
        }
    }

    fn days(&mut self, feed: &str, days: std::ops::Range<i64>) {
        for hour in days.start * 24..days.end * 24 {
            self.hour(feed, hour, 1);
        }
    }

    fn commit(&mut self) {
        self.correlator.take_changes();
        self.correlator.commit();
    }

    /// Alerts since the last call.
    fn alerts(&mut self) -> Vec<Alert> {
        self.commit();
        std::mem::take(&mut self.out.alerts)
    }

    /// Forty reports of fire in the hour.
    fn outbreak(&mut self, feed: &str, hour: i64) {
        for n in 0..40 {
            let at = START + hour * HOUR_MS + 1_000_000 + n * 1_000;
            self.report(feed, Hazard::Fire, at, at);
        }
    }

    /// There is an alarm of fire and of nothing else.
    fn assert_only_fire(&mut self) {
        let alerts = self.alerts();
        let alarms = |alert: &&Alert| alert.growth.as_ref().is_some_and(|growth| growth.alarm);
        let mut hazards: Vec<Hazard> = alerts.iter().filter(alarms).map(|a| a.hazard).collect();
        hazards.dedup();
        assert_eq!(hazards, [Hazard::Fire]);
    }
}

/// Two or three an hour.
fn reports_of(hour: i64) -> u32 {
    2 + u32::from(hour * 7 % 5 == 0)
}

#[test]
fn what_is_usual_is_no_alarm_and_an_outbreak_is() {
    let mut city = City::new();
    city.days("calls", 0..DAYS + 1);
    assert_eq!(city.alerts(), []);
    city.outbreak("calls", DAYS * 24 + AWAKE);
    city.assert_only_fire();
}

#[test]
fn a_new_feed_is_no_outbreak() {
    let mut city = City::new();
    city.days("calls", 0..DAYS);
    for hour in DAYS * 24..(DAYS + 3) * 24 {
        city.hour("calls", hour, 1);
        city.hour("app", hour, 5);
    }
    assert_eq!(city.alerts(), []);
    city.outbreak("calls", (DAYS + 3) * 24);
    city.assert_only_fire();
}

#[test]
fn a_doubled_feed_is_no_outbreak() {
    let mut city = City::new();
    city.days("calls", 0..DAYS);
    for hour in DAYS * 24..(DAYS + 3) * 24 {
        city.hour("calls", hour, 2);
    }
    assert_eq!(city.alerts(), []);
    city.hour("calls", (DAYS + 3) * 24, 2);
    city.outbreak("calls", (DAYS + 3) * 24);
    city.assert_only_fire();
}

#[test]
fn a_feed_that_stopped_and_is_back_is_no_outbreak() {
    let mut city = City::new();
    city.days("calls", 0..DAYS - 12);
    assert_eq!(city.alerts(), []);
    // Silent for ten days.
    city.days("calls", DAYS - 2..DAYS + 6);
    assert_eq!(city.alerts(), []);
    city.outbreak("calls", (DAYS + 6) * 24);
    city.assert_only_fire();
}

#[test]
fn a_backlog_is_no_outbreak_whether_or_not_it_says_when() {
    for dated in [true, false] {
        let mut city = City::new();
        city.days("calls", 0..DAYS);
        // A day was not delivered, and comes within an hour.
        let now = START + (DAYS + 1) * DAY_MS;
        for hour in DAYS * 24..DAYS * 24 + AWAKE {
            for n in 0..reports_of(hour) {
                for hazard in HAZARDS {
                    let at = START + hour * HOUR_MS + i64::from(n) * 1_000;
                    city.report("calls", hazard, if dated { at } else { now }, now);
                }
            }
        }
        assert_eq!(city.alerts(), [], "{dated}");
        for _ in 0..200 {
            city.report("calls", Hazard::Fire, now + 1_000, now + 1_000);
        }
        city.assert_only_fire();
    }
}

#[test]
fn the_same_hazard_at_many_places_is_an_outbreak_at_each() {
    let mut city = City::new();
    city.days("calls", 0..DAYS);
    assert_eq!(city.alerts(), []);
    let add = |city: &mut City, place: i64, at: i64| {
        city.reports += 1;
        let mut made = report("calls", Hazard::Fire, city.reports, at, at);
        made.key = format!("actual/fire/place-{place}");
        city.correlator.fold(&made, &mut city.out);
    };
    for hour in (DAYS..2 * DAYS).flat_map(|day| day * 24..day * 24 + AWAKE) {
        city.hour("calls", hour, 1);
        for place in 0..6 {
            add(&mut city, place, START + hour * HOUR_MS);
        }
    }
    assert_eq!(city.alerts(), []);
    for n in 0..20 {
        for place in 0..6 {
            add(&mut city, place, START + 2 * DAYS * DAY_MS + n * 1_000);
        }
    }
    let alerts = city.alerts();
    let mut keys: Vec<&str> = alerts.iter().map(|alert| &*alert.key).collect();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), 6, "{keys:?}");
}
