//! What is asked of one value of an event, after all modifiers.

use ::core::net::IpAddr;

use super::fold;
use super::pattern::{Pattern, compare};
use crate::core::rule::{How, Op};

/// A value of an event.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Leaf<'e> {
    /// `null`.
    Null,
    /// A truth value.
    Bool(bool),
    /// A number as the event has it.
    Number(&'e str),
    /// A text.
    Text(&'e str),
    /// An object or an empty list: it is there, and nothing else can be said of it.
    Branch,
}

impl<'e> Leaf<'e> {
    /// As text; none for `null` and what has values below it.
    pub fn text(self) -> Option<&'e str> {
        match self {
            Self::Bool(flag) => Some(if flag { "true" } else { "false" }),
            Self::Number(text) | Self::Text(text) => Some(text),
            Self::Null | Self::Branch => None,
        }
    }

    /// As a number: it is one, or a text that reads as one.
    pub fn number(self) -> Option<f64> {
        match self {
            Self::Number(text) | Self::Text(text) => number(text),
            _ => None,
        }
    }
}

/// From here on floating point knows only some of the whole numbers.
const WHOLE: f64 = 9_007_199_254_740_992.0;

/// A text that reads as a finite number.
pub(super) fn number(text: &str) -> Option<f64> {
    // What cannot begin a number is the usual case.
    if !text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c)) {
        return None;
    }
    text.parse().ok().filter(|n: &f64| n.is_finite())
}

/// What is asked.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub enum Test {
    /// `pattern` is folded unless `cased`.
    Text {
        how: How,
        cased: bool,
        pattern: Pattern,
    },
    /// An unquoted number, and as the rule has it.
    Number {
        value: f64,
        text: String,
    },
    Null,
    Exists(bool),
    /// `literals`: folded; a text that matches has one of them, unless there are none.
    Regex {
        regex: regex::Regex,
        literals: Vec<String>,
    },
    Cidr(Cidr),
    /// `exact`: the number where it is whole.
    #[allow(missing_docs)]
    Compare {
        op: Op,
        value: f64,
        exact: Option<i128>,
    },
    /// A part of a date; without an operator it is equal.
    Time {
        part: Part,
        op: Option<Op>,
        value: f64,
    },
    /// The value of another field.
    Field {
        name: String,
        how: How,
        cased: bool,
    },
}

impl Test {
    /// Whether a value passes; `other` finds the values of another field. `Null` and `Exists` are about the field as a whole.
    pub fn holds<'e>(&self, leaf: Leaf<'e>, other: &dyn Fn(&str) -> Vec<Leaf<'e>>) -> bool {
        match self {
            Self::Text {
                how,
                cased,
                pattern,
            } => leaf.text().is_some_and(|text| {
                if *cased {
                    pattern.matches(*how, text)
                } else {
                    pattern.matches(*how, &fold::fold(text))
                }
            }),
            Self::Number { value, text } => {
                leaf.text().is_some_and(|found| fold::same(found, text))
                    || (exact(text) && leaf.number().is_some_and(|found| equal(found, *value)))
            }
            Self::Null => leaf == Leaf::Null,
            Self::Exists(wanted) => *wanted,
            Self::Regex { regex, .. } => leaf.text().is_some_and(|text| regex.is_match(text)),
            Self::Cidr(net) => leaf
                .text()
                .and_then(|text| text.parse().ok())
                .is_some_and(|ip| net.contains(ip)),
            Self::Compare { op, value, exact } => leaf.number().is_some_and(|found| {
                if let (Some(exact), true) = (exact, found.abs() >= WHOLE)
                    && let Some(whole) = leaf.text().and_then(|text| text.parse::<i128>().ok())
                {
                    return op.holds(whole, *exact);
                }
                op.holds(found, *value)
            }),
            Self::Time { part, op, value } => part.of(leaf).is_some_and(|found| match op {
                Some(op) => op.holds(found, *value),
                None => equal(found, *value),
            }),
            Self::Field { name, how, cased } => leaf.text().is_some_and(|text| {
                other(name)
                    .into_iter()
                    .filter_map(Leaf::text)
                    .any(|reference| {
                        if *cased {
                            compare(*how, text, reference)
                        } else {
                            compare(*how, &fold::fold(text), &fold::fold(reference))
                        }
                    })
            }),
        }
    }

    /// Whether a field without values passes.
    pub fn holds_absent(&self) -> bool {
        matches!(self, Self::Null | Self::Exists(false))
    }
}

#[allow(clippy::float_cmp)] // The rule's author asks for exactly this number.
fn equal(a: f64, b: f64) -> bool {
    a == b
}

/// Whether a number as written is one that a double holds exactly enough to compare: others are compared as texts.
pub(super) fn exact(text: &str) -> bool {
    text.bytes().filter(u8::is_ascii_digit).count() <= 15
}

/// A network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cidr {
    bits: u128,
    prefix: u32,
    v6: bool,
}

impl Cidr {
    /// `10.0.0.0/8`, `fe80::/10`, or one address.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let (bits, v6) = bits(address.parse().ok()?);
        let longest = if v6 { 128 } else { 32 };
        let prefix: u32 = match prefix {
            Some(prefix) if prefix.bytes().all(|b| b.is_ascii_digit()) => prefix.parse().ok()?,
            Some(_) => return None,
            None => longest,
        };
        (prefix <= longest).then_some(Self {
            bits,
            prefix: prefix + if v6 { 0 } else { 96 },
            v6,
        })
    }

    /// Whether an address lies in it.
    pub fn contains(self, address: IpAddr) -> bool {
        let (bits, v6) = bits(address);
        v6 == self.v6 && (self.prefix == 0 || (bits ^ self.bits) >> (128 - self.prefix) == 0)
    }
}

fn bits(address: IpAddr) -> (u128, bool) {
    match address {
        IpAddr::V4(v4) => (u128::from(v4.to_bits()), false),
        IpAddr::V6(v6) => (v6.to_bits(), true),
    }
}

/// A part of a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Part {
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Year,
}

impl Part {
    /// The part of a date as it is written; of numbers, seconds or milliseconds since 1970 in UTC. Weeks are those of ISO 8601.
    pub fn of(self, leaf: Leaf<'_>) -> Option<f64> {
        let time = match leaf {
            Leaf::Text(text) => written(text)?,
            Leaf::Number(text) => {
                let number = number(text)?;
                // Seconds reach 10^11 in the year 5138, milliseconds in 1973.
                let seconds = if number.abs() >= 1e11 {
                    number / 1e3
                } else {
                    number
                };
                jiff::tz::Offset::UTC
                    .to_datetime(jiff::Timestamp::from_second(seconds.floor() as i64).ok()?)
            }
            _ => return None,
        };
        let part = match self {
            Self::Minute | Self::Hour if matches!(leaf, Leaf::Text(text) if text.len() < 16) => {
                return None;
            }
            Self::Minute => i32::from(time.minute()),
            Self::Hour => i32::from(time.hour()),
            Self::Day => i32::from(time.day()),
            Self::Week => i32::from(time.date().iso_week_date().week()),
            Self::Month => i32::from(time.month()),
            Self::Year => i32::from(time.year()),
        };
        Some(f64::from(part))
    }
}

/// `2026-01-31`, or with `T` or a space and `23:59` and whatever follows.
fn written(text: &str) -> Option<jiff::civil::DateTime> {
    let field = |from: usize, to: usize| -> Option<i16> {
        let digits = text.get(from..to)?;
        digits
            .bytes()
            .all(|b| b.is_ascii_digit())
            .then(|| digits.parse().ok())?
    };
    let is = |at: usize, any: &[u8]| text.as_bytes().get(at).is_some_and(|b| any.contains(b));
    if !is(4, b"-/") || !is(7, b"-/") {
        return None;
    }
    let date =
        jiff::civil::Date::new(field(0, 4)?, field(5, 7)? as i8, field(8, 10)? as i8).ok()?;
    if text.len() == 10 {
        return Some(date.at(0, 0, 0, 0));
    }
    if !is(10, b"T t") || !is(13, b":") {
        return None;
    }
    let time = jiff::civil::Time::new(field(11, 13)? as i8, field(14, 16)? as i8, 0, 0).ok()?;
    Some(date.to_datetime(time))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks() {
        for (net, address, expected) in [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("192.168.1.7", "192.168.1.7", true),
            ("0.0.0.0/0", "8.8.8.8", true),
            ("0.0.0.0/0", "::1", false),
            ("fe80::/10", "fe80::1", true),
            ("fe80::/10", "fec0::1", false),
            ("::/0", "2001:db8::1", true),
            ("2001:db8::1/128", "2001:db8::1", true),
        ] {
            let net = Cidr::parse(net).unwrap();
            assert_eq!(
                net.contains(address.parse().unwrap()),
                expected,
                "{net:?} {address}"
            );
        }
        for bad in [
            "10.0.0.0/33",
            "10.0.0/8",
            "x",
            "::/129",
            "10.0.0.0/",
            "10.0.0.0/+8",
        ] {
            assert_eq!(Cidr::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn parts_of_dates_as_they_are_written() {
        let parts = [
            Part::Year,
            Part::Month,
            Part::Week,
            Part::Day,
            Part::Hour,
            Part::Minute,
        ];
        let of = |leaf| parts.map(|p| p.of(leaf).map_or(-1, |n| n as i32));
        assert_eq!(
            of(Leaf::Text("2026-01-01T23:59:07+08:00")),
            [2026, 1, 1, 1, 23, 59]
        );
        assert_eq!(of(Leaf::Text("2021-01-03 05:06")), [2021, 1, 53, 3, 5, 6]);
        assert_eq!(of(Leaf::Text("2021-01-03")), [2021, 1, 53, 3, -1, -1]);
        assert_eq!(of(Leaf::Number("1700000000")), [2023, 11, 46, 14, 22, 13]);
        assert_eq!(
            of(Leaf::Number("1700000000123")),
            [2023, 11, 46, 14, 22, 13]
        );
        for bad in [
            "",
            "2021-13-01",
            "yesterday",
            "2021-01-03T5:06",
            "２０２１-01-03",
        ] {
            assert_eq!(of(Leaf::Text(bad)), [-1; 6], "{bad}");
        }
    }

    #[test]
    fn numbers_and_texts() {
        let test = |text: &str| Test::Number {
            value: text.parse().unwrap(),
            text: text.into(),
        };
        let none = |_: &str| vec![];
        assert!(
            test("5").holds(Leaf::Text("5"), &none) && test("5").holds(Leaf::Number("5.0"), &none)
        );
        assert!(
            test("5").holds(Leaf::Text("5.0"), &none)
                && !test("5").holds(Leaf::Text("five"), &none)
        );
        assert!(!test("9007199254740993").holds(Leaf::Number("9007199254740992"), &none));
        assert_eq!(Leaf::Text("infinity").number(), None);
    }
}
