//! What a question about a field of the record found, as a match that a person can read.
//!
//! Invariant: the value comes from the masked report and is cut to [`MAX_VALUE_CHARS`]; the span stays within it.

use std::sync::Arc;

use super::excerpt::slice;
use crate::core::model::{MAX_VALUE_CHARS, Match, Value};
use crate::core::rule::Op;
use crate::core::rule::program::{NumberTest, ValueTest};

/// The match of a test in the field `name`.
pub(super) fn in_field(name: &Arc<str>, value: &Value<'_>, term: Arc<str>) -> Match {
    let written = match value {
        Value::Bool(flag) => flag.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Text(text) => slice(text, 0, MAX_VALUE_CHARS as u32).to_owned(),
    };
    Match {
        field: Arc::clone(name),
        span: [0, written.chars().count() as u32],
        term,
        value: Some(written.into()),
    }
}

/// What a test of a text value asks for.
pub(super) fn asked(test: &ValueTest) -> Arc<str> {
    match test {
        ValueTest::Pattern { pattern, .. } => Arc::clone(&pattern.source),
        ValueTest::Regex { source, .. } => Arc::clone(source),
        ValueTest::Compare(op, wanted) => comparison(*op, *wanted),
        ValueTest::Exists(wanted) => format!("exists {wanted}").into(),
    }
}

/// What a test of a number asks for.
pub(super) fn compared(test: NumberTest) -> Arc<str> {
    match test {
        NumberTest::Is(wanted) => wanted.to_string().into(),
        NumberTest::Compare(op, wanted) => comparison(op, wanted),
        NumberTest::Exists(wanted) => format!("exists {wanted}").into(),
    }
}

/// As the modifiers of rules are written.
fn comparison(op: Op, wanted: f64) -> Arc<str> {
    let name = match op {
        Op::Lt => "lt",
        Op::Lte => "lte",
        Op::Gt => "gt",
        Op::Gte => "gte",
        Op::Neq => "neq",
    };
    format!("{name} {wanted}").into()
}
