//! The same fold written a second time, as plainly as the design puts it: whole histories, no state kept that could be
//! computed, no encoding, no indices.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tocsin::core::correlate::CorrelateConfig;
use tocsin::core::model::{
    CorrelateOutcome, Correlation, Detection, FeedKind, Level, NO_PLACE, Retraction, Status,
};

use super::oracle_correlations::fired;
use super::sample::Event;

/// What is compared of an alert.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Seen {
    pub key: String,
    /// How many incidents this key had before.
    pub ordinal: usize,
    pub revision: u32,
    pub msg_type: &'static str,
    pub active: bool,
    pub material: bool,
    pub level: Level,
    pub score: u8,
    pub certainty: u32,
    pub reports: BTreeSet<String>,
    pub copies: usize,
    pub departments: Vec<String>,
    pub sent: i64,
}

#[derive(Clone)]
pub(super) struct Report {
    pub(super) feed: String,
    pub(super) detection: Detection,
    pub(super) rules: BTreeMap<String, u8>,
    /// Correlations of each rule that fired.
    pub(super) correlations: BTreeMap<String, Vec<Arc<Correlation>>>,
    requests: BTreeMap<String, Vec<String>>,
    pub(super) cluster: usize,
    /// When its feed last stated this content.
    stated: i64,
}

struct Incident {
    key: String,
    ordinal: usize,
    reports: Vec<Report>,
    prints: Vec<(u64, usize)>,
    next_cluster: usize,
    active: bool,
    ended: i64,
    activity: i64,
    level: Option<Level>,
    level_since: i64,
    peak: Option<Level>,
    revision: u32,
    sent: i64,
    stale: bool,
    last_departments: Vec<String>,
    last_class: u8,
    fall_due: Option<i64>,
}

/// The whole oracle: a lane per status, a list of incidents per lane.
pub(super) struct Oracle<'a> {
    config: &'a CorrelateConfig,
    clocks: BTreeMap<&'static str, i64>,
    open: Vec<Incident>,
    ordinals: BTreeMap<String, usize>,
    pub alerts: Vec<Seen>,
    pub outcomes: Vec<CorrelateOutcome>,
}

const BEFORE: i64 = i64::MIN / 2;

impl<'a> Oracle<'a> {
    pub(super) fn new(config: &'a CorrelateConfig) -> Self {
        Self {
            config,
            clocks: Status::ALL
                .iter()
                .map(|status| (status.id(), BEFORE))
                .collect(),
            open: Vec::new(),
            ordinals: BTreeMap::new(),
            alerts: Vec::new(),
            outcomes: Vec::new(),
        }
    }

    pub(super) fn run(&mut self, events: &[Event]) {
        for event in events {
            match event {
                Event::Advance(to) => Status::ALL.iter().for_each(|s| self.advance(s.id(), *to)),
                Event::Retraction(retraction) => {
                    let lane = retraction.status.id();
                    self.advance(lane, retraction.received.0);
                    if lane == "actual" {
                        self.advance("exercise", retraction.received.0);
                        self.advance("test", retraction.received.0);
                    }
                    self.retract(retraction, self.clocks[lane]);
                }
                Event::Detection(detection) => {
                    let lane = detection.status.id();
                    let received = detection.report.received.0;
                    self.advance(lane, received);
                    if lane == "actual" {
                        self.advance("exercise", received);
                        self.advance("test", received);
                    }
                    let outcome = self.fold(detection, self.clocks[lane]);
                    self.outcomes.push(outcome);
                }
            }
        }
    }

    /// Looks for the next thing due, one at a time, over everything there is.
    fn advance(&mut self, lane: &'static str, to: i64) {
        loop {
            let mut due: Vec<(i64, String)> = Vec::new();
            for incident in self.open.iter().filter(|i| i.key.starts_with(lane)) {
                let at = |due: i64| (due.max(self.clocks[lane]), incident.key.clone());
                if incident.stale {
                    due.push(at(incident.sent + self.config.incident.refresh_ms));
                }
                if incident.active {
                    due.push(at(incident.activity + incident.quiet()));
                    due.extend(incident.fall_due.map(at));
                } else {
                    due.push(at(incident.ended + self.config.incident.reopen_for_ms));
                }
            }
            let Some((now, key)) = due.into_iter().min().filter(|(now, _)| *now <= to) else {
                break;
            };
            self.clocks.insert(lane, now);
            let position = self.open.iter().position(|i| i.key == key).unwrap();
            let mut incident = self.open.remove(position);
            if !incident.active && incident.ended + self.config.incident.reopen_for_ms <= now {
                continue;
            }
            if incident.active && incident.activity + incident.quiet() <= now {
                incident.active = false;
                incident.ended = now;
                if let Some(level) = incident.level {
                    self.publish(&mut incident, "update", false, level, now);
                }
            } else {
                let refresh =
                    incident.stale && incident.sent + self.config.incident.refresh_ms <= now;
                self.revise(&mut incident, now, false, refresh);
            }
            self.open.push(incident);
        }
        if self.clocks[lane] < to {
            self.clocks.insert(lane, to);
        }
    }

    fn fold(&mut self, detection: &Detection, now: i64) -> CorrelateOutcome {
        let key = &detection.key;
        let Some(position) = self.open.iter().position(|i| &i.key == key) else {
            let ordinal = self.ordinals.entry(key.clone()).or_default();
            let mut incident = Incident::new(key, *ordinal, now);
            *ordinal += 1;
            incident.add(detection);
            self.changed(&mut incident, detection, false, now);
            self.open.push(incident);
            return CorrelateOutcome::Opened;
        };
        let mut incident = self.open.remove(position);
        let (outcome, changed) = incident.join(detection);
        if changed {
            self.changed(
                &mut incident,
                detection,
                outcome == CorrelateOutcome::Repeat,
                now,
            );
        }
        self.open.push(incident);
        outcome
    }

    fn retract(&mut self, retraction: &Retraction, now: i64) {
        let mut keys: Vec<String> = self.open.iter().map(|i| i.key.clone()).collect();
        keys.sort();
        for key in keys {
            let other = !key.starts_with(retraction.status.id());
            if other || retraction.except.contains(&key) {
                continue;
            }
            let position = self.open.iter().position(|i| i.key == key).unwrap();
            let mut incident = self.open.remove(position);
            let counts = incident.reports.iter_mut().find(|r| {
                r.feed == *retraction.feed
                    && r.detection.report.id == retraction.report_id
                    && !r.detection.report.withdrawn
                    && r.stated <= retraction.received.0
            });
            if let Some(report) = counts {
                let of = &mut report.detection.report;
                of.withdrawn = true;
                of.content_hash = u64::MAX;
                of.received = retraction.received;
                report.stated = retraction.received.0;
                self.revise(&mut incident, now, false, false);
            }
            self.open.push(incident);
        }
    }

    fn changed(
        &mut self,
        incident: &mut Incident,
        detection: &Detection,
        repeated: bool,
        now: i64,
    ) {
        let mut woken = false;
        if !detection.report.withdrawn && !repeated {
            woken = !incident.active;
            incident.active = true;
            incident.activity = now;
        }
        self.revise(incident, now, woken, false);
    }

    fn revise(&mut self, incident: &mut Incident, now: i64, woken: bool, refresh: bool) {
        let standing = incident.standing();
        if standing.is_empty() {
            incident.active = false;
            incident.ended = now;
            incident.fall_due = None;
            if let (Some(level), true) = (incident.level, incident.revision > 0) {
                self.publish(incident, "cancel", true, level, now);
            }
            return;
        }
        let before = incident.level;
        self.set_level(incident, &standing, now);
        if incident.level != before {
            incident.level_since = now;
            incident.peak = incident.peak.max(incident.level);
        }
        let Some(level) = incident.level else { return };
        let departments = self.departments(incident, &standing);
        let material = incident.revision == 0
            || incident.level != before
            || woken
            || departments != incident.last_departments
            || class(&standing) != incident.last_class;
        if material || refresh || incident.sent + self.config.incident.refresh_ms <= now {
            let kind = if incident.revision == 0 {
                "alert"
            } else {
                "update"
            };
            self.publish(incident, kind, material, level, now);
        } else {
            incident.stale = true;
        }
    }

    fn set_level(&self, incident: &mut Incident, standing: &[Report], now: i64) {
        let fired = fired(&incident.reports);
        let score = i32::from(score(standing, &fired, self.config));
        let settings = &self.config.level;
        let by_score = Level::ALL
            .into_iter()
            .filter(|l| score >= settings.threshold(*l))
            .max();
        let known = standing
            .iter()
            .any(|r| r.detection.report.kind.is_authoritative());
        let highest = if incident.key.split('/').nth(2) == Some(NO_PLACE) {
            Level::Yellow
        } else if certainty(standing) >= 800 || known {
            Level::Red
        } else {
            Level::Orange
        };
        let wanted = by_score.map(|level| level.min(highest));
        incident.fall_due = None;
        match incident.level {
            None => incident.level = wanted,
            Some(current) if wanted >= Some(current) => incident.level = wanted,
            Some(current) => {
                let holds = current <= highest && score >= settings.threshold(current) - 5;
                let lower = wanted.unwrap_or(Level::Blue);
                if holds || lower == current {
                    return;
                }
                if incident.level_since + settings.dwell_ms <= now {
                    incident.level = Some(lower);
                } else {
                    incident.fall_due = Some(incident.level_since + settings.dwell_ms);
                }
            }
        }
    }

    fn departments(&self, incident: &Incident, standing: &[Report]) -> Vec<String> {
        let mut ids = vec!["fire!".to_owned()];
        if incident.peak >= Some(Level::Orange) {
            ids.push("health".to_owned());
        }
        let asked = standing.iter().any(|r| {
            r.rules
                .keys()
                .any(|rule| r.requests.get(rule).is_some_and(|ids| !ids.is_empty()))
        });
        if asked {
            ids.push("water!".to_owned());
        }
        ids
    }

    fn publish(
        &mut self,
        incident: &mut Incident,
        msg_type: &'static str,
        material: bool,
        level: Level,
        now: i64,
    ) {
        let standing = incident.standing();
        incident.revision += 1;
        incident.sent = now;
        incident.stale = false;
        incident.last_departments = self.departments(incident, &standing);
        incident.last_class = class(&standing);
        let live = incident
            .reports
            .iter()
            .filter(|r| !r.detection.report.withdrawn)
            .count();
        self.alerts.push(Seen {
            key: incident.key.clone(),
            ordinal: incident.ordinal,
            revision: incident.revision,
            msg_type,
            active: incident.active,
            material,
            level,
            score: score(&standing, &fired(&incident.reports), self.config),
            certainty: certainty(&standing),
            reports: standing
                .iter()
                .map(|r| format!("{}/{}", r.feed, r.detection.report.id))
                .collect(),
            copies: live - standing.len(),
            departments: incident.last_departments.clone(),
            sent: now,
        });
    }
}

impl Incident {
    fn new(key: &str, ordinal: usize, now: i64) -> Self {
        Self {
            key: key.to_owned(),
            ordinal,
            reports: Vec::new(),
            prints: Vec::new(),
            next_cluster: 0,
            active: true,
            ended: 0,
            activity: now,
            level: None,
            level_since: now,
            peak: None,
            revision: 0,
            sent: 0,
            stale: false,
            last_departments: Vec::new(),
            last_class: 0,
            fall_due: None,
        }
    }

    fn quiet(&self) -> i64 {
        self.reports.first().map_or(0, |r| r.detection.quiet_ms)
    }

    fn add(&mut self, detection: &Detection) -> CorrelateOutcome {
        let (cluster, copy) = self.cluster(detection);
        self.reports.push(Report::new(detection, cluster));
        if copy {
            CorrelateOutcome::Copy
        } else {
            CorrelateOutcome::Merged
        }
    }

    fn cluster(&mut self, detection: &Detection) -> (usize, bool) {
        use tocsin::core::model::Fingerprint;
        let report = &detection.report;
        let free_text = matches!(
            report.kind,
            FeedKind::News | FeedKind::Post | FeedKind::Hotline
        );
        let print = match report.fingerprint {
            Some(Fingerprint::Exact(print)) if free_text => Some(print),
            _ => None,
        };
        if let Some((_, cluster)) = self.prints.iter().find(|(known, _)| Some(*known) == print) {
            return (*cluster, true);
        }
        let cluster = self.next_cluster;
        self.next_cluster += 1;
        self.prints.extend(print.map(|print| (print, cluster)));
        (cluster, false)
    }

    fn join(&mut self, detection: &Detection) -> (CorrelateOutcome, bool) {
        let report = &detection.report;
        let known = self
            .reports
            .iter()
            .position(|r| *r.feed == *report.feed && r.detection.report.id == report.id);
        let Some(at) = known else {
            return (self.add(detection), true);
        };
        let old = &mut self.reports[at];
        if old.detection.report.content_hash == report.content_hash {
            old.stated = old.stated.max(report.received.0);
            let first = &mut old.detection.report.received;
            let earlier = report.received < *first;
            *first = report.received.min(*first);
            if old.rules.contains_key(&*detection.rule_id) {
                return (CorrelateOutcome::Repeat, earlier);
            }
            old.add_rule(detection);
            return (CorrelateOutcome::Merged, true);
        }
        if report.received.0 < old.stated {
            return (CorrelateOutcome::Merged, false);
        }
        let cluster = old.cluster;
        if report.withdrawn {
            self.reports[at] = Report::new(detection, cluster);
            return (CorrelateOutcome::Merged, true);
        }
        let alone = self.reports.iter().filter(|r| r.cluster == cluster).count() == 1;
        if alone {
            self.prints.retain(|(_, of)| *of != cluster);
        }
        let (cluster, _) = self.cluster(detection);
        self.reports[at] = Report::new(detection, cluster);
        (CorrelateOutcome::Merged, true)
    }

    /// The earliest live report of each cluster.
    fn standing(&self) -> Vec<Report> {
        let mut first: BTreeMap<usize, &Report> = BTreeMap::new();
        let order = |r: &Report| {
            (
                r.detection.report.received,
                r.feed.clone(),
                r.detection.report.id.clone(),
            )
        };
        for report in self
            .reports
            .iter()
            .filter(|r| !r.detection.report.withdrawn)
        {
            let slot = first.entry(report.cluster).or_insert(report);
            if order(report) < order(slot) {
                *slot = report;
            }
        }
        first.into_values().cloned().collect()
    }
}

impl Report {
    fn new(detection: &Detection, cluster: usize) -> Self {
        let mut report = Self {
            feed: detection.report.feed.to_string(),
            detection: detection.clone(),
            rules: BTreeMap::new(),
            correlations: BTreeMap::new(),
            requests: BTreeMap::new(),
            cluster,
            stated: detection.report.received.0,
        };
        report.add_rule(detection);
        report
    }

    fn add_rule(&mut self, detection: &Detection) {
        let rule = detection.rule_id.to_string();
        self.rules.insert(rule.clone(), detection.severity);
        let ids = detection
            .departments
            .iter()
            .map(|d| d.id.to_string())
            .collect();
        self.correlations
            .insert(rule.clone(), detection.correlations.clone());
        self.requests.insert(rule, ids);
    }
}

fn certainty(standing: &[Report]) -> u32 {
    let mut sources: BTreeMap<String, u8> = BTreeMap::new();
    for report in standing {
        let source = &report.detection.report;
        let slot = sources.entry(source.source.to_string()).or_default();
        *slot = (*slot).max(source.reliability);
    }
    let doubt = sources
        .values()
        .fold(1.0, |doubt, r| doubt * (1.0 - f64::from(*r) / 100.0));
    ((1.0 - doubt) * 1_000.0).round() as u32
}

fn score(standing: &[Report], fired: &[(String, i32)], config: &CorrelateConfig) -> u8 {
    if standing.is_empty() {
        return 0;
    }
    let severity = standing
        .iter()
        .flat_map(|r| r.rules.values())
        .max()
        .copied()
        .unwrap_or(0);
    let sure = f64::from(certainty(standing)) / 1_000.0;
    let c = (f64::from(config.score.certainty_weight) * (sure - 0.5)).round() as i32;
    let k: i32 = fired.iter().map(|(_, points)| points).sum();
    let exposed = standing
        .iter()
        .filter_map(|r| r.detection.exposure.as_ref())
        .map(|line| line.points);
    let e = exposed
        .max()
        .unwrap_or(0)
        .clamp(0, i32::from(config.score.exposure_max));
    (i32::from(severity) + c + e + k).clamp(0, 100) as u8
}

fn class(standing: &[Report]) -> u8 {
    let known = standing
        .iter()
        .any(|r| r.detection.report.kind.is_authoritative());
    match certainty(standing) {
        _ if standing.is_empty() => 0,
        sure if sure >= 950 || (sure >= 800 && known) => 4,
        sure if sure >= 500 => 3,
        sure if sure >= 200 => 2,
        _ => 1,
    }
}
