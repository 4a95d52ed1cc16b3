//! Selections → expressions over leaves: which field a question is about, and which part of it the term index can answer.

mod fields;
mod terms;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use terms::word_edges;

use super::ast::{Group, How, Item, Need, Selection, Test};
use super::codes;
use super::compile::{Builder, cost};
use super::pattern::Pattern;
use super::program::{EXTRACTED, Expr, Leaf, Posting, ValueTest, edge, scope};
use crate::core::lexicon::{Lexicon, MAX_PATTERN, Mode};
use crate::core::normalise::normalise;
use crate::core::yaml::{At, Findings};

/// The lowering of one rule.
pub(super) struct Lowering<'a, 'f> {
    selections: &'a [Selection],
    lexicons: &'a HashMap<&'a str, &'a Lexicon>,
    builder: &'a mut Builder,
    findings: &'a mut Findings<'f>,
    /// Atoms of each selection that is lowered already.
    atoms: HashMap<usize, Vec<u32>>,
    /// Selections of which the score adds up the weights.
    weighed: BTreeSet<usize>,
    /// Atoms of these where they are others than those that are tested.
    weights: HashMap<usize, Vec<u32>>,
    current: usize,
}

impl<'a, 'f> Lowering<'a, 'f> {
    pub(super) fn new(
        selections: &'a [Selection],
        lexicons: &'a HashMap<&'a str, &'a Lexicon>,
        builder: &'a mut Builder,
        findings: &'a mut Findings<'f>,
        weighed: BTreeSet<usize>,
    ) -> Self {
        Self {
            selections,
            lexicons,
            builder,
            findings,
            atoms: HashMap::new(),
            weighed,
            weights: HashMap::new(),
            current: 0,
        }
    }

    /// Every selection; those with `near` last, since they need the atoms of others.
    pub(super) fn selections(&mut self) -> Vec<Option<Expr>> {
        let mut exprs = vec![None; self.selections.len()];
        for last in [false, true] {
            for (index, selection) in self.selections.iter().enumerate() {
                if has_near(&selection.group) == last {
                    self.current = index;
                    exprs[index] = self.group(&selection.group);
                }
            }
        }
        exprs
    }

    /// Atoms of a selection, sorted.
    pub(super) fn atoms_of(&self, selection: usize) -> Vec<u32> {
        let mut atoms = self.atoms.get(&selection).cloned().unwrap_or_default();
        atoms.sort_unstable();
        atoms.dedup();
        atoms
    }

    /// Atoms of which the score adds up the weights, of a selection.
    pub(super) fn weights_of(&self, selection: usize) -> Vec<u32> {
        let merged = self.weights.get(&selection).cloned();
        merged.unwrap_or_else(|| self.atoms_of(selection))
    }

    fn group(&mut self, group: &Group) -> Option<Expr> {
        let (groups, all) = match group {
            Group::Item(item) => return self.item(item),
            Group::All(groups) => (groups, true),
            Group::Any(groups) => (groups, false),
        };
        // Every part is lowered even after a failure, so that all findings come at once.
        let parts: Vec<Option<Expr>> = groups.iter().map(|g| self.group(g)).collect();
        let parts: Option<Vec<Expr>> = parts.into_iter().collect();
        Some(self.many(parts?, all))
    }

    fn many(&self, mut parts: Vec<Expr>, all: bool) -> Expr {
        if parts.len() == 1 {
            return parts.remove(0);
        }
        parts.sort_by_key(|p| cost(p, &self.builder.leaves));
        if all {
            Expr::And(parts.into())
        } else {
            Expr::Or(parts.into())
        }
    }

    fn item(&mut self, item: &Item) -> Option<Expr> {
        let at = item.at;
        match item.field.as_deref() {
            None | Some("any") => self.text(scope::ANY, item),
            Some("title") => self.text(scope::TITLE, item),
            Some("text") => self.text(scope::TEXT, item),
            Some("kind") => self.kind(item),
            Some(name @ ("feed" | "lang")) => self.values(item, &|test| {
                if name == "feed" {
                    Leaf::Feed(test)
                } else {
                    Leaf::Lang(test)
                }
            }),
            Some(name) if EXTRACTED.contains(&name) => self.number(name, item),
            Some(name) => {
                if let Test::Lexicon { .. } | Test::Near { .. } = item.test {
                    return self.misplaced(at);
                }
                let name: Arc<str> = name.into();
                self.values(item, &|test| Leaf::Field {
                    name: name.clone(),
                    test,
                })
            }
        }
    }

    fn misplaced(&mut self, at: At) -> Option<Expr> {
        self.findings.error(codes::BAD_MODIFIERS, at, "this modifier does not go with this field").help(
            "lexicon, near, count and weight go with title, text and any; comparisons with numbers",
        );
        None
    }

    fn text(&mut self, scope: u8, item: &Item) -> Option<Expr> {
        match &item.test {
            Test::Text {
                how,
                cased,
                all,
                values,
                need,
            } => self.literals(scope, item.at, (*how, *cased, *all), values, *need),
            Test::Lexicon { names, all, need } => self.lexicon(scope, names, *all, *need),
            Test::Regex { values, all, .. } => {
                let parts = values
                    .iter()
                    .map(|(source, regex)| {
                        let test = ValueTest::Regex {
                            source: source.clone(),
                            regex: regex.clone(),
                        };
                        self.builder.leaf(Leaf::Text { scope, test })
                    })
                    .collect();
                Some(self.many(parts, *all))
            }
            Test::Exists(wanted) => Some(self.builder.leaf(Leaf::Text {
                scope,
                test: ValueTest::Exists(*wanted),
            })),
            Test::Near { of, within } => self.near(scope, item.at, of, *within),
            Test::Compare { .. } => self.misplaced(item.at),
        }
    }

    fn literals(
        &mut self,
        scope: u8,
        at: At,
        (how, cased, all): (How, bool, bool),
        values: &[Pattern],
        need: Need,
    ) -> Option<Expr> {
        let atom = self.builder.atoms;
        let mut parts = Vec::new();
        let mut terms = 0;
        for value in values {
            let literal = value
                .literal()
                .filter(|_| !cased && !value.null)
                .map(normalise);
            if literal.as_deref() == Some("") && how != How::Equals {
                self.findings.error(
                    codes::EMPTY_VALUE,
                    at,
                    "an empty value is part of every text",
                );
                return None;
            }
            match literal {
                Some(literal)
                    if (1..=MAX_PATTERN).contains(&literal.encode_utf16().count())
                        && !literal.contains('\0') =>
                {
                    let edges = match how {
                        How::Contains => 0,
                        How::Word => word_edges(&literal, Mode::Word),
                        How::StartsWith => edge::START,
                        How::EndsWith => edge::END,
                        How::Equals => edge::START | edge::END,
                    };
                    terms += u32::from(self.posting(
                        atom,
                        scope,
                        edges,
                        &literal,
                        1,
                        [0, 0],
                        &value.source,
                    ));
                }
                _ => {
                    let pattern = if cased {
                        value.clone()
                    } else {
                        value.map(normalise)
                    };
                    let test = ValueTest::Pattern {
                        how,
                        cased,
                        pattern,
                    };
                    parts.push(self.builder.leaf(Leaf::Text { scope, test }));
                }
            }
        }
        if need != Need::default() && !parts.is_empty() {
            self.findings.error(
                codes::BAD_COUNT,
                at,
                "values with wildcards cannot be counted",
            );
            return None;
        }
        if terms > 0 {
            self.builder.atoms += 1;
            let need = if all {
                Need {
                    count: terms,
                    weight: 0,
                }
            } else {
                need
            };
            parts.push(self.atom(scope, atom, need));
        }
        Some(self.many(parts, all))
    }

    fn atom(&mut self, scope: u8, atom: u32, need: Need) -> Expr {
        self.builder.scanned |= scope;
        self.atoms.entry(self.current).or_default().push(atom);
        self.builder.leaf(Leaf::Atom { atom, need })
    }

    /// Adds a posting; false when the atom has the same one already.
    #[allow(clippy::too_many_arguments)]
    fn posting(
        &mut self,
        atom: u32,
        scope: u8,
        edges: u8,
        normalised: &str,
        weight: u8,
        guards: [u32; 2],
        term: &Arc<str>,
    ) -> bool {
        let pattern = self.builder.pattern(normalised);
        // Postings of the atom under construction are at the end.
        let own = self
            .builder
            .postings
            .iter()
            .rev()
            .take_while(|(_, p)| p.atom == atom);
        if own
            .take(64)
            .any(|(number, p)| *number == pattern && p.edges == edges)
        {
            return false;
        }
        let posting = Posting {
            atom,
            scope,
            edges,
            weight,
            guards,
            term: term.clone(),
        };
        self.builder.postings.push((pattern, posting));
        true
    }

    fn near(&mut self, scope: u8, at: At, of: &[(String, At); 2], within: u32) -> Option<Expr> {
        let mut sides = Vec::new();
        for (name, place) in of {
            let selection = self.selections.iter().position(|s| s.name == *name);
            let atoms = selection.map(|s| self.atoms_of(s)).unwrap_or_default();
            if atoms.is_empty() {
                self.findings
                    .error(codes::BAD_NEAR, *place, format!("`{name}` is no selection with terms"))
                    .help("name a selection of this rule with `lexicon`, `contains` or `word` on title, text or any");
            }
            sides.push(atoms);
        }
        let b = sides.pop().filter(|s| !s.is_empty());
        let a = sides.pop().filter(|s| !s.is_empty());
        let _ = at;
        Some(self.builder.leaf(Leaf::Near {
            scope,
            a: a?,
            b: b?,
            within,
        }))
    }
}

fn has_near(group: &Group) -> bool {
    match group {
        Group::All(groups) | Group::Any(groups) => groups.iter().any(has_near),
        Group::Item(item) => matches!(item.test, Test::Near { .. }),
    }
}
