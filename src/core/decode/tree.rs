//! JSON as a borrowed tree, for formats whose members are not known in order.
//!
//! Invariant: built by the strict scanner, so no deeper than [`MAX_DEPTH`]; the last of equal keys counts, as everywhere.

use std::borrow::Cow;

use super::json::{MAX_DEPTH, Scalar, Scanner};
use super::tocsin::field;
use crate::core::model::{Refusal, RefusalCode, Value};

/// A JSON value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Json<'a> {
    Scalar(Scalar<'a>),
    Array(Vec<Json<'a>>),
    Object(Vec<(Cow<'a, str>, Json<'a>)>),
}

impl<'a> Json<'a> {
    /// Reads a whole text as one value.
    pub(super) fn parse(text: &'a str) -> Result<Self, Refusal> {
        let mut scanner = Scanner::new(text);
        let value = Self::read(&mut scanner, 0)?;
        scanner.finish()?;
        Ok(value)
    }

    /// Reads the next value. Recursion is bounded by [`MAX_DEPTH`].
    pub(super) fn read(scanner: &mut Scanner<'a>, depth: usize) -> Result<Self, Refusal> {
        if let Some(scalar) = scanner.scalar()? {
            return Ok(Self::Scalar(scalar));
        }
        if depth >= MAX_DEPTH {
            return scanner.fail(RefusalCode::TooDeep, "the JSON is nested too deeply");
        }
        let mut first = true;
        if scanner.take(b'{') {
            let mut members = Vec::new();
            while let Some(key) = scanner.key(first)? {
                first = false;
                members.push((key, Self::read(scanner, depth + 1)?));
            }
            return Ok(Self::Object(members));
        }
        scanner.take(b'[');
        let mut elements = Vec::new();
        while scanner.element(first)? {
            first = false;
            elements.push(Self::read(scanner, depth + 1)?);
        }
        Ok(Self::Array(elements))
    }

    /// The member `key` of an object; none for null.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        let Self::Object(members) = self else {
            return None;
        };
        let (_, value) = members.iter().rev().find(|(name, _)| name == key)?;
        (*value != Self::Scalar(Scalar::Null)).then_some(value)
    }

    /// The elements of an array, or nothing.
    pub(super) fn elements(&self) -> &[Self] {
        match self {
            Self::Array(elements) => elements,
            _ => &[],
        }
    }

    /// The members of an object, or nothing.
    pub(super) fn members(&self) -> &[(Cow<'a, str>, Self)] {
        match self {
            Self::Object(members) => members,
            _ => &[],
        }
    }

    pub(super) fn is_object(&self) -> bool {
        matches!(self, Self::Object(_))
    }

    /// The value as a person would write it; none for null, arrays, objects and blank strings.
    pub(super) fn text(&self) -> Option<Cow<'a, str>> {
        let text = match self {
            Self::Scalar(Scalar::Text(text)) => text.clone(),
            Self::Scalar(Scalar::Number(number)) => Cow::Borrowed(*number),
            Self::Scalar(Scalar::Bool(flag)) => Cow::Borrowed(if *flag { "true" } else { "false" }),
            _ => return None,
        };
        let blank = text.trim().is_empty();
        (!blank).then_some(text)
    }

    /// The value as a finite number, from a number or a string.
    pub(super) fn number(&self) -> Option<f64> {
        self.text()?
            .trim()
            .parse()
            .ok()
            .filter(|number: &f64| number.is_finite())
    }

    /// The value as a field for rules.
    pub(super) fn field(&self) -> Option<Value<'a>> {
        match self {
            Self::Scalar(scalar) => field(scalar.clone()),
            _ => None,
        }
    }

    /// Text of the member `key`.
    pub(super) fn text_of(&self, key: &str) -> Option<Cow<'a, str>> {
        self.get(key)?.text()
    }
}

/// An RFC 6901 pointer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pointer(Vec<String>);

impl Pointer {
    /// Compiles `/a/0/b~1c`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let Some(path) = text.strip_prefix('/') else {
            return Err(format!(
                "{text:?} is not a JSON pointer: it has to start with `/`"
            ));
        };
        let token = |raw: &str| raw.replace("~1", "/").replace("~0", "~");
        Ok(Self(path.split('/').map(token).collect()))
    }

    /// What the pointer points at; none for null and for what is not there.
    pub(super) fn find<'t, 'a>(&self, root: &'t Json<'a>) -> Option<&'t Json<'a>> {
        self.0.iter().try_fold(root, |value, token| match value {
            Json::Array(elements) => elements.get(token.parse::<usize>().ok()?),
            _ => value.get(token),
        })
    }

    /// Last part of the pointer: what it names.
    pub(super) fn name(&self) -> &str {
        self.0.last().map_or("", String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_follow_rfc_6901() {
        let json = Json::parse(r#"{"a":[{"b/c":1,"d~e":"x"}],"":0,"n":null}"#).unwrap();
        let at = |pointer: &str| {
            Pointer::parse(pointer)
                .unwrap()
                .find(&json)
                .and_then(Json::text)
        };
        assert_eq!(at("/a/0/b~1c").as_deref(), Some("1"));
        assert_eq!(at("/a/0/d~0e").as_deref(), Some("x"));
        assert_eq!(at("/").as_deref(), Some("0"));
        assert_eq!(at("/n"), None);
        assert_eq!(at("/a/1"), None);
        assert!(Pointer::parse("a").is_err());
    }
}
