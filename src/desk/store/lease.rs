//! The lease: which desk is the active one.
//!
//! Invariant: each holder has an epoch of its own, and every write proves it (`Store::write`): a desk that was away and comes back
//! after another took over writes nothing. Time is the database's own, so that clocks of two machines need not agree.

use std::time::Duration;

use sqlx::Row as _;

use super::connect::{Backend, Store, StoreError};
use super::rows::query;

/// A lease that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Rises with each holder.
    pub epoch: i64,
    /// Who.
    pub holder: String,
}

impl Store {
    /// Milliseconds since 1970 by the database's clock, as SQL.
    pub(super) fn clock(&self) -> &'static str {
        match self.backend() {
            Backend::Sqlite => {
                "CAST(strftime('%s', 'now') AS INTEGER) * 1000 + CAST(substr(strftime('%f', 'now'), 4) AS INTEGER)"
            }
            Backend::Postgres => "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)",
        }
    }

    /// Takes the lease for `length` if nobody holds it, or if `holder` does (it was killed and came back).
    pub async fn take_lease(
        &self,
        holder: &str,
        length: Duration,
    ) -> Result<Option<Lease>, StoreError> {
        let begin = match self.backend() {
            Backend::Sqlite => "BEGIN IMMEDIATE",
            Backend::Postgres => "BEGIN",
        };
        let mut tx = self.pool.begin_with(begin).await?;
        let now = self.clock();
        let sql = format!(
            "UPDATE leases SET holder = $1, epoch = epoch + 1, expires_at = {now} + $2 \
             WHERE name = 'desk' AND (expires_at < {now} OR holder = $1) RETURNING epoch"
        );
        let args = vec![holder.into(), (length.as_millis() as i64).into()];
        let Some(row) = query(sql, args).fetch_optional(&mut *tx).await? else {
            return Ok(None);
        };
        let epoch: i64 = row.try_get(0)?;
        sqlx::query("UPDATE heads SET epoch = $1 WHERE id = 1")
            .bind(epoch)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        let holder = holder.to_owned();
        Ok(Some(Lease { epoch, holder }))
    }

    /// Extends a lease; false when another desk has it.
    pub async fn renew_lease(&self, lease: &Lease, length: Duration) -> Result<bool, StoreError> {
        let now = self.clock();
        let sql =
            format!("UPDATE leases SET expires_at = {now} + $1 WHERE name = 'desk' AND epoch = $2");
        let args = vec![(length.as_millis() as i64).into(), lease.epoch.into()];
        let done = query(sql, args).execute(&self.pool).await?;
        Ok(done.rows_affected() == 1)
    }

    /// Gives a lease up, so that a standby need not wait for its end.
    pub async fn give_up_lease(&self, lease: &Lease) -> Result<(), StoreError> {
        let sql =
            "UPDATE leases SET expires_at = 0, holder = '' WHERE name = 'desk' AND epoch = $1";
        sqlx::query(sql)
            .bind(lease.epoch)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Who holds the lease now, if anybody does.
    pub async fn lease_holder(&self) -> Result<Option<String>, StoreError> {
        let now = self.clock();
        let sql = format!("SELECT holder FROM leases WHERE name = 'desk' AND expires_at >= {now}");
        let row = query(sql, Vec::new()).fetch_optional(&self.pool).await?;
        Ok(row.map(|row| row.try_get(0)).transpose()?)
    }
}
