//! Connecting: the backend by its URL, and what an error means to whoever asked.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sqlx::any::AnyPoolOptions;
use sqlx::{AnyPool, Executor as _};

/// Connections of one desk. One writes, the others serve pages.
const CONNECTIONS: u32 = 8;
/// Longest wait for a connection before the store counts as away.
const WAIT: Duration = Duration::from_secs(3);
/// Databases that this process has made in its memory.
static MADE: AtomicU64 = AtomicU64::new(0);

/// Which SQL database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// A file of this machine.
    Sqlite,
    /// A server.
    Postgres,
}

/// What went wrong with the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The server does not answer, or is about to stop: it is asked again.
    #[error("the database is away: {0}")]
    Away(String),
    /// Another desk has taken over.
    #[error("another desk is active; this one is standing by")]
    Fenced,
    /// Somebody else moved the offset of that partition.
    #[error("the offset of {topic}/{number} is not {expected} any more")]
    Offset {
        /// Topic.
        topic: String,
        /// Partition.
        number: i32,
        /// What it was expected to be.
        expected: i64,
    },
    /// The URL cannot be used.
    #[error("{0}")]
    Url(String),
    /// What is stored is not what this version stores.
    #[error("stored {what} of {of} cannot be read: {why}")]
    Stored {
        /// What of it.
        what: &'static str,
        /// Of which incident.
        of: String,
        /// Why not.
        why: String,
    },
    /// Anything else that the database says.
    #[error("database: {0}")]
    Sql(String),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let away = match &error {
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::Protocol(_) => true,
            // Classes 08 connection, 53 resources, 57P shutdown; 40 a conflict that another try resolves; 5 and 6: SQLite is busy.
            sqlx::Error::Database(database) => database.code().is_some_and(|code| {
                ["08", "53", "57P", "40"]
                    .iter()
                    .any(|class| code.starts_with(class) && code.len() == 5)
                    || ["5", "6", "261", "517"].contains(&&*code)
            }),
            _ => false,
        };
        if away {
            Self::Away(error.to_string())
        } else {
            Self::Sql(error.to_string())
        }
    }
}

impl StoreError {
    /// Whether waiting may help.
    pub fn is_away(&self) -> bool {
        matches!(self, Self::Away(_))
    }
}

/// Where the desk keeps everything. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    pub(super) pool: AnyPool,
    backend: Backend,
    /// Of a database in memory, a connection that nobody uses. A pool closes one whose user has gone in the middle of a question, a
    /// browser's page that was left for instance, and with its last connection such a database is gone.
    kept: Option<AnyPool>,
}

impl Store {
    /// Connects, and brings the tables up to this version.
    ///
    /// `sqlite:PATH` (made when missing), `sqlite::memory:` for tests, `postgres://user:password@host/database`.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        let store = Self::connect(url).await?;
        store.migrate().await?;
        Ok(store)
    }

    pub(super) async fn connect(url: &str) -> Result<Self, StoreError> {
        sqlx::any::install_default_drivers();
        let memory = url.contains(":memory:");
        let backend = if url.starts_with("sqlite:") {
            Backend::Sqlite
        } else if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            Backend::Postgres
        } else {
            let text = "desk.url begins with sqlite: or postgres://";
            return Err(StoreError::Url(text.to_owned()));
        };
        let full = if memory {
            // By a name of its own, so that another connection finds the same one.
            let number = MADE.fetch_add(1, Ordering::Relaxed);
            format!("sqlite:file:tocsin-{number}?mode=memory&cache=shared")
        } else if backend == Backend::Sqlite && !url.contains('?') {
            format!("{url}?mode=rwc")
        } else {
            url.to_owned()
        };
        let kept = if memory {
            Some(keep(&full).await?)
        } else {
            None
        };
        let mut options = AnyPoolOptions::new()
            .max_connections(if memory { 1 } else { CONNECTIONS })
            .acquire_timeout(WAIT);
        if backend == Backend::Sqlite {
            options = options.after_connect(|connection, _| {
                Box::pin(async move {
                    // FULL: what was answered is on the disk.
                    let pragmas = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 5000;";
                    connection.execute(pragmas).await.map(|_| ())
                })
            });
        }
        let pool = options.connect(&full).await?;
        Ok(Self {
            pool,
            backend,
            kept,
        })
    }

    /// Which database it is.
    pub fn backend(&self) -> Backend {
        self.backend
    }

    /// The pool, for tables that other modules own.
    pub fn pool(&self) -> &AnyPool {
        &self.pool
    }

    /// Whether it answers.
    pub async fn ping(&self) -> Result<(), StoreError> {
        sqlx::query("SELECT 1").execute(&self.pool).await?;
        Ok(())
    }

    /// Ends all connections.
    pub async fn close(&self) {
        self.pool.close().await;
        if let Some(kept) = &self.kept {
            kept.close().await;
        }
    }
}

/// A connection that stays.
async fn keep(url: &str) -> Result<AnyPool, StoreError> {
    let options = AnyPoolOptions::new()
        .max_connections(1)
        .idle_timeout(None)
        .max_lifetime(None);
    Ok(options.connect(url).await?)
}
