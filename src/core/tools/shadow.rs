//! What shadow rules would have done: their hits counted, and held against what went live.
//!
//! Invariant: a report counts once per rule, however often it was read, and one of a drill not at all; memory is bounded by
//! [`MAX_REPORTS`] and [`MAX_HOURS`] a rule, or by what the reader says. Hits, signs of life and detections may come in any order. Of a rule whose
//! wording is known, records of another one do not count: an edited rule is watched anew.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;

use crate::core::model::{Detection, Millis, ShadowHit, ShadowWatch, Status};
use crate::core::rule::program::Program;

/// Most reports of a rule that are told apart; of further ones each record counts.
const MAX_REPORTS: usize = 1_000_000;
/// Samples kept of a rule.
pub const MAX_SAMPLES: usize = 50;

/// Hours of a rule's signs of life that are told apart: more than two years.
const MAX_HOURS: usize = 20_000;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: f64 = 86_400_000.0;
/// Between two signs of life so far apart a rule counts as watched; feeds may rest for a night.
const MAX_GAP_MS: i64 = 86_400_000;

/// One report on which a rule fired, for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct Sample {
    pub feed: Arc<str>,
    pub report: String,
    pub received: Millis,
    pub key: String,
    pub place: String,
    pub excerpt: String,
    /// No live rule of the hazard fired on it.
    pub new: bool,
}

/// What one rule did.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Observed {
    /// Rule id.
    pub rule: Arc<str>,
    /// First report that it is known to have been held against, or the first hit.
    pub since: Millis,
    /// Last hit; none: it never fired.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<Millis>,
    /// Days watched from then to the end of what was read. Days on which no report was held against it do not count, where signs of
    /// life were read.
    pub days: f64,
    /// Reports on which it fired.
    pub hits: u64,
    /// Reports a day, of one day at least.
    pub per_day: f64,
    /// Of these, reports that no live rule of its hazard fired on: what it would add.
    pub new: u64,
    /// The same a day, of one day at least.
    pub new_per_day: f64,
    /// Incident keys of these.
    pub new_keys: usize,
    /// How many of its reports each live rule fired on.
    pub overlap: BTreeMap<Arc<str>, u64>,
    /// Rule that it would replace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replaces: Option<Arc<str>>,
    /// Reports since then on which only the replaced rule fired: what it would remove. None: not counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub removed: Option<u64>,
    /// Versions of the rule set that the hits come from.
    pub rule_sets: BTreeSet<Arc<str>>,
    /// The first reports that it would add, then others.
    pub samples: Vec<Sample>,
}

#[derive(Debug, Default)]
struct Kept {
    since: Option<Millis>,
    last: Option<Millis>,
    /// Earliest sign of life of an hour.
    watched: BTreeMap<i64, Millis>,
    hits: u64,
    new: u64,
    reports: BTreeSet<(Arc<str>, String)>,
    new_keys: BTreeSet<String>,
    overlap: BTreeMap<Arc<str>, u64>,
    replaces: Option<Arc<str>>,
    removed: BTreeSet<(Arc<str>, String)>,
    rule_sets: BTreeSet<Arc<str>>,
    samples: [Vec<Sample>; 2],
}

/// Counts. First every hit and sign of life, then, where wanted, every detection; then those that come later.
#[derive(Debug)]
pub struct Tally {
    rules: BTreeMap<Arc<str>, Kept>,
    /// What rules say now, by their ids.
    wordings: BTreeMap<Arc<str>, Arc<str>>,
    /// By rule: records of other wordings.
    earlier: BTreeMap<Arc<str>, u64>,
    end: Option<Millis>,
    detections: bool,
    /// Reports of a rule that are told apart.
    most: usize,
}

impl Default for Tally {
    fn default() -> Self {
        Self::telling_apart(MAX_REPORTS)
    }
}

impl Tally {
    /// One that tells so many reports of a rule apart; of further ones each record counts.
    pub fn telling_apart(most: usize) -> Self {
        Self {
            rules: BTreeMap::new(),
            wordings: BTreeMap::new(),
            earlier: BTreeMap::new(),
            end: None,
            detections: false,
            most: most.min(MAX_REPORTS),
        }
    }

    /// Of the shadow rules of this set only what happened since they say what they say counts; of rules that it does not have, everything.
    #[must_use]
    pub fn of(mut self, program: &Program) -> Self {
        let shadow = program.rules.iter().filter(|rule| rule.shadow);
        self.wordings = shadow
            .map(|rule| (rule.id.clone(), rule.wording.clone()))
            .collect();
        self
    }

    /// By rule: how many records do not count, as the rule said something else then.
    pub fn earlier(&self) -> &BTreeMap<Arc<str>, u64> {
        &self.earlier
    }

    /// Whether a record is of what the rule says now.
    fn current(&mut self, rule: &Arc<str>, wording: &str) -> bool {
        let known = self.wordings.get(rule);
        let current = known.is_none_or(|now| **now == *wording);
        if !current {
            *self.earlier.entry(rule.clone()).or_default() += 1;
        }
        current
    }

    /// Takes a record of the topic of shadow rules, if `wanted` wants its rule. False: it is none of a known version.
    pub fn record(&mut self, value: &[u8], wanted: impl Fn(&str) -> bool) -> bool {
        if let Ok(hit) = serde_json::from_slice::<ShadowHit>(value) {
            if wanted(&hit.rule_id) && self.current(&hit.rule_id, &hit.wording) {
                self.hit(&hit);
            }
            return true;
        }
        let watch = serde_json::from_slice::<ShadowWatch>(value);
        if let Ok(watch) = &watch
            && wanted(&watch.rule_id)
            && self.current(&watch.rule_id, &watch.wording)
        {
            self.watched(watch);
        }
        watch.is_ok()
    }

    /// A report was held against the rule.
    pub fn watched(&mut self, watch: &ShadowWatch) {
        let at = watch.watched;
        self.end = self.end.max(Some(at));
        let kept = self.rules.entry(watch.rule_id.clone()).or_default();
        kept.since = Some(kept.since.map_or(at, |since| since.min(at)));
        let hour = at.0.div_euclid(HOUR_MS);
        if kept.watched.len() < MAX_HOURS || kept.watched.contains_key(&hour) {
            let first = kept.watched.entry(hour).or_insert(at);
            *first = at.min(*first);
        }
        kept.replaces.clone_from(&watch.replaces);
        kept.rule_sets.insert(watch.rule_set.clone());
    }

    /// Counts a hit, but for those of drills and tests.
    pub fn hit(&mut self, hit: &ShadowHit) {
        if hit.key.split('/').next() != Some(Status::Actual.id()) {
            return;
        }
        self.end = self.end.max(Some(hit.received));
        let kept = self.rules.entry(hit.rule_id.clone()).or_default();
        let id = (hit.feed.clone(), hit.report_id.clone());
        // A detection of it may have been read before.
        kept.removed.remove(&id);
        if kept.reports.contains(&id) {
            return;
        }
        if kept.reports.len() < self.most {
            kept.reports.insert(id);
        }
        kept.since = Some(kept.since.map_or(hit.received, |at| at.min(hit.received)));
        kept.last = kept.last.max(Some(hit.received));
        kept.hits += 1;
        for rule in &hit.fired {
            *kept.overlap.entry(rule.clone()).or_default() += 1;
        }
        if !hit.covered {
            kept.new += 1;
            if kept.new_keys.len() < self.most {
                kept.new_keys.insert(hit.key.clone());
            }
        }
        kept.replaces.clone_from(&hit.replaces);
        kept.rule_sets.insert(hit.rule_set.clone());
        let samples = &mut kept.samples[usize::from(hit.covered)];
        if samples.len() < MAX_SAMPLES {
            samples.push(Sample {
                feed: hit.feed.clone(),
                report: hit.report_id.clone(),
                received: hit.received,
                key: hit.key.clone(),
                place: hit.place.clone(),
                excerpt: hit.excerpt.clone(),
                new: !hit.covered,
            });
        }
    }

    /// Whether detections are needed to say what would be removed.
    pub fn wants_detections(&self) -> bool {
        self.rules.values().any(|kept| kept.replaces.is_some())
    }

    /// Holds a detection against the rules that would replace its rule.
    pub fn detection(&mut self, detection: &Detection) {
        self.detections = true;
        let report = &detection.report;
        for kept in self.rules.values_mut() {
            let watched = kept.since.is_some_and(|since| report.received >= since);
            if kept.replaces.as_ref() != Some(&detection.rule_id) || !watched {
                continue;
            }
            let id = (report.feed.clone(), report.id.clone());
            if !kept.reports.contains(&id) && kept.removed.len() < self.most {
                kept.removed.insert(id);
            }
        }
    }

    /// What came of it, rules in the order of their ids. `end`: until when was watched; none: until the last hit of any rule.
    pub fn observed(&self, end: Option<Millis>, samples: usize) -> Vec<Observed> {
        let end = end.or(self.end).unwrap_or_default();
        self.rules
            .iter()
            .map(|(rule, kept)| kept.observed(rule, end, self.detections, samples))
            .collect()
    }
}

impl Kept {
    /// How long it was watched: from one sign of life to the next where they are near enough. Before the first of them, from the first hit.
    fn watched_ms(&self, since: Millis, end: Millis) -> i64 {
        let mut times = self.watched.values().copied().chain([end]);
        let Some(mut before) = times.next() else {
            return 0;
        };
        let mut sum = before.since(since).max(0);
        for at in times {
            let gap = at.since(before).max(0);
            sum += if gap <= MAX_GAP_MS { gap } else { 0 };
            before = at;
        }
        sum
    }

    fn observed(&self, rule: &Arc<str>, end: Millis, detections: bool, samples: usize) -> Observed {
        let since = self.since.unwrap_or_default();
        let days = self.watched_ms(since, end) as f64 / DAY_MS;
        let per_day = |n: u64| n as f64 / days.max(1.0);
        Observed {
            rule: rule.clone(),
            since,
            last: self.last,
            days,
            hits: self.hits,
            per_day: per_day(self.hits),
            new: self.new,
            new_per_day: per_day(self.new),
            new_keys: self.new_keys.len(),
            overlap: self.overlap.clone(),
            replaces: self.replaces.clone(),
            removed: (detections && self.replaces.is_some()).then_some(self.removed.len() as u64),
            rule_sets: self.rule_sets.clone(),
            samples: self
                .samples
                .iter()
                .flatten()
                .take(samples)
                .cloned()
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::correlate::sample;

    fn hit(report: &str, day: i64, covered: bool) -> ShadowHit {
        serde_json::from_value(serde_json::json!({
            "v": 1, "rule_id": "s", "key": format!("actual/fire/{report}"), "severity": 40, "feed": "f",
            "report_id": report, "received": Millis(day * 86_400_000), "rule_set": "abc", "covered": covered,
            "fired": if covered { vec!["live"] } else { vec![] }, "place": "Town", "excerpt": "smoke",
        }))
        .unwrap()
    }

    #[test]
    fn reports_count_once_and_new_ones_are_told_apart() {
        let mut tally = Tally::default();
        for one in [
            hit("a", 10, true),
            hit("b", 11, false),
            hit("b", 12, false),
            hit("c", 14, false),
        ] {
            tally.hit(&one);
        }
        let observed = tally.observed(None, 2);
        let one = &observed[0];
        assert_eq!((one.hits, one.new, one.new_keys), (3, 2, 2));
        assert!((one.days - 4.0).abs() < 1e-9 && (one.new_per_day - 0.5).abs() < 1e-9);
        assert_eq!(one.overlap, BTreeMap::from([("live".into(), 1)]));
        let samples: Vec<&str> = one.samples.iter().map(|s| &*s.report).collect();
        assert_eq!(samples, ["b", "c"], "what it would add comes first");
        let longer = tally.observed(Some(Millis(20 * 86_400_000)), 0);
        assert!((longer[0].new_per_day - 0.2).abs() < 1e-9);
        assert_eq!(one.removed, None);
    }

    fn fired(report: &str, day: i64) -> Detection {
        let mut detection = sample::detection(report, day * 86_400_000, 40);
        (detection.rule_id, detection.report.feed) = ("live".into(), "f".into());
        detection
    }

    #[test]
    fn what_would_be_removed_is_the_same_in_any_order() {
        let replacing = |report: &str, day| ShadowHit {
            replaces: Some("live".into()),
            ..hit(report, day, true)
        };
        let mut before = Tally::default();
        before.hit(&replacing("a", 1));
        before.hit(&replacing("b", 2));
        before.detection(&fired("b", 2));
        before.detection(&fired("c", 2));
        let mut after = Tally::default();
        after.hit(&replacing("a", 1));
        after.detection(&fired("b", 2));
        after.detection(&fired("c", 2));
        after.hit(&replacing("b", 2));
        let end = Some(Millis(3 * 86_400_000));
        assert_eq!(before.observed(end, 5), after.observed(end, 5));
        assert_eq!(after.observed(end, 0)[0].removed, Some(1), "only c");
    }

    fn watch(rule: &str, hours: i64) -> ShadowWatch {
        ShadowWatch {
            v: 1,
            rule_id: rule.into(),
            replaces: None,
            watched: Millis(hours * 3_600_000),
            rule_set: "abc".into(),
            wording: "now".into(),
        }
    }

    #[test]
    fn a_rule_that_never_fires_was_watched_all_the_same() {
        let mut tally = Tally::default();
        // Three days by the hour, a night's rest of ten hours each; after a week without any report one day more.
        let days = [0, 1, 2, 9].map(|day| (0..14).map(move |hour| 24 * day + hour));
        for hours in days.into_iter().flatten() {
            // In any order, and by two workers.
            tally.watched(&watch("s", 300 - hours));
            tally.watched(&watch("s", 300 - hours));
        }
        let one = &tally.observed(Some(Millis(400 * 3_600_000)), 3)[0];
        assert_eq!((one.hits, one.last), (0, None));
        assert!(one.new_per_day.abs() < 1e-9);
        assert_eq!(one.since, Millis((300 - 9 * 24 - 13) * 3_600_000));
        let hours = 13 + (2 * 24 + 13);
        assert!((one.days * 24.0 - f64::from(hours)).abs() < 1e-9, "{one:?}");
    }

    #[test]
    fn hits_before_the_first_sign_of_life_count_from_the_first_of_them() {
        let mut tally = Tally::default();
        tally.hit(&hit("a", 10, false));
        tally.watched(&watch("s", 12 * 24));
        tally.watched(&watch("s", 12 * 24 + 12));
        let one = &tally.observed(None, 0)[0];
        assert_eq!(one.since, Millis(10 * 86_400_000));
        assert!((one.days - 2.5).abs() < 1e-9, "{one:?}");
    }

    /// Ten days of one wording, then two of another: the rule was watched for two, and back in its first wording for all of that one's.
    #[test]
    fn an_edited_rule_is_watched_anew() {
        let tally = |now: &str| {
            let mut tally = Tally {
                wordings: BTreeMap::from([("s".into(), now.into())]),
                ..Tally::default()
            };
            for hours in 0..=12 * 24 {
                let wording = if hours < 10 * 24 { "before" } else { "now" };
                let mut sign = watch("s", hours);
                sign.wording = wording.into();
                assert!(tally.record(&serde_json::to_vec(&sign).unwrap(), |_| true));
                let mut hit = hit(&hours.to_string(), 0, false);
                (hit.received, hit.wording) = (Millis(hours * HOUR_MS), wording.into());
                assert!(tally.record(&serde_json::to_vec(&hit).unwrap(), |_| true));
            }
            tally
        };
        let edited = tally("now");
        let one = &edited.observed(None, 0)[0];
        assert_eq!((one.hits, one.since), (49, Millis(240 * HOUR_MS)));
        assert!((one.days - 2.0).abs() < 1e-9, "{one:?}");
        assert_eq!(edited.earlier()["s"], 480);
        let back = &tally("before").observed(None, 0)[0];
        assert_eq!(back.hits, 240);
        assert!((back.days - 10.0).abs() < 0.1, "{back:?}");
        assert!(tally("never deployed").observed(None, 0).is_empty());
    }

    #[test]
    fn drills_count_nowhere() {
        let mut tally = Tally::default();
        let key = "exercise/fire/a/x".to_owned();
        tally.hit(&ShadowHit {
            key,
            ..hit("a", 1, false)
        });
        assert!(tally.observed(None, 0).is_empty());
    }

    #[test]
    fn beyond_its_bound_every_record_counts() {
        let mut tally = Tally::telling_apart(1);
        for report in ["a", "a", "b", "b"] {
            tally.hit(&hit(report, 1, false));
        }
        assert_eq!(tally.observed(None, 0)[0].hits, 3);
    }
}
