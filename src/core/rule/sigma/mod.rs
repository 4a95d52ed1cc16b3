//! Plain Sigma 2.1 over JSON events, to the letter of the specification; `logsource` is ignored.
//!
//! Invariant: what is loaded is evaluated as it is written; anything else is a coded finding, never a silent non-match. Literals
//! are found by one automaton over all rules, and only rules that a hit or a field announces are evaluated; that this is the
//! same as evaluating every rule is a property in the tests.
//!
//! The way of a rule: [`syntax`] (what the file says; can be printed again) → [`lower`] (modifiers applied: [`Test`]s) →
//! [`plan`] (automaton, atoms, what announces a rule) → [`Sigma`], evaluated with one [`Scratch`] per thread.
//!
//! # What was decided where the specification leaves room
//!
//! | | |
//! |---|---|
//! | case | simple folding, one character for one; nothing else is normalised |
//! | a field | by its flat name at the top of the event; else along its dots, through lists to each of their elements |
//! | a list in the event | matches when any element does; lists in lists are flattened |
//! | `null` | the field is absent or `null`; it cannot stand in a list of values |
//! | `exists` | the name is there, whatever the value |
//! | `neq` | the field is there and none of its values equals any given value |
//! | an unquoted number | equals a number of that value, a text that reads as it, or the same text |
//! | an unquoted `true`, `false` | equals that truth value or that word |
//! | a number or truth value in the event | compared with text as it is written in the event |
//! | keywords | part of any value of the event at any depth, names not included |
//! | `re` | found anywhere in the value |
//! | `windash` | each of `-` `/` `–` `—` `―` in the value stands for any of them |
//! | `base64`, `base64offset`, `utf16…` | on the value's bytes; with wildcards they are an error |
//! | `fieldref` | compared as texts, case-insensitively unless `cased` |
//! | time parts | as the date is written (ISO 8601, no conversion); numbers are seconds or milliseconds since 1970 |
//! | `expand` | without values for a placeholder the rule is rejected, with a warning |
//! | a filter | takes what its condition selects from the matches of its rules; one that begins with `not` says what is kept |
//! | a correlation | fires for each event that completes it, in the window that ends with that event; an event without one of the fields of `group-by` is in no group |
//! | `generate` | without it the rules that a correlation calls are not shown on their own |
//! | `value_percentile` | of numbers: the value at rank `percentile` (50 without it); of texts: how many percent of the window have the event's value |
//! | `status` | says nothing about evaluation |
//! | `action:`, `timeframe`, `count()` and `near` of Sigma 1 | errors |

mod build;
pub mod compile;
mod correlation;
mod correlator;
mod event;
mod fields;
mod fold;
mod json;
mod layout;
mod literals;
pub mod lower;
mod modifier;
pub mod pattern;
mod plan;
mod print;
mod quick;
mod read;
mod read_other;
mod scan;
pub mod syntax;
pub mod test;
mod transform;
mod trigger;
mod window;

pub use compile::{Compiled, Options};
pub use correlator::{Correlator, Firing};
pub use plan::{Rule, Sigma};
pub use print::print;
pub(super) use print::{condition as condition_text, named_condition, quoted};
pub use read::read;
pub(super) use read_other::correlation as read_correlation;
pub use read_other::milliseconds;
pub use scan::{BadEvent, Scratch};
pub use test::Test;
pub use transform::Placeholders;
