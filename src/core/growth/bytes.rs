//! The bytes of a series in its changelog record.
//!
//! Invariant: a series has one encoding, however it was written: hours that did not change since the last time are copied from it.

use super::series::{Counted, FeedCounts, MAX_FEEDS, Series};

/// Version of the encoding; first byte.
const VERSION: u8 = 1;
/// Hours at the end of a feed that are written anew each time: most reports are of these.
const OPEN_HOURS: usize = 2;

/// What of the bytes that were written last still holds, by feed.
#[derive(Debug, Default)]
pub struct Written(Vec<Part>);

/// The oldest hours of a feed.
#[derive(Clone, Copy, Debug, Default)]
struct Part {
    hours: usize,
    /// Where they begin and end in the bytes.
    begin: usize,
    end: usize,
}

impl Written {
    /// A report was counted.
    pub fn count(&mut self, counted: Counted) {
        if counted.is_older {
            self.0.clear();
        } else if let Some(part) = self.0.get_mut(counted.feed)
            && part.hours > counted.kept
        {
            *part = Part::default();
        }
    }

    /// The series changed in any other way.
    pub fn forget(&mut self) {
        self.0.clear();
    }
}

impl Series {
    /// Bytes: version, feeds, each with name, first hour, and hours as differences.
    pub fn encode(&self) -> Box<[u8]> {
        self.encode_after(&[], &mut Written::default())
    }

    /// The same, with what still holds of the bytes that were `written` last.
    pub fn encode_after(&self, last: &[u8], written: &mut Written) -> Box<[u8]> {
        let mut out = Vec::with_capacity(last.len() + 32);
        out.push(VERSION);
        number(&mut out, self.feeds.len() as u64);
        written.0.resize(self.feeds.len(), Part::default());
        for (feed, part) in self.feeds.iter().zip(&mut written.0) {
            number(&mut out, feed.feed.len() as u64);
            out.extend_from_slice(feed.feed.as_bytes());
            signed(&mut out, feed.since);
            number(&mut out, feed.hours.len() as u64);
            *part = hours(&mut out, feed, last, *part);
        }
        out.into_boxed_slice()
    }

    /// Reads what [`encode`](Self::encode) wrote; none of anything else.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (version, mut rest) = bytes.split_first()?;
        if *version != VERSION {
            return None;
        }
        let mut feeds = Vec::new();
        for _ in 0..take(&mut rest)? {
            let length = usize::try_from(take(&mut rest)?).ok()?;
            let (name, after) = rest.split_at_checked(length)?;
            rest = after;
            let since = take_signed(&mut rest)?;
            let count = take(&mut rest)?;
            // An hour takes two bytes at least.
            let room = usize::try_from(count).ok()?.min(rest.len() / 2);
            let mut hours: Vec<(i32, u32)> = Vec::with_capacity(room);
            let mut before = since;
            for _ in 0..count {
                before = before.wrapping_add(take_signed(&mut rest)?);
                let rises = hours.last().is_none_or(|(hour, _)| *hour < before);
                hours.push((before, u32::try_from(take(&mut rest)?).ok()?));
                if !rises {
                    return None;
                }
            }
            feeds.push(FeedCounts {
                feed: std::str::from_utf8(name).ok()?.into(),
                since,
                hours,
            });
        }
        let sorted = feeds.windows(2).all(|pair| pair[0].feed < pair[1].feed);
        (rest.is_empty() && sorted && feeds.len() <= MAX_FEEDS + 1).then_some(Self { feeds })
    }
}

/// Writes the hours of a feed, the first ones as they are in the `last` bytes; returns what will hold of it.
fn hours(out: &mut Vec<u8>, feed: &FeedCounts, last: &[u8], part: Part) -> Part {
    let begin = out.len();
    let known = last.get(part.begin..part.end).unwrap_or_default();
    out.extend_from_slice(known);
    let done = if known.is_empty() { 0 } else { part.hours };
    let closed = feed.hours.len().saturating_sub(OPEN_HOURS).max(done);
    let mut before = done
        .checked_sub(1)
        .map_or(feed.since, |at| feed.hours[at].0);
    let mut end = out.len();
    for (nth, (hour, count)) in feed.hours.iter().enumerate().skip(done) {
        signed(out, hour.wrapping_sub(before));
        number(out, u64::from(*count));
        before = *hour;
        if nth < closed {
            end = out.len();
        }
    }
    Part {
        hours: closed,
        begin,
        end,
    }
}

/// LEB128.
fn number(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn signed(out: &mut Vec<u8>, value: i32) {
    number(out, u64::from((value << 1 ^ value >> 31).cast_unsigned()));
}

fn take(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn take_signed(bytes: &mut &[u8]) -> Option<i32> {
    let value = u32::try_from(take(bytes)?).ok()?;
    Some((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// However it was told, and written in between.
        #[test]
        fn what_is_written_in_parts_is_what_is_written_at_once(
            told in prop::collection::vec((0_usize..4, 0_i32..12, 1_u32..400, 0_u8..8), 0..120),
        ) {
            let (mut series, mut last, mut written) = (Series::default(), Vec::new(), Written::default());
            for (now, (feed, back, by, then)) in (0..).zip(told) {
                let (feed, hour) = (["a", "b", "ccc", "d/e"][feed], now - back);
                written.count(series.count(feed, hour, by, now - 9));
                if then == 7 {
                    series.uncount(feed, hour);
                    written.forget();
                }
                if then > 3 {
                    last = series.encode_after(&last, &mut written).into_vec();
                    prop_assert_eq!(&last[..], &series.encode()[..]);
                    prop_assert_eq!(Series::decode(&last), Some(series.clone()));
                }
            }
        }

        #[test]
        fn hostile_bytes_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            if let Some(series) = Series::decode(&bytes) {
                prop_assert_eq!(Series::decode(&series.encode()), Some(series));
            }
        }
    }
}
