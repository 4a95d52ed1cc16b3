//! Instants as the core sees them: plain numbers, never read from a clock.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Milliseconds since 1970-01-01T00:00:00Z.
///
/// In JSON an RFC 3339 string with milliseconds (`2026-01-02T03:04:05.678Z`), in compact state an integer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Millis(pub i64);

impl Millis {
    /// The last instant that can be written with any offset: 9999-12-30T21:59:59.999Z.
    pub const MAX: Self = Self(253_402_207_199_999);
    /// 0001-01-01T00:00:00Z.
    pub const MIN: Self = Self(-62_135_596_800_000);

    /// This instant moved by `ms`, kept within [`Millis::MIN`] and [`Millis::MAX`].
    #[must_use]
    pub fn plus(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms)).clamped()
    }

    /// Milliseconds from `earlier` to this instant; negative when this one is earlier.
    pub fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The nearest instant that can be written.
    #[must_use]
    pub fn clamped(self) -> Self {
        self.clamp(Self::MIN, Self::MAX)
    }

    /// Parses RFC 3339.
    pub fn parse(text: &str) -> Option<Self> {
        let stamp: jiff::Timestamp = text.parse().ok()?;
        Some(Self(stamp.as_millisecond()))
    }
}

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.clamped().0) {
            Ok(stamp) => write!(f, "{stamp:.3}"),
            Err(_) => write!(f, "{}", self.0),
        }
    }
}

impl Serialize for Millis {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            serializer.serialize_i64(self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Millis {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
            Self::parse(&text)
                .ok_or_else(|| de::Error::custom(format_args!("not an RFC 3339 time: {text:?}")))
        } else {
            i64::deserialize(deserializer).map(Self)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_rfc3339_with_milliseconds() {
        let at = Millis(1_767_323_045_678);
        let json = serde_json::to_string(&at).unwrap();
        assert_eq!(json, "\"2026-01-02T03:04:05.678Z\"");
        assert_eq!(serde_json::from_str::<Millis>(&json).unwrap(), at);
    }

    #[test]
    fn extremes_can_be_written() {
        for at in [Millis(i64::MIN), Millis(i64::MAX), Millis::MAX, Millis::MIN] {
            let text = at.to_string();
            assert_eq!(Millis::parse(&text), Some(at.clamped()), "{text}");
        }
    }
}
