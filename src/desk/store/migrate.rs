//! Migrations, run when a desk starts.
//!
//! Invariant: a migration that was released is never changed: sqlx compares checksums and refuses.

use std::borrow::Cow;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{AssertSqlSafe, SqlSafeStr as _};

use super::connect::{Backend, Store, StoreError};

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
];

impl Store {
    pub(super) async fn migrate(&self) -> Result<(), StoreError> {
        let migrations = MIGRATIONS
            .iter()
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
        let migrator = Migrator::with_migrations(migrations);
        migrator.run(self.pool()).await.map_err(|error| match error {
            sqlx::migrate::MigrateError::Execute(error) => StoreError::from(error),
            sqlx::migrate::MigrateError::VersionMissing(number) => StoreError::Sql(format!(
                "the database was made by a newer version (migration {number}); use that version"
            )),
            error => StoreError::Sql(format!("migration: {error}")),
        })
    }
}
