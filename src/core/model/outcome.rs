//! Outcomes: the one counted end of every record. Closed lists, so that the sums can be checked.

use serde::{Deserialize, Serialize};

macro_rules! outcomes {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident $id:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $id)] $variant,)* }

        impl $name {
            /// Every outcome, in the order in which they are shown.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Identifier in ledger, metrics and JSON.
            pub fn id(self) -> &'static str { match self { $(Self::$variant => $id,)* } }
        }
    };
}

outcomes! {
    /// How a feed record ends in detect.
    DetectOutcome {
        /// No rule (or only shadow rules) matched.
        NoMatch "no_match",
        /// At least one detection was written.
        Detected "detected",
        /// The record could not be read; its bytes are in dead letters.
        DeadLetter "dead_letter",
        /// Older than the feed's `max_age` when received.
        Expired "expired",
    }
}

outcomes! {
    /// How a detection ends in correlate.
    CorrelateOutcome {
        /// Opened a new incident.
        Opened "opened",
        /// Joined, replaced a contribution in, withdrew from or reactivated an incident.
        Merged "merged",
        /// Near-duplicate of a report that the incident has.
        Copy "copy",
        /// Same feed, report id, content and rule as before.
        Repeat "repeat",
        /// Refused by a named limit.
        Suppressed "suppressed",
        /// No detection but a control record: the report that it names was taken out of the incidents that held it, if any did.
        Retraction "retraction",
        /// Not readable as a detection; its bytes are in dead letters.
        DeadLetter "dead_letter",
    }
}

impl CorrelateOutcome {
    /// Whether what ended so was a detection: neither a control record nor unreadable.
    pub fn is_detection(self) -> bool {
        !matches!(self, Self::Retraction | Self::DeadLetter)
    }
}
