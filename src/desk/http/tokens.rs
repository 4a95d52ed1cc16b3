//! Tokens in the desk's store: who may ask, as what, and until when.
//!
//! Invariants: the text of a token is nowhere, only its hash; two live tokens never share a name, so that the name in an audit
//! event is one account; nothing is deleted, for old audit events name it. Who made a token and who took it back is in the audit
//! trail, written in the transaction that does it.

use std::sync::Arc;

use serde_json::json;
use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::secret::{self, Hash};
use super::token::{MAX_LIVE, NewToken, Token, TokenError, Unheard};
use crate::config::Secret;
use crate::core::model::{Millis, Status};
use crate::core::obligation::{Actor, Event, EventKind, Role};
use crate::desk::Store;
use crate::desk::store::Writing;

/// The time of last use is kept to this, milliseconds: a busy token writes once a minute.
const USED_EVERY: i64 = 60_000;
const DAY: i64 = 86_400_000;
/// A token that expired no longer ago, and that nobody replaced or revoked, still counts: whoever used it is locked out.
const EXPIRED_MS: i64 = 7 * DAY;

/// The table of tokens.
#[derive(Clone, Debug)]
pub struct Tokens(Store);

/// A `SELECT` of whole tokens.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, name, role, department, hash, created_at, created_by, expires_at, revoked_at, last_used_at \
             FROM desk_token ",
            $rest
        )
    };
}

fn read(row: &AnyRow) -> Result<Token, sqlx::Error> {
    let role: String = row.try_get("role")?;
    let role = Role::from_id(&role).ok_or_else(|| sqlx::Error::Decode("an unknown role".into()))?;
    let department: Option<String> = row.try_get("department")?;
    let millis = |column: &str| {
        row.try_get::<Option<i64>, _>(column)
            .map(|at| at.map(Millis))
    };
    Ok(Token {
        id: row.try_get("id")?,
        name: row.try_get("name")?,
        role,
        department: department.map(Arc::from),
        created_at: Millis(row.try_get("created_at")?),
        created_by: row.try_get("created_by")?,
        expires_at: Millis(row.try_get("expires_at")?),
        revoked_at: millis("revoked_at")?,
        last_used_at: millis("last_used_at")?,
    })
}

/// Appends to the audit trail that a token was made or taken back.
async fn record(
    writing: &mut Writing,
    kind: EventKind,
    token: &Token,
    by: &Actor,
    now: Millis,
) -> Result<(), TokenError> {
    let mut event = Event::new(kind, now, Some(by));
    event.department.clone_from(&token.department);
    event.after = json!({
        "token": token.id, "name": token.name, "role": token.role, "expires_at": token.expires_at,
    });
    // A token is for all statuses; what is actual is the graver.
    let of = (token.id.as_str(), Status::Actual);
    Ok(writing.desk_event(of, &event, &[]).await?)
}

impl Tokens {
    /// Over the desk's store, whose migrations have run.
    pub fn new(store: Store) -> Self {
        Self(store)
    }

    /// Makes a token, checked before with [`NewToken::check`]. Its text is returned here and never again.
    pub async fn create(
        &self,
        wish: &NewToken,
        by: &Actor,
        now: Millis,
    ) -> Result<(Token, Secret), TokenError> {
        let id = secret::new_id()?;
        let text = secret::token_text(&id, &secret::new_secret()?);
        let token = Token {
            id,
            name: wish.name.clone(),
            role: wish.role,
            department: wish.department.as_deref().map(Arc::from),
            created_at: now,
            created_by: by.name.clone(),
            expires_at: now.plus(i64::from(wish.days) * DAY),
            revoked_at: None,
            last_used_at: None,
        };
        self.insert(&token, &Hash::of(text.expose()), by).await?;
        Ok((token, text))
    }

    async fn insert(&self, token: &Token, hash: &Hash, by: &Actor) -> Result<(), TokenError> {
        let now = token.created_at.0;
        let mut writing = self.0.write(None).await?;
        // An expired token no longer holds its name.
        let expired = "UPDATE desk_token SET revoked_at = $1 \
                       WHERE name = $2 AND revoked_at IS NULL AND expires_at <= $1";
        sqlx::query(expired)
            .bind(now)
            .bind(&token.name)
            .execute(writing.connection())
            .await?;
        let live = "SELECT COUNT(*) FROM desk_token WHERE revoked_at IS NULL AND expires_at > $1";
        let live: i64 = sqlx::query_scalar(live)
            .bind(now)
            .fetch_one(writing.connection())
            .await?;
        if live >= MAX_LIVE {
            return Err(TokenError::TooMany);
        }
        let insert = "INSERT INTO desk_token (id, name, role, department, hash, created_at, created_by, expires_at) \
                      VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
        let inserted = sqlx::query(insert)
            .bind(&token.id)
            .bind(&token.name)
            .bind(token.role.id())
            .bind(token.department.as_deref())
            .bind(hash.as_str())
            .bind(now)
            .bind(&token.created_by)
            .bind(token.expires_at.0)
            .execute(writing.connection())
            .await;
        match inserted {
            Ok(_) => {
                record(
                    &mut writing,
                    EventKind::TokenCreated,
                    token,
                    by,
                    token.created_at,
                )
                .await?;
                writing.commit().await?;
                Ok(())
            }
            Err(sqlx::Error::Database(error)) if error.is_unique_violation() => {
                Err(TokenError::Taken(token.name.clone()))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Tokens by name, the newest of a name first; with `all`, those that are over too.
    pub async fn list(&self, all: bool, now: Millis) -> Result<Vec<Token>, TokenError> {
        let rows = if all {
            sqlx::query(select!("ORDER BY name, created_at DESC, id LIMIT 20000"))
        } else {
            let live = select!(
                "WHERE revoked_at IS NULL AND expires_at > $1 ORDER BY name, created_at DESC, id LIMIT 20000"
            );
            sqlx::query(live).bind(now.0)
        };
        let rows = rows.fetch_all(self.0.pool()).await?;
        Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
    }

    /// How many tokens are live.
    pub async fn live(&self, now: Millis) -> Result<i64, TokenError> {
        let sql = "SELECT COUNT(*) FROM desk_token WHERE revoked_at IS NULL AND expires_at > $1";
        Ok(sqlx::query_scalar(sql)
            .bind(now.0)
            .fetch_one(self.0.pool())
            .await?)
    }

    /// When the next token ends, or when one ended lately that nobody has replaced or revoked; none without tokens.
    pub async fn expiry(&self, now: Millis) -> Result<Option<Millis>, sqlx::Error> {
        let sql =
            "SELECT MIN(expires_at) FROM desk_token WHERE revoked_at IS NULL AND expires_at > $1";
        let earliest: Option<i64> = sqlx::query_scalar(sql)
            .bind(now.0 - EXPIRED_MS)
            .fetch_one(self.0.pool())
            .await?;
        Ok(earliest.map(Millis))
    }

    /// The token of this id, live or not.
    pub async fn get(&self, id: &str) -> Result<Option<Token>, TokenError> {
        let row = sqlx::query(select!("WHERE id = $1"))
            .bind(id)
            .fetch_optional(self.0.pool())
            .await?;
        Ok(row.as_ref().map(read).transpose()?)
    }

    /// Takes a token back, named by its id or, while it is live, by its name. Whether it already was is in its `revoked_at`,
    /// which stays.
    pub async fn revoke(
        &self,
        id_or_name: &str,
        by: &Actor,
        now: Millis,
    ) -> Result<Token, TokenError> {
        let mut found = self.get(id_or_name).await?;
        if found.is_none() {
            let row = sqlx::query(select!("WHERE name = $1 AND revoked_at IS NULL"))
                .bind(id_or_name)
                .fetch_optional(self.0.pool())
                .await?;
            found = row.as_ref().map(read).transpose()?;
        }
        let token = found.ok_or(TokenError::NotFound)?;
        let sql = "UPDATE desk_token SET revoked_at = $1 WHERE id = $2 AND revoked_at IS NULL";
        let mut writing = self.0.write(None).await?;
        let done = sqlx::query(sql)
            .bind(now.0)
            .bind(&token.id)
            .execute(writing.connection())
            .await?;
        let sessions = "DELETE FROM desk_session WHERE token_id = $1";
        sqlx::query(sessions)
            .bind(&token.id)
            .execute(writing.connection())
            .await?;
        if done.rows_affected() > 0 {
            record(&mut writing, EventKind::TokenRevoked, &token, by, now).await?;
        }
        writing.commit().await?;
        self.get(&token.id).await?.ok_or(TokenError::NotFound)
    }

    /// The live token of this text, and notes that it was used.
    pub async fn verify(
        &self,
        text: &str,
        now: Millis,
    ) -> Result<Result<Token, Unheard>, TokenError> {
        let Some((id, hash)) = secret::read_token(text) else {
            return Ok(Err(Unheard::Unknown));
        };
        let row = sqlx::query(select!("WHERE id = $1"))
            .bind(id)
            .fetch_optional(self.0.pool())
            .await?;
        // Whether a token is over is told only to who holds its secret.
        let Some(row) = row else {
            return Ok(Err(Unheard::Unknown));
        };
        if !hash.is(&row.try_get::<String, _>("hash")?) {
            return Ok(Err(Unheard::Unknown));
        }
        let token = read(&row)?;
        if let Err(unheard) = token.heard(now) {
            return Ok(Err(unheard));
        }
        self.used(&token, now).await?;
        Ok(Ok(token))
    }

    /// Notes that a token was used.
    pub async fn used(&self, token: &Token, now: Millis) -> Result<(), TokenError> {
        if token
            .last_used_at
            .is_some_and(|last| now.since(last) < USED_EVERY)
        {
            return Ok(());
        }
        let sql = "UPDATE desk_token SET last_used_at = $1 \
                   WHERE id = $2 AND (last_used_at IS NULL OR last_used_at < $1)";
        sqlx::query(sql)
            .bind(now.0)
            .bind(&token.id)
            .execute(self.0.pool())
            .await?;
        Ok(())
    }
}
