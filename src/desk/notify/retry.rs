//! Dead notifications made due again, because somebody says so.
//!
//! Invariant: what is tried again and the event that says by whom are one transaction.

use serde_json::json;
use uuid::Uuid;

use crate::core::model::{Millis, Status};
use crate::core::obligation::{Actor, Event, EventKind};
use crate::desk::store::Writing;
use crate::desk::{Desk, DeskError, StoreError};

/// Key of the events on `tocsin.decisions`.
const KEY: &str = "notifications";

/// Makes dead messages due again, within a transaction: of one receiver, or all, or one message. Returns how many notices.
pub async fn retry(
    writing: &mut Writing,
    which: (Option<&str>, Option<Uuid>),
    actor: &Actor,
    now: Millis,
) -> Result<(u64, Option<Event>), StoreError> {
    let notices = writing.retry_notifications(which, now).await?;
    if notices == 0 {
        return Ok((0, None));
    }
    let mut event = Event::new(EventKind::NotificationsRetried, now, Some(actor));
    let (channel, message) = which;
    event.after = json!({"channel": channel, "message": message, "notices": notices});
    // Notices of all statuses may be among them; what is actual is the graver.
    writing
        .desk_event((KEY, Status::Actual), &event, &[])
        .await?;
    Ok((notices, Some(event)))
}

impl Desk {
    /// Makes dead messages due again: of one receiver, or all, or one message. Returns how many notices.
    pub async fn retry_notifications(
        &self,
        actor: &Actor,
        which: (Option<&str>, Option<Uuid>),
    ) -> Result<u64, DeskError> {
        let turn = self.turn().await;
        let mut writing = self.write(&turn).await?;
        let (notices, event) = retry(&mut writing, which, actor, self.now()).await?;
        let changes = writing.commit().await?;
        self.committed(&[], changes);
        if let Some(event) = &event {
            self.observed(|it| it.told(Status::Actual, event));
        }
        Ok(notices)
    }
}
