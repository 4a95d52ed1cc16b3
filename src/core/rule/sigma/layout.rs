//! What was collected → the flat tables that are run.

use super::build::Builder;
use super::correlation::Correlations;
use super::plan::{Looked, Posting, Rule, Sigma};
use super::quick::{Lists, Quick};
use super::trigger::{self, Trigger};
use crate::core::lexicon::TermIndex;

pub(super) fn lay_out(builder: Builder, rules: Vec<Rule>, correlations: Correlations) -> Sigma {
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

/// By pattern its first posting, and the others of all patterns.
fn chained(builder: &Builder) -> (Vec<Posting>, Vec<Posting>) {
    let mut patterns: Vec<Option<Posting>> = vec![None; builder.patterns.len()];
    let mut others = Vec::new();
    for (pattern, posting) in &builder.postings {
        let first = &mut patterns[*pattern as usize];
        let next = first.take().map_or(0, |before| {
            others.push(before);
            others.len() as u32
        });
        *first = Some(Posting { next, ..*posting });
    }
    // A pattern is there because of a posting.
    (patterns.into_iter().flatten().collect(), others)
}
