//! Labels of drills: which records are exercises, and whose word that is.
//!
//! Invariant: only who holds the deployment's drill key can make a record an exercise, and a label fits one record alone. A label
//! that is missing a part, malformed or wrong changes nothing: the record is taken for what it would be without it.
//!
//! A record carries `ce_exerciseid`, 1–64 characters of `A-Z a-z 0-9 . _ -`, and `ce_exercisemac`, 64 hexadecimal digits:
//! HMAC-SHA-256 (RFC 2104, FIPS 180-4) under the drill key of these lines, each but the last ended by a line feed:
//!
//! ```text
//! tocsin-exercise-1
//! exercise id
//! feed
//! SHA-256 of the record's value, 64 lower-case hexadecimal digits
//! report id, as decoded
//! ```
//!
//! No line but the last can hold a line feed, so no two different labels have the same text.
//!
//! A record that carries `ce_exercisewithdrawn` too takes its report back, whatever the feed's format; the first line of what its
//! MAC is over is then `tocsin-exercise-1-withdrawn`. So a drill that is stopped leaves no incident behind.

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

use crate::core::model::RawRecord;

/// Header of the exercise id.
pub const EXERCISE_ID: &str = "ce_exerciseid";
/// Header of the MAC.
pub const EXERCISE_MAC: &str = "ce_exercisemac";
/// Header of a record that takes a simulated report back; any value.
pub const EXERCISE_WITHDRAWN: &str = "ce_exercisewithdrawn";

/// First line of what a MAC is over.
const STATED: &str = "tocsin-exercise-1";
/// The same of a withdrawal.
const WITHDRAWN: &str = "tocsin-exercise-1-withdrawn";

/// Longest exercise id.
const MAX_ID: usize = 64;
/// Shortest drill key, bytes.
const MIN_KEY: usize = 16;

/// The deployment's drill key. Never shown.
#[derive(Clone)]
pub struct DrillKey(Hmac<Sha256>);

impl fmt::Debug for DrillKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DrillKey")
    }
}

impl DrillKey {
    /// A key of at least 16 bytes.
    pub fn new(key: &[u8]) -> Result<Self, String> {
        if key.len() < MIN_KEY {
            return Err(format!("a drill key has {MIN_KEY} bytes or more"));
        }
        let mac = Hmac::new_from_slice(key).map_err(|error| error.to_string())?;
        Ok(Self(mac))
    }

    /// The value of [`EXERCISE_MAC`] for a record.
    pub fn mac(&self, exercise: &str, feed: &str, report: &str, body: &[u8]) -> String {
        let label = [STATED, exercise, feed];
        hex(&self.over(label, report, body).finalize().into_bytes())
    }

    /// The same for a record with [`EXERCISE_WITHDRAWN`].
    pub fn withdrawal_mac(&self, exercise: &str, feed: &str, report: &str, body: &[u8]) -> String {
        let label = [WITHDRAWN, exercise, feed];
        hex(&self.over(label, report, body).finalize().into_bytes())
    }

    fn over(&self, label: [&str; 3], report: &str, body: &[u8]) -> Hmac<Sha256> {
        let body = hex(&Sha256::digest(body));
        let mut mac = self.0.clone();
        for part in label.into_iter().chain([body.as_str()]) {
            mac.update(part.as_bytes());
            mac.update(b"\n");
        }
        mac.update(report.as_bytes());
        mac
    }
}

/// What a label came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Label {
    /// There is none.
    None,
    /// The record is of this exercise.
    #[allow(missing_docs)]
    Accepted { exercise: String, withdrawn: bool },
    /// The record is what it would be without; why not, a label of metrics.
    Rejected(&'static str),
}

/// Every verdict on a label.
pub const LABEL_VERDICTS: [&str; 7] = [
    "accepted",
    "id_missing",
    "mac_missing",
    "id_malformed",
    "mac_malformed",
    "no_key",
    "mac_wrong",
];

impl Label {
    /// For metrics; none where there is no label.
    pub fn verdict(&self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Accepted { .. } => Some("accepted"),
            Self::Rejected(why) => Some(why),
        }
    }
}

/// Judges the label of a record that was decoded to the report `report`.
pub fn judge(key: Option<&DrillKey>, feed: &str, report: &str, record: &RawRecord<'_>) -> Label {
    let (id, mac) = match (record.header(EXERCISE_ID), record.header(EXERCISE_MAC)) {
        (None, None) => return Label::None,
        (None, Some(_)) => return Label::Rejected("id_missing"),
        (Some(_), None) => return Label::Rejected("mac_missing"),
        (Some(id), Some(mac)) => (id, mac),
    };
    let Some(id) = std::str::from_utf8(id).ok().filter(|id| is_exercise_id(id)) else {
        return Label::Rejected("id_malformed");
    };
    let Some(mac) = unhex(mac) else {
        return Label::Rejected("mac_malformed");
    };
    let Some(key) = key else {
        return Label::Rejected("no_key");
    };
    let withdrawn = record.header(EXERCISE_WITHDRAWN).is_some();
    let label = [if withdrawn { WITHDRAWN } else { STATED }, id, feed];
    // Compares in constant time.
    match key.over(label, report, record.payload).verify_slice(&mac) {
        Ok(()) => Label::Accepted {
            exercise: id.to_owned(),
            withdrawn,
        },
        Err(_) => Label::Rejected("mac_wrong"),
    }
}

/// Whether an id can name an exercise: it becomes part of incident keys.
pub fn is_exercise_id(id: &str) -> bool {
    let known = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'_' | b'-');
    (1..=MAX_ID).contains(&id.len()) && id.bytes().all(known)
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f',
    ];
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| DIGITS[usize::from(digit)]).collect()
}

fn unhex(text: &[u8]) -> Option<[u8; 32]> {
    let (pairs, rest) = text.as_chunks::<2>();
    if !rest.is_empty() || pairs.len() != 32 {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        let digit = |c: &u8| char::from(*c).to_digit(16);
        *byte = (digit(high)? * 16 + digit(low)?) as u8;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::model::Millis;

    const KEY: &[u8] = b"an example key of a test, no secret";

    fn judged(id: Option<&str>, mac: Option<&str>, feed: &str, body: &[u8]) -> Label {
        let mut record = RawRecord::new(body, Millis(0));
        record
            .headers
            .extend(id.map(|id| (EXERCISE_ID, id.as_bytes())));
        record
            .headers
            .extend(mac.map(|mac| (EXERCISE_MAC, mac.as_bytes())));
        judge(Some(&DrillKey::new(KEY).unwrap()), feed, "r-1", &record)
    }

    #[test]
    fn a_label_fits_its_record_and_no_other() {
        let key = DrillKey::new(KEY).unwrap();
        let mac = key.mac("drill-7", "calls", "r-1", b"body");
        // Worked out with another implementation of HMAC-SHA-256 and SHA-256.
        assert_eq!(
            mac,
            "8706a466e03589b707e580302812deae8bafde87567ec10143b790cedb20ef0f"
        );
        let accepted = Label::Accepted {
            exercise: "drill-7".to_owned(),
            withdrawn: false,
        };
        assert_eq!(
            judged(Some("drill-7"), Some(&mac), "calls", b"body"),
            accepted
        );
        for (id, feed, body) in [
            ("drill-8", "calls", &b"body"[..]),
            ("drill-7", "posts", b"body"),
            ("drill-7", "calls", b"another body"),
        ] {
            let wrong = Label::Rejected("mac_wrong");
            assert_eq!(
                judged(Some(id), Some(&mac), feed, body),
                wrong,
                "{id} {feed}"
            );
        }
        let other = key.mac("drill-7", "calls", "r-2", b"body");
        assert_ne!(other, mac, "the report is part of it");
    }

    #[test]
    fn a_withdrawal_has_a_label_of_its_own() {
        let key = DrillKey::new(KEY).unwrap();
        let stated = key.mac("drill-7", "calls", "r-1", b"body");
        let taken = key.withdrawal_mac("drill-7", "calls", "r-1", b"body");
        for (mac, marked, withdrawn) in [
            (&stated, false, Some(false)),
            (&taken, true, Some(true)),
            // Whoever adds or removes the mark has no label.
            (&stated, true, None),
            (&taken, false, None),
        ] {
            let mut record = RawRecord::new(b"body", Millis(0));
            record.headers.push((EXERCISE_ID, b"drill-7"));
            record.headers.push((EXERCISE_MAC, mac.as_bytes()));
            if marked {
                record.headers.push((EXERCISE_WITHDRAWN, b"true"));
            }
            let found = match judge(Some(&key), "calls", "r-1", &record) {
                Label::Accepted { withdrawn, .. } => Some(withdrawn),
                _ => None,
            };
            assert_eq!(found, withdrawn, "{mac} {marked}");
        }
    }

    #[test]
    fn half_a_label_is_none() {
        let mac = "0".repeat(64);
        for (id, mac, expected) in [
            (None, None, None),
            (Some("d"), None, Some("mac_missing")),
            (None, Some(&*mac), Some("id_missing")),
            (Some("a/b"), Some(&*mac), Some("id_malformed")),
            (Some(""), Some(&*mac), Some("id_malformed")),
            (Some("d"), Some("12"), Some("mac_malformed")),
            (Some("d"), Some(&*mac), Some("mac_wrong")),
        ] {
            let verdict = judged(id, mac, "calls", b"body").verdict();
            assert_eq!(verdict, expected);
            assert!(verdict.is_none_or(|it| LABEL_VERDICTS.contains(&it)));
        }
        let mut record = RawRecord::new(b"body", Millis(0));
        record.headers.push((EXERCISE_ID, b"d"));
        record.headers.push((EXERCISE_MAC, mac.as_bytes()));
        assert_eq!(
            judge(None, "calls", "r", &record),
            Label::Rejected("no_key")
        );
    }

    #[test]
    fn a_short_key_is_refused_and_none_is_shown() {
        assert!(DrillKey::new(b"short").is_err());
        assert!(!format!("{:?}", DrillKey::new(KEY).unwrap()).contains("example"));
    }
}
