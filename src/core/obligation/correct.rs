//! Corrections: a person's hazard, place or level over the machine's, and “duplicate of”.
//!
//! Invariant: the machine's value is never changed; a correction adds departments and shortens deadlines, and takes neither back.

use serde_json::{Value, json};
use uuid::Uuid;

use super::act::{mark, nothing};
use super::action::{Refusal, Refused, needed};
use super::case::Case;
use super::event::{EventKind, Log};
use super::policy::Policy;
use super::types::{Cause, Field, Overlay};
use crate::core::model::{Hazard, Level, Place};

impl Case {
    pub(super) fn correct(
        &mut self,
        hazard: Option<Hazard>,
        place: Option<&Place>,
        level: Option<Level>,
        reason: &str,
        policy: &Policy,
        log: &mut Log<'_>,
    ) -> Result<(), Refused> {
        let reason = needed(reason)?;
        let mark = mark(log, &reason);
        let mut change = |field: Field, before: Value, after: Value| {
            log.add(EventKind::Corrected)
                .because(&reason)
                .change(json!({field.id(): before}), json!({field.id(): after}));
        };
        let mut any = false;
        if let Some(value) = hazard.filter(|value| *value != self.hazard()) {
            change(Field::Hazard, json!(self.hazard()), json!(value));
            let mark = mark.clone();
            self.overlays.hazard = Some(Overlay { value, mark });
            any = true;
        }
        if let Some(value) = place.filter(|value| value.code != self.place().code) {
            change(Field::Place, json!(self.place().code), json!(value.code));
            let (value, mark) = (value.clone(), mark.clone());
            self.overlays.place = Some(Overlay { value, mark });
            any = true;
        }
        if let Some(value) = level.filter(|value| *value != self.level()) {
            change(Field::Level, json!(self.level()), json!(value));
            self.overlays.level = Some(Overlay { value, mark });
            any = true;
        }
        if !any {
            return Err(nothing("hazard, place and level are those already"));
        }
        self.follow_correction(policy, log);
        Ok(())
    }

    /// Departments that the corrected hazard and level ask for, and deadlines of the corrected level.
    fn follow_correction(&mut self, policy: &Policy, log: &mut Log<'_>) {
        if self.is_closed() {
            return;
        }
        let (hazard, level) = (self.hazard(), self.level());
        for routed in policy.routing.departments(hazard, level, &[]) {
            self.oblige(&routed, Cause::Corrected, level, policy, log);
        }
        self.shorten(level, policy, log);
    }

    pub(super) fn uncorrect(
        &mut self,
        field: Field,
        reason: &str,
        policy: &Policy,
        log: &mut Log<'_>,
    ) -> Result<(), Refused> {
        let reason = needed(reason)?;
        let overlays = &mut self.overlays;
        let before = match field {
            Field::Hazard => overlays.hazard.take().map(|it| json!(it.value)),
            Field::Place => overlays.place.take().map(|it| json!(it.value.code)),
            Field::Level => overlays.level.take().map(|it| json!(it.value)),
            Field::DuplicateOf => overlays.duplicate_of.take().map(|it| json!(it.value)),
        };
        let before = before.ok_or_else(|| nothing("it was not corrected"))?;
        let after = match field {
            Field::Hazard => json!(self.alert.hazard),
            Field::Place => json!(self.alert.place.code),
            Field::Level => json!(self.alert.level),
            Field::DuplicateOf => Value::Null,
        };
        log.add(EventKind::CorrectionRemoved)
            .because(&reason)
            .change(json!({field.id(): before}), json!({field.id(): after}));
        self.follow_correction(policy, log);
        Ok(())
    }

    pub(super) fn duplicate(
        &mut self,
        of: Uuid,
        reason: &str,
        log: &mut Log<'_>,
    ) -> Result<(), Refused> {
        let reason = needed(reason)?;
        if of == self.incident {
            let message = "an incident is no duplicate of itself";
            return Err(Refused::new(Refusal::BadDuplicate, message));
        }
        let before = json!(self.overlays.duplicate_of.as_ref().map(|it| it.value));
        let mark = mark(log, &reason);
        self.overlays.duplicate_of = Some(Overlay { value: of, mark });
        log.add(EventKind::Corrected)
            .because(&reason)
            .change(json!({"duplicate_of": before}), json!({"duplicate_of": of}));
        Ok(())
    }
}
