//! What was collected → the flat tables that are run.

use rustc_hash::FxHashMap;

use super::build::Builder;
use super::correlation::Correlations;
use super::plan::{Looked, Posting, Rule, Sigma};
use super::quick::{Lists, Quick};
use super::trigger::{self, Trigger};
use crate::core::lexicon::TermIndex;

pub(super) fn lay_out(mut builder: Builder, rules: Vec<Rule>, correlations: Correlations) -> Sigma {
    let (patterns, postings) = chained(&builder);
    let mut looked = vec![Looked::default(); builder.fields.len()];
    for (_, posting) in &builder.postings {
        match looked.get_mut(posting.slot as usize) {
            Some(looked) => looked.literals = true,
            None => looked.iter_mut().for_each(|l| l.literals = true),
        }
    }
    for (slot, _) in builder.numbers.keys() {
        if let Some(looked) = looked.get_mut(*slot as usize) {
            looked.numbers = true;
        }
    }
    let mut wholes = vec![FxHashMap::default(); builder.fields.len()];
    for ((slot, text), atoms) in builder.wholes.drain() {
        looked[slot as usize].wholes = true;
        wholes[slot as usize].insert(text, atoms);
    }
    let (mut by_atom, mut by_slot, mut always) = (
        vec![Vec::new(); builder.costs.len()],
        vec![Vec::new(); builder.fields.len()],
        Vec::new(),
    );
    for (number, rule) in rules.iter().enumerate() {
        let number = number as u32;
        match trigger::of(&rule.when, &builder) {
            None => always.push(number),
            Some(triggers) => {
                for trigger in triggers {
                    match trigger {
                        Trigger::Atom(atom) => by_atom[atom as usize].push(number),
                        Trigger::Slot(slot) => by_slot[slot as usize].push(number),
                    }
                }
            }
        }
    }
    let mut symbols = vec![Vec::new(); builder.patterns.len()];
    for (pattern, number) in builder.patterns {
        symbols[number as usize] = pattern;
    }
    Sigma {
        index: TermIndex::new(&symbols),
        patterns,
        postings,
        wholes,
        numbers: builder.numbers,
        looked,
        asks: builder.asks,
        atoms: builder.costs.len(),
        by_atom: Lists::new(&by_atom),
        by_slot: Lists::new(&by_slot),
        quick: rules.iter().map(|rule| Quick::of(&rule.when)).collect(),
        rules,
        always,
        fields: builder.fields,
        correlations,
    }
}

/// By pattern its first posting, and the others of all patterns: those of a pattern beside one another.
fn chained(builder: &Builder) -> (Vec<Posting>, Vec<Posting>) {
    let mut sorted: Vec<&(u32, Posting)> = builder.postings.iter().collect();
    sorted.sort_by_key(|(pattern, posting)| (*pattern, posting.slot, posting.atom));
    let (mut patterns, mut others) = (Vec::new(), Vec::new());
    for same in sorted.chunk_by(|a, b| a.0 == b.0) {
        for (number, (_, posting)) in same.iter().enumerate() {
            let last = number + 1 == same.len();
            let at = others.len() as u32 + u32::from(number > 0);
            let next = if last { 0 } else { at + 1 };
            let posting = Posting { next, ..*posting };
            if number == 0 {
                patterns.push(posting);
            } else {
                others.push(posting);
            }
        }
    }
    (patterns, others)
}
