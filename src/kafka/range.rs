//! Part of a topic, from one position or time to another, in the order of time: for tools that try things on what was there.
//!
//! Invariant: nothing is joined, committed or written; only committed records are read, each once, and two readings of the same range
//! give the same records in the same order (by timestamp, partition and offset). The memory is bounded for each
//! partition.

use std::collections::{BTreeMap, VecDeque};
use std::str::FromStr;
use std::time::{Duration, Instant};

use rdkafka::Message;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Headers as _};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::cluster::partition_counts;
use super::dump::DumpError;
use super::{KafkaSettings, client};
use crate::core::model::Millis;

/// Longest silence before the reading is given up.
const TIMEOUT: Duration = Duration::from_secs(20);
/// What is kept of one partition while the next record of another one is not known.
const MAX_RECORDS: usize = 4_096;
const MAX_BYTES: usize = 8 << 20;
/// What the client fetches ahead, KiB.
const PREFETCH_KIB: u32 = 8 << 10;

/// An end of a range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bound {
    /// Where the topic begins, or ends now.
    Open,
    /// An offset, of every partition.
    Offset(i64),
    /// Offsets by partition; the others are open.
    Offsets(BTreeMap<i32, i64>),
    /// The first record of this time or later.
    Time(Millis),
    /// As long before now, milliseconds.
    Ago(i64),
}

impl FromStr for Bound {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || {
            format!(
                "`{text}` is none of: an offset (1500), offsets by partition (0:1500,1:1620), a time (2026-01-01T00:00:00Z), \
                 a time before now (90m, 24h, 7d)"
            )
        };
        if let Ok(offset) = text.parse::<i64>() {
            return (offset >= 0)
                .then_some(Self::Offset(offset))
                .ok_or_else(wrong);
        }
        if let Some(time) = Millis::parse(text) {
            return Ok(Self::Time(time));
        }
        if text.contains(':') {
            let pair = |pair: &str| {
                let (partition, offset) = pair.split_once(':')?;
                let (partition, offset) =
                    (partition.trim().parse().ok()?, offset.trim().parse().ok()?);
                (partition >= 0 && offset >= 0).then_some((partition, offset))
            };
            let pairs: Option<BTreeMap<i32, i64>> = text.split(',').map(pair).collect();
            return pairs.map(Self::Offsets).ok_or_else(wrong);
        }
        let ago = || {
            let unit = match text.chars().last()? {
                's' => 1_000,
                'm' => 60_000,
                'h' => 3_600_000,
                'd' => 86_400_000,
                _ => return None,
            };
            let count: i64 = text[..text.len() - 1].parse().ok().filter(|n| *n >= 0)?;
            count.checked_mul(unit)
        };
        ago().map(Self::Ago).ok_or_else(wrong)
    }
}

/// Which part of which topic.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Range {
    pub topic: String,
    /// Of this partition only.
    pub partition: Option<i32>,
    /// The first record that is read.
    pub from: Bound,
    /// The first record that is not read any more.
    pub to: Bound,
}

/// A record of a range.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Record {
    pub partition: i32,
    pub offset: i64,
    /// The record's timestamp.
    pub at: Millis,
    pub key: Option<Vec<u8>>,
    pub headers: Vec<(String, Vec<u8>)>,
    pub payload: Vec<u8>,
}

/// A partition of the range, and what of it came and was not given out yet.
struct Open {
    partition: i32,
    to: i64,
    buffer: VecDeque<Record>,
    bytes: usize,
    /// Everything before `to` came.
    ended: bool,
    paused: bool,
}

/// Reads a range.
pub struct RangeReader {
    topic: String,
    consumer: BaseConsumer,
    open: Vec<Open>,
    /// Offsets in the range: at least as many as there are records.
    offsets: u64,
}

impl RangeReader {
    /// Looks up where the range begins and ends; `now` is the wall clock.
    ///
    /// # Errors
    /// When the cluster does not answer, or has no such topic.
    pub fn open(settings: &KafkaSettings, range: &Range, now: Millis) -> Result<Self, DumpError> {
        let topic = range.topic.as_str();
        let kafka = |error| DumpError::Kafka {
            topic: topic.to_owned(),
            error,
        };
        let counts = partition_counts(settings)?;
        let Some(partitions) = counts.get(topic).copied() else {
            return Err(DumpError::NoTopic(topic.to_owned()));
        };
        let consumer: BaseConsumer = client::onlooker(settings)
            .set("enable.partition.eof", "true")
            .set("queued.max.messages.kbytes", PREFETCH_KIB.to_string())
            .create()
            .map_err(kafka)?;
        let from = resolve(&consumer, topic, partitions, &range.from, now, false).map_err(kafka)?;
        let to = resolve(&consumer, topic, partitions, &range.to, now, true).map_err(kafka)?;
        let mut list = TopicPartitionList::new();
        let mut offsets = 0;
        for (partition, from) in &from {
            let wanted = range.partition.is_none_or(|only| only == *partition);
            if let Some(to) = to.get(partition).filter(|to| wanted && *to > from) {
                offsets += to.abs_diff(*from);
                list.add_partition_offset(topic, *partition, Offset::Offset(*from))
                    .map_err(kafka)?;
            }
        }
        consumer.assign(&list).map_err(kafka)?;
        let open = list.elements();
        let open = open.iter().map(|element| Open {
            partition: element.partition(),
            to: to.get(&element.partition()).copied().unwrap_or_default(),
            buffer: VecDeque::new(),
            bytes: 0,
            ended: false,
            paused: false,
        });
        Ok(Self {
            topic: topic.to_owned(),
            open: open.collect(),
            consumer,
            offsets,
        })
    }

    /// Offsets in the range: at least as many as there are records.
    pub fn offsets(&self) -> u64 {
        self.offsets
    }

    /// The next record; none at the end of the range.
    ///
    /// # Errors
    /// When nothing comes for too long, or the client refuses.
    pub fn read(&mut self) -> Result<Option<Record>, DumpError> {
        self.fill().map_err(|error| DumpError::Kafka {
            topic: self.topic.clone(),
            error,
        })?;
        if self.is_waiting() {
            return Err(DumpError::Slow(self.topic.clone(), TIMEOUT));
        }
        let order = |open: &&mut Open| {
            let head = open.buffer.front();
            head.map(|head| (head.at, head.partition, head.offset))
        };
        let there = self.open.iter_mut().filter(|open| !open.buffer.is_empty());
        let Some(open) = there.min_by_key(order) else {
            return Ok(None);
        };
        let record = open.buffer.pop_front();
        open.bytes -= record.as_ref().map_or(0, |record| record.payload.len());
        Ok(record)
    }

    /// Whether it is not known what the next record of a partition is.
    fn is_waiting(&self) -> bool {
        let mut open = self.open.iter();
        open.any(|open| open.buffer.is_empty() && !open.ended)
    }

    /// Polls until the next record of every partition is known, or nothing came for too long.
    fn fill(&mut self) -> Result<(), KafkaError> {
        let mut quiet_since = Instant::now();
        while self.is_waiting() && quiet_since.elapsed() < TIMEOUT {
            for open in self
                .open
                .iter_mut()
                .filter(|open| open.buffer.is_empty() && !open.ended)
            {
                if std::mem::take(&mut open.paused) {
                    self.consumer.resume(&alone(&self.topic, open.partition))?;
                }
            }
            let (record, partition) = match self.consumer.poll(Duration::from_millis(100)) {
                Some(Ok(message)) => (Some(record(&message)), message.partition()),
                Some(Err(KafkaError::PartitionEOF(partition))) => (None, partition),
                Some(Err(error)) => {
                    tracing::debug!(%error, topic = self.topic, "reading");
                    continue;
                }
                None => continue,
            };
            quiet_since = Instant::now();
            let Some(open) = self
                .open
                .iter_mut()
                .find(|open| open.partition == partition)
            else {
                continue;
            };
            match record {
                Some(record) if record.offset < open.to => {
                    open.bytes += record.payload.len();
                    open.buffer.push_back(record);
                }
                _ => open.ended = true,
            }
            let full = open.buffer.len() >= MAX_RECORDS || open.bytes >= MAX_BYTES;
            if (full || open.ended) && !open.paused {
                // What is fetched already is forgotten, and fetched again when it goes on.
                self.consumer.pause(&alone(&self.topic, partition))?;
                open.paused = true;
            }
        }
        Ok(())
    }
}

fn alone(topic: &str, partition: i32) -> TopicPartitionList {
    let mut list = TopicPartitionList::new();
    list.add_partition(topic, partition);
    list
}

fn record(message: &BorrowedMessage<'_>) -> Record {
    let headers = message.headers().map(|headers| {
        let all = headers.iter();
        all.map(|h| (h.key.to_owned(), h.value.unwrap_or_default().to_vec()))
            .collect()
    });
    Record {
        partition: message.partition(),
        offset: message.offset(),
        at: Millis(message.timestamp().to_millis().unwrap_or_default()),
        key: message.key().map(<[u8]>::to_vec),
        headers: headers.unwrap_or_default(),
        payload: message.payload().unwrap_or_default().to_vec(),
    }
}

/// The offset of a bound in every partition; those of times beyond the last record are the end.
fn resolve(
    consumer: &BaseConsumer,
    topic: &str,
    partitions: i32,
    bound: &Bound,
    now: Millis,
    end: bool,
) -> Result<BTreeMap<i32, i64>, KafkaError> {
    let time = match bound {
        Bound::Time(time) => Some(*time),
        Bound::Ago(ms) => Some(now.plus(-ms)),
        _ => None,
    };
    let mut found = BTreeMap::new();
    if let Some(time) = time {
        let mut times = TopicPartitionList::new();
        for partition in 0..partitions {
            times.add_partition_offset(topic, partition, Offset::Offset(time.0.max(0)))?;
        }
        for element in consumer.offsets_for_times(times, TIMEOUT)?.elements() {
            if let Offset::Offset(offset) = element.offset() {
                found.insert(element.partition(), offset);
            }
        }
    }
    for partition in 0..partitions {
        let (low, high) = consumer.fetch_watermarks(topic, partition, TIMEOUT)?;
        let open = if end || time.is_some() { high } else { low };
        let offset = match bound {
            Bound::Offset(offset) => Some(*offset),
            Bound::Offsets(offsets) => offsets.get(&partition).copied(),
            _ => found.get(&partition).copied(),
        };
        found.insert(partition, offset.unwrap_or(open).clamp(low, high));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_read_as_they_are_written() {
        let bound = |text: &str| text.parse::<Bound>();
        assert_eq!(bound("1500"), Ok(Bound::Offset(1_500)));
        let offsets = BTreeMap::from([(0, 15), (3, 20)]);
        assert_eq!(bound("0:15, 3:20"), Ok(Bound::Offsets(offsets)));
        assert_eq!(
            bound("1970-01-01T00:00:01Z"),
            Ok(Bound::Time(Millis(1_000)))
        );
        assert_eq!(bound("2h"), Ok(Bound::Ago(7_200_000)));
        for wrong in ["", "-1", "h", "0:x", "0:-1", "5y", "yesterday", "–5m", "火"] {
            assert!(bound(wrong).is_err(), "{wrong}");
        }
    }
}
