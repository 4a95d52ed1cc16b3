//! Dead letters: the original bytes, key and headers of a refused record, and headers that say where it was and why.
//!
//! Invariant: the original headers are kept as they are, except those named here, which are ours.

use sha2::{Digest, Sha256};

use super::Headers;
use crate::core::model::{Millis, Refusal};

/// Largest value kept whole; of a longer one the head is kept, with length and hash in headers.
pub const MAX_KEPT_BYTES: usize = 12 << 20;
/// Headers kept of a refused record, in bytes; the rest is dropped and counted in a header.
const MAX_HEADER_BYTES: usize = 1 << 20;

/// Largest key kept whole; of a longer one the head is kept, with length and hash in headers.
const MAX_KEY_BYTES: usize = 64 << 10;
/// Longest feed id or topic name that an origin may state: a forged header must not fill a letter.
const MAX_NAME_BYTES: usize = 255;

/// Feed of the record.
pub const FEED: &str = "tocsin-feed";
/// Topic it was read from.
pub const TOPIC: &str = "tocsin-topic";
/// Partition it was read from.
pub const PARTITION: &str = "tocsin-partition";
/// Offset it was read from.
pub const OFFSET: &str = "tocsin-offset";
/// When it was received, RFC 3339.
pub const RECEIVED: &str = "tocsin-received";
/// Key of the original record, where it had one: the dead letter's own key is the feed.
pub const KEY: &str = "tocsin-key";
/// Length of the original key, when only its head is kept.
pub const KEY_LENGTH: &str = "tocsin-key-length";
/// SHA-256 of the original key, hex, when only its head is kept.
pub const KEY_SHA256: &str = "tocsin-key-sha256";
/// Stage that refused it.
pub const STAGE: &str = "tocsin-stage";
/// Stable code.
pub const CODE: &str = "tocsin-code";
/// What is wrong, in words.
pub const MESSAGE: &str = "tocsin-message";
/// Length of the original value, when only its head is kept.
pub const LENGTH: &str = "tocsin-length";
/// SHA-256 of the original value, hex, when only its head is kept.
pub const SHA256: &str = "tocsin-sha256";
/// Bytes of original headers that were dropped.
pub const DROPPED: &str = "tocsin-headers-dropped";

/// Every header of ours.
const OURS: [&str; 14] = [
    FEED, TOPIC, PARTITION, OFFSET, RECEIVED, KEY, KEY_LENGTH, KEY_SHA256, STAGE, CODE, MESSAGE,
    LENGTH, SHA256, DROPPED,
];

/// Where a record was first read: what a retry carries on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Feed; `detections` for what correlate refuses.
    pub feed: String,
    /// Topic.
    pub topic: String,
    /// Partition.
    pub partition: i32,
    /// Offset.
    pub offset: i64,
    /// When it was received.
    pub received: Millis,
}

impl Origin {
    /// The origin that a retried record carries in its headers.
    pub fn of(headers: &Headers<'_>) -> Option<Self> {
        let text = |name: &str| {
            let found = headers.iter().rev().find(|(key, _)| *key == name)?;
            std::str::from_utf8(found.1)
                .ok()
                .filter(|text| text.len() <= MAX_NAME_BYTES)
        };
        Some(Self {
            feed: text(FEED)?.to_owned(),
            topic: text(TOPIC)?.to_owned(),
            partition: text(PARTITION)?.parse().ok()?,
            offset: text(OFFSET)?.parse().ok()?,
            received: Millis::parse(text(RECEIVED)?)?,
        })
    }

    fn headers(&self) -> Vec<(String, Vec<u8>)> {
        let pair = |key: &str, value: String| (key.to_owned(), value.into_bytes());
        vec![
            pair(FEED, self.feed.clone()),
            pair(TOPIC, self.topic.clone()),
            pair(PARTITION, self.partition.to_string()),
            pair(OFFSET, self.offset.to_string()),
            pair(RECEIVED, self.received.to_string()),
        ]
    }
}

/// Headers of a record without ours: those that the source sent.
pub fn original_headers<'h>(headers: &'h Headers<'_>) -> impl Iterator<Item = (&'h str, &'h [u8])> {
    headers
        .iter()
        .filter(|(key, _)| !OURS.contains(key))
        .map(|(key, value)| (*key, *value))
}

/// What is kept of a refused record: headers and value.
pub fn letter<'p>(
    origin: &Origin,
    refusal: &Refusal,
    key: Option<&[u8]>,
    payload: &'p [u8],
    headers: &Headers<'_>,
) -> (Vec<(String, Vec<u8>)>, &'p [u8]) {
    let mut kept = Vec::new();
    let (mut bytes, mut dropped) = (0, 0);
    for (name, value) in original_headers(headers) {
        let size = name.len() + value.len();
        if bytes + size > MAX_HEADER_BYTES {
            dropped += size;
        } else {
            bytes += size;
            kept.push((name.to_owned(), value.to_vec()));
        }
    }
    kept.extend(origin.headers());
    let mut add = |name: &str, value: String| kept.push((name.to_owned(), value.into_bytes()));
    add(STAGE, refusal.stage.id().to_owned());
    add(CODE, refusal.code.id().to_owned());
    add(
        MESSAGE,
        match refusal.at {
            Some(at) => format!("{} (at byte {at})", refusal.message),
            None => refusal.message.clone(),
        },
    );
    if dropped > 0 {
        add(DROPPED, dropped.to_string());
    }
    let mut head = payload;
    if payload.len() > MAX_KEPT_BYTES {
        add(LENGTH, payload.len().to_string());
        add(SHA256, hex(&Sha256::digest(payload)));
        head = payload.get(..MAX_KEPT_BYTES).unwrap_or(payload);
    }
    if let Some(key) = key {
        if key.len() > MAX_KEY_BYTES {
            add(KEY_LENGTH, key.len().to_string());
            add(KEY_SHA256, hex(&Sha256::digest(key)));
        }
        let key = key.get(..MAX_KEY_BYTES).unwrap_or(key);
        kept.push((KEY.to_owned(), key.to_vec()));
    }
    (kept, head)
}

/// How much of a dead letter is left out, because its topic takes no larger records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Cut {
    /// Nothing beyond what [`letter`] leaves out.
    #[default]
    Nothing,
    /// Of a large one: all but the head, and the source's headers.
    Tail,
    /// Of all but a small one: everything but our headers.
    Headers,
}

impl Cut {
    /// The next step.
    pub(super) fn closer(self) -> Self {
        match self {
            Self::Nothing => Self::Tail,
            Self::Tail | Self::Headers => Self::Headers,
        }
    }

    /// A letter of so many bytes is left as it is, of a larger one so many of the value are kept.
    fn limits(self) -> (usize, usize) {
        match self {
            Self::Nothing => (usize::MAX, usize::MAX),
            Self::Tail => (256 << 10, 192 << 10),
            Self::Headers => (16 << 10, 0),
        }
    }
}

/// Longest header that is left when a letter is cut.
const MAX_SHORT_HEADER: usize = 1 << 10;

/// A letter cut to what its topic may take; none: it is left as it is.
pub(super) fn shorten<'p>(
    headers: &[(String, Vec<u8>)],
    payload: &'p [u8],
    cut: Cut,
) -> Option<(Vec<(String, Vec<u8>)>, &'p [u8])> {
    let (whole, kept) = cut.limits();
    let size = |(name, value): &(String, Vec<u8>)| name.len() + value.len();
    if payload.len() + headers.iter().map(size).sum::<usize>() <= whole {
        return None;
    }
    let mut short: Vec<(String, Vec<u8>)> = Vec::new();
    let mut dropped = 0;
    for header in headers {
        let (name, value) = header;
        if !OURS.contains(&name.as_str()) {
            dropped += size(header);
        } else if name == DROPPED {
            dropped += String::from_utf8_lossy(value).parse().unwrap_or(0);
        } else {
            let head = value.get(..MAX_SHORT_HEADER).unwrap_or(value);
            short.push((name.clone(), head.to_vec()));
        }
    }
    let mut note = |length: &str, hash: &str, value: &[u8]| {
        // What was cut before says how long the original was.
        if !headers.iter().any(|(name, _)| name == length) {
            short.push((length.to_owned(), value.len().to_string().into_bytes()));
            short.push((hash.to_owned(), hex(&Sha256::digest(value)).into_bytes()));
        }
    };
    if payload.len() > kept {
        note(LENGTH, SHA256, payload);
    }
    if let Some((_, key)) = headers.iter().find(|(name, _)| name == KEY)
        && key.len() > MAX_SHORT_HEADER
    {
        note(KEY_LENGTH, KEY_SHA256, key);
    }
    if dropped > 0 {
        short.push((DROPPED.to_owned(), dropped.to_string().into_bytes()));
    }
    Some((short, payload.get(..kept).unwrap_or(payload)))
}

/// Headers of a retried record: the source's and the origin.
pub fn retry_headers(
    origin: &Origin,
    stage: &str,
    headers: &Headers<'_>,
) -> Vec<(String, Vec<u8>)> {
    let mut all: Vec<(String, Vec<u8>)> = original_headers(headers)
        .map(|(key, value)| (key.to_owned(), value.to_vec()))
        .collect();
    all.extend(origin.headers());
    all.push((STAGE.to_owned(), stage.as_bytes().to_vec()));
    if let Some((_, key)) = headers.iter().rev().find(|(name, _)| *name == KEY) {
        all.push((KEY.to_owned(), key.to_vec()));
    }
    all
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::model::RefusalCode;

    fn origin() -> Origin {
        Origin {
            feed: "posts".to_owned(),
            topic: "feeds.posts".to_owned(),
            partition: 2,
            offset: 41,
            received: Millis(1_767_323_045_678),
        }
    }

    fn borrowed(headers: &[(String, Vec<u8>)]) -> Headers<'_> {
        headers
            .iter()
            .map(|(k, v)| (k.as_str(), v.as_slice()))
            .collect()
    }

    #[test]
    fn a_letter_keeps_what_the_source_sent_and_says_where_it_was() {
        let sent: Headers<'_> = [("ce_id", &b"7"[..]), (CODE, &b"forged"[..])]
            .into_iter()
            .collect();
        let refusal = Refusal::decode(RefusalCode::NotUtf8, "byte 0xff").at(3);
        let (headers, head) = letter(&origin(), &refusal, Some(b"k"), b"abc\xff", &sent);
        assert_eq!(head, b"abc\xff");
        let headers = borrowed(&headers);
        assert_eq!(Origin::of(&headers), Some(origin()));
        let all = |name: &str| -> Vec<&[u8]> {
            headers
                .iter()
                .filter(|(k, _)| *k == name)
                .map(|(_, v)| *v)
                .collect()
        };
        assert_eq!(all("ce_id"), [b"7"]);
        assert_eq!(all(CODE), [b"D0003"]);
        assert_eq!(all(KEY), [b"k"]);
        assert_eq!(all(MESSAGE), [b"byte 0xff (at byte 3)"]);
    }

    #[test]
    fn a_retry_goes_round_without_gathering_headers() {
        let refusal = Refusal::decode(RefusalCode::Syntax, "x");
        let sent: Headers<'_> = [("ce_id", &b"7"[..])].into_iter().collect();
        let (first, _) = letter(&origin(), &refusal, Some(b"k"), b"{", &sent);
        let retry = retry_headers(&origin(), "decode", &borrowed(&first));
        let retried = borrowed(&retry);
        let again = Origin::of(&retried).expect("an origin");
        let (second, _) = letter(&again, &refusal, Some(b"k"), b"{", &retried);
        assert_eq!(first, second);
    }

    #[test]
    fn a_letter_fits_whatever_was_refused() {
        let huge = vec![b'x'; MAX_KEPT_BYTES + 5];
        let sent: Headers<'_> = [("a", &huge[..]), ("b", &huge[..900_000])]
            .into_iter()
            .collect();
        let refusal = Refusal::decode(RefusalCode::TooLarge, "x");
        let (headers, head) = letter(&origin(), &refusal, Some(&huge), &huge, &sent);
        let size: usize = headers.iter().map(|(k, v)| k.len() + v.len() + 10).sum();
        assert!(size + head.len() < super::super::client::MAX_MESSAGE_BYTES);
        let headers = borrowed(&headers);
        let get = |name: &str| headers.iter().find(|(k, _)| *k == name).map(|(_, v)| *v);
        assert_eq!(get(KEY).map(<[u8]>::len), Some(MAX_KEY_BYTES));
        assert_eq!(
            get(KEY_LENGTH),
            Some((MAX_KEPT_BYTES + 5).to_string().as_bytes())
        );
        assert_eq!(get(KEY_SHA256).map(<[u8]>::len), Some(64));
    }

    #[test]
    fn the_head_of_a_huge_record_is_kept_with_length_and_hash() {
        let payload = vec![b'x'; MAX_KEPT_BYTES + 5];
        let refusal = Refusal::decode(RefusalCode::TooLarge, "x");
        let (headers, head) = letter(&origin(), &refusal, None, &payload, &Headers::new());
        assert_eq!(head.len(), MAX_KEPT_BYTES);
        let headers = borrowed(&headers);
        let get = |name: &str| {
            headers
                .iter()
                .find(|(k, _)| *k == name)
                .map(|(_, v)| v.to_vec())
        };
        assert_eq!(
            get(LENGTH),
            Some((MAX_KEPT_BYTES + 5).to_string().into_bytes())
        );
        assert_eq!(get(SHA256).map(|h| h.len()), Some(64));
        assert_eq!(get(KEY), None);
    }

    #[test]
    fn a_letter_is_cut_in_two_steps_and_says_so() {
        let text = |headers: &[(String, Vec<u8>)], name: &str| {
            let found = headers.iter().find(|(key, _)| key == name);
            found.map(|(_, value)| String::from_utf8_lossy(value).into_owned())
        };
        let payload = vec![b'x'; 1 << 20];
        let key = vec![b'k'; 60 << 10];
        let original = [("source", &[b'h'; 2_000][..])].into_iter().collect();
        let origin = Origin {
            feed: "f".to_owned(),
            topic: "t".to_owned(),
            partition: 1,
            offset: 2,
            received: Millis(3),
        };
        let refusal = Refusal::decode(crate::core::model::RefusalCode::TooLarge, "too large");
        let (headers, value) = letter(&origin, &refusal, Some(&key), &payload, &original);
        assert!(shorten(&headers, value, Cut::Nothing).is_none());
        for (cut, kept) in [(Cut::Tail, 192 << 10), (Cut::Headers, 0)] {
            let (short, head) = shorten(&headers, value, cut).expect("cut");
            assert_eq!(head.len(), kept);
            let size: usize = short.iter().map(|(k, v)| k.len() + v.len()).sum();
            assert!(size < 4_000, "{size}");
            assert_eq!(text(&short, LENGTH), Some((1 << 20).to_string()));
            assert_eq!(text(&short, SHA256), Some(hex(&Sha256::digest(&payload))));
            assert_eq!(text(&short, KEY_LENGTH), Some((60 << 10).to_string()));
            assert_eq!(text(&short, DROPPED), Some("2006".to_owned()));
            assert_eq!(text(&short, OFFSET), Some("2".to_owned()));
            assert_eq!(text(&short, "source"), None);
        }
        // Small ones beside it are left as they are, whichever step it takes.
        let (headers, value) = letter(&origin, &refusal, None, b"small", &original);
        for cut in [Cut::Tail, Cut::Headers] {
            assert!(shorten(&headers, value, cut).is_none());
        }
    }
}
