//! Selections → expressions over leaves: which field a question is about, and which part of it the term index can answer.

use std::collections::HashMap;
use std::sync::Arc;

use super::ast::{Group, How, Item, Need, Op, Selection, Test};
use super::codes;
use super::compile::{Builder, cost};
use super::pattern::{Pattern, is_word};
use super::program::{
    EXTRACTED, Expr, Guard, Leaf, NumberTest, Posting, ValueTest, edge, kind_bit, scope,
};
use crate::core::lexicon::{Lexicon, MAX_PATTERN, Mode, Term};
use crate::core::model::FeedKind;
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
    current: usize,
}

impl<'a, 'f> Lowering<'a, 'f> {
    pub(super) fn new(
        selections: &'a [Selection],
        lexicons: &'a HashMap<&'a str, &'a Lexicon>,
        builder: &'a mut Builder,
        findings: &'a mut Findings<'f>,
    ) -> Self {
        Self {
            selections,
            lexicons,
            builder,
            findings,
            atoms: HashMap::new(),
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

    fn lexicon(
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
        if !all {
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
        Some(self.many(parts, true))
    }

    fn lexicon_atom(&mut self, scope: u8, lexicons: &[&Lexicon]) -> u32 {
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

    fn term(&mut self, atom: u32, scope: u8, term: &Term) {
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

    fn kind(&mut self, item: &Item) -> Option<Expr> {
        let Test::Text {
            how: How::Equals,
            values,
            all: false,
            ..
        } = &item.test
        else {
            return self.misplaced(item.at);
        };
        let mut bits = 0;
        for value in values {
            if let Some(kind) = FeedKind::parse(&value.source) {
                bits |= kind_bit(kind);
            } else {
                self.findings
                    .error(
                        codes::BAD_VALUE,
                        item.at,
                        format!("`{}` is no kind of feed", value.source),
                    )
                    .help("news, post, hotline, dispatch, sensor, official");
                return None;
            }
        }
        Some(self.builder.leaf(Leaf::Kind(bits)))
    }

    fn number(&mut self, name: &str, item: &Item) -> Option<Expr> {
        let name: Arc<str> = name.into();
        let tests: Vec<NumberTest> = match &item.test {
            Test::Compare { op, value } => vec![NumberTest::Compare(*op, *value)],
            Test::Exists(wanted) => vec![NumberTest::Exists(*wanted)],
            Test::Text {
                how: How::Equals,
                values,
                ..
            } => {
                let tests: Option<Vec<_>> = values
                    .iter()
                    .map(|v| {
                        if v.null {
                            Some(NumberTest::Exists(false))
                        } else {
                            v.source.trim().parse().ok().map(NumberTest::Is)
                        }
                    })
                    .collect();
                match tests {
                    Some(tests) => tests,
                    None => return self.misplaced(item.at),
                }
            }
            _ => return self.misplaced(item.at),
        };
        let parts = tests
            .into_iter()
            .map(|test| {
                self.builder.leaf(Leaf::Number {
                    name: name.clone(),
                    test,
                })
            })
            .collect();
        Some(self.many(parts, false))
    }

    fn values(&mut self, item: &Item, leaf: &dyn Fn(ValueTest) -> Leaf) -> Option<Expr> {
        let (tests, all): (Vec<ValueTest>, bool) = match &item.test {
            Test::Text {
                how,
                cased,
                all,
                values,
                need,
            } => {
                if *need != Need::default() {
                    return self.misplaced(item.at);
                }
                let tests = values
                    .iter()
                    .map(|value| ValueTest::Pattern {
                        how: *how,
                        cased: *cased,
                        pattern: if *cased {
                            value.clone()
                        } else {
                            value.map(normalise)
                        },
                    })
                    .collect();
                (tests, *all)
            }
            Test::Regex { values, all, .. } => {
                let tests = values
                    .iter()
                    .map(|(source, regex)| ValueTest::Regex {
                        source: source.clone(),
                        regex: regex.clone(),
                    })
                    .collect();
                (tests, *all)
            }
            Test::Compare { op, value } => (vec![ValueTest::Compare(*op, *value)], *op == Op::Neq),
            Test::Exists(wanted) => (vec![ValueTest::Exists(*wanted)], false),
            Test::Lexicon { .. } | Test::Near { .. } => return self.misplaced(item.at),
        };
        let parts = tests
            .into_iter()
            .map(|test| self.builder.leaf(leaf(test)))
            .collect();
        Some(self.many(parts, all))
    }
}

fn has_near(group: &Group) -> bool {
    match group {
        Group::All(groups) | Group::Any(groups) => groups.iter().any(has_near),
        Group::Item(item) => matches!(item.test, Test::Near { .. }),
    }
}

/// The edges at which a term is bounded: those where it has a letter or digit of an alphabetic script itself.
fn word_edges(normalised: &str, mode: Mode) -> u8 {
    let left = mode != Mode::Substring && normalised.chars().next().is_some_and(is_word);
    let right = mode == Mode::Word && normalised.chars().next_back().is_some_and(is_word);
    (u8::from(left) * edge::LEFT) | (u8::from(right) * edge::RIGHT)
}
