//! Console sessions in the desk's store.
//!
//! Invariants: a session is one token's and never outlives it; only the hash of its secret is stored; it ends when it is idle or
//! old, whichever comes first.

use sqlx::{AnyPool, Row as _};

use super::secret::{self, Hash};
use super::token::{Token, TokenError};
use super::tokens::Tokens;
use crate::config::Secret;
use crate::core::model::Millis;
use crate::desk::Store;

/// Sessions of one token; the oldest ends when another one begins.
pub const MAX_PER_TOKEN: i64 = 32;
/// The time of last use is kept to this, milliseconds.
const SEEN_EVERY: i64 = 30_000;

/// How long a session lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionLife {
    /// Without a request, milliseconds.
    pub idle: i64,
    /// In all, milliseconds.
    pub absolute: i64,
}

/// The table of sessions.
#[derive(Clone, Debug)]
pub struct Sessions {
    pool: AnyPool,
    tokens: Tokens,
    life: SessionLife,
}

impl Sessions {
    /// Over the desk's store, whose migrations have run.
    pub fn new(store: Store, life: SessionLife) -> Self {
        Self {
            pool: store.pool().clone(),
            tokens: Tokens::new(store),
            life,
        }
    }

    /// How long a session lasts.
    pub fn life(&self) -> SessionLife {
        self.life
    }

    /// Begins a session of a token that was verified, and forgets those that are over. The secret goes into the cookie.
    pub async fn begin(&self, token: &Token, now: Millis) -> Result<Secret, TokenError> {
        let text = secret::new_secret()?;
        let mut transaction = self.pool.begin().await?;
        let over = "DELETE FROM desk_session WHERE last_seen_at <= $1 OR begun_at <= $2";
        sqlx::query(over)
            .bind(now.plus(-self.life.idle).0)
            .bind(now.plus(-self.life.absolute).0)
            .execute(&mut *transaction)
            .await?;
        let crowd = "DELETE FROM desk_session WHERE token_id = $1 AND hash NOT IN \
                     (SELECT hash FROM desk_session WHERE token_id = $1 ORDER BY begun_at DESC, hash LIMIT $2)";
        sqlx::query(crowd)
            .bind(&token.id)
            .bind(MAX_PER_TOKEN - 1)
            .execute(&mut *transaction)
            .await?;
        let insert = "INSERT INTO desk_session (hash, token_id, begun_at, last_seen_at) VALUES ($1, $2, $3, $3)";
        sqlx::query(insert)
            .bind(Hash::of(text.expose()).as_str())
            .bind(&token.id)
            .bind(now.0)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(text)
    }

    /// The token of a session that goes on at `now`; `active`: the request is a person's, and keeps the session from being idle.
    pub async fn find(
        &self,
        text: &str,
        now: Millis,
        active: bool,
    ) -> Result<Option<Token>, TokenError> {
        let hash = Hash::of(text);
        // Found by the hash of 256 random bits: how long the look-up takes says nothing about any of them.
        let sql = "SELECT token_id, begun_at, last_seen_at FROM desk_session WHERE hash = $1";
        let Some(row) = sqlx::query(sql)
            .bind(hash.as_str())
            .fetch_optional(&self.pool)
            .await?
        else {
            return Ok(None);
        };
        let token_id: String = row.try_get("token_id")?;
        let begun = Millis(row.try_get("begun_at")?);
        let seen = Millis(row.try_get("last_seen_at")?);
        if now.since(begun) >= self.life.absolute || now.since(seen) >= self.life.idle {
            return Ok(None);
        }
        let token = self.tokens.get(&token_id).await?;
        let Some(token) = token.filter(|token| token.heard(now).is_ok()) else {
            return Ok(None);
        };
        if active && now.since(seen) >= SEEN_EVERY {
            let sql =
                "UPDATE desk_session SET last_seen_at = $1 WHERE hash = $2 AND last_seen_at < $1";
            sqlx::query(sql)
                .bind(now.0)
                .bind(hash.as_str())
                .execute(&self.pool)
                .await?;
            self.tokens.used(&token, now).await?;
        }
        Ok(Some(token))
    }

    /// Ends a session.
    pub async fn end(&self, text: &str) -> Result<(), TokenError> {
        sqlx::query("DELETE FROM desk_session WHERE hash = $1")
            .bind(Hash::of(text).as_str())
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}
