//! Baselines of growth, written into the changelog from outside the group.
//!
//! Invariant: nothing is written while the group of correlate has a member, which would not see it and would overwrite it; one that
//! joins while something is written is found right after it, and the command fails. What is written is read and written by the
//! changelog's own code, in transactions, and a second time changes nothing.

use std::sync::Arc;
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

use super::cluster::partition_counts;
use super::dump::DumpError;
use super::range::{Bound, Range, RangeReader};
use super::{KafkaSettings, Role, client, partition_of};
use crate::core::correlate::{CorrelateConfig, Correlator, StateChange, StateError, is_baseline};
use crate::core::growth::Series;
use crate::core::model::Millis;

/// Longest wait for one answer.
const WITHIN: Duration = Duration::from_secs(10);
/// Records of one transaction.
const TRANSACTION: usize = 2_000;

/// Why baselines were not written.
#[derive(Debug, thiserror::Error)]
pub enum BaselineError {
    /// Somebody would overwrite them.
    #[error(
        "the group {group} has {members} member{}: stop every `tocsin run` that correlates, then try again",
        if *members == 1 { "" } else { "s" }
    )]
    Live {
        /// Group of correlate.
        group: String,
        /// How many.
        members: usize,
    },
    /// Somebody started meanwhile, and may overwrite them.
    #[error(
        "the group {group} got {members} member{} while baselines were written, which may not have seen all of them: stop every \
         `tocsin run` that correlates, then build again (nothing is counted twice)",
        if *members == 1 { "" } else { "s" }
    )]
    Joined {
        /// Group of correlate.
        group: String,
        /// How many.
        members: usize,
    },
    /// The changelog cannot be read.
    #[error(transparent)]
    Read(#[from] DumpError),
    /// It holds something else.
    #[error(transparent)]
    State(#[from] StateError),
    /// A limit of the configuration.
    #[error("{0}: no room for further series; raise growth.series")]
    Full(&'static str),
    /// The cluster does not answer, or refuses.
    #[error("{topic}: {error}")]
    Kafka {
        /// Which topic or group.
        topic: String,
        /// Answer. Not a source: its own sources only repeat it.
        error: KafkaError,
    },
}

/// A series of an archive.
#[derive(Clone, Debug)]
pub struct Archived {
    /// Incident key.
    pub key: Arc<str>,
    /// What the archive knows.
    pub series: Series,
}

/// What was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Filled {
    /// Series that know more than before.
    pub series: u64,
    /// Reports that were added to them.
    pub reports: u64,
    /// Records of the changelog that were written.
    pub records: u64,
}

/// Refuses while the group of correlate has a member.
pub fn refuse_live(settings: &KafkaSettings) -> Result<(), BaselineError> {
    let (group, members) = live(settings)?;
    if members > 0 {
        return Err(BaselineError::Live { group, members });
    }
    Ok(())
}

/// The same after something was written.
fn refuse_joined(settings: &KafkaSettings) -> Result<(), BaselineError> {
    let (group, members) = live(settings)?;
    if members > 0 {
        return Err(BaselineError::Joined { group, members });
    }
    Ok(())
}

/// The group of correlate and how many members it has.
fn live(settings: &KafkaSettings) -> Result<(String, usize), BaselineError> {
    let group = client::group(settings, Role::Correlate);
    let kafka = |error| BaselineError::Kafka {
        topic: group.clone(),
        error,
    };
    let consumer: BaseConsumer = client::base(settings).create().map_err(kafka)?;
    let list = consumer
        .fetch_group_list(Some(&group), WITHIN)
        .map_err(kafka)?;
    let members = list
        .groups()
        .iter()
        .map(|group| group.members().len())
        .sum();
    Ok((group, members))
}

/// Fills the series of the changelog with those of an archive, by incident key. `told` hears how many of the changes are
/// written. Tried again after an error, it goes on.
pub fn fill(
    settings: &KafkaSettings,
    changelog: &str,
    config: &Arc<CorrelateConfig>,
    archive: &[Archived],
    now: Millis,
    mut told: impl FnMut(usize, usize),
) -> Result<Filled, BaselineError> {
    refuse_live(settings)?;
    let mut partitions = read(settings, changelog, config, now)?;
    let mut filled = Filled::default();
    for Archived { key, series } in archive {
        let partition = partition_of(key.as_bytes(), partitions.len() as i32) as usize;
        let reports = partitions[partition]
            .fill(key, series)
            .map_err(BaselineError::Full)?;
        filled.reports += reports;
        filled.series += u64::from(reports > 0);
    }
    let mut changes: Vec<(i32, StateChange)> = Vec::new();
    for (partition, correlator) in (0..).zip(&mut partitions) {
        let of_partition = correlator.take_changes().into_iter();
        changes.extend(of_partition.map(|change| (partition, change)));
    }
    let producer = producer(settings, changelog)?;
    refuse_live(settings)?;
    for (done, part) in changes.chunks(TRANSACTION).enumerate() {
        let sent = write(&producer, changelog, part);
        sent.map_err(|error| BaselineError::Kafka {
            topic: changelog.to_owned(),
            error,
        })?;
        told(done * TRANSACTION + part.len(), changes.len());
        // Whoever restored before this transaction was committed is a member by now.
        refuse_joined(settings)?;
    }
    filled.records = changes.len() as u64;
    Ok(filled)
}

/// The baselines of every partition.
fn read(
    settings: &KafkaSettings,
    changelog: &str,
    config: &Arc<CorrelateConfig>,
    now: Millis,
) -> Result<Vec<Correlator>, BaselineError> {
    let counts = partition_counts(settings).map_err(DumpError::from)?;
    let Some(count) = counts.get(changelog) else {
        return Err(DumpError::NoTopic(changelog.to_owned()).into());
    };
    let anew = |_| Correlator::new(Arc::clone(config));
    let mut partitions: Vec<Correlator> = (0..*count).map(anew).collect();
    let range = Range {
        topic: changelog.to_owned(),
        partition: None,
        from: Bound::Open,
        to: Bound::Open,
    };
    let mut reader = RangeReader::open(settings, &range, now)?;
    while let Some(record) = reader.read()? {
        let key = record.key.unwrap_or_default();
        if !is_baseline(&key) {
            continue;
        }
        // A tombstone has no bytes, and a series is never empty.
        let value = Some(&*record.payload).filter(|bytes| !bytes.is_empty());
        if let Some(correlator) = partitions.get_mut(record.partition as usize) {
            correlator.restore(&String::from_utf8_lossy(&key), value)?;
        }
    }
    for correlator in &mut partitions {
        correlator.finish_restore();
    }
    Ok(partitions)
}

fn producer(settings: &KafkaSettings, changelog: &str) -> Result<BaseProducer, BaselineError> {
    let kafka = |error| BaselineError::Kafka {
        topic: changelog.to_owned(),
        error,
    };
    let producer: BaseProducer = client::base(settings)
        // One at a time: a second one fences the first.
        .set("transactional.id", format!("{}/baseline", settings.group))
        .set("transaction.timeout.ms", "60000")
        .set("message.max.bytes", client::MAX_MESSAGE_BYTES.to_string())
        .set("compression.type", "lz4")
        .create()
        .map_err(kafka)?;
    producer.init_transactions(WITHIN).map_err(kafka)?;
    Ok(producer)
}

fn write(
    producer: &BaseProducer,
    changelog: &str,
    changes: &[(i32, StateChange)],
) -> Result<(), KafkaError> {
    producer.begin_transaction()?;
    let send = || -> Result<(), KafkaError> {
        for (partition, change) in changes {
            let mut record: BaseRecord<'_, str, [u8]> = BaseRecord::to(changelog)
                .key(change.key.as_str())
                .partition(*partition);
            if let Some(value) = &change.value {
                record = record.payload(value);
            }
            producer.send(record).map_err(|(error, _)| error)?;
        }
        producer.flush(WITHIN)?;
        producer.commit_transaction(WITHIN)
    };
    send().inspect_err(|_| {
        // What was not committed is seen by nobody.
        let _ = producer.abort_transaction(WITHIN);
    })
}
