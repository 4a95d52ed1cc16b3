//! One dead letter: what it says of itself, and where it lies.

use rdkafka::Message;
use rdkafka::message::{BorrowedMessage, Headers as _};

use crate::kafka::Headers;
use crate::kafka::dead_letter::{CODE, KEY, LENGTH, MESSAGE, Origin, STAGE};

/// Where a dead letter lies: `partition/offset` in the topic of dead letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub struct LetterId {
    pub partition: i32,
    pub offset: i64,
}

impl std::fmt::Display for LetterId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.partition, self.offset)
    }
}

impl std::str::FromStr for LetterId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parsed = text.split_once('/').and_then(|(partition, offset)| {
            Some(Self {
                partition: partition.parse().ok().filter(|n| *n >= 0)?,
                offset: offset.parse().ok().filter(|n| *n >= 0)?,
            })
        });
        parsed.ok_or_else(|| format!("`{text}` is not partition/offset, such as 0/17"))
    }
}

/// A dead letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// Where it lies.
    pub id: LetterId,
    /// Where the record was first read; none when the letter is not one of ours.
    pub origin: Option<Origin>,
    /// Stage that refused it.
    pub stage: String,
    /// Stable code.
    pub code: String,
    /// What is wrong.
    pub message: String,
    /// Length of the original, where the letter holds its head only.
    pub cut_from: Option<u64>,
    /// Key of the original.
    pub key: Option<Vec<u8>>,
    /// Value, or its head.
    pub payload: Vec<u8>,
    /// All headers.
    pub headers: Vec<(String, Vec<u8>)>,
}

impl Letter {
    /// The headers, borrowed.
    pub fn borrowed_headers(&self) -> Headers<'_> {
        self.headers
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_slice()))
            .collect()
    }

    pub(super) fn read(message: &BorrowedMessage<'_>) -> Self {
        let headers: Vec<(String, Vec<u8>)> = message
            .headers()
            .map(|headers| {
                headers
                    .iter()
                    .map(|h| (h.key.to_owned(), h.value.unwrap_or_default().to_vec()))
                    .collect()
            })
            .unwrap_or_default();
        let find = |name: &str| {
            headers
                .iter()
                .rev()
                .find(|(key, _)| key == name)
                .map(|(_, v)| v)
        };
        let text = |name: &str| {
            find(name)
                .map(|value| String::from_utf8_lossy(value).into_owned())
                .unwrap_or_default()
        };
        let origin = {
            let borrowed: Headers<'_> = headers
                .iter()
                .map(|(key, value)| (key.as_str(), value.as_slice()))
                .collect();
            Origin::of(&borrowed)
        };
        let (stage, code, message_text) = (text(STAGE), text(CODE), text(MESSAGE));
        let (cut_from, key) = (text(LENGTH).parse().ok(), find(KEY).cloned());
        Self {
            id: LetterId {
                partition: message.partition(),
                offset: message.offset(),
            },
            origin,
            stage,
            code,
            message: message_text,
            cut_from,
            key,
            payload: message.payload().unwrap_or_default().to_vec(),
            headers,
        }
    }
}

/// Which dead letters.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Of this feed only.
    pub feed: Option<String>,
    /// With this code only.
    pub code: Option<String>,
}

impl Filter {
    pub(super) fn takes(&self, letter: &Letter) -> bool {
        let feed = letter.origin.as_ref().map(|origin| origin.feed.as_str());
        self.feed
            .as_deref()
            .is_none_or(|wanted| feed == Some(wanted))
            && self
                .code
                .as_deref()
                .is_none_or(|wanted| letter.code == wanted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_as_they_are_shown() {
        let id = LetterId {
            partition: 3,
            offset: 17,
        };
        assert_eq!(id.to_string().parse(), Ok(id));
        for wrong in ["3", "3/", "/1", "-1/2", "1/-2", "a/b"] {
            assert!(wrong.parse::<LetterId>().is_err(), "{wrong}");
        }
    }
}
