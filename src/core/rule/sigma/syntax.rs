//! What a Sigma file says, before anything is made of it. Places ([`At`]) are not part of equality, so that what was printed
//! and read again is the same.

use super::super::ast::Condition;
use super::modifier::Modifier;
pub use crate::core::model::Bound;
use crate::core::yaml::At;

/// One YAML document.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// File it stands in.
    pub file: String,
    /// Place of its first character.
    pub at: Place,
    /// `title`.
    pub title: String,
    /// `id`, where it has one.
    pub id: Option<String>,
    /// `name`: what correlations may call it by.
    pub name: Option<String>,
    /// Rule, filter or correlation.
    pub body: Body,
}

/// What a document is.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// A detection rule.
    Rule(Detection),
    /// A filter: what it selects is taken from the matches of other rules.
    Filter(Filter),
    /// A correlation of the matches of other rules.
    Correlation(Correlation),
}

/// A filter.
#[derive(Clone, Debug, PartialEq)]
pub struct Filter {
    /// Ids or names of the rules that it is for; none: all.
    pub rules: Option<Vec<Reference>>,
    /// What it selects.
    pub detection: Detection,
}

/// A rule called by its id or name.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct Reference {
    pub at: Place,
    pub name: String,
}

/// A correlation.
#[derive(Clone, Debug, PartialEq)]
pub struct Correlation {
    /// What is counted or looked for.
    pub kind: CorrelationKind,
    /// Of which matches, in their order.
    pub rules: Vec<Reference>,
    /// By alias: name of a rule, and the field that the alias means there.
    pub aliases: Vec<(String, Vec<(Reference, String)>)>,
    /// Fields or aliases whose values must be the same.
    pub group_by: Vec<String>,
    /// `5m`, as the file has it.
    pub timespan: String,
    /// All must hold. Empty: every rule of a temporal correlation occurred.
    pub bounds: Vec<(Bound, f64)>,
    /// Fields whose values are counted, or whose numbers are added up.
    pub fields: Vec<String>,
    /// Rank of `value_percentile`.
    pub percentile: Option<f64>,
    /// Whether the rules are also evaluated on their own.
    pub generate: bool,
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($variant:ident $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(missing_docs)]
        pub enum $name { $($variant,)* }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// As a rule writes it.
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// By its word.
            pub fn parse(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|it| it.word() == word)
            }
        }
    };
}

words! {
    /// The types of correlations.
    CorrelationKind {
        EventCount "event_count", ValueCount "value_count", Temporal "temporal", TemporalOrdered "temporal_ordered",
        ValueSum "value_sum", ValueAvg "value_avg", ValuePercentile "value_percentile",
    }
}

/// Selections and the conditions over them; several conditions are alternatives.
#[derive(Clone, Debug, PartialEq)]
pub struct Detection {
    /// In the order of the file.
    pub selections: Vec<Selection>,
    /// At least one. Selections are meant by their index.
    pub conditions: Vec<Condition>,
}

/// A search identifier.
#[derive(Clone, Debug, PartialEq)]
pub struct Selection {
    /// Its name.
    pub name: String,
    /// What it asks.
    pub group: Group,
}

/// AND of a map, OR of a list, or one entry.
#[derive(Clone, Debug, PartialEq)]
pub enum Group {
    /// A map.
    All(Vec<Group>),
    /// A list.
    Any(Vec<Group>),
    /// `field|modifiers: values`, or keywords.
    Entry(Entry),
}

/// One entry of a map, or the values of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Place of its key.
    pub at: Place,
    /// None: keywords.
    pub field: Option<String>,
    /// In the order of the file.
    pub modifiers: Vec<Modifier>,
    /// At least one.
    pub values: Vec<Value>,
    /// Whether the file has a list, even of one.
    pub list: bool,
}

/// One value.
#[derive(Clone, Debug, PartialEq)]
pub struct Value {
    /// Its place.
    pub at: Place,
    /// What it is.
    pub scalar: Scalar,
}

/// A scalar of YAML.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar {
    /// Quoted, or not readable as anything else.
    Text(String),
    /// An unquoted number, and as the file has it.
    Number(f64, String),
    /// An unquoted truth value.
    Bool(bool),
    /// `null`.
    Null,
}

impl Scalar {
    /// As text, for modifiers that work on texts; none for `null`.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) | Self::Number(_, text) => Some(text),
            Self::Bool(flag) => Some(if *flag { "true" } else { "false" }),
            Self::Null => None,
        }
    }
}

/// A place that says nothing about equality.
#[derive(Clone, Copy, Debug, Default)]
pub struct Place(pub At);

impl PartialEq for Place {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}
