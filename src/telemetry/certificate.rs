//! When the certificates of the configuration end.
//!
//! Invariant: files are read when somebody asks for metrics, so that one that was renewed on disk counts at once; of a file nothing but
//! the ends of its certificates is kept or shown.

use std::collections::HashMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{GaugeVec, Opts};

use crate::core::model::Millis;

/// Largest file that is looked at: the authorities of a whole system are a fifth of it.
const MAX_BYTES: u64 = 1 << 20;
const NAME: &str = "tocsin_certificate_expiry_timestamp_seconds";
const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";
/// Tags of DER (ITU-T X.690) that stand before the validity of a certificate (RFC 5280, 4.1).
const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// Gauges of the certificates in the configuration, by the setting that names the file.
pub(super) struct Certificates {
    gauges: GaugeVec,
    files: Vec<(&'static str, PathBuf)>,
}

impl Certificates {
    /// Of these settings and files.
    pub(super) fn new(files: Vec<(&'static str, PathBuf)>) -> prometheus::Result<Self> {
        let help = "When the first certificate of a file of the configuration ends; 0: the file has none that can be read.";
        let gauges = GaugeVec::new(Opts::new(NAME, help), &["setting"])?;
        Ok(Self { gauges, files })
    }
}

impl Collector for Certificates {
    fn desc(&self) -> Vec<&Desc> {
        self.gauges.desc()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        for (setting, path) in &self.files {
            let at = earliest_end(path).map_or(0.0, |at| at.0 as f64 / 1_000.0);
            let labels = HashMap::from([("setting", *setting)]);
            self.gauges.with(&labels).set(at);
        }
        self.gauges.collect()
    }
}

/// The first end among the certificates of a PEM file.
fn earliest_end(path: &Path) -> Option<Millis> {
    let mut text = String::new();
    let file = std::fs::File::open(path).ok()?;
    file.take(MAX_BYTES).read_to_string(&mut text).ok()?;
    let certificates = text.split(BEGIN).skip(1);
    let ends = certificates.map(|rest| {
        let body: String = rest.split(END).next()?.split_whitespace().collect();
        not_after(&STANDARD.decode(body).ok()?)
    });
    // One that cannot be read is no reason to be silent about the others.
    ends.flatten().min()
}

/// Splits the first value off: its tag, its content, what follows.
fn value(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = if *first < 0x80 {
        (usize::from(*first), rest)
    } else {
        let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
        if digits.len() > 4 {
            return None;
        }
        let length = digits.iter().fold(0, |sum, it| sum << 8 | usize::from(*it));
        (length, rest)
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}

/// `notAfter` of a certificate.
fn not_after(der: &[u8]) -> Option<Millis> {
    let (_, certificate, _) = value(der).filter(|it| it.0 == SEQUENCE)?;
    let (_, mut rest, _) = value(certificate).filter(|it| it.0 == SEQUENCE)?;
    if rest.first() == Some(&VERSION) {
        rest = value(rest)?.2;
    }
    // Serial number, algorithm, issuer.
    for _ in 0..3 {
        rest = value(rest)?.2;
    }
    let (_, validity, _) = value(rest).filter(|it| it.0 == SEQUENCE)?;
    let (_, _, after) = value(validity)?;
    let (tag, text, _) = value(after)?;
    time(tag, std::str::from_utf8(text).ok()?)
}

/// `YYMMDDHHMMSSZ` of the years 1950 to 2049, or `YYYYMMDDHHMMSSZ` (RFC 5280, 4.1.2.5).
fn time(tag: u8, text: &str) -> Option<Millis> {
    let text = text.strip_suffix('Z')?;
    if !text.bytes().all(|it| it.is_ascii_digit()) {
        return None;
    }
    let (year, rest) = match (tag, text.len()) {
        (UTC_TIME, 12) => {
            let short: i16 = text[..2].parse().ok()?;
            let century = if short < 50 { 2_000 } else { 1_900 };
            (century + short, &text[2..])
        }
        (GENERALIZED_TIME, 14) => (text[..4].parse().ok()?, &text[4..]),
        _ => return None,
    };
    let two = |at: usize| rest[at..at + 2].parse::<i8>().ok();
    let date = jiff::civil::Date::new(year, two(0)?, two(2)?).ok()?;
    let clock = jiff::civil::Time::new(two(4)?, two(6)?, two(8)?, 0).ok()?;
    let at = jiff::tz::Offset::UTC.to_timestamp(date.to_datetime(clock));
    Some(Millis(at.ok()?.as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A value as DER writes it.
    fn der(tag: u8, content: &[u8]) -> Vec<u8> {
        let mut out = vec![tag];
        if content.len() < 0x80 {
            out.push(content.len() as u8);
        } else {
            out.extend([0x82, (content.len() >> 8) as u8, content.len() as u8]);
        }
        out.extend(content);
        out
    }

    fn certificate(version: bool, issuer: usize, after: &[u8]) -> Vec<u8> {
        let validity = [der(UTC_TIME, b"200101000000Z"), after.to_vec()].concat();
        let mut inner = Vec::new();
        if version {
            inner.extend(der(VERSION, &der(2, &[2])));
        }
        inner.extend(der(2, &[1]));
        inner.extend(der(SEQUENCE, &[]));
        inner.extend(der(SEQUENCE, &vec![7; issuer]));
        inner.extend(der(SEQUENCE, &validity));
        der(SEQUENCE, &der(SEQUENCE, &inner))
    }

    fn pem(der: &[u8]) -> String {
        format!("{BEGIN}\n{}\n{END}\n", STANDARD.encode(der))
    }

    #[test]
    fn the_end_stands_behind_the_issuer_whatever_is_before_it() {
        let short = der(UTC_TIME, b"291231235958Z");
        let long = der(GENERALIZED_TIME, b"20291231235958Z");
        for (version, issuer, after) in [(true, 3, &short), (false, 400, &long)] {
            let found = not_after(&certificate(version, issuer, after));
            assert_eq!(found, Some(Millis(1_893_455_998_000)), "{version} {issuer}");
        }
        let old = time(UTC_TIME, "500101000000Z");
        assert_eq!(old, Some(Millis(-631_152_000_000)));
    }

    #[test]
    fn what_is_no_certificate_has_no_end() {
        let whole = certificate(true, 200, &der(UTC_TIME, b"291231235958Z"));
        for length in 0..whole.len() {
            assert_eq!(not_after(&whole[..length]), None, "{length}");
        }
        for text in ["291331235958Z", "291231235958", "29123123595xZ", "Z", ""] {
            assert_eq!(time(UTC_TIME, text), None, "{text}");
        }
    }

    #[test]
    fn the_first_end_of_a_file_is_shown_and_a_renewed_file_counts_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ca.pem");
        let one = |text: &[u8]| pem(&certificate(true, 9, &der(UTC_TIME, text)));
        let certificates =
            Certificates::new(vec![("kafka.security.ca_file", path.clone())]).unwrap();
        let shown = || {
            let families = certificates.collect();
            let metric = &families[0].get_metric()[0];
            assert_eq!(metric.get_label()[0].value(), "kafka.security.ca_file");
            metric.get_gauge().get_value() as i64
        };
        assert_eq!(shown(), 0);
        let (early, late) = (one(b"250101000000Z"), one(b"260101000000Z"));
        std::fs::write(&path, format!("words\n{late}{early}")).unwrap();
        assert_eq!(shown(), 1_735_689_600);
        std::fs::write(&path, late).unwrap();
        assert_eq!(shown(), 1_767_225_600);
    }
}
