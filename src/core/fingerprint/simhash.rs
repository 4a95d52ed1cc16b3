//! SimHash (Charikar, “Similarity estimation techniques from rounding algorithms”, STOC 2002) over character 3-grams.
//!
//! Invariant: equal stripped texts have equal fingerprints; a text of fewer than [`MIN_SIMHASH_CHARS`] letters and
//! digits is compared by equality, because single edits of short texts flip too many bits to mean anything.

use super::strip::essence;
use crate::core::model::{FeedKind, Fingerprint};

/// Shortest text, in letters and digits, that gets a SimHash.
pub const MIN_SIMHASH_CHARS: usize = 20;

/// Differing bits up to which two SimHashes are near-duplicates.
pub const NEAR_BITS: u32 = 3;

/// The fingerprint of a report's normalised title and text; none for kinds that are not reposted, and none when nothing
/// but links and marks is left.
pub fn fingerprint(kind: FeedKind, title: &str, text: &str) -> Option<Fingerprint> {
    if !kind.is_reposted() {
        return None;
    }
    let mut letters = Vec::with_capacity(text.len() / 2);
    essence(title, &mut letters);
    essence(text, &mut letters);
    match letters.len() {
        0 => None,
        n if n < MIN_SIMHASH_CHARS => Some(Fingerprint::Exact(exact(&letters))),
        _ => Some(Fingerprint::Simhash(simhash(&letters))),
    }
}

/// Whether two fingerprints are of near-duplicates.
pub fn near(a: Fingerprint, b: Fingerprint) -> bool {
    match (a, b) {
        (Fingerprint::Simhash(a), Fingerprint::Simhash(b)) => (a ^ b).count_ones() <= NEAR_BITS,
        (Fingerprint::Exact(a), Fingerprint::Exact(b)) => a == b,
        _ => false,
    }
}

/// Bits in which two fingerprints of one kind differ: of short texts 0 where they are equal, else 64. None of two kinds.
pub fn distance(a: Fingerprint, b: Fingerprint) -> Option<u32> {
    match (a, b) {
        (Fingerprint::Simhash(a), Fingerprint::Simhash(b)) => Some((a ^ b).count_ones()),
        (Fingerprint::Exact(a), Fingerprint::Exact(b)) => Some(if a == b { 0 } else { 64 }),
        _ => None,
    }
}

fn exact(letters: &[char]) -> u64 {
    letters.iter().fold(letters.len() as u64, |hash, &c| {
        mix(hash ^ u64::from(u32::from(c)))
    })
}

/// By the value of a byte: its eight bits, the lowest first, as the bytes of a word.
static SPREAD: [u64; 256] = {
    let mut spread = [0; 256];
    let mut value = 0;
    while value < 256 {
        let mut bit = 0;
        while bit < 8 {
            spread[value] |= (value as u64 >> bit & 1) << (8 * bit);
            bit += 1;
        }
        value += 1;
    }
    spread
};

/// A bit is set where more than half of the grams' hashes have it. How many have it is counted in bytes, eight at a time.
fn simhash(letters: &[char]) -> u64 {
    let mut counts = [0_u32; 64];
    let mut grams = letters.windows(3);
    let total = grams.len() as u32;
    while grams.len() > 0 {
        // A byte counts to 255.
        let mut bytes = [0_u64; 8];
        for gram in grams.by_ref().take(255) {
            let hash = gram_hash(gram).to_le_bytes();
            for (sum, byte) in bytes.iter_mut().zip(hash) {
                *sum += SPREAD[usize::from(byte)];
            }
        }
        for (count, byte) in counts
            .iter_mut()
            .zip(bytes.iter().flat_map(|b| b.to_le_bytes()))
        {
            *count += u32::from(byte);
        }
    }
    counts.iter().enumerate().fold(0, |hash, (bit, &count)| {
        hash | u64::from(2 * count > total) << bit
    })
}

/// Three scalars of 21 bits fit into one word: no two grams share it before mixing.
fn gram_hash(gram: &[char]) -> u64 {
    mix(gram
        .iter()
        .fold(0_u64, |word, &c| word << 21 | u64::from(u32::from(c))))
}

/// The finaliser of SplitMix64 (Steele, Lea, Flood, “Fast splittable pseudorandom number generators”, OOPSLA 2014).
fn mix(word: u64) -> u64 {
    let word = word.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LONG: &str = "a large fire broke out in a chemical warehouse near the northern railway station early on \
        monday, and firefighters from three districts are at the scene; residents are asked to keep windows shut, \
        to stay away from the station and to follow the instructions of the fire department until further notice";

    fn of(text: &str) -> Fingerprint {
        fingerprint(FeedKind::Post, "", text).unwrap()
    }

    #[test]
    fn a_repost_is_near_and_another_event_is_not() {
        let repost = format!("rt @••••••: {LONG} https://t.co/xyz");
        assert!(near(of(LONG), of(&repost)));
        let other = "heavy rain flooded two underpasses in the southern district and stopped the tram on monday";
        assert!(!near(of(LONG), of(other)));
    }

    #[test]
    fn short_texts_are_compared_by_equality() {
        assert!(matches!(of("起火了快来救火"), Fingerprint::Exact(_)));
        assert!(near(of("起火了，快来救火"), of("起火了快来救火！")));
        assert!(!near(of("起火了快来救火"), of("漏水了快来救火")));
    }

    #[test]
    fn measured_kinds_and_bare_links_have_none() {
        assert_eq!(fingerprint(FeedKind::Sensor, "", LONG), None);
        assert_eq!(fingerprint(FeedKind::Dispatch, "", LONG), None);
        assert_eq!(
            fingerprint(FeedKind::News, "", "https://example.org/a"),
            None
        );
    }

    #[test]
    fn values_are_pinned() {
        // State outlives versions: a change here is a change of the state format.
        assert_eq!(
            of("起火了快来救火"),
            Fingerprint::Exact(11_345_804_778_780_412_633)
        );
        assert_eq!(of(LONG), Fingerprint::Simhash(14_818_758_817_376_281_091));
    }

    /// As the paper has it: a sum of +1 and −1 for every bit.
    fn as_published(letters: &[char]) -> u64 {
        let mut weights = [0_i32; 64];
        for gram in letters.windows(3) {
            let hash = gram_hash(gram);
            for (bit, weight) in weights.iter_mut().enumerate() {
                *weight += ((hash >> bit & 1) as i32) * 2 - 1;
            }
        }
        weights.iter().enumerate().fold(0, |hash, (bit, &weight)| {
            hash | u64::from(weight > 0) << bit
        })
    }

    proptest! {
        #[test]
        fn counting_in_bytes_is_counting(text in "[a-z一-龥]{0,12}", times in 1usize..120) {
            let letters: Vec<char> = text.repeat(times).chars().collect();
            prop_assert_eq!(simhash(&letters), as_published(&letters));
        }
    }
}
