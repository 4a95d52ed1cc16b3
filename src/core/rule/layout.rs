//! What the compiler collected → the flat tables of a [`Program`].
//!
//! Invariant: every rule is announced by whatever can make it hold, or always evaluated.

use std::collections::HashMap;
use std::sync::Arc;

use super::compile::{Builder, always};
use super::program::{CompiledRule, Expr, HotPosting, Leaf, Posting, Program};
use crate::core::lexicon::TermIndex;

/// What announces a rule.
enum Trigger {
    Atom(u32),
    Field(Arc<str>),
}

/// What must happen for a condition to hold that does not hold unannounced: for AND, one part that does not suffices.
fn triggers(expr: &Expr, leaves: &[Leaf]) -> Vec<Trigger> {
    match expr {
        Expr::And(parts) => {
            let silent = parts.iter().filter(|p| !always(p, leaves));
            let choices = silent.map(|p| triggers(p, leaves));
            choices.min_by_key(Vec::len).unwrap_or_default()
        }
        Expr::Or(parts) => parts.iter().flat_map(|p| triggers(p, leaves)).collect(),
        Expr::Not(part) => {
            // Whatever can change what the part says.
            let mut all = Vec::new();
            part.visit(true, &mut |leaf, _| all.append(&mut of_leaf(leaf, leaves)));
            all
        }
        Expr::Leaf(leaf) => of_leaf(*leaf, leaves),
    }
}

fn of_leaf(leaf: u32, leaves: &[Leaf]) -> Vec<Trigger> {
    match &leaves[leaf as usize] {
        Leaf::Atom { atom, .. } => vec![Trigger::Atom(*atom)],
        // Both sides are needed, so that one announces it.
        Leaf::Near { a, .. } => a.iter().copied().map(Trigger::Atom).collect(),
        Leaf::Field { name, .. } => vec![Trigger::Field(name.clone())],
        _ => vec![],
    }
}

pub(super) fn lay_out(builder: Builder, rules: Vec<CompiledRule>) -> Program {
    let (postings, patterns) = by_pattern(builder.postings, builder.patterns.len());
    let mut by_atom: Vec<(u32, u32)> = Vec::new();
    let mut by_field: HashMap<Arc<str>, Vec<u32>> = HashMap::new();
    let mut always_ = Vec::new();
    for (number, rule) in rules.iter().enumerate() {
        let number = number as u32;
        if always(&rule.when, &builder.leaves) {
            always_.push(number);
            continue;
        }
        for trigger in triggers(&rule.when, &builder.leaves) {
            match trigger {
                Trigger::Atom(atom) => by_atom.push((atom, number)),
                Trigger::Field(name) => {
                    let rules = by_field.entry(name).or_default();
                    if rules.last() != Some(&number) {
                        rules.push(number);
                    }
                }
            }
        }
    }
    by_atom.sort_unstable();
    by_atom.dedup();
    let mut atoms = vec![[0u32; 2]; builder.atoms as usize];
    ranges(&mut atoms, by_atom.iter().map(|(atom, _)| *atom));
    let mut symbols = vec![Vec::new(); patterns.len()];
    for (pattern, number) in builder.patterns {
        symbols[number as usize] = pattern;
    }
    let mut hot: Vec<HotPosting> = postings.iter().map(hot).collect();
    for (first, [from, to]) in hot.iter_mut().zip(&patterns) {
        first.traits |= u8::from(from != to) * HotPosting::MORE;
    }
    Program {
        index: TermIndex::new(&symbols),
        patterns,
        hot,
        postings,
        guards: builder.guards,
        atoms,
        atom_rules: by_atom.into_iter().map(|(_, rule)| rule).collect(),
        leaves: builder.leaves,
        rules,
        always: always_,
        by_field,
        scanned: builder.scanned,
    }
}

/// The first posting of every pattern, by pattern, then the others; of each pattern the range of the others.
fn by_pattern(mut postings: Vec<(u32, Posting)>, patterns: usize) -> (Vec<Posting>, Vec<[u32; 2]>) {
    postings.sort_by_key(|(pattern, posting)| (*pattern, posting.atom));
    let none = Posting {
        atom: 0,
        scope: 0,
        edges: 0,
        weight: 0,
        guards: [0, 0],
        term: "".into(),
    };
    let (mut firsts, mut others) = (vec![none; patterns], Vec::new());
    let (mut ends, mut previous) = (vec![[0; 2]; patterns], None);
    for (pattern, posting) in postings {
        if previous == Some(pattern) {
            others.push((pattern, posting));
        } else {
            firsts[pattern as usize] = posting;
        }
        previous = Some(pattern);
    }
    ranges(&mut ends, others.iter().map(|(pattern, _)| *pattern));
    for end in ends.iter_mut().flatten() {
        *end += patterns as u32;
    }
    firsts.extend(others.into_iter().map(|(_, posting)| posting));
    (firsts, ends)
}

fn hot(posting: &Posting) -> HotPosting {
    HotPosting {
        atom: posting.atom,
        scope: posting.scope,
        edges: posting.edges,
        traits: u8::from(posting.guards[0] != posting.guards[1]) * HotPosting::GUARDED,
        weight: posting.weight,
    }
}

/// From sorted keys, the range of positions of each.
fn ranges(into: &mut [[u32; 2]], keys: impl Iterator<Item = u32>) {
    let mut previous = None;
    for (at, key) in keys.enumerate() {
        let range = &mut into[key as usize];
        if previous != Some(key) {
            range[0] = at as u32;
        }
        range[1] = at as u32 + 1;
        previous = Some(key);
    }
}
