//! Conditions of the commonest shapes, small enough that those of ten thousand rules stay in the caches.
//!
//! Invariant: a quick condition says what the rule's own would say.

use crate::core::rule::program::{Expr, Leaf, Program};

/// A condition on whether atoms have any term in the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quick {
    /// `a`
    One(u32),
    /// `a and b`
    Both(u32, u32),
    /// `a or b`
    Either(u32, u32),
    /// `a and not b`
    Without(u32, u32),
    /// Anything else: the rule's own condition decides.
    Other,
}

impl Quick {
    /// One for every rule of `program`.
    pub(super) fn all(program: &Program) -> Vec<Self> {
        program
            .rules
            .iter()
            .map(|rule| Self::of(&rule.when, &program.leaves))
            .collect()
    }

    fn of(when: &Expr, leaves: &[Leaf]) -> Self {
        let atom = |expr: &Expr| match expr {
            Expr::Leaf(leaf) => match &leaves[*leaf as usize] {
                Leaf::Atom { atom, need } if need.count == 1 && need.weight == 0 => Some(*atom),
                _ => None,
            },
            _ => None,
        };
        let pair = |parts: &[Expr], make: fn(u32, u32) -> Self| match parts {
            [a, b] => Some(make(atom(a)?, atom(b)?)),
            _ => None,
        };
        let quick = match when {
            Expr::Leaf(_) => atom(when).map(Self::One),
            Expr::And(parts) => pair(parts, Self::Both).or_else(|| match &**parts {
                [a, Expr::Not(b)] | [Expr::Not(b), a] => Some(Self::Without(atom(a)?, atom(b)?)),
                _ => None,
            }),
            Expr::Or(parts) => pair(parts, Self::Either),
            Expr::Not(_) => None,
        };
        quick.unwrap_or(Self::Other)
    }

    /// Whether it holds, given which atoms have a term; none where the rule's own condition decides.
    #[inline]
    pub(super) fn holds(self, has: impl Fn(u32) -> bool) -> Option<bool> {
        Some(match self {
            Self::One(a) => has(a),
            Self::Both(a, b) => has(a) && has(b),
            Self::Either(a, b) => has(a) || has(b),
            Self::Without(a, b) => has(a) && !has(b),
            Self::Other => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::rule::program::NumberTest;

    #[test]
    fn quick_conditions_say_what_the_rules_own_say() {
        let need = |count, weight| crate::core::rule::Need { count, weight };
        let leaves = [
            Leaf::Atom {
                atom: 7,
                need: need(1, 0),
            },
            Leaf::Atom {
                atom: 9,
                need: need(1, 0),
            },
            Leaf::Atom {
                atom: 9,
                need: need(2, 0),
            },
            Leaf::Atom {
                atom: 9,
                need: need(1, 3),
            },
            Leaf::Number {
                name: "n".into(),
                test: NumberTest::Exists(true),
            },
        ];
        let not = |leaf| Expr::Not(Box::new(Expr::Leaf(leaf)));
        let two = |a, b| Box::from([a, b]);
        for (when, quick) in [
            (Expr::Leaf(0), Quick::One(7)),
            (
                Expr::And(two(Expr::Leaf(0), Expr::Leaf(1))),
                Quick::Both(7, 9),
            ),
            (
                Expr::Or(two(Expr::Leaf(1), Expr::Leaf(0))),
                Quick::Either(9, 7),
            ),
            (Expr::And(two(Expr::Leaf(0), not(1))), Quick::Without(7, 9)),
            (Expr::And(two(not(1), Expr::Leaf(0))), Quick::Without(7, 9)),
        ] {
            assert_eq!(Quick::of(&when, &leaves), quick);
            for has in 0..4 {
                let has = |atom| has >> u32::from(atom == 9) & 1 == 1;
                let own = when.eval(&mut |leaf| has(if leaf == 0 { 7 } else { 9 }));
                assert_eq!(quick.holds(has), Some(own), "{quick:?}");
            }
        }
        for when in [
            Expr::Leaf(2),
            Expr::Leaf(3),
            Expr::Leaf(4),
            not(0),
            Expr::And(two(Expr::Leaf(0), Expr::Leaf(2))),
            Expr::And(two(not(0), not(1))),
            Expr::Or(two(Expr::Leaf(0), not(1))),
            Expr::And(Box::from([Expr::Leaf(0), Expr::Leaf(1), Expr::Leaf(0)])),
        ] {
            assert_eq!(Quick::of(&when, &leaves), Quick::Other, "{when:?}");
        }
    }
}
