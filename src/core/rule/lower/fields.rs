//! Entries on the kind of a feed, on extracted numbers and on fields of one's own.

use std::sync::Arc;

use super::Lowering;
use crate::core::model::FeedKind;
use crate::core::normalise::normalise;
use crate::core::rule::ast::{How, Item, Need, Op, Test};
use crate::core::rule::codes;
use crate::core::rule::program::{Expr, Leaf, NumberTest, ValueTest, kind_bit};

impl Lowering<'_, '_> {
    pub(super) fn kind(&mut self, item: &Item) -> Option<Expr> {
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

    pub(super) fn number(&mut self, name: &str, item: &Item) -> Option<Expr> {
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

    pub(super) fn values(&mut self, item: &Item, leaf: &dyn Fn(ValueTest) -> Leaf) -> Option<Expr> {
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
