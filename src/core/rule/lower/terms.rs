//! Entries on lexicons: their terms as postings of the term index, with what cancels them.

use std::collections::HashMap;

use super::Lowering;
use crate::core::lexicon::{Lexicon, Mode, Term};
use crate::core::rule::ast::Need;
use crate::core::rule::codes;
use crate::core::rule::pattern::is_word;
use crate::core::rule::program::{Expr, Guard, Posting, edge};
use crate::core::yaml::At;

impl Lowering<'_, '_> {
    pub(super) fn lexicon(
        &mut self,
        scope: u8,
        names: &[(String, At)],
        all: bool,
        need: Need,
    ) -> Option<Expr> {
        let mut found = Vec::new();
        for (name, at) in names {
            if let Some(lexicon) = self.lexicons.get(name.as_str()) {
                found.push(*lexicon);
            } else {
                let mut known: Vec<&str> = self.lexicons.keys().copied().collect();
                known.sort_unstable();
                self.findings
                    .error(
                        codes::UNKNOWN_LEXICON,
                        *at,
                        format!("there is no lexicon `{name}`"),
                    )
                    .help(format!("there are: {}", known.join(", ")));
            }
        }
        if found.len() != names.len() {
            return None;
        }
        // Each lexicon by itself, so that however rules combine them a term has one posting; together only where terms are counted, since
        // one that is in two of them counts once. So it does where the score adds up weights, of which the test knows nothing.
        if !all
            && need == Need::default()
            && found.len() > 1
            && self.weighed.contains(&self.current)
        {
            let atom = self.lexicon_atom(scope, &found);
            self.weights.entry(self.current).or_default().push(atom);
        }
        if !all && need != Need::default() {
            let atom = self.lexicon_atom(scope, &found);
            return Some(self.atom(scope, atom, need));
        }
        let parts = found
            .iter()
            .map(|lexicon| {
                let atom = self.lexicon_atom(scope, &[lexicon]);
                self.atom(scope, atom, need)
            })
            .collect();
        Some(self.many(parts, all))
    }

    pub(super) fn lexicon_atom(&mut self, scope: u8, lexicons: &[&Lexicon]) -> u32 {
        let mut key: Vec<String> = lexicons.iter().map(|l| l.name.to_string()).collect();
        key.sort_unstable();
        key.dedup();
        if let Some(atom) = self.builder.shared.get(&(scope, key.clone())) {
            return *atom;
        }
        let atom = self.builder.atoms;
        self.builder.atoms += 1;
        let mut seen = HashMap::new();
        for name in &key {
            let Some(lexicon) = self.lexicons.get(name.as_str()) else {
                continue;
            };
            for term in &lexicon.terms {
                // The same term in two lexicons is one distinct term; the first one's weight counts.
                if seen.insert((&term.normalised, term.mode), ()).is_none() {
                    self.term(atom, scope, term);
                }
            }
        }
        self.builder.shared.insert((scope, key), atom);
        atom
    }

    pub(super) fn term(&mut self, atom: u32, scope: u8, term: &Term) {
        let begin = self.builder.guards.len() as u32;
        for unless in &term.unless {
            let pattern = self.builder.pattern(&unless.text);
            self.builder.guards.push(Guard {
                pattern,
                around: unless.around,
            });
        }
        let guards = [begin, self.builder.guards.len() as u32];
        let edges = word_edges(&term.normalised, term.mode);
        let pattern = self.builder.pattern(&term.normalised);
        let posting = Posting {
            atom,
            scope,
            edges,
            weight: term.weight.min(100) as u8,
            guards,
            term: term.text.clone(),
        };
        self.builder.postings.push((pattern, posting));
    }
}

/// The edges at which a term is bounded: those where it has a letter or digit of an alphabetic script itself.
pub(super) fn word_edges(normalised: &str, mode: Mode) -> u8 {
    let left = mode != Mode::Substring && normalised.chars().next().is_some_and(is_word);
    let right = mode == Mode::Word && normalised.chars().next_back().is_some_and(is_word);
    (u8::from(left) * edge::LEFT) | (u8::from(right) * edge::RIGHT)
}
