//! The gazetteer itself: entries by code, their ancestors, and the tools to ask it.
//!
//! Invariant: immutable once built; entries are sorted by code, parents come from the same table and never form a cycle.

mod build;

use std::sync::Arc;

use rustc_hash::FxHashMap;
use xxhash_rust::xxh3::xxh3_64;

use super::exposure::Exposures;
use super::names::Names;
use super::nearest::Nearest;
use crate::core::model::{Coordinates, Place, Tier};

/// Longest chain of parents: no real one has more than five links.
const MAX_DEPTH: usize = 8;

/// A range of the arena.
#[derive(Clone, Copy, Debug, Default)]
struct Span {
    start: u32,
    length: u8,
}

/// One place. 56 bytes beside its strings.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    code: Span,
    name: Span,
    name_zh: Span,
    pub(super) tier: Tier,
    pub(super) parent: Option<u32>,
    pub(super) at: Option<Coordinates>,
    pub(super) population: u32,
}

fn hash(code: &str) -> u64 {
    xxh3_64(code.as_bytes())
}

/// All places, immutable.
#[derive(Debug, Default)]
pub struct Gazetteer {
    arena: String,
    entries: Vec<Entry>,
    /// Entries by the hash of their code, so that a code is not searched for among all of them.
    by_code: FxHashMap<u64, u32>,
    /// Other codes of an entry, such as a GeoNames id merged into a Chinese division.
    other_codes: FxHashMap<Box<str>, u32>,
    pub(super) nearest: Nearest,
    pub(super) names: Names,
    pub(super) exposures: Exposures,
    digest: [u8; 32],
}

impl Gazetteer {
    fn str(&self, span: Span) -> &str {
        let start = span.start as usize;
        &self.arena[start..start + usize::from(span.length)]
    }

    /// Index of the entry with exactly this code.
    pub(super) fn index(&self, code: &str) -> Option<u32> {
        if let Some(&index) = self.by_code.get(&hash(code)) {
            if self.str(self.entry(index).code) == code {
                return Some(index);
            }
            // Two codes of one hash: the later one took its place.
            let by_code = |entry: &Entry| self.str(entry.code).cmp(code);
            if let Ok(index) = self.entries.binary_search_by(by_code) {
                return Some(index as u32);
            }
        }
        self.other_codes.get(code).copied()
    }

    pub(super) fn entry(&self, index: u32) -> &Entry {
        &self.entries[index as usize]
    }

    /// The parents of an entry, nearest first.
    pub(super) fn parents(&self, index: u32) -> impl Iterator<Item = u32> + '_ {
        std::iter::successors(self.entry(index).parent, |&i| self.entry(i).parent).take(MAX_DEPTH)
    }

    /// The entry as reports and alerts carry it.
    pub(super) fn place(&self, index: u32) -> Place {
        let entry = self.entry(index);
        let name_zh = self.str(entry.name_zh);
        Place {
            code: self.str(entry.code).into(),
            name: self.str(entry.name).into(),
            name_zh: (!name_zh.is_empty()).then(|| name_zh.into()),
            tier: entry.tier,
            coordinates: entry.at,
        }
    }

    /// The place with this code.
    ///
    /// Beside the gazetteer's own codes: Chinese division codes of 2, 4, 6, 9 or 12 digits with or without `cn-`, and
    /// ISO 3166 codes (`US`, `US-CA`). An unknown Chinese division is the division above it that is known.
    pub fn get(&self, code: &str) -> Option<Place> {
        self.lookup(code).map(|index| self.place(index))
    }

    pub(super) fn lookup(&self, code: &str) -> Option<u32> {
        let code = code.trim();
        if code.len() > 64 {
            return None;
        }
        if let Some(index) = self.index(code) {
            return Some(index);
        }
        let digits = match code.get(..3) {
            Some(prefix) if prefix.eq_ignore_ascii_case("cn-") => &code[3..],
            _ => code,
        };
        if digits.len() >= 2 && digits.bytes().all(|b| b.is_ascii_digit()) {
            return self.chinese_division(digits);
        }
        let upper = code.to_ascii_uppercase().replace('-', ".");
        self.index(&format!("gn-{upper}"))
    }

    fn chinese_division(&self, digits: &str) -> Option<u32> {
        const LENGTHS: [usize; 5] = [12, 9, 6, 4, 2];
        LENGTHS
            .into_iter()
            .filter(|&length| digits.len() >= length)
            .find_map(|length| {
                let padded = format!("cn-{:0<6}", &digits[..length]);
                self.index(&padded)
            })
    }

    /// Codes of all ancestors of the place with this code, nearest first; empty for grid cells and unknown codes.
    pub fn ancestors(&self, code: &str) -> Vec<Arc<str>> {
        match self.index(code) {
            Some(index) => self
                .parents(index)
                .map(|parent| self.str(self.entry(parent).code).into())
                .collect(),
            None => Vec::new(),
        }
    }

    /// The finest of the place and its ancestors that is at least as coarse as `tier`; the place itself when there is
    /// none, or when it is no gazetteer entry.
    pub fn at_tier(&self, place: &Place, tier: Tier) -> Place {
        if place.tier >= tier {
            return place.clone();
        }
        let Some(index) = self.index(&place.code) else {
            return place.clone();
        };
        self.parents(index)
            .find(|&parent| self.entry(parent).tier >= tier)
            .map_or_else(|| place.clone(), |parent| self.place(parent))
    }

    /// Name and Chinese name of an entry; the latter may be empty.
    pub(super) fn names_of(&self, index: u32) -> (&str, &str) {
        let entry = self.entry(index);
        (self.str(entry.name), self.str(entry.name_zh))
    }

    pub(super) fn indices(&self) -> std::ops::Range<u32> {
        0..self.entries.len() as u32
    }

    /// Number of places.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no place at all.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// SHA-256 over the names and bytes of the files, sorted by name: part of the rule set's version.
    pub fn digest(&self) -> &[u8; 32] {
        &self.digest
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::LazyLock;

    use super::build::digest;
    use super::*;
    use crate::core::place::{GazetteerSources, MAX_EXPOSURE, PlaceFile};

    fn file(name: &str, bytes: &[u8]) -> PlaceFile {
        PlaceFile {
            name: name.to_owned(),
            bytes: bytes.to_vec(),
        }
    }

    fn shipped_sources() -> GazetteerSources {
        macro_rules! shipped {
            ($($name:literal)*) => {
                vec![$(file($name, include_bytes!(concat!("../../../config/places/", $name))),)*]
            };
        }
        GazetteerSources {
            files: shipped!["china.csv.gz" "world.csv.gz" "codes.csv.gz" "names.csv.gz" "guarded.txt" "exposure.csv"],
        }
    }

    /// The gazetteer of config/places.
    pub(in crate::core::place) static SHIPPED: LazyLock<Gazetteer> = LazyLock::new(|| {
        Gazetteer::build(&shipped_sources()).expect("the shipped gazetteer builds")
    });

    fn code(place: &Place) -> &str {
        &place.code
    }

    #[test]
    fn codes_of_every_form() {
        for (asked, found) in [
            ("cn-310115", "cn-310115"),
            ("310115", "cn-310115"),
            ("310115000000", "cn-310115"),
            ("310115005", "cn-310115005"),
            ("310115005000", "cn-310115005"),
            ("310115999", "cn-310115"),
            ("3101", "cn-310000"),
            ("51", "cn-510000"),
            ("US", "gn-US"),
            ("us-ca", "gn-US.CA"),
            ("gn-US.CA.075", "gn-US.CA.075"),
            ("gn-1816670", "cn-110000"),
            ("gn-CN.32", "cn-510000"),
        ] {
            let place = SHIPPED.get(asked);
            assert_eq!(place.as_ref().map(code), Some(found), "{asked}");
        }
        for unknown in ["", "99", "999999", "gn-", "nowhere", "•••"] {
            assert_eq!(SHIPPED.get(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn ancestors_rise_to_the_country() {
        let codes = SHIPPED.ancestors("cn-511826");
        let codes: Vec<_> = codes.iter().map(|code| &**code).collect();
        assert_eq!(codes, ["cn-511800", "cn-510000", "gn-CN"]);
        assert!(SHIPPED.ancestors("grid:35.5,139.5").is_empty());
        assert!(SHIPPED.ancestors("-").is_empty());
    }

    #[test]
    fn tiers_rise_and_never_fall() {
        let county = SHIPPED.get("cn-511826").unwrap();
        assert_eq!(code(&SHIPPED.at_tier(&county, Tier::Township)), "cn-511826");
        assert_eq!(code(&SHIPPED.at_tier(&county, Tier::City)), "cn-511800");
        assert_eq!(code(&SHIPPED.at_tier(&county, Tier::Country)), "gn-CN");
        // A district of a municipality has no prefecture above it.
        let district = SHIPPED.get("cn-310115").unwrap();
        assert_eq!(code(&SHIPPED.at_tier(&district, Tier::City)), "cn-310000");
        let none = Place::none();
        assert!(SHIPPED.at_tier(&none, Tier::City).is_none());
    }

    #[test]
    fn every_error_is_named_at_once() {
        let header = "code,tier,parent,name,name_zh,short_zh,lat,lon,population\n";
        let rows = "a,village,,A,,,,,\nb,city,x,B,,,,,\nc,city,d,C,,,91,0,\nd,city,e,D,,,,,\ne,city,,E,,,,,\ne,city,,E,,,,,\n";
        let sources = GazetteerSources {
            files: vec![
                file("own.csv", format!("{header}{rows}").as_bytes()),
                file("names.csv", b"code,alias\n"),
                file(
                    "exposure.csv",
                    b"place,lat,lon,radius_km,type,name,points\nb,,,,volcano,V,3\nb,,,,dam,D,11\n",
                ),
                file("broken.csv.gz", b"not gzip"),
                file("README.md", b"ignored"),
            ],
        };
        let mut codes: Vec<_> = Gazetteer::build(&sources)
            .unwrap_err()
            .iter()
            .map(|diagnostic| diagnostic.code)
            .collect();
        codes.sort_unstable();
        assert_eq!(
            codes,
            [
                "T0901", "T0902", "T0904", "T0904", "T0906", "T0907", "T0908", "T0909", "T0909"
            ]
        );
    }

    #[test]
    fn digest_is_of_names_and_bytes_in_any_order() {
        let mut sources = GazetteerSources {
            files: vec![file("a.csv", b"1"), file("b.csv", b"2")],
        };
        let first = digest(&sources);
        sources.files.reverse();
        assert_eq!(digest(&sources), first);
        sources.files[0].bytes = b"3".to_vec();
        assert_ne!(digest(&sources), first);
    }

    #[test]
    fn exposure_is_near_or_inside_and_bounded() {
        let county = SHIPPED.get("cn-420506").unwrap();
        let dam = Coordinates::new(30.83, 111.0).unwrap();
        let line = SHIPPED.exposure(&county, Some(dam)).unwrap();
        assert_eq!(line.points, 8);
        assert!(
            line.because.contains("Three Gorges Dam (dam)"),
            "{}",
            line.because
        );
        let far = Coordinates::new(35.0, 105.0).unwrap();
        assert_eq!(SHIPPED.exposure(&county, Some(far)), None);
        assert_eq!(SHIPPED.exposure(&Place::none(), None), None);

        let header = "code,tier,parent,name,name_zh,short_zh,lat,lon,population\n";
        let sites =
            "place,lat,lon,radius_km,type,name,points\nc,,,,dam,Upper,7\nt,,,,school,Lower,6\n";
        let sources = GazetteerSources {
            files: vec![
                file(
                    "own.csv",
                    format!("{header}c,city,,C,,,,,\nt,township,c,T,,,,,\n").as_bytes(),
                ),
                file("exposure.csv", sites.as_bytes()),
            ],
        };
        let own = Gazetteer::build(&sources).unwrap();
        let line = |code: &str| own.exposure(&own.get(code).unwrap(), None).unwrap();
        assert_eq!(line("c").points, 7);
        assert_eq!(line("t").points, MAX_EXPOSURE);
        assert_eq!(line("t").because, "exposed: Upper (dam), Lower (school)");
    }
}
