//! A period of every department, read from obligations and the audit trail.
//!
//! Invariant: statuses are never added up; a page of rows is in memory at a time, and what is kept of each obligation are numbers.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use sqlx::Row as _;
use sqlx::any::AnyRow;
use uuid::Uuid;

use super::connect::{Store, StoreError};
use super::rows::query;
use crate::core::model::{Millis, Status};
use crate::core::obligation::{
    Assessed, BoardRow, ByDepartment, Counted, Disposition, Event, assess,
};

/// Rows read at a time.
const PAGE: i64 = 5_000;

impl Store {
    /// Figures of every department that had a part in anything of this status in `period`.
    pub async fn assessment(
        &self,
        status: Status,
        period: Range<Millis>,
    ) -> Result<BTreeMap<Arc<str>, Assessed>, StoreError> {
        let exercises = if status == Status::Actual {
            BTreeMap::new()
        } else {
            self.exercises(status, &period).await?
        };
        let all = self.counted(status, &period, &exercises).await?;
        let escalations = self.escalations(status, &period).await?;
        let reopenings = self.reopenings(status, &period).await?;
        Ok(assess(all, &escalations, &reopenings))
    }

    async fn counted(
        &self,
        status: Status,
        period: &Range<Millis>,
        exercises: &BTreeMap<Uuid, Arc<str>>,
    ) -> Result<Vec<Counted>, StoreError> {
        let sql = "SELECT incident, round, number, department, duty, pending, acknowledged_at - opened_at, \
                   disposed_at - opened_at, acknowledged_on_time, disposed_on_time, disposition FROM obligations \
                   WHERE status = $1 AND opened_at >= $2 AND opened_at < $3 AND (incident, round, number) > ($4, $5, $6) \
                   ORDER BY incident, round, number LIMIT $7";
        let mut all = Vec::new();
        let mut after = (String::new(), 0_i64, 0_i64);
        loop {
            let args = vec![
                status.id().into(),
                period.start.0.into(),
                period.end.0.into(),
                after.0.clone().into(),
                after.1.into(),
                after.2.into(),
                PAGE.into(),
            ];
            let rows = query(sql.to_owned(), args).fetch_all(&self.pool).await?;
            for row in &rows {
                all.push(counted_of(row, exercises)?);
            }
            match rows.last() {
                Some(last) if rows.len() as i64 == PAGE => {
                    after = (last.try_get(0)?, last.try_get(1)?, last.try_get(2)?);
                }
                _ => return Ok(all),
            }
        }
    }

    /// Exercise ids of the incidents of a period.
    async fn exercises(
        &self,
        status: Status,
        period: &Range<Millis>,
    ) -> Result<BTreeMap<Uuid, Arc<str>>, StoreError> {
        let sql = "SELECT row_json FROM cases WHERE status = $1 AND incident IN \
                   (SELECT incident FROM obligations WHERE status = $1 AND opened_at >= $2 AND opened_at < $3)";
        let args = vec![
            status.id().into(),
            period.start.0.into(),
            period.end.0.into(),
        ];
        let mut all = BTreeMap::new();
        for row in query(sql.to_owned(), args).fetch_all(&self.pool).await? {
            let text: String = row.try_get(0)?;
            let line: BoardRow = read("line", &text)?;
            if let Some(exercise) = line.exercise {
                all.insert(line.incident, exercise);
            }
        }
        Ok(all)
    }

    /// Escalations of a period, from the audit trail: one that found every office called already added no obligation.
    async fn escalations(
        &self,
        status: Status,
        period: &Range<Millis>,
    ) -> Result<ByDepartment, StoreError> {
        let sql = "SELECT a.seq, a.event_json FROM audit a JOIN cases c ON c.incident = a.incident \
                   WHERE a.kind = 'escalated' AND c.status = $1 AND a.at >= $2 AND a.at < $3 AND a.seq > $4 \
                   ORDER BY a.seq LIMIT $5";
        let (mut counts, mut after) = (ByDepartment::new(), 0_i64);
        loop {
            let args = vec![
                status.id().into(),
                period.start.0.into(),
                period.end.0.into(),
                after.into(),
                PAGE.into(),
            ];
            let rows = query(sql.to_owned(), args).fetch_all(&self.pool).await?;
            for row in &rows {
                after = row.try_get(0)?;
                let text: String = row.try_get(1)?;
                let event: Event = read("event", &text)?;
                if let Some(department) = event.department {
                    *counts.entry(department).or_default() += 1;
                }
            }
            if (rows.len() as i64) < PAGE {
                return Ok(counts);
            }
        }
    }

    /// Reopenings of a period by the departments that had their part anew with it.
    async fn reopenings(
        &self,
        status: Status,
        period: &Range<Millis>,
    ) -> Result<ByDepartment, StoreError> {
        let sql = "SELECT o.department, COUNT(DISTINCT a.seq) FROM audit a \
                   JOIN obligations o ON o.incident = a.incident AND o.opened_at = a.at AND o.round > 1 \
                   WHERE a.kind = 'reopened' AND o.status = $1 AND a.at >= $2 AND a.at < $3 GROUP BY o.department";
        let args = vec![
            status.id().into(),
            period.start.0.into(),
            period.end.0.into(),
        ];
        let mut counts = ByDepartment::new();
        for row in query(sql.to_owned(), args).fetch_all(&self.pool).await? {
            let (department, count): (String, i64) = (row.try_get(0)?, row.try_get(1)?);
            counts.insert(department.into(), count.max(0) as u64);
        }
        Ok(counts)
    }
}

fn read<T: serde::de::DeserializeOwned>(what: &'static str, text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::Stored {
        what,
        of: "an assessed period".to_owned(),
        why: error.to_string(),
    })
}

fn counted_of(row: &AnyRow, exercises: &BTreeMap<Uuid, Arc<str>>) -> Result<Counted, StoreError> {
    let id: String = row.try_get(0)?;
    let incident: Uuid = id.parse().unwrap_or_default();
    let (department, duty): (String, String) = (row.try_get(3)?, row.try_get(4)?);
    let truth = |at: usize| -> Result<Option<bool>, StoreError> {
        let value: Option<i64> = row.try_get(at)?;
        Ok(value.map(|value| value == 1))
    };
    let found: Option<String> = row.try_get(10)?;
    Ok(Counted {
        incident,
        department: department.into(),
        lead: duty == "lead",
        pending: row.try_get::<i64, _>(5)? == 1,
        acknowledge_ms: row.try_get(6)?,
        dispose_ms: row.try_get(7)?,
        acknowledged_on_time: truth(8)?,
        disposed_on_time: truth(9)?,
        found: found.and_then(|id| Disposition::from_id(&id)),
        exercise: exercises.get(&incident).cloned(),
    })
}
