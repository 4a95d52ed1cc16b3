//! The audit trail: appended, chained by hashes, read, verified.
//!
//! `hash = SHA-256(previous ‖ seq ‖ at ‖ incident ‖ event)`, in hexadecimal; each part preceded by its length in bytes as a 64-bit
//! little-endian number; `event` is the stored JSON text, byte for byte. The first row's `previous` is empty.
//!
//! Invariant: whoever edits, removes or reorders rows has to rewrite every later one; the last hash is also in `heads`, and every
//! event has been published to `tocsin.decisions`.

use serde::Serialize;
use sha2::{Digest as _, Sha256};
use sqlx::Row as _;
use sqlx::any::AnyRow;
use uuid::Uuid;

use super::connect::{Store, StoreError};
use super::rows::{Arg, many};
use super::write::Writing;
use crate::core::obligation::{Event, EventKind};

/// Rows read at a time by a verification.
const PAGE: i64 = 2_000;

/// One row of the trail.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AuditEvent {
    /// 1…n without gap.
    pub seq: i64,
    /// About which incident; none: about the desk itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub incident: Option<Uuid>,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
    /// Hash of this row.
    pub hash: String,
}

/// What is wrong with the trail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuditFault {
    /// Row.
    pub seq: i64,
    /// What is wrong.
    pub problem: String,
}

/// Result of a verification.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// Rows read.
    pub rows: u64,
    /// Hash of the last one; compare it with one that was noted elsewhere.
    pub last_hash: String,
    /// Everything wrong, at most a hundred.
    pub faults: Vec<AuditFault>,
}

/// Faults listed.
const MAX_FAULTS: usize = 100;

fn hash_of(previous: &str, seq: i64, at: i64, incident: &str, event: &str) -> String {
    let mut hash = Sha256::new();
    let (seq, at) = (seq.to_string(), at.to_string());
    for part in [previous, &seq, &at, incident, event] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize().iter().map(|b| format!("{b:02x}")).collect()
}

impl Writing {
    /// Appends events, of incidents or (without one) of the desk itself.
    pub async fn append(&mut self, events: &[(Option<Uuid>, &Event)]) -> Result<(), StoreError> {
        let mut rows: Vec<Vec<Arg>> = Vec::with_capacity(events.len());
        for (incident, event) in events {
            let incident = incident.map(|id| id.to_string());
            let text = serde_json::to_string(event).map_err(|error| StoreError::Stored {
                what: "event",
                of: incident.clone().unwrap_or_default(),
                why: error.to_string(),
            })?;
            self.head.audit_seq += 1;
            let (seq, at) = (self.head.audit_seq, event.at.0);
            let id = incident.as_deref().unwrap_or_default();
            let hash = hash_of(&self.head.audit_hash, seq, at, id, &text);
            let previous = std::mem::replace(&mut self.head.audit_hash, hash.clone());
            let actor = event.actor.as_ref().map(|actor| actor.name.clone());
            rows.push(vec![
                seq.into(),
                at.into(),
                incident.into(),
                event.kind.id().into(),
                actor.into(),
                text.into(),
                previous.into(),
                hash.into(),
            ]);
        }
        let insert =
            "INSERT INTO audit (seq, at, incident, kind, actor, event_json, previous, hash)";
        many(&mut self.tx, insert, rows, "").await
    }
}

impl Writing {
    /// The newest event of a kind, as this transaction sees it.
    pub async fn last_of(&mut self, kind: EventKind) -> Result<Option<AuditEvent>, StoreError> {
        let sql = format!("{ROW} WHERE kind = $1 ORDER BY seq DESC LIMIT 1");
        let row = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(kind.id())
            .fetch_optional(&mut *self.tx)
            .await?;
        row.as_ref().map(event_of).transpose()
    }
}

const ROW: &str = "SELECT seq, incident, event_json, hash FROM audit";

pub(super) fn event_of(row: &AnyRow) -> Result<AuditEvent, StoreError> {
    let incident: Option<String> = row.try_get(1)?;
    let text: String = row.try_get(2)?;
    let event = serde_json::from_str(&text).map_err(|error| StoreError::Stored {
        what: "event",
        of: incident.clone().unwrap_or_default(),
        why: error.to_string(),
    })?;
    Ok(AuditEvent {
        seq: row.try_get(0)?,
        incident: incident.and_then(|id| id.parse().ok()),
        event,
        hash: row.try_get(3)?,
    })
}

impl Store {
    /// Events of one incident, oldest first; the newest `limit` of them.
    pub async fn history(&self, incident: Uuid, limit: u32) -> Result<Vec<AuditEvent>, StoreError> {
        let sql = format!("{ROW} WHERE incident = $1 ORDER BY seq DESC LIMIT $2");
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(incident.to_string())
            .bind(i64::from(limit))
            .fetch_all(&self.pool)
            .await?;
        rows.iter().rev().map(event_of).collect()
    }

    /// Events after `seq`, oldest first.
    pub async fn audit(&self, seq: i64, limit: u32) -> Result<Vec<AuditEvent>, StoreError> {
        let sql = format!("{ROW} WHERE seq > $1 ORDER BY seq LIMIT $2");
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(seq)
            .bind(i64::from(limit))
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(event_of).collect()
    }

    /// Events before `seq` (none: from the newest), newest first; with `people` only those that an account did.
    pub async fn audit_back(
        &self,
        before: Option<i64>,
        people: bool,
        limit: u32,
    ) -> Result<Vec<AuditEvent>, StoreError> {
        let only = if people { " AND actor IS NOT NULL" } else { "" };
        let sql = format!("{ROW} WHERE seq < $1{only} ORDER BY seq DESC LIMIT $2");
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(before.unwrap_or(i64::MAX))
            .bind(i64::from(limit))
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(event_of).collect()
    }

    /// Recomputes the chain from its beginning. `progress` is told after each page how many rows were read.
    pub async fn verify_audit(
        &self,
        mut progress: impl FnMut(u64),
    ) -> Result<Verified, StoreError> {
        let sql = "SELECT seq, at, incident, event_json, previous, hash, kind, actor FROM audit WHERE seq > $1 ORDER BY seq LIMIT $2";
        let mut chain = Chain::default();
        loop {
            let rows = sqlx::query(sql)
                .bind(chain.seq)
                .bind(PAGE)
                .fetch_all(&self.pool)
                .await?;
            if rows.is_empty() {
                break;
            }
            for row in &rows {
                chain.check(row)?;
            }
            progress(chain.rows);
        }
        let row = sqlx::query("SELECT audit_seq, audit_hash FROM heads WHERE id = 1")
            .fetch_one(&self.pool)
            .await?;
        let (seq, hash): (i64, String) = (row.try_get(0)?, row.try_get(1)?);
        if seq > chain.seq {
            let problem = format!(
                "rows up to {seq} were written, the last one here is {}",
                chain.seq
            );
            chain.fault(seq, problem);
        } else if seq == chain.seq && hash != chain.hash {
            chain.fault(
                seq,
                "the last row is not the one that was written last".to_owned(),
            );
        }
        Ok(Verified {
            rows: chain.rows,
            last_hash: chain.hash,
            faults: chain.faults,
        })
    }
}

/// A verification on its way.
#[derive(Default)]
struct Chain {
    seq: i64,
    hash: String,
    rows: u64,
    faults: Vec<AuditFault>,
}

impl Chain {
    fn fault(&mut self, seq: i64, problem: String) {
        if self.faults.len() < MAX_FAULTS {
            self.faults.push(AuditFault { seq, problem });
        }
    }

    fn check(&mut self, row: &AnyRow) -> Result<(), StoreError> {
        let (seq, at): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
        let incident: Option<String> = row.try_get(2)?;
        let (event, previous, hash): (String, String, String) =
            (row.try_get(3)?, row.try_get(4)?, row.try_get(5)?);
        let (kind, actor): (String, Option<String>) = (row.try_get(6)?, row.try_get(7)?);
        if seq != self.seq + 1 {
            self.fault(
                seq,
                format!("rows {} to {} are missing", self.seq + 1, seq - 1),
            );
        }
        if previous != self.hash {
            self.fault(seq, "it does not follow the row before it".to_owned());
        }
        let id = incident.as_deref().unwrap_or_default();
        if hash_of(&previous, seq, at, id, &event) == hash {
            // Columns for searching repeat what the hashed event says.
            let said: Option<Event> = serde_json::from_str(&event).ok();
            let same = said.is_some_and(|said| {
                said.kind.id() == kind && said.actor.map(|actor| actor.name) == actor
            });
            if !same {
                self.fault(seq, "kind or account were changed".to_owned());
            }
        } else {
            self.fault(seq, "time, incident or event were changed".to_owned());
        }
        (self.seq, self.hash) = (seq, hash);
        self.rows += 1;
        Ok(())
    }
}
