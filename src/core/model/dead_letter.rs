//! Why a record could not be read, and what to do about it.

use std::fmt;

/// Where a record was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Stage {
    Decode,
    Correlate,
}

impl Stage {
    /// Identifier in headers and metrics.
    pub fn id(self) -> &'static str {
        match self {
            Self::Decode => "decode",
            Self::Correlate => "correlate",
        }
    }
}

macro_rules! codes {
    ($($variant:ident $id:literal $help:literal)*) => {
        /// Stable code of a refusal.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(missing_docs)]
        pub enum RefusalCode { $($variant,)* }

        impl RefusalCode {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Stable identifier, in headers and metrics.
            pub fn id(self) -> &'static str { match self { $(Self::$variant => $id,)* } }

            /// What the person who connects the feed should do.
            pub fn help(self) -> &'static str { match self { $(Self::$variant => $help,)* } }
        }
    };
}

codes! {
    TooLarge "D0001" "records are limited to 1 MiB: split the document, or send a link instead of an attachment"
    Empty "D0002" "the record has no bytes: a tombstone does not belong on a feed topic"
    NotUtf8 "D0003" "send UTF-8, or declare the encoding in the XML header"
    Syntax "D0004" "the document ends early or is not well-formed: compare it with the sender's original"
    TooDeep "D0005" "nesting is limited to 64 levels"
    Entity "D0006" "document types and custom entities are refused: send plain XML"
    WrongFormat "D0007" "this is not the format the feed is configured for: check `decoder` of the feed"
    MissingField "D0008" "the format requires this field: have the sender add it, or map another one"
    BadValue "D0009" "the field's value is not of the required form"
    BadTime "D0010" "write times as RFC 3339, or set `time_zone` for the feed"
    ManyItems "D0011" "one record must hold one report: send the items one by one (`tocsin decode` splits a file)"
    NoItems "D0012" "the document holds no report: do not forward empty polls"
    NoText "D0013" "a report needs a title, a text or a measured value"
    Unsupported "D0014" "the document is valid, but of a kind Tocsin does not read"
    BadMapping "D0015" "the feed's `mapping` does not fit the record: check the JSON pointers with `tocsin decode --feed`"
    BadDetection "D0016" "the record on tocsin.detections is not a detection of a known version: check what else writes to the topic"
    Internal "D0099" "this is a defect of Tocsin: keep the record and report it"
}

/// A refusal: an outcome, not an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Stage that refused.
    pub stage: Stage,
    /// Stable code.
    pub code: RefusalCode,
    /// What is wrong, in words; without report text, ≤ 300 characters.
    pub message: String,
    /// Byte offset in the record, where known.
    pub at: Option<usize>,
}

impl Refusal {
    /// A refusal by a decoder.
    pub fn decode(code: RefusalCode, message: impl Into<String>) -> Self {
        Self {
            stage: Stage::Decode,
            code,
            message: message.into(),
            at: None,
        }
    }

    /// The same, at a byte offset.
    #[must_use]
    pub fn at(mut self, offset: usize) -> Self {
        self.at = Some(offset);
        self
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code.id(), self.message)?;
        if let Some(at) = self.at {
            write!(f, " (at byte {at})")?;
        }
        Ok(())
    }
}
