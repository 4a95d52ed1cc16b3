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

    /// A key's reports changed; both are sorted. A large incident keeps nearly all of them, which are passed over side by side.
    pub(super) fn replace(&mut self, key: &Arc<str>, before: &[u64], after: &[u64]) {
        let (mut old, mut new) = (before.iter().peekable(), after.iter().peekable());
        loop {
            match (old.peek(), new.peek()) {
                (Some(was), Some(is)) if was == is => {
                    old.next();
                    new.next();
                }
                (Some(&&was), is) if is.is_none_or(|is| was < **is) => {
                    self.0.remove(&(was, Arc::clone(key)));
                    old.next();
                }
                (_, Some(&&is)) => {
                    self.0.insert((is, Arc::clone(key)));
                    new.next();
                }
                (_, None) => return,
            }
        }
    }

    /// Everything at once, in bulk: half the memory of adding them one by one.
    pub(super) fn fill(&mut self, mut entries: Vec<(u64, Arc<str>)>) {
        entries.sort_unstable();
        self.0 = entries.into_iter().collect();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_a_key_holds_is_found_and_nothing_else(
            steps in prop::collection::vec(prop::collection::btree_set(0_u64..12, 0..8), 1..6),
        ) {
            let key: Arc<str> = "actual/fire/x".into();
            let mut reports = Reports::default();
            let mut before = Vec::new();
            for step in steps {
                let after: Vec<u64> = step.into_iter().collect();
                reports.replace(&key, &before, &after);
                for report in 0..12 {
                    prop_assert_eq!(reports.keys(report).count() == 1, after.contains(&report));
                }
                prop_assert_eq!(reports.0.len(), after.len());
                before = after;
            }
        }
    }
}
