//! Drills that a desk has begun and whose end is not known.
//!
//! Invariant: a row is written with the event that begins a drill and goes with the one that ends it, so that whichever desk is active
//! knows of every drill that one of this store left behind, whatever is left of its host.

use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::connect::{Store, StoreError};
use super::rows::query;
use super::write::Writing;
use crate::core::model::Millis;

/// Drills taken over at a time; one desk runs one at a time.
const LISTED: i64 = 100;

/// A drill that was begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BegunDrill {
    /// Exercise id.
    pub exercise: String,
    /// The desk that began it: `kafka.instance`.
    pub holder: String,
    /// Its run as JSON, as it was then.
    pub run: String,
}

impl Writing {
    /// Notes a drill that begins. False: one of that exercise id was begun and has not ended.
    pub async fn drill_begins(
        &mut self,
        drill: &BegunDrill,
        at: Millis,
    ) -> Result<bool, StoreError> {
        let sql = "INSERT INTO desk_drills (exercise, holder, begun_at, run_json) VALUES ($1, $2, $3, $4) ON CONFLICT (exercise) DO NOTHING";
        let args = vec![
            drill.exercise.as_str().into(),
            drill.holder.as_str().into(),
            at.0.into(),
            drill.run.as_str().into(),
        ];
        let done = query(sql.to_owned(), args).execute(&mut *self.tx).await?;
        Ok(done.rows_affected() == 1)
    }

    /// A drill has ended. False: its end is known already.
    pub async fn drill_ends(&mut self, exercise: &str) -> Result<bool, StoreError> {
        let sql = "DELETE FROM desk_drills WHERE exercise = $1".to_owned();
        let done = query(sql, vec![exercise.into()])
            .execute(&mut *self.tx)
            .await?;
        Ok(done.rows_affected() > 0)
    }
}

impl Store {
    /// Drills that were begun and have not ended, the oldest first.
    pub async fn begun_drills(&self) -> Result<Vec<BegunDrill>, StoreError> {
        let sql = "SELECT exercise, holder, run_json FROM desk_drills ORDER BY begun_at, exercise LIMIT $1";
        let rows = query(sql.to_owned(), vec![LISTED.into()])
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(drill_of).collect()
    }
}

fn drill_of(row: &AnyRow) -> Result<BegunDrill, StoreError> {
    Ok(BegunDrill {
        exercise: row.try_get(0)?,
        holder: row.try_get(1)?,
        run: row.try_get(2)?,
    })
}
