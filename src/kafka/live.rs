//! The rule set in use, shared by the workers of a process and replaced while they run.
//!
//! Invariant: workers look here between two transactions only ([`super::Stage::between`]), so that every record is processed by
//! one rule set whole, and the records of a partition by versions in the order in which these were published.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use crate::core::correlate::CorrelateConfig;
use crate::core::ruleset::RuleSet;

/// A rule set with what correlate needs of it.
#[derive(Clone, Debug)]
pub struct Edition {
    /// Rules, lexicons, places and routing.
    pub rules: Arc<RuleSet>,
    /// Configuration of the fold, with the routing of `rules`.
    pub correlate: Arc<CorrelateConfig>,
}

/// What the workers of a process follow.
#[derive(Debug)]
pub struct LiveRules {
    current: RwLock<Edition>,
    /// Rises with each edition, so that a look costs no lock.
    number: AtomicU64,
}

impl LiveRules {
    /// Begins with this edition.
    pub fn new(edition: Edition) -> Arc<Self> {
        Arc::new(Self {
            current: RwLock::new(edition),
            number: AtomicU64::new(0),
        })
    }

    /// What is in use from the next transaction of each worker on.
    pub fn current(&self) -> Edition {
        // A clone of two pointers cannot be left half done by a panic.
        self.current
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Replaces it.
    pub fn publish(&self, edition: Edition) {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        *current = edition;
        self.number.fetch_add(1, Ordering::Release);
    }
}

/// One worker's view: what it has taken over so far.
#[derive(Clone, Debug)]
pub(super) struct Follower {
    live: Arc<LiveRules>,
    seen: u64,
}

impl Follower {
    /// A view that has taken over nothing yet.
    pub(super) fn new(live: Arc<LiveRules>) -> Self {
        Self {
            live,
            seen: u64::MAX,
        }
    }

    /// The edition, once for each that is found in use.
    pub(super) fn news(&mut self) -> Option<Edition> {
        let number = self.live.number.load(Ordering::Acquire);
        if number == self.seen {
            return None;
        }
        // What is read may be newer than `number`; it is then read once more.
        self.seen = number;
        Some(self.live.current())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::diagnostic::SourceFile;
    use crate::core::ruleset::RuleSources;

    fn edition(text: &str) -> Edition {
        let rule = format!(
            "title: T\nid: r\nstatus: stable\ndetection:\n  a: {{any|contains: {text}}}\n  condition: a\ntocsin:\n  hazard: \
             fire\n  score: {{base: 30}}\n"
        );
        let sources = RuleSources {
            rules: vec![SourceFile {
                name: "r.yml".to_owned(),
                text: rule,
            }],
            lexicons: Vec::new(),
            departments: SourceFile::default(),
            gazetteer: Arc::default(),
        };
        let rules = Arc::new(RuleSet::compile(&sources).unwrap());
        let correlate = Arc::new(CorrelateConfig::new(Arc::clone(&rules.routing)));
        Edition { rules, correlate }
    }

    #[test]
    fn a_follower_hears_of_each_edition_once_and_of_the_newest_only() {
        let live = LiveRules::new(edition("smoke"));
        let mut follower = Follower::new(Arc::clone(&live));
        assert!(follower.news().is_some(), "the first one");
        assert!(follower.news().is_none());
        live.publish(edition("fumes"));
        live.publish(edition("flames"));
        let newest = edition("flames").rules.version.clone();
        assert_eq!(follower.news().unwrap().rules.version, newest);
        assert!(follower.news().is_none());
    }
}
