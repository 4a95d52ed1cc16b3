//! What was collected → the flat tables that are run.

use super::build::Builder;
use super::correlation::Correlations;
use super::plan::{Looked, Rule, Sigma};
use super::trigger::{self, Trigger};
use crate::core::lexicon::TermIndex;

pub(super) fn lay_out(mut builder: Builder, rules: Vec<Rule>, correlations: Correlations) -> Sigma {
    builder
        .postings
        .sort_by_key(|(pattern, posting)| (*pattern, posting.slot, posting.atom));
    let mut patterns = vec![[0u32; 2]; builder.patterns.len()];
    for (at, (pattern, _)) in builder.postings.iter().enumerate() {
        let range = &mut patterns[*pattern as usize];
        if range[1] == 0 {
            range[0] = at as u32;
        }
        range[1] = at as u32 + 1;
    }
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
        rules,
        index: TermIndex::new(&symbols),
        patterns,
        postings: builder.postings.into_iter().map(|(_, p)| p).collect(),
        numbers: builder.numbers,
        looked,
        asks: builder.asks,
        atoms: builder.costs.len(),
        by_atom,
        by_slot,
        always,
        fields: builder.fields,
        correlations,
    }
}
