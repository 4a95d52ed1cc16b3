//! Properties of the fold over random histories.

use std::collections::BTreeMap;

use proptest::prelude::*;
use tocsin::core::correlate::{CorrelateOutput, Correlator, OpenIncidents};
use tocsin::core::model::{Alert, CorrelateOutcome, IncidentState, Level, Millis, MsgType, Status};
use uuid::Uuid;

use super::oracle::{Oracle, Seen};
use super::sample::{Event, MINUTE, Pick, START, apply, config, detection, history, pick, run};

fn seen(alerts: &[Alert]) -> Vec<Seen> {
    let mut ordinals: BTreeMap<String, Vec<Uuid>> = BTreeMap::new();
    let look = |alert: &Alert| {
        let ids = ordinals.entry(alert.key.clone()).or_default();
        if !ids.contains(&alert.incident_id) {
            ids.push(alert.incident_id);
        }
        let ordinal = ids.iter().position(|id| *id == alert.incident_id).unwrap();
        Seen {
            key: alert.key.clone(),
            ordinal,
            revision: alert.revision,
            msg_type: match alert.msg_type {
                MsgType::Alert => "alert",
                MsgType::Update => "update",
                MsgType::Cancel => "cancel",
            },
            active: alert.state == IncidentState::Active,
            material: alert.material,
            level: alert.level,
            score: alert.score,
            certainty: (alert.certainty * 1_000.0).round() as u32,
            reports: alert.report_ids.iter().cloned().collect(),
            copies: alert.counts.copies as usize,
            departments: alert
                .departments
                .iter()
                .map(|d| format!("{}{}", d.id, if d.required { "!" } else { "" }))
                .collect(),
            sent: alert.sent.0,
        }
    };
    alerts.iter().map(look).collect()
}

/// Ordinals of the oracle count incidents that never reached the queue; here they are counted again over those that did.
fn renumbered(mut alerts: Vec<Seen>) -> Vec<Seen> {
    let mut known: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for alert in &mut alerts {
        let ordinals = known.entry(alert.key.clone()).or_default();
        if !ordinals.contains(&alert.ordinal) {
            ordinals.push(alert.ordinal);
        }
        alert.ordinal = ordinals.iter().position(|o| *o == alert.ordinal).unwrap();
    }
    alerts
}

/// Final members, level and score of every incident on the queue.
fn finals(alerts: &[Alert]) -> BTreeMap<(String, usize), Seen> {
    seen(alerts)
        .into_iter()
        .map(|alert| ((alert.key.clone(), alert.ordinal), alert))
        .collect()
}

/// What the last revision of every incident says.
fn open(alerts: &[Alert]) -> OpenIncidents {
    let last: BTreeMap<Uuid, &Alert> = alerts.iter().map(|it| (it.incident_id, it)).collect();
    let mut open = OpenIncidents::default();
    let active = last.values().filter(|it| it.state == IncidentState::Active);
    for alert in active {
        let by_level = (alert.status, alert.hazard, alert.level);
        *open.levels.entry(by_level).or_default() += 1;
        let by_place = (alert.status, alert.place.code.clone());
        *open.places.entry(by_place).or_default() += 1;
    }
    open
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn the_fold_is_what_the_oracle_says(events in history(60)) {
        let config = config();
        let mut oracle = Oracle::new(&config);
        oracle.run(&events);
        let (outcomes, alerts) = run(&events);
        prop_assert_eq!(&outcomes, &oracle.outcomes);
        let (ours, theirs) = (seen(&alerts), renumbered(std::mem::take(&mut oracle.alerts)));
        for (one, other) in ours.iter().zip(&theirs) {
            prop_assert_eq!(one, other);
        }
        prop_assert_eq!(ours.len(), theirs.len());
    }

    /// Transactions of random length, some of them lost to a crash and read again, sometimes by a process that restores
    /// from the changelog: the same alerts as without any of it.
    #[test]
    fn crashes_change_nothing(
        events in history(60),
        cuts in prop::collection::vec((1..9_usize, 0..4_u8), 60),
    ) {
        let (_, expected) = run(&events);
        let mut changelog: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        let mut correlator = Correlator::new(config());
        let mut alerts = Vec::new();
        let (mut at, mut cuts) = (0, cuts.into_iter().cycle());
        while at < events.len() {
            let (length, fate) = cuts.next().unwrap();
            let end = (at + length).min(events.len());
            let mut out = CorrelateOutput::default();
            for event in &events[at..end] {
                apply(&mut correlator, event, &mut out);
            }
            let changes = correlator.take_changes();
            prop_assert!(changes.windows(2).all(|pair| pair[0].key < pair[1].key));
            match fate {
                0 => correlator.rollback(),
                1 => {
                    correlator = Correlator::new(config());
                    for (key, value) in &changelog {
                        correlator.restore(key, Some(value)).unwrap();
                    }
                    correlator.finish_restore();
                }
                _ => {
                    correlator.commit();
                    prop_assert_eq!(correlator.take_changes(), vec![]);
                    for change in changes {
                        match change.value {
                            Some(value) => changelog.insert(change.key, value),
                            None => changelog.remove(&change.key),
                        };
                    }
                    alerts.append(&mut out.alerts);
                    at = end;
                }
            }
        }
        prop_assert_eq!(correlator.open(), &open(&alerts));
        prop_assert_eq!(alerts, expected);
    }

    /// An exercise may say what it likes: not a byte of what is said about the world changes.
    #[test]
    fn exercises_are_invisible_to_the_actual(events in history(60)) {
        let of = |alerts: Vec<Alert>| -> Vec<String> {
            let actual = alerts.into_iter().filter(|alert| alert.status == Status::Actual);
            actual.map(|alert| serde_json::to_string(&alert).unwrap()).collect()
        };
        let without: Vec<Event> = events
            .iter()
            .filter(|event| match event {
                Event::Detection(detection) => detection.status != Status::Exercise,
                Event::Retraction(retraction) => retraction.status != Status::Exercise,
                Event::Advance(_) => true,
            })
            .cloned()
            .collect();
        prop_assert_eq!(of(run(&events).1), of(run(&without).1));
    }

    #[test]
    fn alerts_keep_their_promises(events in history(80)) {
        let config = config();
        let (outcomes, alerts) = run(&events);
        let detections = events.iter().filter(|e| matches!(e, Event::Detection(_))).count();
        prop_assert_eq!(outcomes.len(), detections);
        let mut last: BTreeMap<Uuid, (Alert, Millis)> = BTreeMap::new();
        for alert in &alerts {
            let sum: i32 = alert.reasons.iter().map(|line| line.points).sum();
            prop_assert_eq!(sum, i32::from(alert.score), "{:?}", alert.reasons);
            prop_assert!(alert.evidence.len() <= 10 && alert.report_ids.len() <= 50);
            prop_assert!(alert.evidence.iter().all(|e| e.kind != tocsin::core::model::FeedKind::Post || e.link.is_none()));
            prop_assert_eq!(alert.headline.en.contains("Exercise"), alert.status == Status::Exercise);
            prop_assert_eq!(alert.departments.iter().filter(|d| d.duty == tocsin::core::model::Duty::Lead).count(), 1);
            let (before, since) = match last.get(&alert.incident_id) {
                None => {
                    prop_assert_eq!((alert.revision, alert.msg_type), (1, MsgType::Alert));
                    last.insert(alert.incident_id, (alert.clone(), alert.sent));
                    continue;
                }
                Some((before, since)) => (before, *since),
            };
            prop_assert_eq!(alert.revision, before.revision + 1);
            prop_assert!(alert.sent >= before.sent);
            prop_assert_ne!(alert.alert_id, before.alert_id);
            let threshold = config.level.threshold(before.level);
            if alert.level < before.level {
                prop_assert!(alert.sent.since(since) >= config.level.dwell_ms, "fell before the dwell");
                let capped = alert.certainty < 0.8 && before.level == Level::Red;
                prop_assert!(i32::from(alert.score) < threshold - 5 || capped, "fell within the hysteresis");
            }
            if !alert.material && alert.state == IncidentState::Active {
                prop_assert!(alert.sent.since(before.sent) >= 30_000, "refreshed too often");
                prop_assert_eq!((alert.level, &alert.departments), (before.level, &before.departments));
                prop_assert_eq!(alert.certainty_class, before.certainty_class);
            }
            let since = if alert.level == before.level { since } else { alert.sent };
            last.insert(alert.incident_id, (alert.clone(), since));
        }
    }

    /// Reports that change places within two minutes, where nothing becomes quiet within that: the same final incidents.
    #[test]
    fn order_within_the_window_does_not_matter(
        picks in prop::collection::vec((pick(), 1..25_000_i64), 1..40),
        swaps in prop::collection::vec(0..120_000_i64, 40),
    ) {
        let mut now = START;
        let mut reports: Vec<(i64, Pick)> = Vec::new();
        let mut stated: BTreeMap<(u8, u8, u8), Vec<(u8, bool)>> = BTreeMap::new();
        for (pick, step) in picks {
            // A feed that returns to what it said before its last revision says when it began to say so twice; which one
            // counts depends on whether the revision between is seen in time. A withdrawal is such a revision.
            let said = (pick.content, pick.withdrawn);
            let contents = stated.entry((pick.place % 3, pick.feed % 4, pick.id)).or_default();
            match contents.iter().position(|content| *content == said) {
                Some(at) if at + 1 < contents.len() => continue,
                Some(_) => {}
                None => contents.push(said),
            }
            now += step;
            // A revision fires the rules of its own content; two severities for one content would be two truths.
            let severity = 25 + pick.content * 20 + pick.id * 2;
            // One content has one fingerprint; prints are shared by some reports, which makes cliques.
            let print = (pick.content == 1).then_some(pick.id % 3);
            reports.push((now, Pick { severity, print, ..pick }));
        }
        let play = |order: &[(i64, Pick)]| {
            let mut events: Vec<Event> =
                order.iter().map(|(at, pick)| Event::Detection(Box::new(detection(*pick, *at)))).collect();
            // The level may take the dwell to settle, which is less than the quiet time.
            events.push(Event::Advance(now + 4 * MINUTE));
            finals(&run(&events).1)
        };
        let mut permuted: Vec<(i64, (i64, Pick))> = reports
            .iter()
            .zip(&swaps)
            .map(|((at, pick), swap)| (at + swap, (*at, *pick)))
            .collect();
        permuted.sort_by_key(|(at, _)| *at);
        let permuted: Vec<(i64, Pick)> = permuted.into_iter().map(|(_, report)| report).collect();
        let live = |finals: BTreeMap<(String, usize), Seen>| -> BTreeMap<_, _> {
            finals.into_iter().filter(|(_, seen)| !seen.reports.is_empty()).collect()
        };
        let (sent, swapped) = (live(play(&reports)), live(play(&permuted)));
        let members = |seen: &Seen| (seen.reports.clone(), seen.copies, seen.score, seen.certainty);
        let of = |finals: &BTreeMap<(String, usize), Seen>| -> BTreeMap<_, _> {
            finals.iter().map(|(key, seen)| (key.clone(), members(seen))).collect()
        };
        prop_assert_eq!(of(&sent), of(&swapped));
        for (one, other) in sent.values().zip(swapped.values()) {
            // A level that was reached on the way holds until the score is the hysteresis below its threshold; so does nothing else.
            let higher = one.level.max(other.level);
            let threshold = config().level.threshold(higher);
            let held = threshold - i32::from(config().level.hysteresis) <= i32::from(one.score)
                && i32::from(one.score) < threshold;
            prop_assert!(one.level == other.level || held, "{one:?} {other:?}");
        }
    }
}

#[test]
fn an_exercise_at_its_limit_blocks_no_actual() {
    let mut limited = (*config()).clone();
    limited.limits.keys = 1;
    let mut correlator = Correlator::new(std::sync::Arc::new(limited));
    let mut out = CorrelateOutput::default();
    let report = |exercise, place| {
        let pick = Pick {
            exercise,
            place,
            feed: 0,
            id: place,
            content: 0,
            rule: 0,
            severity: 50,
            print: None,
            withdrawn: false,
        };
        detection(pick, START)
    };
    assert_eq!(
        correlator.fold(&report(true, 0), &mut out),
        CorrelateOutcome::Opened
    );
    assert_eq!(
        correlator.fold(&report(true, 1), &mut out),
        CorrelateOutcome::Suppressed
    );
    assert_eq!(
        correlator.fold(&report(false, 0), &mut out),
        CorrelateOutcome::Opened
    );
    assert_eq!(
        correlator.fold(&report(false, 1), &mut out),
        CorrelateOutcome::Suppressed
    );
    let hits: Vec<(&str, Status, u64)> = out
        .limits
        .iter()
        .map(|(hit, count)| (hit.limit, hit.status, *count))
        .collect();
    assert_eq!(
        hits,
        [("keys", Status::Actual, 1), ("keys", Status::Exercise, 1)]
    );
}
