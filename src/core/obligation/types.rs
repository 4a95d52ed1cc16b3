//! The words of a case: roles, states, obligations, marks and overlays.
//!
//! Invariant: a name in here is that of a desk account, given by the operator; never that of anybody who reported something.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::core::model::{Duty, Hazard, Level, Millis, Place, Tier};

macro_rules! closed_list {
    ($(#[$doc:meta])* $name:ident { $($(#[$item:meta])* $variant:ident $id:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name { $($(#[$item])* #[serde(rename = $id)] $variant,)* }

        impl $name {
            /// Every one, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Stable identifier in JSON, SQL, metrics and addresses.
            pub fn id(self) -> &'static str { match self { $(Self::$variant => $id,)* } }

            /// The one of this identifier.
            pub fn from_id(id: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.id() == id)
            }
        }
    };
}
pub(in crate::core) use closed_list;

closed_list! {
    /// What an account may do.
    Role {
        /// Sees everything, changes nothing.
        ReadOnly "read_only",
        /// Judges: acknowledges, assesses, corrects, marks duplicates, asks for a meeting, reopens.
        Analyst "analyst",
        /// Acts on the obligations of one department.
        Officer "officer",
        /// All of that for every department, and waives.
        Coordinator "coordinator",
        /// Runs the service; decides nothing about incidents.
        Operator "operator",
    }
}

/// Who acts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// Name of the account.
    pub name: String,
    /// Its role.
    pub role: Role,
    /// Of an officer: the one department.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub department: Option<Arc<str>>,
}

impl Actor {
    /// An account without a department.
    pub fn new(name: impl Into<String>, role: Role) -> Self {
        Self {
            name: name.into(),
            role,
            department: None,
        }
    }

    /// An officer of a department.
    pub fn officer(name: impl Into<String>, department: &str) -> Self {
        Self {
            name: name.into(),
            role: Role::Officer,
            department: Some(department.into()),
        }
    }
}

closed_list! {
    /// Where a case stands, as far as people took it.
    CaseState {
        /// Nobody has looked.
        New "new",
        /// Somebody has.
        Acknowledged "acknowledged",
        /// A department works on it.
        InProgress "in_progress",
        /// The lead has disposed of it, other required departments have not.
        Disposed "disposed",
        /// Quorum.
        Closed "closed",
    }
}

closed_list! {
    /// What became of an incident.
    Disposition {
        /// It was one.
        Confirmed "confirmed",
        /// It was none.
        FalseAlarm "false_alarm",
        /// Another incident covers it.
        Duplicate "duplicate",
        /// It was one, and nothing had to be done.
        NoAction "no_action",
    }
}

closed_list! {
    /// Where an obligation stands.
    ObligationState {
        /// Nobody has taken it.
        Open "open",
        /// The department knows.
        Acknowledged "acknowledged",
        /// The department works on it.
        InProgress "in_progress",
        /// Done.
        Disposed "disposed",
        /// A coordinator lets the department off.
        Waived "waived",
        /// Another department has accepted it.
        Transferred "transferred",
        /// The case closed, or every report was withdrawn, before the department was done.
        Released "released",
    }
}

impl ObligationState {
    /// Whether the department still owes something.
    pub fn is_pending(self) -> bool {
        matches!(self, Self::Open | Self::Acknowledged | Self::InProgress)
    }
}

closed_list! {
    /// Which office of a department, lowest first; the coordinators are above all of them.
    Office {
        /// The one office of a department without tiers.
        Department "department",
        #[allow(missing_docs)] Township "township",
        #[allow(missing_docs)] County "county",
        #[allow(missing_docs)] City "city",
        #[allow(missing_docs)] Province "province",
        #[allow(missing_docs)] Country "country",
        /// Where a department has no further tier.
        Coordinators "coordinators",
    }
}

impl From<Tier> for Office {
    fn from(tier: Tier) -> Self {
        match tier {
            Tier::Township => Self::Township,
            Tier::County => Self::County,
            Tier::City => Self::City,
            Tier::Province => Self::Province,
            Tier::Country => Self::Country,
        }
    }
}

closed_list! {
    /// Why there is an obligation.
    Cause {
        /// The alert names the department.
        Routed "routed",
        /// A correction of hazard or level asks for the department.
        Corrected "corrected",
        /// Accepted from another department.
        Transferred "transferred",
        /// A lower office missed its acknowledgement.
        AcknowledgeMissed "acknowledge_missed",
        /// A lower office missed its disposal.
        DisposeMissed "dispose_missed",
    }
}

impl Cause {
    /// Whether it was added by a missed deadline. Such an obligation is not counted for the quorum: its department's own is.
    pub fn is_escalation(self) -> bool {
        matches!(self, Self::AcknowledgeMissed | Self::DisposeMissed)
    }
}

/// Who did something, when and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Name of the account; empty for Tocsin itself.
    pub by: String,
    /// When.
    pub at: Millis,
    /// Why; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// The end of an obligation by its department.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disposal {
    /// What became of it.
    pub disposition: Disposition,
    /// Who, when, why.
    #[serde(flatten)]
    pub mark: Mark,
}

/// An obligation offered to another department; its own until that accepts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// To whom.
    pub to: Arc<str>,
    /// Who, when, why.
    #[serde(flatten)]
    pub mark: Mark,
}

/// What one office of one department owes one incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Obligation {
    /// Department id.
    pub department: Arc<str>,
    /// Which of its offices.
    pub office: Office,
    /// Lead or support.
    pub duty: Duty,
    /// The incident does not close without its disposition.
    pub required: bool,
    /// Why it exists.
    pub cause: Cause,
    /// Where it stands.
    pub state: ObligationState,
    /// When it began.
    pub opened_at: Millis,
    /// Highest level that its deadlines were set by.
    pub deadline_level: Level,
    /// Until when it has to be acknowledged.
    pub acknowledge_by: Millis,
    /// Until when it has to be disposed of.
    pub dispose_by: Millis,
    /// Who acknowledged it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged: Option<Mark>,
    /// Who began to work on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<Mark>,
    /// How it ended by its department.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disposed: Option<Disposal>,
    /// When the acknowledgement was found missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledge_missed: Option<Millis>,
    /// When the disposal was found missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dispose_missed: Option<Millis>,
    /// Offered to another department.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer: Option<Offer>,
    /// The department says that it is not its own; it stays so until a coordinator agrees.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declined: Option<Mark>,
    /// How it ended otherwise: waived, transferred or released.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Mark>,
}

impl Obligation {
    /// The next instant at which a deadline of it is missed.
    pub fn due(&self) -> Option<Millis> {
        if !self.state.is_pending() {
            return None;
        }
        let acknowledge = (self.acknowledged.is_none() && self.acknowledge_missed.is_none())
            .then_some(self.acknowledge_by);
        let dispose = self.dispose_missed.is_none().then_some(self.dispose_by);
        acknowledge.into_iter().chain(dispose).min()
    }

    /// Whether the acknowledgement came in time; none while that is open.
    pub fn acknowledged_on_time(&self) -> Option<bool> {
        match (&self.acknowledged, self.acknowledge_missed) {
            (_, Some(_)) => Some(false),
            (Some(mark), None) => Some(mark.at <= self.acknowledge_by),
            (None, None) => None,
        }
    }

    /// Whether the disposal came in time; none while that is open.
    pub fn disposed_on_time(&self) -> Option<bool> {
        match (&self.disposed, self.dispose_missed) {
            (_, Some(_)) => Some(false),
            (Some(disposal), None) => Some(disposal.mark.at <= self.dispose_by),
            (None, None) => None,
        }
    }
}

/// A person's value over the machine's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Overlay<T> {
    /// What it is.
    pub value: T,
    /// Who says so, when and why.
    #[serde(flatten)]
    pub mark: Mark,
}

/// Corrections of one case. The machine's values stay in its alert.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Overlays {
    /// Another hazard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hazard: Option<Overlay<Hazard>>,
    /// Another place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Overlay<Place>>,
    /// Another level.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Overlay<Level>>,
    /// The incident that covers this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duplicate_of: Option<Overlay<Uuid>>,
}

/// A remark on a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// Who.
    pub by: String,
    /// When.
    pub at: Millis,
    /// What; masked like every text.
    pub text: String,
}

/// An analyst's judgement; the verdict is the lead's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assessment {
    /// What it looks like.
    pub disposition: Disposition,
    /// Who, when, why.
    #[serde(flatten)]
    pub mark: Mark,
}

closed_list! {
    /// What can be corrected.
    Field {
        #[allow(missing_docs)] Hazard "hazard",
        #[allow(missing_docs)] Place "place",
        #[allow(missing_docs)] Level "level",
        #[allow(missing_docs)] DuplicateOf "duplicate_of",
    }
}

closed_list! {
    /// Why a case was reopened.
    Reopening {
        /// The machine's level is above that at closing.
        Level "level",
        /// Two or more further independent sources.
        Sources "sources",
        /// Reports came after every one before was withdrawn.
        NotWithdrawn "not_withdrawn",
        /// Somebody asked for it.
        Asked "asked",
    }
}
