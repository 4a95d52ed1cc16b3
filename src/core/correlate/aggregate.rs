//! Reports beyond `reports_per_key`: entries of fifty bytes each, and beyond `aggregated_per_key` only sums.
//!
//! Invariant: what counts of an incident (severity, certainty, exposure, urgency, number of reports and copies, rules) is the
//! same whether a report is a member or an entry. What an entry loses is what is only shown: text, id, numbers of its own.
//! Of a forgotten report the sums stay for good: a withdrawal cannot find it, and the same report once more counts once more.

use serde::de::{Error as _, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::state::Incident;
use crate::core::model::Millis;

/// What counts of one report.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    /// [`super::identity::report_hash`].
    pub report: u64,
    pub content: u64,
    pub received: Millis,
    /// When its feed stated it last.
    pub stated: Millis,
    /// Bits into [`Aggregate::rules`].
    pub rules: u64,
    /// Index into the incident's names.
    pub source: u16,
    /// Index into the incident's names.
    pub feed: u16,
    pub cluster: u32,
    pub severity: u8,
    pub reliability: u8,
    pub urgency: u8,
    pub kind: u8,
    pub exposure: Option<u8>,
    pub withdrawn: bool,
}

/// Entries, packed in the state: a MessagePack array of each would be half as long again.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Entries(pub Vec<Entry>);

/// Sums of reports whose identity is gone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Forgotten {
    pub reports: u32,
    pub copies: u32,
    pub severity: u8,
    pub urgency: u8,
    pub authoritative: bool,
    pub rules: u64,
    pub exposure: Option<u8>,
    /// Highest reliability by source.
    pub sources: Vec<(u16, u8)>,
}

/// Everything about the reports of an incident that are no members.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Aggregate {
    /// In the order in which they stopped being members.
    pub entries: Entries,
    /// Rules, as indices into the incident's names, that entries name by bit.
    pub rules: Vec<u16>,
    /// Highest numbers, never taken back.
    pub numbers: Vec<(u16, f64)>,
    /// Earliest `observed`, else `received`; never taken back.
    pub first: Option<Millis>,
    pub forgotten: Forgotten,
}

impl Aggregate {
    /// The bit of a rule; none when 64 others have one.
    pub(super) fn rule_bit(&mut self, rule: u16) -> Option<u64> {
        let at = self.rules.iter().position(|known| *known == rule);
        let at = at.or_else(|| {
            (self.rules.len() < 64).then(|| {
                self.rules.push(rule);
                self.rules.len() - 1
            })
        })?;
        Some(1 << at)
    }

    /// The rules whose bits are set.
    pub(super) fn rules_of(&self, bits: u64) -> impl Iterator<Item = u16> {
        let rules = self.rules.iter().enumerate();
        rules
            .filter(move |(at, _)| bits >> at & 1 == 1)
            .map(|(_, rule)| *rule)
    }
}

impl Incident {
    /// Reports that count and are no members.
    pub(super) fn entries(&self) -> &[Entry] {
        self.aggregate
            .as_deref()
            .map_or(&[], |aggregate| &aggregate.entries.0)
    }

    /// The aggregate, made when there is none.
    pub(super) fn aggregate_mut(&mut self) -> &mut Aggregate {
        self.aggregate.get_or_insert_default()
    }
}

/// Bytes of a packed entry.
const PACKED: usize = 8 * 5 + 2 * 2 + 4 + 5 + 1;
/// Stands for “no exposure”.
const NO_EXPOSURE: u8 = u8::MAX;

impl Entry {
    fn pack(&self, out: &mut Vec<u8>) {
        for number in [
            self.report,
            self.content,
            self.received.0.cast_unsigned(),
            self.stated.0.cast_unsigned(),
            self.rules,
        ] {
            out.extend_from_slice(&number.to_be_bytes());
        }
        out.extend_from_slice(&self.source.to_be_bytes());
        out.extend_from_slice(&self.feed.to_be_bytes());
        out.extend_from_slice(&self.cluster.to_be_bytes());
        out.extend_from_slice(&[
            self.severity,
            self.reliability,
            self.urgency,
            self.kind,
            self.exposure.unwrap_or(NO_EXPOSURE),
            u8::from(self.withdrawn),
        ]);
    }

    fn unpack(bytes: &[u8; PACKED]) -> Self {
        fn part<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
            std::array::from_fn(|i| bytes[at + i])
        }
        let long = |at: usize| u64::from_be_bytes(part(bytes, at * 8));
        Self {
            report: long(0),
            content: long(1),
            received: Millis(long(2).cast_signed()),
            stated: Millis(long(3).cast_signed()),
            rules: long(4),
            source: u16::from_be_bytes(part(bytes, 40)),
            feed: u16::from_be_bytes(part(bytes, 42)),
            cluster: u32::from_be_bytes(part(bytes, 44)),
            severity: bytes[48],
            reliability: bytes[49],
            urgency: bytes[50],
            kind: bytes[51],
            exposure: (bytes[52] != NO_EXPOSURE).then_some(bytes[52]),
            withdrawn: bytes[53] != 0,
        }
    }
}

impl Serialize for Entries {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut bytes = Vec::with_capacity(self.0.len() * PACKED);
        self.0.iter().for_each(|entry| entry.pack(&mut bytes));
        serializer.serialize_bytes(&bytes)
    }
}

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Packed;
        impl Visitor<'_> for Packed {
            type Value = Entries;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("packed entries")
            }

            fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<Entries, E> {
                let (entries, rest) = bytes.as_chunks::<PACKED>();
                if !rest.is_empty() {
                    return Err(E::custom("packed entries end early"));
                }
                Ok(Entries(entries.iter().map(Entry::unpack).collect()))
            }
        }
        deserializer
            .deserialize_bytes(Packed)
            .map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packing_keeps_everything() {
        let entry = |n: u8| Entry {
            report: u64::MAX - u64::from(n),
            content: 7,
            received: Millis(-1),
            stated: Millis::MAX,
            rules: 1 << 63,
            source: 300,
            feed: 2,
            cluster: 70_000,
            severity: n,
            reliability: 100,
            urgency: 4,
            kind: 5,
            exposure: (n == 0).then_some(3),
            withdrawn: n == 1,
        };
        let entries = Entries((0..3).map(entry).collect());
        let bytes = rmp_serde::to_vec(&entries).unwrap();
        assert!(bytes.len() <= 3 * PACKED + 5);
        assert_eq!(rmp_serde::from_slice::<Entries>(&bytes).unwrap(), entries);
        assert!(rmp_serde::from_slice::<Entries>(&bytes[..bytes.len() - 1]).is_err());
    }
}
