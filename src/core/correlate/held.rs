//! Which keys know which reports: for retractions, which name a report and not its key.
//!
//! Invariant: covers the committed states exactly; a report is named by its hash, so a key found here is looked into before
//! anything is taken out of it.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::identity::report_hash;
use super::state::KeyState;

/// Hashes of the reports that a state knows, members and entries; sorted, each once.
pub(super) fn held(state: Option<&KeyState>) -> Vec<u64> {
    let Some(KeyState::Incident(incident)) = state else {
        return Vec::new();
    };
    let members = incident
        .members
        .iter()
        .map(|member| report_hash(&incident.name(member.feed), &member.id));
    let entries = incident.entries().iter().map(|entry| entry.report);
    let mut held: Vec<u64> = members.chain(entries).collect();
    held.sort_unstable();
    held.dedup();
    held
}

/// Keys by report.
#[derive(Debug, Default)]
pub(super) struct Reports(BTreeSet<(u64, Arc<str>)>);

impl Reports {
    /// Keys that know a report, sorted.
    pub(super) fn keys(&self, report: u64) -> impl Iterator<Item = &Arc<str>> {
        let from = (report, Arc::<str>::from(""));
        let rest = self.0.range(from..);
        rest.take_while(move |(of, _)| *of == report)
            .map(|(_, key)| key)
    }

    /// A key's reports changed.
    pub(super) fn replace(&mut self, key: &Arc<str>, before: &[u64], after: &[u64]) {
        for gone in before.iter().filter(|r| after.binary_search(r).is_err()) {
            self.0.remove(&(*gone, Arc::clone(key)));
        }
        for new in after.iter().filter(|r| before.binary_search(r).is_err()) {
            self.0.insert((*new, Arc::clone(key)));
        }
    }

    /// Everything at once, in bulk: half the memory of adding them one by one.
    pub(super) fn fill(&mut self, mut entries: Vec<(u64, Arc<str>)>) {
        entries.sort_unstable();
        self.0 = entries.into_iter().collect();
    }
}
