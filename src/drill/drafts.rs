//! A scenario that a coordinator writes at the desk: from the template or another one, looked at, and kept in the desk's folder.
//!
//! Invariants: what is kept can be run here; nothing that is there is replaced, a shipped scenario neither; its file has the name
//! of its id, so that no name leads out of the folder.

use std::collections::BTreeMap;

use serde::Serialize;

use super::rehearsal::{Finding, finding};
use super::{Checked, Room, RoomError, new_scenario, read_scenario};
use crate::core::diagnostic::SourceFile;
use crate::core::drill::{is_scenario_id, parse_scenario};

/// Longest text of a scenario that is written at the desk, bytes.
pub const MAX_DRAFT_BYTES: usize = 32 << 10;

/// A scenario that is wished for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScenarioWish {
    /// Its id; where there is a text it may be left to that.
    pub id: Option<String>,
    /// Name of the scenario to start from; none: the template. Says nothing where there is a text.
    pub from: Option<String>,
    /// Its text; none: what it starts from.
    pub text: Option<String>,
    /// It is to be offered from now on.
    pub keep: bool,
}

/// A scenario that is being written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Draft {
    /// Its id; empty where its text has none.
    pub scenario: String,
    /// Its text.
    pub text: String,
    /// What is to be said about it.
    pub findings: Vec<Finding>,
    /// It can be run here.
    pub ready: bool,
    /// It is offered from now on.
    pub kept: bool,
}

impl Room {
    /// Writes a scenario, reads it against what is here, and keeps it if that is wished for and nothing is wrong with it.
    pub fn draft(&self, wish: &ScenarioWish) -> Result<Draft, RoomError> {
        let file = self.drafted(wish)?;
        let (set, renamed) = (self.rules(), BTreeMap::new());
        let read = read_scenario(&file, &self.here(&set, &renamed));
        let said = match &read {
            Ok((_, findings)) => findings,
            Err(errors) => &errors.diagnostics,
        };
        let mut draft = Draft {
            scenario: id_of(&file),
            findings: said.iter().map(finding).collect(),
            ready: read.is_ok(),
            text: file.text,
            kept: false,
        };
        if let Some(id) = wish.id.as_ref().filter(|id| **id != draft.scenario)
            && draft.ready
        {
            return Err(RoomError::OtherId {
                wished: id.clone(),
                found: draft.scenario,
            });
        }
        if wish.keep {
            read?;
            self.scenarios.keep(&draft.scenario, &draft.text)?;
            draft.kept = true;
        }
        Ok(draft)
    }

    /// Takes back what was kept a moment ago.
    pub fn discard(&self, id: &str) {
        self.scenarios.discard(id);
    }

    /// Rehearses a scenario that is being written, as [`Room::check`] does those that are there.
    pub fn check_draft(&self, wish: &ScenarioWish, seed: u64) -> Result<Checked, RoomError> {
        let file = self.drafted(wish)?;
        Ok(self.check_file(&id_of(&file), &file, seed))
    }

    fn drafted(&self, wish: &ScenarioWish) -> Result<SourceFile, RoomError> {
        let id = wish.id.as_deref();
        if let Some(id) = id.or(wish.text.is_none().then_some(""))
            && !is_scenario_id(id)
        {
            return Err(RoomError::BadScenarioId);
        }
        let id = id.unwrap_or("draft");
        let text = match (&wish.text, &wish.from) {
            (Some(text), _) => text.clone(),
            (None, Some(from)) => new_scenario(id, Some(&self.source(from)?)),
            (None, None) => new_scenario(id, None),
        };
        if text.len() > MAX_DRAFT_BYTES {
            return Err(RoomError::DraftTooLong);
        }
        Ok(SourceFile {
            name: format!("{id}.yml"),
            text,
        })
    }
}

fn id_of(file: &SourceFile) -> String {
    let read = parse_scenario(file).0;
    read.map(|it| it.id).unwrap_or_default()
}
