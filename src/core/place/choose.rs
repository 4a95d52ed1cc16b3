//! Which entries the mentions of a report mean, and which of them is its place.
//!
//! Invariant: the choice depends on the mentions, the gazetteer and the home area only; equal support is settled by field,
//! then by position, then by code.

use smallvec::SmallVec;

use super::gazetteer::Gazetteer;
use super::mention::{Field, Mention};
use crate::core::model::Tier;

/// A city named in passing, without anything that places it, is believed from this population on.
const KNOWN_CITY: u32 = 100_000;

/// … when it stands beside another capitalised word, or is named by a hashtag.
const WELL_KNOWN_CITY: u32 = 300_000;

/// … when it is not even capitalised.
const WORLD_CITY: u32 = 500_000;

/// What speaks for one entry as the meaning of one mention.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Support {
    /// A place that holds it, or that it holds, stands right beside it.
    beside: bool,
    /// Ancestors of it that the report names.
    ancestors: u8,
    /// 3: it holds the home area or lies in it; 2: same province; 1: same country.
    home: u8,
}

impl Support {
    fn points(self) -> u8 {
        u8::from(self.beside) * 4 + self.ancestors * 2 + self.home
    }

    /// Something in the report or in the feed says that the place is meant.
    fn is_any(self) -> bool {
        self.beside || self.ancestors > 0 || self.home >= 2
    }
}

/// An entry that the report names.
#[derive(Clone, Copy, Debug)]
struct Named {
    entry: u32,
    support: Support,
    weak: bool,
    field: Field,
    start: usize,
}

/// The entries that the report names, the most likely place first; ancestors of another one left out.
pub(super) fn choose(gazetteer: &Gazetteer, mentions: &[Mention], home: Option<u32>) -> Vec<u32> {
    let report = Report::new(gazetteer, mentions, home);
    let mut named: SmallVec<[Named; 16]> = SmallVec::new();
    for (index, mention) in mentions.iter().enumerate() {
        let Some((entry, support)) = report.meaning(index) else {
            continue;
        };
        if !report.is_believed(mention, entry, support)
            || report.is_contradicted(index, entry, support)
        {
            continue;
        }
        match named.iter_mut().find(|other| other.entry == entry) {
            // Reading order: the first mention keeps its position, the best support counts.
            Some(known) => {
                known.support = known.support.max(support);
                known.weak &= mention.weak;
            }
            None => named.push(Named {
                entry,
                support,
                weak: mention.weak,
                field: mention.field,
                start: mention.start,
            }),
        }
    }
    let firm: SmallVec<[u32; 16]> = named.iter().filter(|n| !n.weak).map(|n| n.entry).collect();
    named.retain(|n| {
        !firm
            .iter()
            .any(|&other| gazetteer.parents(other).any(|parent| parent == n.entry))
    });
    named.sort_by_key(|n| {
        let stated = n.field == Field::Name;
        let titled = u8::from(n.field == Field::Title);
        let place = n.support.ancestors.min(2) + u8::from(n.support.home >= 2) + titled;
        (n.weak, !stated, u8::MAX - place, n.field, n.start, n.entry)
    });
    named.iter().map(|n| n.entry).collect()
}

/// What became of a mention.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It may be the place of the report; the first of these is.
    Named,
    /// Too little speaks for its being meant as a place.
    NotBelieved,
    /// What follows says that another place of that name is meant.
    Contradicted,
}

/// For each mention the entry that it means, what speaks for that, and what became of it; in the order of the mentions.
pub(super) fn weigh(
    gazetteer: &Gazetteer,
    mentions: &[Mention],
    home: Option<u32>,
) -> Vec<(usize, u32, Vec<&'static str>, Verdict)> {
    let report = Report::new(gazetteer, mentions, home);
    let all = mentions.iter().enumerate();
    all.filter_map(|(index, mention)| {
        let (entry, support) = report.meaning(index)?;
        let verdict = if !report.is_believed(mention, entry, support) {
            Verdict::NotBelieved
        } else if report.is_contradicted(index, entry, support) {
            Verdict::Contradicted
        } else {
            Verdict::Named
        };
        let mut because = Vec::new();
        for (holds, said) in [
            (
                support.beside,
                "a place that holds it, or that it holds, stands beside it",
            ),
            (support.ancestors > 0, "a place that holds it is named"),
            (
                support.home == 3,
                "it is in the feed's home area, or holds it",
            ),
            (support.home == 2, "it is in the home area's province"),
            (support.home == 1, "it is in the home area's country"),
            (mention.field == Field::Title, "it is in the title"),
            (
                mention.weak,
                "where something comes from or goes to: named, and not where it happens",
            ),
            (mention.in_longer_name, "it stands in a longer name"),
            (
                !mention.capital && !mention.han,
                "it is not written as a name",
            ),
        ] {
            if holds {
                because.push(said);
            }
        }
        Some((index, entry, because, verdict))
    })
    .collect()
}

/// The mentions of one report with what is looked up in them again and again.
struct Report<'a> {
    gazetteer: &'a Gazetteer,
    mentions: &'a [Mention],
    home: Option<u32>,
    /// Entry and mention of every possible meaning that may support another, sorted.
    present: Vec<(u32, u32)>,
}

impl<'a> Report<'a> {
    fn new(gazetteer: &'a Gazetteer, mentions: &'a [Mention], home: Option<u32>) -> Self {
        let mut present = Vec::new();
        for (index, mention) in mentions.iter().enumerate() {
            if mention.weak || !(mention.capital || mention.hashtag || mention.field == Field::Name)
            {
                continue;
            }
            let entries = gazetteer.names.entries(mention.posting).iter();
            // A township holds nothing.
            let holders = entries.filter(|&&e| gazetteer.entry(e).tier > Tier::Township);
            present.extend(holders.map(|&entry| (entry, index as u32)));
        }
        present.sort_unstable();
        Self {
            gazetteer,
            mentions,
            home,
            present,
        }
    }

    /// The entry that a mention means, and why.
    fn meaning(&self, index: usize) -> Option<(u32, Support)> {
        let entries = self.gazetteer.names.entries(self.mentions[index].posting);
        let mut best: Option<(u32, Support)> = None;
        for &entry in entries {
            let support = self.support(index, entry);
            // Entries come by rank: a later one must be better supported.
            if best.is_none_or(|(_, known)| support.points() > known.points()) {
                best = Some((entry, support));
            }
        }
        best
    }

    fn support(&self, index: usize, entry: u32) -> Support {
        let mut support = Support {
            home: self.home_support(entry),
            ..Support::default()
        };
        let namesakes = self.gazetteer.names.entries(self.mentions[index].posting);
        for parent in self.gazetteer.parents(entry) {
            // 兰州 is the city, however often it is named, and not its new district of the same short name.
            if namesakes.contains(&parent) {
                continue;
            }
            let from = self.present.partition_point(|&(e, _)| e < parent);
            let mut named = false;
            for &(_, mention) in self.present[from..]
                .iter()
                .take_while(|found| found.0 == parent)
            {
                named |= mention as usize != index;
                support.beside |= self.are_joined(index, mention as usize);
            }
            support.ancestors += u8::from(named);
        }
        support.beside |= self.holds_neighbour(index, entry);
        support
    }

    /// Whether one of two mentions follows the other at once.
    fn are_joined(&self, a: usize, b: usize) -> bool {
        let (first, second) = (a.min(b), a.max(b));
        // Chains count as a whole: 四川省|雅安市|芦山县.
        second - first <= 3
            && (first..second).all(|i| {
                self.mentions[i + 1].joined && self.mentions[i + 1].field == self.mentions[i].field
            })
            && first != second
    }

    /// Whether `entry` holds a place that is named right beside it.
    fn holds_neighbour(&self, index: usize, entry: u32) -> bool {
        let neighbours = [index.checked_sub(1), Some(index + 1)];
        neighbours.into_iter().flatten().any(|other| {
            other < self.mentions.len()
                && self.are_joined(index, other)
                && self
                    .gazetteer
                    .names
                    .entries(self.mentions[other].posting)
                    .iter()
                    .any(|&e| self.gazetteer.parents(e).any(|parent| parent == entry))
        })
    }

    fn home_support(&self, entry: u32) -> u8 {
        let Some(home) = self.home else { return 0 };
        let gazetteer = self.gazetteer;
        if entry == home
            || gazetteer.parents(entry).any(|parent| parent == home)
            || gazetteer.parents(home).any(|parent| parent == entry)
        {
            return 3;
        }
        let own = std::iter::once(entry).chain(gazetteer.parents(entry));
        let common = own
            .filter(|&e| e == home || gazetteer.parents(home).any(|parent| parent == e))
            .map(|e| gazetteer.entry(e).tier)
            .min();
        match common {
            Some(Tier::Country) => 1,
            Some(_) => 2,
            None => 0,
        }
    }

    /// “Eureka, Nevada”: the Eurekas that are known lie elsewhere, so that this one is not among them. A well-known city
    /// stands: it may be one of a list.
    fn is_contradicted(&self, index: usize, entry: u32, support: Support) -> bool {
        let mention = &self.mentions[index];
        let Some(next) = self.mentions.get(index + 1) else {
            return false;
        };
        // Entries come by rank: what the word means first of all.
        let is_region = |&e: &u32| self.gazetteer.entry(e).tier >= Tier::Province;
        let listed =
            mention.field != Field::Name && self.gazetteer.entry(entry).population >= WORLD_CITY;
        !mention.han
            && !support.beside
            && !listed
            && self.gazetteer.entry(entry).tier < Tier::Province
            && self.are_joined(index, index + 1)
            && self
                .gazetteer
                .names
                .entries(next.posting)
                .first()
                .is_some_and(is_region)
    }

    /// Whether the mention can be taken for the name of that place.
    fn is_believed(&self, mention: &Mention, entry: u32, support: Support) -> bool {
        let place = self.gazetteer.entry(entry);
        let stated = mention.field == Field::Name;
        if mention.posting.after_only() {
            return support.beside || stated;
        }
        if stated && (mention.whole || mention.capital && !mention.posting.guarded()) {
            return true;
        }
        if mention.han {
            return match place.tier {
                _ if mention.posting.guarded() => support.beside,
                Tier::Township => support.is_any(),
                _ => true,
            };
        }
        if mention.posting.guarded() {
            let firm = mention.capital && !mention.capital_moot && !mention.in_longer_name;
            return support.beside && mention.capital || support.home == 3 && firm;
        }
        if support.beside && mention.capital {
            return true;
        }
        let people = match place.tier {
            Tier::Country => u32::MAX,
            Tier::Province if place.population == 0 => WORLD_CITY,
            _ => place.population,
        };
        if !mention.capital {
            let own = support.home == 3 && people >= KNOWN_CITY;
            return people >= WORLD_CITY && place.tier >= Tier::City
                || mention.hashtag && people >= KNOWN_CITY
                || own;
        }
        match (support.is_any(), mention.in_longer_name) {
            (true, false) => true,
            (true, true) | (false, false) => people >= KNOWN_CITY,
            (false, true) => people >= WELL_KNOWN_CITY,
        }
    }
}
