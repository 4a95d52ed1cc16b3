//! Answers to the questions of conditions about one report; what is dear is worked out once, when first asked.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::sync::Arc;

use smallvec::SmallVec;

use super::matcher::Matcher;
use super::scan::Occurrence;
use crate::core::model::{Feed, FeedKind, Report, Value};
use crate::core::normalise::normalise;
use crate::core::number;
use crate::core::rule::absent;
use crate::core::rule::program::{EXTRACTED, Expr, Leaf, Program, ValueTest, kind_bit, scope};

/// Occurrences of either side that `near` compares.
const MAX_NEAR: usize = 256;

/// What is known of one report.
pub(super) struct Facts<'a, 'r> {
    program: &'a Program,
    matcher: &'a Matcher,
    feed: &'a Feed,
    report: &'a Report<'r>,
    kind: FeedKind,
    derived: &'a Derived,
}

/// What is worked out of one report when it is first asked for, and kept for whatever asks next.
#[derive(Debug, Default)]
pub(super) struct Derived {
    title: OnceCell<String>,
    text: OnceCell<String>,
    numbers: OnceCell<BTreeMap<&'static str, f64>>,
    /// Answers of expressions, by the address of their source and by field: rules that extend the same one share them.
    regexes: RefCell<SmallVec<[(usize, u8, bool); 4]>>,
}

impl Derived {
    fn regex(&self, source: &Arc<str>, scope: u8, answer: impl FnOnce() -> bool) -> bool {
        let which = source.as_ptr() as usize;
        let is = |known: &&(usize, u8, bool)| (known.0, known.1) == (which, scope);
        if let Some((_, _, known)) = self.regexes.borrow().iter().find(is) {
            return *known;
        }
        let answer = answer();
        self.regexes.borrow_mut().push((which, scope, answer));
        answer
    }
}

impl<'a, 'r> Facts<'a, 'r> {
    pub(super) fn new(
        program: &'a Program,
        matcher: &'a Matcher,
        feed: &'a Feed,
        report: &'a Report<'r>,
        derived: &'a Derived,
    ) -> Self {
        Self {
            program,
            matcher,
            feed,
            report,
            kind: report.kind.unwrap_or(feed.kind),
            derived,
        }
    }

    /// Whether a condition holds.
    pub(super) fn holds(&self, expr: &Expr) -> bool {
        expr.eval(&mut |leaf| self.leaf(&self.program.leaves[leaf as usize]))
    }

    /// The answer to one question.
    pub(super) fn leaf(&self, leaf: &Leaf) -> bool {
        match leaf {
            Leaf::Atom { atom, need } => {
                let (count, weight) = self.matcher.gathered(*atom);
                count >= need.count && weight >= need.weight
            }
            Leaf::Near {
                scope,
                a,
                b,
                within,
            } => self.near(*scope, a, b, *within),
            // Absent is what is in neither; everything else is asked of either.
            Leaf::Text { scope, test } if asks_absence(test) => self
                .fields(*scope)
                .all(|(raw, normal)| whole(test, raw, normal)),
            Leaf::Text {
                scope,
                test: ValueTest::Regex { source, regex },
            } => self.derived.regex(source, *scope, || {
                self.fields(*scope)
                    .any(|(_, normal)| regex.is_match(normal))
            }),
            Leaf::Text { scope, test } => self
                .fields(*scope)
                .any(|(raw, normal)| whole(test, raw, normal)),
            Leaf::Kind(bits) => bits & kind_bit(self.kind) != 0,
            Leaf::Feed(test) => text_value(test, &self.feed.id),
            Leaf::Lang(test) => match self.report.lang.as_deref().or(self.feed.lang.as_deref()) {
                Some(lang) => text_value(test, lang),
                None => absent(test),
            },
            Leaf::Number { name, test } => test.holds(self.number(name)),
            Leaf::Field { name, test } => match self.report.field(name) {
                Some(value) => field_value(test, value),
                None => absent(test),
            },
        }
    }

    /// Title and text of `scope`, raw and normalised; the title first.
    pub(super) fn fields(&self, scope: u8) -> impl Iterator<Item = (&str, &str)> {
        let title = (scope & scope::TITLE != 0).then(|| (&*self.report.title, self.title()));
        let text = (scope & scope::TEXT != 0).then(|| (&*self.report.text, self.text()));
        title.into_iter().chain(text)
    }

    /// The normalised title.
    pub(super) fn title(&self) -> &str {
        self.derived.title.get_or_init(|| {
            self.matcher
                .scan
                .normalised(scope::TITLE)
                .unwrap_or_else(|| normalise(&self.report.title))
        })
    }

    /// The normalised text.
    pub(super) fn text(&self) -> &str {
        self.derived.text.get_or_init(|| {
            self.matcher
                .scan
                .normalised(scope::TEXT)
                .unwrap_or_else(|| normalise(&self.report.text))
        })
    }

    /// Numbers of the report: the highest of title and text, a field of the record before both.
    pub(super) fn numbers(&self) -> &BTreeMap<&'static str, f64> {
        self.derived.numbers.get_or_init(|| {
            let mut numbers = number::extract(self.text());
            if !self.report.title.is_empty() {
                for (name, value) in number::extract(self.title()) {
                    let known = numbers.entry(name).or_insert(value);
                    *known = known.max(value);
                }
            }
            for name in EXTRACTED {
                if let Some(value) = self.report.field(name).and_then(Value::as_f64) {
                    numbers.insert(name, value);
                }
            }
            numbers
        })
    }

    fn number(&self, name: &str) -> Option<f64> {
        if let Some(value) = self.report.field(name).and_then(Value::as_f64) {
            return Some(value);
        }
        self.numbers().get(name).copied()
    }

    fn near(&self, scope: u8, a: &[u32], b: &[u32], within: u32) -> bool {
        // Mostly one side is missing, which the counts tell without looking through the hits.
        let missing = |atoms: &[u32]| !atoms.iter().any(|atom| self.matcher.gathered(*atom).0 > 0);
        if missing(a) || missing(b) {
            return false;
        }
        let of = |atoms: &[u32]| -> SmallVec<[Occurrence; 16]> {
            let hits = self.matcher.hits.iter().filter(|hit| {
                atoms.contains(&hit.atom)
                    && self.matcher.scan.segment(&hit.occurrence).scope & scope != 0
            });
            hits.map(|hit| hit.occurrence).take(MAX_NEAR).collect()
        };
        let (a, b) = (of(a), of(b));
        a.iter().any(|a| {
            b.iter().any(|b| {
                a != b
                    && self
                        .matcher
                        .scan
                        .gap(*a, *b)
                        .is_some_and(|gap| gap <= within)
            })
        })
    }
}

fn asks_absence(test: &ValueTest) -> bool {
    match test {
        ValueTest::Exists(wanted) => !wanted,
        ValueTest::Pattern { pattern, .. } => pattern.null,
        _ => false,
    }
}

/// A test of title or text as a whole; empty counts as absent.
fn whole(test: &ValueTest, raw: &str, normal: &str) -> bool {
    match test {
        ValueTest::Exists(wanted) => raw.is_empty() != *wanted,
        ValueTest::Pattern { pattern, .. } if pattern.null => raw.is_empty(),
        ValueTest::Pattern {
            how,
            cased,
            pattern,
        } => pattern.matches(*how, if *cased { raw } else { normal }),
        ValueTest::Regex { regex, .. } => regex.is_match(normal),
        ValueTest::Compare(..) => false,
    }
}

fn text_value(test: &ValueTest, value: &str) -> bool {
    match test {
        ValueTest::Exists(wanted) => *wanted,
        ValueTest::Pattern { pattern, .. } if pattern.null => false,
        ValueTest::Pattern {
            how,
            cased: true,
            pattern,
        } => pattern.matches(*how, value),
        ValueTest::Pattern { how, pattern, .. } => pattern.matches(*how, &normalise(value)),
        ValueTest::Regex { regex, .. } => regex.is_match(&normalise(value)),
        ValueTest::Compare(op, wanted) => value.trim().parse().is_ok_and(|n| op.holds(n, *wanted)),
    }
}

fn field_value(test: &ValueTest, value: &Value<'_>) -> bool {
    match (test, value) {
        (ValueTest::Compare(op, wanted), value) => {
            value.as_f64().is_some_and(|n| op.holds(n, *wanted))
        }
        (ValueTest::Pattern { pattern, .. }, value)
            if pattern.number.is_some() && value.as_f64().is_some() =>
        {
            pattern.number == value.as_f64()
        }
        (test, Value::Text(text)) => text_value(test, text),
        (test, Value::Int(number)) => text_value(test, &number.to_string()),
        (test, Value::Float(number)) => text_value(test, &number.to_string()),
        (test, Value::Bool(flag)) => text_value(test, if *flag { "true" } else { "false" }),
    }
}
