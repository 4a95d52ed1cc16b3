//! A look at a store that changes nothing of it: for whoever wants to know whether a desk could work on it.
//!
//! Invariant: no table is made, no file, no row; what is tried to be written is rolled back.

use std::collections::BTreeSet;

use sqlx::Row as _;

use super::connect::{Backend, Store, StoreError};
use super::migrate::{numbers, unknown};

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inspected {
    /// Migrations that a desk of this version would run at its start.
    pub pending: Vec<i64>,
    /// Migrations of a newer version, on which this one cannot work.
    pub newer: Vec<i64>,
    /// Migrations of a newer version, which says that this one may work on what they left.
    pub kept: Vec<i64>,
    /// A migration that began and did not end.
    pub broken: Option<i64>,
    /// The active desk.
    pub holder: Option<String>,
    /// Why nothing can be written; none when it can.
    pub read_only: Option<String>,
    /// Records that wait to be published.
    pub waiting: i64,
    /// Age of the oldest of them, milliseconds.
    pub waiting_ms: i64,
    /// Size on disk, bytes.
    pub bytes: i64,
}

impl Store {
    /// Looks at the store behind a URL. A SQLite file that is not there is an error, and is not made.
    pub async fn inspect(url: &str) -> Result<Inspected, StoreError> {
        let mut url = url.to_owned();
        if url.starts_with("sqlite:") && !url.contains('?') {
            url.push_str("?mode=rw");
        }
        let store = Self::connect(&url).await?;
        let found = store.look().await;
        store.close().await;
        found
    }

    async fn look(&self) -> Result<Inspected, StoreError> {
        let mut found = Inspected {
            bytes: self.number(self.size()).await?,
            read_only: self.tried_to_write().await,
            ..Inspected::default()
        };
        if self.number(self.has_tables()).await? == 0 {
            found.pending = numbers().collect();
            return Ok(found);
        }
        let all = self.applied().await?;
        let sql = "SELECT version FROM _sqlx_migrations WHERE NOT success ORDER BY version LIMIT 1";
        let row = sqlx::query(sql).fetch_optional(self.pool()).await?;
        found.broken = row.map(|row| row.try_get(0)).transpose()?;
        let applied: BTreeSet<i64> = all.iter().map(|it| it.0).collect();
        let known: BTreeSet<i64> = numbers().collect();
        found.pending = known.difference(&applied).copied().collect();
        (found.kept, found.newer) = unknown(&all);
        if applied.is_empty() {
            return Ok(found);
        }
        found.holder = self.lease_holder().await?;
        found.waiting = self.number("SELECT COUNT(*) FROM outbox").await?;
        if found.waiting > 0 {
            let clock = self.clock();
            let age = format!("SELECT {clock} - MIN(created_at) FROM outbox");
            found.waiting_ms = self.number(&age).await?;
        }
        Ok(found)
    }

    /// Number and name of every migration that was applied, in order; none where there are no tables yet.
    pub(super) async fn applied(&self) -> Result<Vec<(i64, String)>, StoreError> {
        if self.number(self.has_tables()).await? == 0 {
            return Ok(Vec::new());
        }
        let sql = "SELECT version, description FROM _sqlx_migrations ORDER BY version";
        let rows = sqlx::query(sql).fetch_all(self.pool()).await?;
        let read = |row: &sqlx::any::AnyRow| -> Result<(i64, String), StoreError> {
            Ok((row.try_get(0)?, row.try_get(1)?))
        };
        rows.iter().map(read).collect()
    }

    fn has_tables(&self) -> &'static str {
        match self.backend() {
            Backend::Sqlite => {
                "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = '_sqlx_migrations'"
            }
            Backend::Postgres => {
                "SELECT CASE WHEN to_regclass('_sqlx_migrations') IS NULL THEN CAST(0 AS BIGINT) ELSE CAST(1 AS BIGINT) END"
            }
        }
    }

    fn size(&self) -> &'static str {
        match self.backend() {
            Backend::Sqlite => {
                "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
            }
            Backend::Postgres => "SELECT pg_database_size(current_database())",
        }
    }

    async fn number(&self, sql: &str) -> Result<i64, StoreError> {
        let row = super::rows::query(sql.to_owned(), Vec::new())
            .fetch_one(self.pool())
            .await?;
        Ok(row.try_get(0)?)
    }

    /// Makes a table in a transaction that is rolled back; why that cannot be done.
    async fn tried_to_write(&self) -> Option<String> {
        let tried = async {
            let mut tx = self.pool().begin().await?;
            sqlx::query("CREATE TABLE tocsin_doctor (id BIGINT PRIMARY KEY)")
                .execute(&mut *tx)
                .await?;
            tx.rollback().await
        };
        tried.await.err().map(|error| error.to_string())
    }
}
