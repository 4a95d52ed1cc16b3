//! Running sums over the reports that count.
//!
//! Invariant: adding a report never lowers anything, and the sums do not depend on the order in which reports are added.

use std::collections::BTreeMap;

use super::aggregate::{Entry, Forgotten};
use super::state::{Incident, Member, kind_of};

/// What the reports added so far amount to.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Sums {
    /// Reports, and the near-duplicates of all of them.
    pub reports: u32,
    pub copies: u32,
    /// By source: its highest reliability.
    pub sources: BTreeMap<u16, u8>,
    pub authoritative: bool,
    pub urgency: Option<u8>,
    pub severity: u8,
    /// Index of the exposure line.
    pub exposure: Option<u8>,
    /// Rules of members, as indices into the names; sorted.
    rules: Vec<u16>,
    /// Rules of the others, as bits of the aggregate.
    bits: u64,
}

impl Sums {
    /// Adds a member that stands for `copies` others beside itself.
    pub(super) fn add_member(&mut self, incident: &Incident, member: &Member, copies: u32) {
        self.add(member.source, member.reliability, member.kind);
        self.urgency = self.urgency.max(Some(member.urgency));
        self.expose(incident, member.exposure);
        self.add_rules(member);
        self.count(1, copies);
    }

    /// Adds the rules and the severity of a member; what it had of them before is in already.
    pub(super) fn add_rules(&mut self, member: &Member) {
        self.severity = self.severity.max(member.severity());
        for (rule, _) in &member.rules {
            if let Err(at) = self.rules.binary_search(rule) {
                self.rules.insert(at, *rule);
            }
        }
    }

    /// Adds an entry that stands for `copies` others beside itself.
    pub(super) fn add_entry(&mut self, incident: &Incident, entry: &Entry, copies: u32) {
        self.add(entry.source, entry.reliability, entry.kind);
        self.urgency = self.urgency.max(Some(entry.urgency));
        self.severity = self.severity.max(entry.severity);
        self.expose(incident, entry.exposure);
        self.bits |= entry.rules;
        self.count(1, copies);
    }

    /// Adds what is left of the reports whose identity is gone.
    pub(super) fn add_forgotten(&mut self, incident: &Incident, forgotten: &Forgotten) {
        self.bits |= forgotten.rules;
        if forgotten.reports == 0 {
            return;
        }
        for (source, reliability) in &forgotten.sources {
            let best = self.sources.entry(*source).or_default();
            *best = (*best).max(*reliability);
        }
        self.authoritative |= forgotten.authoritative;
        self.urgency = self.urgency.max(Some(forgotten.urgency));
        self.severity = self.severity.max(forgotten.severity);
        self.expose(incident, forgotten.exposure);
        self.count(forgotten.reports, forgotten.copies);
    }

    /// One more near-duplicate of a report that counts.
    pub(super) fn add_copy(&mut self) {
        self.copies = self.copies.saturating_add(1);
    }

    /// Rules that fired on what counts, as indices into the names; sorted.
    pub(super) fn rules(&self, incident: &Incident) -> Vec<u16> {
        let mut rules = self.rules.clone();
        if let Some(aggregate) = &incident.aggregate {
            rules.extend(aggregate.rules_of(self.bits));
            rules.sort_unstable();
            rules.dedup();
        }
        rules
    }

    fn count(&mut self, reports: u32, copies: u32) {
        self.reports = self.reports.saturating_add(reports);
        self.copies = self.copies.saturating_add(copies);
    }

    fn add(&mut self, source: u16, reliability: u8, kind: u8) {
        let best = self.sources.entry(source).or_default();
        *best = (*best).max(reliability);
        self.authoritative |= kind_of(kind).is_authoritative();
    }

    /// Keeps the highest exposure; of equal ones the first by its reason.
    fn expose(&mut self, incident: &Incident, exposure: Option<u8>) {
        let line = |at: u8| incident.exposures.get(usize::from(at));
        let Some((at, new)) = exposure.and_then(|at| Some((at, line(at)?))) else {
            return;
        };
        let better = self
            .exposure
            .and_then(line)
            .is_none_or(|old| new.0 > old.0 || (new.0 == old.0 && new.1 < old.1));
        if better {
            self.exposure = Some(at);
        }
    }
}
