//! Offsets of the queue, kept with what was read.
//!
//! Invariant: an offset is compared and set in one statement of the transaction that holds the rows; two readers never both move it.

use std::collections::BTreeMap;

use sqlx::Row as _;

use super::connect::{Store, StoreError};
use super::write::Writing;

impl Store {
    /// The next offset of every partition of a topic that was read.
    pub async fn offsets(&self, topic: &str) -> Result<BTreeMap<i32, i64>, StoreError> {
        let rows = sqlx::query("SELECT number, next FROM offsets WHERE topic = $1")
            .bind(topic.to_owned())
            .fetch_all(&self.pool)
            .await?;
        let mut offsets = BTreeMap::new();
        for row in rows {
            let number: i64 = row.try_get(0)?;
            offsets.insert(i32::try_from(number).unwrap_or_default(), row.try_get(1)?);
        }
        Ok(offsets)
    }
}

impl Writing {
    /// Moves the offset of a partition from `from` (none: it has none yet) to `to`.
    pub async fn advance_offset(
        &mut self,
        topic: &str,
        number: i32,
        from: Option<i64>,
        to: i64,
    ) -> Result<(), StoreError> {
        let done = match from {
            Some(from) => {
                let sql =
                    "UPDATE offsets SET next = $1 WHERE topic = $2 AND number = $3 AND next = $4";
                sqlx::query(sql)
                    .bind(to)
                    .bind(topic.to_owned())
                    .bind(i64::from(number))
                    .bind(from)
                    .execute(&mut *self.tx)
                    .await?
            }
            None => {
                let sql = "INSERT INTO offsets (topic, number, next) VALUES ($1, $2, $3) ON CONFLICT (topic, number) DO NOTHING";
                sqlx::query(sql)
                    .bind(topic.to_owned())
                    .bind(i64::from(number))
                    .bind(to)
                    .execute(&mut *self.tx)
                    .await?
            }
        };
        if done.rows_affected() == 1 {
            return Ok(());
        }
        Err(StoreError::Offset {
            topic: topic.to_owned(),
            number,
            expected: from.unwrap_or(-1),
        })
    }
}
