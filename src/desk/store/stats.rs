//! Figures for metrics and for departments' pages.
//!
//! Invariant: counted over what is stored, so that a restart changes none of them; statuses are never added up.

use std::collections::BTreeMap;

use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::connect::{Store, StoreError};
use super::rows::query;
use crate::core::model::{Millis, Status};

/// What is counted over all cases.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Open incidents by status, level and state.
    pub open: BTreeMap<(String, i64, String), u64>,
    /// Obligations of open rounds by status, department and state.
    pub obligations: BTreeMap<(String, String, String), u64>,
}

/// How a department does.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct DepartmentStats {
    /// Obligations that it still owes.
    pub pending: u64,
    /// Acknowledgements in time.
    pub acknowledged_on_time: u64,
    /// Acknowledgements that are settled, in time or not.
    pub acknowledgements: u64,
    /// Disposals in time.
    pub disposed_on_time: u64,
    /// Disposals that are settled, in time or not.
    pub disposals: u64,
    /// Disposed of as false alarms.
    pub false_alarms: u64,
}

/// Milliseconds of a week.
const WEEK_MS: i64 = 7 * 86_400_000;

/// Deadlines that a department kept in a week.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeptDeadlines {
    /// When the week began.
    pub begin: Millis,
    /// Acknowledged on time, of all that are settled.
    pub acknowledged: [u64; 2],
    /// Disposed on time, of all that are settled.
    pub disposed: [u64; 2],
}

impl KeptDeadlines {
    fn of(begin: Millis) -> Self {
        Self {
            begin,
            acknowledged: [0; 2],
            disposed: [0; 2],
        }
    }
}

/// SQL for how many rows something holds of.
fn sum(what: &str) -> String {
    format!("CAST(SUM(CASE WHEN {what} THEN 1 ELSE 0 END) AS BIGINT)")
}

fn number(row: &AnyRow, at: usize) -> Result<u64, StoreError> {
    let count: i64 = row.try_get(at)?;
    Ok(count.max(0) as u64)
}

impl Store {
    /// Counts everything that is open.
    pub async fn stats(&self) -> Result<Stats, StoreError> {
        let mut stats = Stats::default();
        let sql = "SELECT status, level, state, COUNT(*) FROM cases WHERE closed = 0 GROUP BY status, level, state";
        for row in sqlx::query(sql).fetch_all(&self.pool).await? {
            let count: i64 = row.try_get(3)?;
            let key = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
            stats.open.insert(key, count.max(0) as u64);
        }
        let sql = "SELECT status, department, state, COUNT(*) FROM obligations WHERE pending = 1 GROUP BY status, department, state";
        for row in sqlx::query(sql).fetch_all(&self.pool).await? {
            let count: i64 = row.try_get(3)?;
            let key = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
            stats.obligations.insert(key, count.max(0) as u64);
        }
        Ok(stats)
    }

    /// How many deadlines a department kept in each of the `weeks` weeks before `until`, oldest first, by when its obligations began.
    pub async fn department_weeks(
        &self,
        status: Status,
        department: &str,
        until: Millis,
        weeks: u32,
    ) -> Result<Vec<KeptDeadlines>, StoreError> {
        let begin = until.plus(-i64::from(weeks) * WEEK_MS);
        let mut all: Vec<KeptDeadlines> = (0..i64::from(weeks))
            .map(|nth| KeptDeadlines::of(begin.plus(nth * WEEK_MS)))
            .collect();
        let sql = format!(
            "SELECT (opened_at - $3) / {WEEK_MS} AS week, {}, {}, {}, {} FROM obligations \
             WHERE department = $1 AND status = $2 AND opened_at >= $3 AND opened_at < $4 GROUP BY week",
            sum("acknowledged_on_time = 1"),
            sum("acknowledged_on_time IS NOT NULL"),
            sum("disposed_on_time = 1"),
            sum("disposed_on_time IS NOT NULL"),
        );
        let args = vec![
            department.into(),
            status.id().into(),
            begin.0.into(),
            until.0.into(),
        ];
        for row in query(sql, args).fetch_all(&self.pool).await? {
            let number = |at: usize| number(&row, at);
            let week: i64 = row.try_get(0)?;
            let week = usize::try_from(week).ok().and_then(|nth| all.get_mut(nth));
            if let Some(week) = week {
                week.acknowledged = [number(1)?, number(2)?];
                week.disposed = [number(3)?, number(4)?];
            }
        }
        Ok(all)
    }

    /// Figures of every department over obligations that began at or after `since`.
    pub async fn department_stats(
        &self,
        status: Status,
        since: Millis,
    ) -> Result<BTreeMap<String, DepartmentStats>, StoreError> {
        let sql = format!(
            "SELECT department, {}, {}, {}, {}, {}, {} FROM obligations WHERE status = $1 AND opened_at >= $2 GROUP BY department",
            sum("pending = 1"),
            sum("acknowledged_on_time = 1"),
            sum("acknowledged_on_time IS NOT NULL"),
            sum("disposed_on_time = 1"),
            sum("disposed_on_time IS NOT NULL"),
            sum("disposition = 'false_alarm'"),
        );
        let args = vec![status.id().into(), since.0.into()];
        let mut all = BTreeMap::new();
        for row in query(sql, args).fetch_all(&self.pool).await? {
            let number = |at: usize| number(&row, at);
            let stats = DepartmentStats {
                pending: number(1)?,
                acknowledged_on_time: number(2)?,
                acknowledgements: number(3)?,
                disposed_on_time: number(4)?,
                disposals: number(5)?,
                false_alarms: number(6)?,
            };
            all.insert(row.try_get(0)?, stats);
        }
        Ok(all)
    }
}
