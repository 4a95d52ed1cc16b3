//! Silences and inhibition, asked of each notice.
//!
//! Invariant: read in the transaction that plans, so that a notice is muted by what is in the store then.

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::core::model::Millis;
use crate::core::mute::{By, Muted, Notice, Subject};
use crate::core::notify::{Asked, MuteReason};
use crate::core::obligation::Case;
use crate::desk::DeskError;
use crate::desk::silences::muted;
use crate::desk::store::Writing;

/// What mutes some incidents.
#[derive(Debug)]
pub(super) struct Muting(BTreeMap<Uuid, Vec<Muted>>);

impl Muting {
    /// Of these cases at `now`.
    pub(super) async fn of(
        writing: &mut Writing,
        cases: &BTreeMap<Uuid, Case>,
        now: Millis,
    ) -> Result<Self, DeskError> {
        let subjects: Vec<Subject> = cases.values().map(Subject::of_case).collect();
        Ok(Self(muted(writing.connection(), &subjects, now).await?))
    }

    /// Whether, and by what, a notice is muted.
    pub(super) fn mutes(&self, asked: &Asked<'_>) -> Option<MuteReason> {
        let notice = if asked.kind.is_urgent() {
            Notice::Deadline
        } else {
            Notice::Other
        };
        let all = self.0.get(&asked.case.incident)?;
        let mark = all
            .iter()
            .find(|it| it.covers(Some(asked.department), notice))?;
        Some(match mark.by {
            By::Silence => MuteReason::Silence(mark.id.to_string()),
            By::Inhibition => MuteReason::Inhibited(mark.id),
        })
    }
}
