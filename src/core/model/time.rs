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

/// From 1970 to the end of 9999, as [`Millis`] is displayed: every detection has two of them, and the calendar library takes its time.
fn written(at: i64) -> Option<[u8; 24]> {
    let (days, of_day) = (at.div_euclid(86_400_000), at.rem_euclid(86_400_000));
    if !(0..2_932_897).contains(&days) {
        return None;
    }
    // Days since 0000-03-01, in eras of 400 years: the inverse of the days from civil dates.
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    let mut text = *b"0000-00-00T00:00:00.000Z";
    let mut put = |from: usize, length: usize, mut number: i64| {
        for place in text[from..from + length].iter_mut().rev() {
            *place = b'0' + (number % 10) as u8;
            number /= 10;
        }
    };
    put(0, 4, year);
    put(5, 2, month);
    put(8, 2, day);
    put(11, 2, of_day / 3_600_000);
    put(14, 2, of_day / 60_000 % 60);
    put(17, 2, of_day / 1_000 % 60);
    put(20, 3, of_day % 1_000);
    Some(text)
}

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = written(self.clamped().0);
        if let Some(text) = text
            .as_ref()
            .and_then(|text| std::str::from_utf8(text).ok())
        {
            return f.write_str(text);
        }
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
    fn the_short_cut_agrees_with_the_library() {
        for day in (-800_i64..2_932_900).step_by(13) {
            let at =
                Millis(day * 86_400_000 + day.rem_euclid(86_399) * 1_000 + day.rem_euclid(1_000))
                    .clamped();
            let stamp = jiff::Timestamp::from_millisecond(at.0).unwrap();
            assert_eq!(at.to_string(), format!("{stamp:.3}"));
        }
        assert_eq!(Millis(0).to_string(), "1970-01-01T00:00:00.000Z");
        assert_eq!(
            Millis(951_782_400_000).to_string(),
            "2000-02-29T00:00:00.000Z"
        );
    }

    #[test]
    fn extremes_can_be_written() {
        for at in [Millis(i64::MIN), Millis(i64::MAX), Millis::MAX, Millis::MIN] {
            let text = at.to_string();
            assert_eq!(Millis::parse(&text), Some(at.clamped()), "{text}");
        }
    }
}
