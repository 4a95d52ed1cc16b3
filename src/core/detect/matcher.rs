//! Which rules fire on one report: occurrences → atoms → touched rules → conditions.
//!
//! Invariant: the same rules fire as if every condition were evaluated; the order is that of the rules.

use std::sync::Arc;

use super::cost::{Sampler, measure};
use super::facts::{Derived, Facts};
use super::quick::Quick;
use super::scan::{Occurrence, Scan};
use crate::core::model::{Feed, Report};
use crate::core::rule::program::{HotPosting, Program};

/// Hits whose places are kept of one report; more are counted, but neither shown nor near anything.
pub const MAX_HITS: usize = 4_096;

/// An occurrence that counts for an atom.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hit {
    pub(super) posting: u32,
    pub(super) atom: u32,
    pub(super) occurrence: Occurrence,
}

/// A posting, and the report in which it was last found: together, since each is a cache miss.
#[derive(Clone, Copy, Debug)]
struct Stamped {
    epoch: u32,
    posting: HotPosting,
}

/// A posting, and the range of [`Program::atom_rules`] that its atom announces.
#[derive(Clone, Copy, Debug)]
struct First {
    posting: HotPosting,
    rules: [u32; 2],
}

/// What an atom has gathered in the report of epoch `epoch`.
#[derive(Clone, Copy, Debug)]
struct Gathered {
    epoch: u32,
    count: u32,
    weight: u32,
    /// Range of [`Program::atom_rules`].
    rules: [u32; 2],
}

/// Scratch of one worker for one program. Epochs stand in for clearing.
#[derive(Debug)]
pub struct Matcher {
    pub(super) scan: Scan,
    epoch: u32,
    atoms: Vec<Gathered>,
    postings: Vec<Stamped>,
    rules: Vec<u32>,
    quick: Vec<Quick>,
    touched: Vec<u32>,
    /// By occurrence: the first posting of its pattern.
    first: Vec<First>,
    pub(super) hits: Vec<Hit>,
    pub(super) fired: Vec<u32>,
    pub(super) sampler: Sampler,
    /// Names of the fields that are looked into, title and text: this worker's own, so that no counter is shared.
    pub(super) names: [Arc<str>; 2],
}

impl Matcher {
    /// Scratch for `program`.
    pub fn new(program: &Program) -> Self {
        Self {
            scan: Scan::default(),
            epoch: 0,
            atoms: program
                .atoms
                .iter()
                .map(|rules| Gathered {
                    epoch: 0,
                    count: 0,
                    weight: 0,
                    rules: *rules,
                })
                .collect(),
            postings: program
                .hot
                .iter()
                .map(|posting| Stamped {
                    epoch: 0,
                    posting: *posting,
                })
                .collect(),
            rules: vec![0; program.rules.len()],
            quick: Quick::all(program),
            touched: Vec::new(),
            first: Vec::new(),
            hits: Vec::new(),
            fired: Vec::new(),
            sampler: Sampler::default(),
            names: ["title".into(), "text".into()],
        }
    }

    /// Rules of `program`, by number and in order, that fire on `report`. The slice is valid until the next call; what
    /// conditions asked of the report is left in `derived`.
    pub(super) fn run(
        &mut self,
        program: &Program,
        feed: &Feed,
        report: &Report<'_>,
        derived: &Derived,
    ) -> &[u32] {
        self.begin();
        self.scan.run(program, &report.title, &report.text);
        self.gather(program);
        if !program.by_field.is_empty() {
            for (name, _) in &report.fields {
                if let Some(rules) = program.by_field.get(name.as_ref()) {
                    touch(&mut self.rules, &mut self.touched, self.epoch, rules);
                }
            }
        }
        touch(
            &mut self.rules,
            &mut self.touched,
            self.epoch,
            &program.always,
        );
        if self.touched.is_empty() {
            return &self.fired;
        }
        let mut fired = std::mem::take(&mut self.fired);
        let (clock, mut spent) = (self.sampler.next(), Vec::new());
        let facts = Facts::new(program, self, feed, report, derived);
        let has = |atom: u32| self.atoms[atom as usize].epoch == self.epoch;
        let holds = |rule: u32| {
            self.quick[rule as usize]
                .holds(has)
                .unwrap_or_else(|| facts.holds(&program.rules[rule as usize].when))
        };
        let touched = self.touched.iter().copied();
        match clock {
            None => fired.extend(touched.filter(|rule| holds(*rule))),
            Some(clock) => measure(clock, touched, holds, &mut fired, &mut spent),
        }
        fired.sort_unstable();
        (self.fired, self.sampler.spent) = (fired, spent);
        &self.fired
    }

    fn begin(&mut self) {
        self.touched.clear();
        self.hits.clear();
        self.fired.clear();
        self.sampler.spent.clear();
        self.epoch = self.epoch.wrapping_add(1);
        if self.epoch == 0 {
            // Once in four billion reports: old stamps could be taken for new ones.
            self.atoms.iter_mut().for_each(|a| a.epoch = 0);
            self.postings.iter_mut().for_each(|p| p.epoch = 0);
            self.rules.fill(0);
            self.epoch = 1;
        }
    }

    /// Counts every occurrence for the atoms of its postings.
    ///
    /// What is read of an occurrence lies far apart, and with many terms in no near cache. So each of the first readings is done for
    /// all of them at once, where one does not wait for the other.
    fn gather(&mut self, program: &Program) {
        self.first.clear();
        self.first
            .extend(self.scan.occurrences.iter().map(|occurrence| First {
                posting: self.postings[occurrence.pattern as usize].posting,
                rules: [0, 0],
            }));
        for first in &mut self.first {
            first.rules = rules_of(&self.atoms, first.posting.atom);
        }
        for at in 0..self.scan.occurrences.len() {
            let (pattern, first) = (self.scan.occurrences[at].pattern, self.first[at]);
            self.count(program, at, pattern, first);
            if first.posting.traits & HotPosting::MORE != 0 {
                let [from, to] = program.patterns[pattern as usize];
                for number in from..to {
                    let posting = self.postings[number as usize].posting;
                    let rules = rules_of(&self.atoms, posting.atom);
                    self.count(program, at, number, First { posting, rules });
                }
            }
        }
    }

    /// Counts occurrence `at` for the atom of the posting of that number.
    fn count(&mut self, program: &Program, at: usize, number: u32, first: First) {
        let First { posting, rules } = first;
        let guards = || {
            let [from, to] = program.postings[number as usize].guards;
            &program.guards[from as usize..to as usize]
        };
        if !self.scan.counts(at, posting, guards) {
            return;
        }
        if self.hits.len() < MAX_HITS {
            self.hits.push(Hit {
                posting: number,
                atom: posting.atom,
                occurrence: self.scan.occurrences[at],
            });
        }
        let stamp = &mut self.postings[number as usize].epoch;
        if *stamp == self.epoch {
            return;
        }
        *stamp = self.epoch;
        let gathered = &mut self.atoms[posting.atom as usize];
        if gathered.epoch != self.epoch {
            (gathered.epoch, gathered.count, gathered.weight) = (self.epoch, 0, 0);
            let [from, to] = rules;
            touch(
                &mut self.rules,
                &mut self.touched,
                self.epoch,
                &program.atom_rules[from as usize..to as usize],
            );
        }
        gathered.count += 1;
        gathered.weight += u32::from(posting.weight);
    }

    /// Distinct terms of an atom in this report, and their weights.
    pub(super) fn gathered(&self, atom: u32) -> (u32, u32) {
        let gathered = &self.atoms[atom as usize];
        if gathered.epoch == self.epoch {
            (gathered.count, gathered.weight)
        } else {
            (0, 0)
        }
    }
}

/// No atom has none: a pattern that is only a context has no posting of its own.
fn rules_of(atoms: &[Gathered], atom: u32) -> [u32; 2] {
    atoms.get(atom as usize).map_or([0, 0], |atom| atom.rules)
}

fn touch(stamps: &mut [u32], touched: &mut Vec<u32>, epoch: u32, rules: &[u32]) {
    for rule in rules {
        let stamp = &mut stamps[*rule as usize];
        if *stamp != epoch {
            *stamp = epoch;
            touched.push(*rule);
        }
    }
}
