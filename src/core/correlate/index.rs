//! What a large incident's reports amount to, kept from report to report so that one more does not look at all of them.
//!
//! Invariant: an index is never stored and never decides anything: with it an incident is the same, byte for byte, as without.
//! Reports that arrive, and rules that fire on one, are added; whatever else happens to a report drops what it may make wrong
//! ([`Incident::reports_changed`], [`Incident::reports_moved`]), and the next revision makes it anew. Debug builds compare.

use std::collections::BTreeSet;

use rustc_hash::FxHashMap;

use super::identity::report_hash;
use super::score::{add_up, with_uncounted};
use super::standing::{MAX_CLUSTERS, earlier, telling_order};
use super::state::{Incident, Member};
use super::sums::Sums;
use crate::core::model::MAX_EVIDENCE;

/// Reports from which on an index is made: fewer are looked through faster.
const WORTHWHILE: usize = 96;

/// The index of an incident, or parts of it, or nothing.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    lookup: Option<Box<Lookup>>,
    amounts: Option<Box<Amounts>>,
}

impl PartialEq for Index {
    /// No part of what an incident is.
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// Where a report is, by [`report_hash`].
#[derive(Clone, Debug, Default)]
struct Lookup {
    members: FxHashMap<u64, u32>,
    entries: FxHashMap<u64, u32>,
}

/// What the reports amount to.
#[derive(Clone, Debug, Default)]
pub(super) struct Amounts {
    /// Sums of what stands.
    pub sums: Sums,
    /// As `Standing::members`.
    pub telling: Vec<u32>,
    /// By number.
    clusters: Vec<Cluster>,
    /// The lowest number of a cluster that nothing has.
    pub free: u32,
    /// Of all reports, of copies and withdrawn ones too.
    pub sources: BTreeSet<u16>,
}

/// A cluster of near-duplicates.
#[derive(Clone, Copy, Debug, Default)]
struct Cluster {
    /// Members and entries, withdrawn ones among them.
    reports: u32,
    /// As `Standing::copies`.
    copies: u32,
    stands: Stands,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Stands {
    #[default]
    Nothing,
    Member(u32),
    Entry(u32),
}

impl Index {
    /// The sums, when they are up to date.
    pub(super) fn amounts(&self) -> Option<&Amounts> {
        self.amounts.as_deref()
    }
}

impl Incident {
    /// Makes the index of a large incident.
    pub(super) fn keep_index(&mut self) {
        if self.members.len() + self.entries().len() < WORTHWHILE {
            self.index = Index::default();
            return;
        }
        if self.index.lookup.is_none() {
            self.index.lookup = Some(Box::new(Lookup::of(self)));
        }
        if self.index.amounts.is_none() {
            self.index.amounts = Some(Box::new(Amounts::of(self)));
        }
    }

    /// A report counts differently now; all are where they were.
    pub(super) fn reports_changed(&mut self) {
        self.index.amounts = None;
    }

    /// Reports are somewhere else now.
    pub(super) fn reports_moved(&mut self) {
        self.index = Index::default();
    }

    /// The member with this index was added behind the others.
    pub(super) fn report_arrived(&mut self, at: u32) {
        if let Some(mut lookup) = self.index.lookup.take() {
            lookup.add(self, at);
            self.index.lookup = Some(lookup);
        }
        if let Some(mut amounts) = self.index.amounts.take()
            && amounts.add(self, at)
        {
            self.index.amounts = Some(amounts);
        }
    }

    /// A rule fired on the member with this index, whose content and times are what they were.
    pub(super) fn rule_fired(&mut self, at: u32) {
        if let Some(mut amounts) = self.index.amounts.take() {
            amounts.add_rules(self, at);
            self.index.amounts = Some(amounts);
        }
    }

    /// Index of the member that is this report of this feed.
    pub(super) fn member_at(&self, feed: &str, id: &str) -> Option<usize> {
        let is = |at: usize| {
            let member = &self.members[at];
            *member.id == *id && *self.names[usize::from(member.feed)] == *feed
        };
        if let Some(lookup) = &self.index.lookup {
            let at = *lookup.members.get(&report_hash(feed, id))? as usize;
            if is(at) {
                return Some(at);
            }
            // Another report has the same hash.
        }
        (0..self.members.len()).find(|at| is(*at))
    }

    /// Index of the entry of this [`report_hash`].
    pub(super) fn entry_at(&self, report: u64) -> Option<usize> {
        if let Some(lookup) = &self.index.lookup {
            return lookup.entries.get(&report).map(|at| *at as usize);
        }
        self.entries()
            .iter()
            .position(|entry| entry.report == report)
    }
}

impl Lookup {
    fn of(incident: &Incident) -> Self {
        let mut lookup = Self::default();
        for at in 0..incident.members.len() {
            lookup.add(incident, at as u32);
        }
        for (entry, at) in incident.entries().iter().zip(0..) {
            lookup.entries.entry(entry.report).or_insert(at);
        }
        lookup
    }

    fn add(&mut self, incident: &Incident, at: u32) {
        let member = &incident.members[at as usize];
        let report = report_hash(&incident.names[usize::from(member.feed)], &member.id);
        self.members.entry(report).or_insert(at);
    }
}

impl Amounts {
    fn of(incident: &Incident) -> Self {
        let (standing, sums) = add_up(incident);
        let mut amounts = Self {
            sums,
            ..Self::default()
        };
        let members = incident.members.iter().map(|m| (m.cluster, m.source));
        let entries = incident.entries().iter().map(|e| (e.cluster, e.source));
        for (cluster, source) in members.chain(entries) {
            amounts.sources.insert(source);
            if let Some(cluster) = amounts.cluster(cluster) {
                cluster.reports += 1;
            }
        }
        for (cluster, copies) in amounts.clusters.iter_mut().zip(&standing.copies) {
            cluster.copies = *copies;
        }
        for at in &standing.members {
            if let Some(cluster) = amounts.cluster(incident.members[*at as usize].cluster) {
                cluster.stands = Stands::Member(*at);
            }
        }
        for at in &standing.entries {
            if let Some(cluster) = amounts.cluster(incident.entries()[*at as usize].cluster) {
                cluster.stands = Stands::Entry(*at);
            }
        }
        amounts.telling = standing.members;
        amounts.skip_taken();
        amounts
    }

    fn cluster(&mut self, number: u32) -> Option<&mut Cluster> {
        if number >= MAX_CLUSTERS {
            return None;
        }
        let number = number as usize;
        if number >= self.clusters.len() {
            self.clusters.resize(number + 1, Cluster::default());
        }
        self.clusters.get_mut(number)
    }

    /// Adds a member; false when another one has to stand for its cluster now.
    fn add(&mut self, incident: &Incident, at: u32) -> bool {
        let member = &incident.members[at as usize];
        self.sources.insert(member.source);
        let Some(cluster) = self.cluster(member.cluster) else {
            return false;
        };
        cluster.reports += 1;
        self.skip_taken();
        if member.withdrawn {
            return true;
        }
        let Some(cluster) = self.cluster(member.cluster) else {
            return false;
        };
        match cluster.stands {
            Stands::Member(first) => {
                cluster.copies += 1;
                let stood = &incident.members[first as usize];
                let is_first = earlier(incident, at, first);
                let alike = is_first && counts_alike(member, stood);
                if alike {
                    cluster.stands = Stands::Member(at);
                }
                self.sums.add_copy();
                if !alike {
                    return !is_first;
                }
                // It is shown instead of the one that stood for them before.
                self.telling.retain(|other| *other != first);
                self.tell(incident, at);
                true
            }
            Stands::Entry(first) => {
                cluster.copies += 1;
                self.sums.add_copy();
                incident.entries()[first as usize].received < member.received
            }
            Stands::Nothing => {
                cluster.stands = Stands::Member(at);
                let copies = with_uncounted(incident, member.cluster, cluster.copies);
                self.sums.add_member(incident, member, copies);
                self.tell(incident, at);
                true
            }
        }
    }

    fn add_rules(&mut self, incident: &Incident, at: u32) {
        let member = &incident.members[at as usize];
        let stands = self.cluster(member.cluster).map(|cluster| cluster.stands);
        if stands == Some(Stands::Member(at)) {
            self.sums.add_rules(member);
            self.telling.retain(|other| *other != at);
            self.tell(incident, at);
        }
    }

    /// Puts a member in its place among the most telling ones, or behind them.
    fn tell(&mut self, incident: &Incident, at: u32) {
        let shown = &self.telling[..self.telling.len().min(MAX_EVIDENCE)];
        let place = shown.partition_point(|other| telling_order(incident, *other, at).is_lt());
        if place < MAX_EVIDENCE {
            self.telling.insert(place, at);
        } else {
            self.telling.push(at);
        }
    }

    fn skip_taken(&mut self) {
        while self.reports(self.free) > 0 {
            self.free += 1;
        }
    }

    /// Members and entries of a cluster.
    pub(super) fn reports(&self, cluster: u32) -> u32 {
        self.clusters.get(cluster as usize).map_or(0, |c| c.reports)
    }

    /// Near-duplicates in a cluster that are remembered.
    pub(super) fn copies(&self, cluster: u32) -> u32 {
        self.clusters.get(cluster as usize).map_or(0, |c| c.copies)
    }
}

/// Whether it makes no difference to the sums which of two near-duplicates stands for the other.
fn counts_alike(a: &Member, b: &Member) -> bool {
    let of = |member: &Member| {
        let Member {
            source,
            reliability,
            kind,
            urgency,
            exposure,
            ..
        } = member;
        (*source, *reliability, *kind, *urgency, *exposure)
    };
    of(a) == of(b) && a.rules == b.rules
}

/// Panics when a summary from the index is not the one from the reports.
#[cfg(debug_assertions)]
pub(super) fn assert_same(kept: &super::score::Summary, anew: &super::score::Summary) {
    let ordered = |summary: &super::score::Summary| {
        let mut summary = summary.clone();
        let shown = summary.telling.len().min(MAX_EVIDENCE);
        summary.telling[shown..].sort_unstable();
        summary
    };
    assert_eq!(ordered(kept), ordered(anew), "an index is out of date");
}
