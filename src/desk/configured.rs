//! What the desk goes by, in its audit trail: which rule set, and which receivers of notifications.
//!
//! Invariant: one event for each change, whether it came by a reload or by a start, and none while nothing changes.

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Value, json};

use super::service::{Desk, DeskError};
use crate::core::model::Status;
use crate::core::obligation::{Event, EventKind};

/// Key of the events on `tocsin.decisions`.
const KEY: &str = "configuration";

/// What decides who owes what and who is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Configuration {
    /// Version of the rule set: rules, lexicons, gazetteer, departments.
    pub rule_set: Arc<str>,
    /// Fingerprint of `[notify]`; none where nobody is told.
    pub notify: Option<String>,
}

impl Desk {
    /// Appends an event if this is not what the last one says. Returns whether it did.
    pub async fn note_configuration(&self, used: &Configuration) -> Result<bool, DeskError> {
        let turn = self.turn().await;
        let mut writing = self.write(&turn).await?;
        let last = writing.last_of(EventKind::ConfigurationChanged).await?;
        let before = last.map_or(Value::Null, |it| it.event.after);
        let after = json!(used);
        if before == after {
            return Ok(false);
        }
        let mut event = Event::new(EventKind::ConfigurationChanged, self.now(), None);
        (event.before, event.after) = (before, after);
        // It is about every status; what is actual is the graver.
        let of = (KEY, Status::Actual);
        writing.desk_event(of, &event, &[]).await?;
        let changes = writing.commit().await?;
        self.committed(&[], changes);
        self.observed(|it| it.told(Status::Actual, &event));
        Ok(true)
    }
}
