//! Revisions of the queue into cases, a batch at a time.
//!
//! Invariant: idempotent by incident and revision: what was taken in before changes nothing, in whatever order it comes again. Rows
//! and offset are one SQL transaction.

use std::collections::BTreeMap;
use std::sync::Arc;

use uuid::Uuid;

use super::service::{Desk, DeskError};
use super::store::Saved;
use crate::core::model::{Alert, Millis};
use crate::core::obligation::{Case, Policy};

/// What was read of one partition: alerts in the order of their offsets, and where to go on.
#[derive(Clone, Debug, Default)]
pub struct Delivery {
    /// Topic and partition; none: not from Kafka (tests, samples).
    pub position: Option<(String, i32)>,
    /// The offset that the store has.
    pub from: Option<i64>,
    /// The next offset to be read.
    pub to: i64,
    /// Alerts.
    pub alerts: Vec<Arc<Alert>>,
}

/// What a batch did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Absorbed {
    /// Alerts of the batch.
    pub alerts: usize,
    /// Of them by status, in the order of [`crate::core::model::Status::ALL`].
    pub by_status: [usize; 3],
    /// Incidents that the desk learned of.
    pub opened: usize,
    /// Revisions that were known.
    pub known: usize,
}

/// A case on its way through a batch.
struct Work {
    saved: Saved,
    is_new: bool,
    newest_material: bool,
    stored_newest: Option<u32>,
}

impl Desk {
    /// Takes in alerts that did not come from Kafka.
    pub async fn absorb_alerts(
        &self,
        alerts: impl IntoIterator<Item = Alert> + Send,
    ) -> Result<Absorbed, DeskError> {
        let alerts = alerts.into_iter().map(Arc::new).collect();
        let delivery = Delivery {
            alerts,
            ..Delivery::default()
        };
        self.absorb(&[delivery]).await
    }

    /// Takes in a batch.
    pub async fn absorb(&self, deliveries: &[Delivery]) -> Result<Absorbed, DeskError> {
        let turn = self.turn().await;
        let mut writing = self.write(&turn).await?;
        let alerts: Vec<&Arc<Alert>> = deliveries.iter().flat_map(|it| &it.alerts).collect();
        if let Some(newest) = alerts.iter().map(|alert| alert.sent).max() {
            self.read(newest);
        }
        let (now, policy) = (self.now(), self.policy());
        let mut incidents: Vec<Uuid> = alerts.iter().map(|alert| alert.incident_id).collect();
        incidents.sort_unstable();
        incidents.dedup();
        let cases = writing.load(&incidents).await?;
        // A revision above the newest of its case is new without asking.
        let doubtful: Vec<(Uuid, u32)> = alerts
            .iter()
            .filter(|alert| {
                let case = cases.get(&alert.incident_id);
                case.is_some_and(|case| alert.revision <= case.alert.revision)
            })
            .map(|alert| (alert.incident_id, alert.revision))
            .collect();
        let known = writing.stored(&doubtful).await?;
        let mut batch = Batch::new(cases, now, &policy);
        for alert in alerts {
            let is_known = known.contains(&(alert.incident_id, alert.revision));
            batch.take(alert, is_known);
        }
        let (all, done) = batch.finish();
        writing.save(&all, now).await?;
        for delivery in deliveries {
            if let Some((topic, number)) = &delivery.position {
                writing
                    .advance_offset(topic, *number, delivery.from, delivery.to)
                    .await?;
            }
        }
        let changes = writing.commit().await?;
        self.committed(&all, changes);
        Ok(done)
    }
}

struct Batch<'a> {
    work: BTreeMap<Uuid, Work>,
    /// Incidents in the order of their first alert.
    order: Vec<Uuid>,
    now: Millis,
    policy: &'a Policy,
    done: Absorbed,
    cases: BTreeMap<Uuid, Case>,
}

impl<'a> Batch<'a> {
    fn new(cases: BTreeMap<Uuid, Case>, now: Millis, policy: &'a Policy) -> Self {
        Self {
            work: BTreeMap::new(),
            order: Vec::new(),
            now,
            policy,
            done: Absorbed::default(),
            cases,
        }
    }

    fn take(&mut self, alert: &Arc<Alert>, is_known: bool) {
        self.done.alerts += 1;
        self.done.by_status[alert.status as usize] += 1;
        let id = alert.incident_id;
        if is_known {
            self.done.known += 1;
            return;
        }
        if let Some(work) = self.work.get_mut(&id) {
            let twice = work
                .saved
                .revisions
                .iter()
                .any(|other| other.revision == alert.revision)
                || work.saved.replaced.contains(&alert.revision);
            if twice {
                self.done.known += 1;
            } else {
                work.revise(alert, self.now, self.policy);
            }
            return;
        }
        self.order.push(id);
        let work = match self.cases.remove(&id) {
            Some(case) => {
                let mut work = Work {
                    newest_material: case.alert.material,
                    stored_newest: Some(case.alert.revision),
                    saved: Saved::new(case, Vec::new()),
                    is_new: false,
                };
                work.revise(alert, self.now, self.policy);
                work
            }
            None => {
                let (case, events) = Case::open(Arc::clone(alert), self.now, self.policy);
                let mut saved = Saved::new(case, events);
                saved.revisions.push(Arc::clone(alert));
                Work {
                    saved,
                    is_new: true,
                    newest_material: alert.material,
                    stored_newest: None,
                }
            }
        };
        self.done.opened += usize::from(work.is_new);
        self.work.insert(id, work);
    }

    fn finish(mut self) -> (Vec<Saved>, Absorbed) {
        let all = self
            .order
            .iter()
            .filter_map(|id| self.work.remove(id))
            .filter(|work| work.is_new || !work.saved.revisions.is_empty())
            .map(|work| work.saved)
            .collect();
        (all, self.done)
    }
}

impl Work {
    fn revise(&mut self, alert: &Arc<Alert>, now: Millis, policy: &Policy) {
        let newest = self.saved.case.alert.revision;
        if alert.revision < newest && !alert.material {
            // A refresh that a newer revision has replaced says nothing any more.
            return;
        }
        if alert.revision > newest {
            if !self.newest_material {
                self.forget(newest);
            }
            self.newest_material = alert.material;
        }
        let events = self.saved.case.revise(Arc::clone(alert), now, policy);
        self.saved.events.extend(events);
        self.saved.revisions.push(Arc::clone(alert));
    }

    /// The newest revision was a refresh, which the next one replaces.
    fn forget(&mut self, revision: u32) {
        if self.stored_newest == Some(revision) {
            self.saved.replaced.push(revision);
            self.stored_newest = None;
        } else {
            self.saved.revisions.retain(|it| it.revision != revision);
        }
    }
}
