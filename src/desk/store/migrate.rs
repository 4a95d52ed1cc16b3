//! Migrations, run when a desk starts.
//!
//! Invariants: a migration that was released is never changed: sqlx compares checksums and refuses. A migration whose name ends with
//! `keeps N` leaves tables and rows that a program which knows the migrations up to N can work on: such a program goes on with the store
//! after a newer one has migrated it; any other refuses it.

use std::borrow::Cow;
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::{AssertSqlSafe, SqlSafeStr as _};

use super::connect::{Backend, Store, StoreError};

/// How often migrations are tried on SQLite, and the pause between.
const TRIES: u32 = 20;
const AGAIN: Duration = Duration::from_millis(100);

/// Number, name, what both run, what only SQLite and only PostgreSQL run.
const MIGRATIONS: &[(i64, &str, &str, &str, &str)] = &[
    (
        1,
        "desk",
        include_str!("migrations/0001_desk.sql"),
        include_str!("migrations/0001_desk.sqlite.sql"),
        include_str!("migrations/0001_desk.postgres.sql"),
    ),
    (
        10,
        "access",
        include_str!("migrations/0010_access.sql"),
        "",
        "",
    ),
    (
        20,
        "notify",
        include_str!("migrations/0020_notify.sql"),
        "",
        "",
    ),
    (
        30,
        "silences",
        include_str!("migrations/0030_silences.sql"),
        include_str!("migrations/0030_silences.sqlite.sql"),
        include_str!("migrations/0030_silences.postgres.sql"),
    ),
    (
        40,
        "narrow",
        include_str!("migrations/0040_narrow.sql"),
        include_str!("migrations/0040_narrow.sqlite.sql"),
        include_str!("migrations/0040_narrow.postgres.sql"),
    ),
    (50, "cap", include_str!("migrations/0050_cap.sql"), "", ""),
    (
        60,
        "find keeps 50",
        include_str!("migrations/0060_find.sql"),
        "",
        include_str!("migrations/0060_find.postgres.sql"),
    ),
    (
        70,
        "drills keeps 50",
        include_str!("migrations/0070_drills.sql"),
        "",
        "",
    ),
];

/// The oldest newest migration of a program that may work on what a migration of this name leaves.
fn kept_for(name: &str) -> Option<i64> {
    name.rsplit_once(" keeps ")?.1.parse().ok()
}

/// Of migrations that were applied and that this program does not know: those that it may work on, and the others.
pub(super) fn unknown(applied: &[(i64, String)]) -> (Vec<i64>, Vec<i64>) {
    let newest = numbers().max().unwrap_or(0);
    let unknown = applied
        .iter()
        .filter(|it| !numbers().any(|known| known == it.0));
    let (kept, other): (Vec<_>, Vec<_>) =
        unknown.partition(|(_, name)| kept_for(name).is_some_and(|kept| kept <= newest));
    let number = |all: Vec<&(i64, String)>| all.into_iter().map(|it| it.0).collect();
    (number(kept), number(other))
}

/// Numbers of all migrations, in order.
pub(super) fn numbers() -> impl Iterator<Item = i64> {
    MIGRATIONS.iter().map(|it| it.0)
}

impl Store {
    /// Numbers of the migrations, in order.
    pub fn migrations() -> impl Iterator<Item = i64> {
        numbers()
    }

    /// Connects, and brings the tables up to this migration and no further: for tests of upgrades.
    pub async fn open_up_to(url: &str, last: i64) -> Result<Self, StoreError> {
        let store = Self::connect(url).await?;
        store.migrate_up_to(last).await?;
        Ok(store)
    }

    pub(super) async fn migrate(&self) -> Result<(), StoreError> {
        self.migrate_up_to(i64::MAX).await
    }

    async fn migrate_up_to(&self, last: i64) -> Result<(), StoreError> {
        let migrations = MIGRATIONS
            .iter()
            .filter(|it| it.0 <= last)
            .map(|(number, name, both, sqlite, postgres)| {
                let own = match self.backend() {
                    Backend::Sqlite => sqlite,
                    Backend::Postgres => postgres,
                };
                let sql = AssertSqlSafe(format!("{both}\n{own}")).into_sql_str();
                let name = Cow::Borrowed(*name);
                Migration::new(*number, name, MigrationType::Simple, sql, false)
            })
            .collect();
        let mut migrator = Migrator::with_migrations(migrations);
        let (kept, other) = unknown(&self.applied().await?);
        if let Some(number) = other.first() {
            return Err(StoreError::Sql(format!(
                "the database was made by a newer version (migration {number}), on which this one cannot work; use that version, or restore the \
                 backup that was made before the upgrade"
            )));
        }
        if !kept.is_empty() {
            tracing::warn!(migrations = ?kept, "the database was migrated by a newer version, which says that this one may work on it");
            migrator.set_ignore_missing(true);
        }
        // PostgreSQL lets one at a time migrate. On SQLite the second of two processes that start at once finds a table that the
        // first has just made: when it looks again, it finds the migration, too.
        let mut tries = if self.backend() == Backend::Sqlite {
            TRIES
        } else {
            1
        };
        loop {
            tries -= 1;
            match migrator.run(self.pool()).await {
                Ok(()) => return Ok(()),
                Err(error) if tries > 0 => {
                    tracing::debug!(%error, "migration, to be tried again");
                    tokio::time::sleep(AGAIN).await;
                }
                Err(MigrateError::Execute(error)) => return Err(StoreError::from(error)),
                Err(error) => return Err(StoreError::Sql(format!("migration: {error}"))),
            }
        }
    }
}
