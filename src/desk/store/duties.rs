//! Deadlines that have passed while nobody answered, and what departments found: figures for alarms.
//!
//! Invariant: counted over what is stored, of actual incidents only, so that no drill raises an alarm.

use std::collections::BTreeMap;

use sqlx::Row as _;

use super::connect::{Store, StoreError};
use super::rows::query;
use crate::core::model::{Millis, Status};

/// What is counted over obligations of actual incidents.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Duties {
    /// By department: acknowledgements and disposals that are past their deadline and still owed.
    pub overdue: BTreeMap<String, [u64; 2]>,
    /// Disposals by department and disposition, of obligations that began lately.
    pub found: BTreeMap<(String, String), u64>,
}

impl Store {
    /// What is overdue at `now`, and what was found in obligations that began at or after `since`.
    pub async fn duties(&self, now: Millis, since: Millis) -> Result<Duties, StoreError> {
        let mut duties = Duties::default();
        let late =
            |what: &str| format!("CAST(SUM(CASE WHEN {what} <= $2 THEN 1 ELSE 0 END) AS BIGINT)");
        let sql = format!(
            "SELECT department, {}, {} FROM obligations WHERE status = $1 AND pending = 1 GROUP BY department",
            late("acknowledged_at IS NULL AND acknowledge_by"),
            late("dispose_by"),
        );
        let actual = Status::Actual.id();
        let rows = query(sql, vec![actual.into(), now.0.into()]);
        for row in rows.fetch_all(&self.pool).await? {
            let (acknowledge, dispose): (i64, i64) = (row.try_get(1)?, row.try_get(2)?);
            let counts = [acknowledge.max(0) as u64, dispose.max(0) as u64];
            duties.overdue.insert(row.try_get(0)?, counts);
        }
        let sql = "SELECT department, disposition, COUNT(*) FROM obligations \
                   WHERE status = $1 AND opened_at >= $2 AND disposition IS NOT NULL GROUP BY department, disposition";
        let rows = query(sql.to_owned(), vec![actual.into(), since.0.into()]);
        for row in rows.fetch_all(&self.pool).await? {
            let count: i64 = row.try_get(2)?;
            let key = (row.try_get(0)?, row.try_get(1)?);
            duties.found.insert(key, count.max(0) as u64);
        }
        Ok(duties)
    }
}
