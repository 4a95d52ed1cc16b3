//! How often people agreed with each rule: counted over the incidents of the last days, kept for a minute.
//!
//! Invariant: bounded, newest first; a rule counts an incident once, whatever it fired on.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::TryStreamExt as _;
use serde::Deserialize;
use sqlx::Row as _;

use crate::core::model::{Millis, Status};
use crate::core::obligation::Disposition;
use crate::desk::{DeskError, Store, StoreError};

/// Days that are counted.
pub const DAYS: u32 = 30;
/// Incidents that are counted.
const MOST: i64 = 20_000;
/// How long a count is used again.
const KEPT_MS: i64 = 60_000;

/// What became of one rule's incidents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// All of them.
    pub incidents: u64,
    /// Open now.
    pub open: u64,
    /// Closed as confirmed, false alarm, duplicate, no action.
    pub verdicts: [u64; 4],
}

impl Tally {
    /// Of those that were confirmed or false alarms, the share that was confirmed; none without any.
    pub fn precision(&self) -> Option<f64> {
        let of = |verdict: Disposition| self.verdicts[verdict as usize];
        let (confirmed, wrong) = (of(Disposition::Confirmed), of(Disposition::FalseAlarm));
        let judged = confirmed + wrong;
        (judged > 0).then(|| confirmed as f64 / judged as f64)
    }
}

/// By rule id.
pub type Tallies = BTreeMap<Arc<str>, Tally>;

/// The last count.
#[derive(Debug, Default)]
pub struct Kept(Mutex<Option<(Millis, Arc<Tallies>)>>);

#[derive(Deserialize)]
struct Light {
    rules: Vec<Arc<str>>,
}

impl Kept {
    /// The count, made anew when it is older than a minute.
    pub async fn tallies(&self, store: &Store, now: Millis) -> Result<Arc<Tallies>, DeskError> {
        let kept = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if let Some((at, tallies)) = kept.filter(|(at, _)| now.since(*at) < KEPT_MS) {
            let _ = at;
            return Ok(tallies);
        }
        let since = now.plus(-i64::from(DAYS) * 86_400_000);
        let tallies = Arc::new(count(store, since).await.map_err(StoreError::from)?);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, Arc::clone(&tallies)));
        Ok(tallies)
    }
}

async fn count(store: &Store, since: Millis) -> Result<Tallies, sqlx::Error> {
    let sql = "SELECT c.closed, c.verdict, r.alert_json FROM cases c \
               JOIN revisions r ON r.incident = c.incident AND r.revision = c.revision \
               WHERE c.status = $1 AND c.opened_at >= $2 ORDER BY c.opened_at DESC LIMIT $3";
    let mut rows = sqlx::query(sql)
        .bind(Status::Actual.id())
        .bind(since.0)
        .bind(MOST)
        .fetch(store.pool());
    let mut tallies = Tallies::new();
    while let Some(row) = rows.try_next().await? {
        let closed: i64 = row.try_get(0)?;
        let verdict: Option<String> = row.try_get(1)?;
        let alert: String = row.try_get(2)?;
        // A revision that cannot be read is the store's business; it is not counted here.
        let Ok(alert) = serde_json::from_str::<Light>(&alert) else {
            continue;
        };
        let verdict = verdict.as_deref().and_then(Disposition::from_id);
        for rule in alert.rules {
            let tally = tallies.entry(rule).or_default();
            tally.incidents += 1;
            tally.open += u64::from(closed == 0);
            if let Some(verdict) = verdict.filter(|_| closed != 0) {
                tally.verdicts[verdict as usize] += 1;
            }
        }
    }
    Ok(tallies)
}
