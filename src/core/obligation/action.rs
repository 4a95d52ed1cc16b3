//! What people can do, and who may.
//!
//! Invariant: an officer acts for one department; a reason is given wherever something is taken back, handed on or overruled.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::types::{Actor, Disposition, Field, Role, closed_list};
use crate::core::mask::mask;
use crate::core::model::{Hazard, Level, Place};

/// Characters of a reason or remark.
pub const MAX_TEXT: usize = 2_000;

/// One thing that somebody does to a case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case", deny_unknown_fields)]
#[allow(missing_docs)]
pub enum Action {
    /// Somebody knows: a department about its obligations, or, without one, an analyst about the case.
    Acknowledge {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        department: Option<Arc<str>>,
    },
    /// A department works on it.
    Start { department: Arc<str> },
    /// A department is done; the lead's disposition is the verdict.
    Dispose {
        department: Arc<str>,
        disposition: Disposition,
        #[serde(default)]
        reason: String,
    },
    /// Offers the obligation to another department; it stays its own until that accepts.
    Transfer {
        department: Arc<str>,
        to: Arc<str>,
        reason: String,
    },
    /// A department accepts what was offered to it; a coordinator, that a department declines.
    Accept { department: Arc<str> },
    /// A department refuses what was offered to it, or says that its obligation is not its own.
    Decline {
        department: Arc<str>,
        reason: String,
    },
    /// A coordinator lets a department off; never the lead.
    Waive {
        department: Arc<str>,
        reason: String,
    },
    /// A remark.
    Note { text: String },
    /// “I am looking at it.”
    Watch,
    /// No longer.
    Unwatch,
    /// An analyst's judgement.
    Assess {
        disposition: Disposition,
        #[serde(default)]
        reason: String,
    },
    /// Another hazard, place or level than the machine's; at least one.
    Correct {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        hazard: Option<Hazard>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        place: Option<Place>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        level: Option<Level>,
        reason: String,
    },
    /// Takes a correction back.
    Uncorrect { field: Field, reason: String },
    /// Another incident covers this one.
    Duplicate { of: Uuid, reason: String },
    /// Asks for a joint meeting.
    Meeting { reason: String },
    /// Opens a closed case again.
    Reopen { reason: String },
}

closed_list! {
    /// Why something was refused.
    Refusal {
        /// The role does not do this.
        Role "role",
        /// Another department's.
        NotYours "not_yours",
        /// The department has no obligation here.
        NoObligation "no_obligation",
        /// Its obligation has ended, or stands there already.
        NotPending "not_pending",
        /// The case is closed.
        Closed "closed",
        /// The case is open.
        NotClosed "not_closed",
        /// There is no such department.
        UnknownDepartment "unknown_department",
        /// It cannot be handed to that department.
        BadTransfer "bad_transfer",
        /// Nothing was offered.
        NotOffered "not_offered",
        /// The lead stays in.
        LeadStays "lead_stays",
        /// A reason is missing.
        ReasonMissing "reason_missing",
        /// A text is too long.
        TooLong "too_long",
        /// There are too many.
        TooMany "too_many",
        /// Nothing would change.
        NothingToDo "nothing_to_do",
        /// An incident cannot be a duplicate of that.
        BadDuplicate "bad_duplicate",
        /// A silence cannot be like that.
        BadSilence "bad_silence",
        /// It takes a second account, and this is the first.
        SecondAccount "second_account",
    }
}

/// An action that was not done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refused {
    /// Why.
    pub why: Refusal,
    /// For people: what is wrong, and what to do instead.
    pub message: String,
}

impl Refused {
    /// A refusal with its words.
    pub fn new(why: Refusal, message: impl Into<String>) -> Self {
        Self {
            why,
            message: message.into(),
        }
    }

    /// Whether it is a matter of rights rather than of the case.
    pub fn is_forbidden(&self) -> bool {
        matches!(self.why, Refusal::Role | Refusal::NotYours)
    }
}

impl Action {
    /// Name of the action, as in its JSON.
    pub fn id(&self) -> &'static str {
        match self {
            Self::Acknowledge { .. } => "acknowledge",
            Self::Start { .. } => "start",
            Self::Dispose { .. } => "dispose",
            Self::Transfer { .. } => "transfer",
            Self::Accept { .. } => "accept",
            Self::Decline { .. } => "decline",
            Self::Waive { .. } => "waive",
            Self::Note { .. } => "note",
            Self::Watch => "watch",
            Self::Unwatch => "unwatch",
            Self::Assess { .. } => "assess",
            Self::Correct { .. } => "correct",
            Self::Uncorrect { .. } => "uncorrect",
            Self::Duplicate { .. } => "duplicate",
            Self::Meeting { .. } => "meeting",
            Self::Reopen { .. } => "reopen",
        }
    }

    /// The department that it is done for.
    pub fn department(&self) -> Option<&Arc<str>> {
        match self {
            Self::Acknowledge { department } => department.as_ref(),
            Self::Start { department }
            | Self::Dispose { department, .. }
            | Self::Transfer { department, .. }
            | Self::Accept { department }
            | Self::Decline { department, .. }
            | Self::Waive { department, .. } => Some(department),
            _ => None,
        }
    }

    /// Whether `actor` may do this to any case.
    pub fn permit(&self, actor: &Actor) -> Result<(), Refused> {
        let for_all = matches!(self, Self::Note { .. } | Self::Watch | Self::Unwatch);
        let fits = match actor.role {
            Role::ReadOnly | Role::Operator => false,
            Role::Coordinator => true,
            Role::Analyst => {
                for_all
                    || matches!(
                        self,
                        Self::Acknowledge { department: None }
                            | Self::Assess { .. }
                            | Self::Correct { .. }
                            | Self::Uncorrect { .. }
                            | Self::Duplicate { .. }
                            | Self::Meeting { .. }
                            | Self::Reopen { .. }
                    )
            }
            Role::Officer => {
                for_all
                    || matches!(self, Self::Meeting { .. })
                    || self.department().is_some() && !matches!(self, Self::Waive { .. })
            }
        };
        if !fits {
            let message = format!("the role {} does not {}", actor.role.id(), self.id());
            return Err(Refused::new(Refusal::Role, message));
        }
        match (actor.role, self.department()) {
            (Role::Officer, Some(department)) if actor.department.as_ref() != Some(department) => {
                let message = format!("`{department}` is another department");
                Err(Refused::new(Refusal::NotYours, message))
            }
            _ => Ok(()),
        }
    }
}

/// A text that has to be there, masked and within its bound.
pub(in crate::core) fn needed(text: &str) -> Result<String, Refused> {
    let text = bounded(text)?;
    if text.is_empty() {
        return Err(Refused::new(
            Refusal::ReasonMissing,
            "say why, in a few words",
        ));
    }
    Ok(text)
}

/// A text that may be empty. What people are reached by is masked in it, as in every other text.
pub(in crate::core) fn bounded(text: &str) -> Result<String, Refused> {
    let text = text.trim();
    if text.chars().count() > MAX_TEXT {
        let message = format!("a text has at most {MAX_TEXT} characters");
        return Err(Refused::new(Refusal::TooLong, message));
    }
    Ok(mask(Cow::Borrowed(text)).into_owned())
}
