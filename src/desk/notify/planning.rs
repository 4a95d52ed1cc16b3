//! Planning: a stretch of the audit trail into rows of the log.
//!
//! Invariant: rows and the position in the trail are written in one transaction of the active desk, so that a restart neither loses nor
//! repeats a notice; one change of a case is planned whole.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::metrics::Outcome;
use super::muting::Muting;
use super::notifier::Notifier;
use crate::core::model::Millis;
use crate::core::notify::{Asked, Fate, Planned, left_open};
use crate::core::obligation::{Case, Event};
use crate::desk::store::AuditEvent;
use crate::desk::{Desk, DeskError};

/// Audit events of one planning transaction.
const BATCH: u32 = 500;

impl Notifier {
    /// Plans one stretch of the trail. Returns how many of its events were looked at.
    pub async fn plan(&self, desk: &Desk) -> Result<usize, DeskError> {
        let (cursor, end) = desk.store().notify_cursor().await?;
        if cursor.seq >= end && cursor.catch_up.is_none() {
            return Ok(0);
        }
        let turn = desk.turn().await;
        let mut writing = desk.write(&turn).await?;
        let mut cursor = writing.notify_cursor().await?;
        let now = desk.now();
        let mut events = writing.audit_after(cursor.seq, BATCH).await?;
        let whole = events.len() < BATCH as usize;
        if !whole {
            leave_the_last_change(&mut events);
        }
        let changes = changes(&events);
        let ended = events.iter().flat_map(|it| left_open(&it.event));
        let incidents: BTreeSet<Uuid> = changes.iter().map(|(id, _)| *id).chain(ended).collect();
        let incidents: Vec<Uuid> = incidents.into_iter().collect();
        let cases = writing.load(&incidents).await?;
        let muting = Muting::of(&mut writing, &cases, now).await?;
        let stale = events
            .iter()
            .find(|it| self.planner.is_stale(it.event.at, now));
        if let (None, Some(first)) = (cursor.catch_up, stale) {
            cursor.catch_up = Some(first.seq);
        }
        let mut planned = self.planned(desk, &changes, (&cases, &muting), now, cursor.catch_up);
        planned.extend(self.reminded(desk, &events, (&cases, &muting), now));
        if whole && stale.is_none() {
            cursor.catch_up = None;
        }
        let windowed = planned.iter().filter(|it| it.slot.due > now);
        let windowed: BTreeSet<Uuid> = windowed.map(|it| it.slot.message).collect();
        let begun = writing.begun_messages(&windowed).await?;
        let waiting = writing.notifications_pending().await?;
        let rows = self.rows(planned, &begun, waiting, now);
        writing.add_notifications(&rows, now).await?;
        if let Some(last) = events.last() {
            cursor.seq = last.seq;
        }
        writing.set_notify_cursor(cursor).await?;
        writing.commit().await?;
        self.count(&rows);
        self.bell.notify_waiters();
        Ok(events.len())
    }

    fn planned(
        &self,
        desk: &Desk,
        changes: &[(Uuid, Vec<(i64, &Event)>)],
        (cases, muting): (&BTreeMap<Uuid, Case>, &Muting),
        now: Millis,
        began: Option<i64>,
    ) -> Vec<Planned> {
        let policy = desk.policy();
        let mute = |asked: &Asked<'_>| muting.mutes(asked);
        let oldest = now.plus(-self.keep_ms);
        let mut all = Vec::new();
        for (incident, events) in changes {
            let Some(case) = cases.get(incident) else {
                continue;
            };
            let by = (&*policy.routing, &mute as _);
            let planned = self.planner.change(case, events, now, by, began);
            // What the log would forget at once is not written.
            let kept = |it: &Planned| it.fate != Fate::Stale || it.notice.at >= oldest;
            all.extend(planned.into_iter().filter(kept));
        }
        all
    }

    /// What silences that ended leave open.
    fn reminded(
        &self,
        desk: &Desk,
        events: &[AuditEvent],
        (cases, muting): (&BTreeMap<Uuid, Case>, &Muting),
        now: Millis,
    ) -> Vec<Planned> {
        let policy = desk.policy();
        let mute = |asked: &Asked<'_>| muting.mutes(asked);
        let by = (&*policy.routing, &mute as _);
        let mut all = Vec::new();
        for it in events {
            for id in left_open(&it.event) {
                if let Some(case) = cases.get(&id) {
                    let of = (it.seq, &it.event);
                    all.extend(self.planner.reminders(case, of, now, by));
                }
            }
        }
        all
    }

    /// Rows for what was planned: nothing joins a message that is on its way, and a receiver's queue has a bound.
    fn rows(
        &self,
        planned: Vec<Planned>,
        begun: &BTreeSet<Uuid>,
        mut waiting: BTreeMap<String, u64>,
        now: Millis,
    ) -> Vec<(Planned, Option<&'static str>)> {
        let mut rows = Vec::with_capacity(planned.len());
        for mut it in planned {
            if begun.contains(&it.slot.message)
                && let Some(receiver) = self.planner.receivers.get(&it.channel)
            {
                it.slot = receiver.alone(&it.notice, now);
            }
            let queue = waiting.entry(it.channel.to_string()).or_default();
            let full = it.fate == Fate::Pending && *queue >= self.queue_max;
            *queue += u64::from(it.fate == Fate::Pending && !full);
            rows.push((it, full.then_some("too many wait for this receiver")));
        }
        rows
    }

    fn count(&self, rows: &[(Planned, Option<&'static str>)]) {
        for (it, refused) in rows {
            let outcome = match (&it.fate, refused) {
                (Fate::Pending, None) => continue,
                (Fate::Muted(_), _) => Outcome::Muted,
                _ => Outcome::Skipped,
            };
            let (channel, department) = (&it.channel, &it.notice.department);
            self.metrics.count(channel, department, outcome, 1);
        }
    }
}

/// Takes the last change out, unless it is the only one: the rest of it may not have been read.
fn leave_the_last_change(events: &mut Vec<AuditEvent>) {
    let Some(last) = events.last().map(|it| it.incident) else {
        return;
    };
    let kept = events.iter().rposition(|it| it.incident != last);
    if let Some(kept) = kept {
        events.truncate(kept + 1);
    }
}

/// Runs of events of one incident at one time: one change each.
fn changes(events: &[AuditEvent]) -> Vec<(Uuid, Vec<(i64, &Event)>)> {
    let mut all: Vec<(Uuid, Vec<(i64, &Event)>)> = Vec::new();
    let mut before = None;
    for it in events {
        let Some(incident) = it.incident else {
            before = None;
            continue;
        };
        let here = Some((incident, it.event.at));
        match all.last_mut().filter(|_| here == before) {
            Some((_, run)) => run.push((it.seq, &it.event)),
            None => all.push((incident, vec![(it.seq, &it.event)])),
        }
        before = here;
    }
    all
}
