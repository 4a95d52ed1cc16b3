//! When a notice is due at a receiver, and which message it is part of.
//!
//! A message is one POST or one mail. Notices that fall into one window of one receiver are one message; windows are aligned to
//! multiples of their length since 1970, so that they need no memory: a restart finds the same ones.
//!
//! Invariant: `now < due ≤ now + window`, and every notice of a message is due at the same instant; once that has come, nothing joins.
//! A window holds one status and one department, and one incident where it is not a digest.

use std::sync::Arc;

use uuid::Uuid;

use super::kind::{Notice, NoticeKind, named};
use super::text::Language;
use crate::core::model::{Level, Millis};

/// What is collected instead of sent one by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest {
    /// Length of a window, milliseconds.
    pub every_ms: i64,
    /// Notices below this level wait for it; missed deadlines, escalations and a reopening never do.
    pub below: Level,
}

/// One receiver, as far as planning goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receiver {
    /// `webhook:NAME` or `email:NAME`.
    pub name: Arc<str>,
    /// Notices of one incident within this time are one message; 0: each its own. Milliseconds.
    pub group_wait_ms: i64,
    /// Collects lesser notices.
    pub digest: Option<Digest>,
    /// Language of its texts.
    pub language: Language,
}

/// Where a notice has its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// The message, and its Idempotency-Key.
    pub message: Uuid,
    /// When it is due.
    pub due: Millis,
}

/// The end of the window that `now` lies in.
pub(super) fn window_end(now: Millis, length_ms: i64) -> Millis {
    let length = length_ms.max(1);
    Millis(now.0.saturating_sub(now.0.rem_euclid(length))).plus(length)
}

impl Receiver {
    /// Whether a notice waits for a digest here.
    pub fn digests(&self, kind: NoticeKind, level: Level) -> Option<Digest> {
        let at_once = kind.is_urgent() || kind == NoticeKind::Reopened;
        self.digest
            .filter(|digest| !at_once && level < digest.below)
    }

    /// The slot of a notice made at `now`.
    pub fn slot(&self, notice: &Notice, now: Millis) -> Slot {
        let (name, status, department) = (&self.name, notice.status.id(), &notice.department);
        if let Some(digest) = self.digests(notice.kind, notice.level) {
            let due = window_end(now, digest.every_ms);
            let key = format!("digest/{name}/{status}/{department}/{}", due.0);
            return Slot {
                message: named(&key),
                due,
            };
        }
        if self.group_wait_ms > 0 && !notice.kind.is_urgent() {
            let due = window_end(now, self.group_wait_ms);
            let incident = notice.incident;
            let key = format!("group/{name}/{status}/{department}/{incident}/{}", due.0);
            return Slot {
                message: named(&key),
                due,
            };
        }
        self.alone(notice, now)
    }

    /// A message of its own, due at once.
    pub fn alone(&self, notice: &Notice, now: Millis) -> Slot {
        let key = format!("notice/{}/{}", self.name, notice.id);
        Slot {
            message: named(&key),
            due: now,
        }
    }

    /// The one message of what is still owed after a stop; `began` is the first event that came too late.
    pub fn catch_up(&self, notice: &Notice, began: i64, due: Millis) -> Slot {
        let (name, status, department) = (&self.name, notice.status.id(), &notice.department);
        let key = format!("catch-up/{name}/{status}/{department}/{began}");
        Slot {
            message: named(&key),
            due,
        }
    }
}
