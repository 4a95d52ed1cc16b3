//! Flat forms of what is looked at for every hit: lists of numbers, and conditions of a few literals.
//!
//! Invariant: a [`Quick`] says of an announced rule what its condition says.

use super::plan::Expr;

/// Literals of one quick condition.
const MAX: usize = 3;
/// Ends the literals that are fewer.
const END: u32 = u32::MAX;

/// Lists of numbers, one behind the other.
#[derive(Debug, Default)]
pub(super) struct Lists {
    /// Where each begins, and where the last one ends.
    starts: Vec<u32>,
    items: Vec<u32>,
}

impl Lists {
    pub(super) fn new(lists: &[Vec<u32>]) -> Self {
        let mut flat = Self::default();
        for list in lists {
            flat.starts.push(flat.items.len() as u32);
            flat.items.extend(list);
        }
        flat.starts.push(flat.items.len() as u32);
        flat
    }

    /// The list of that number.
    #[inline]
    pub(super) fn get(&self, number: usize) -> &[u32] {
        let (from, to) = (
            self.starts[number] as usize,
            self.starts[number + 1] as usize,
        );
        &self.items[from..to]
    }
}

/// A condition as it is asked when its rule was announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quick {
    /// All of these hold: an atom times two, plus one where it must not be found.
    All([u32; MAX]),
    /// As the rule says.
    Slow,
}

impl Quick {
    /// The quick form of a condition, where it has one.
    pub(super) fn of(when: &Expr) -> Self {
        let parts = match when {
            // One of them was found, or the rule was not announced.
            Expr::Or(parts) if parts.iter().all(|p| matches!(p, Expr::Atom(_))) => {
                return Self::All([END; MAX]);
            }
            Expr::Atom(_) => return Self::All([END; MAX]),
            Expr::And(parts) if parts.len() <= MAX => parts,
            _ => return Self::Slow,
        };
        let mut all = [END; MAX];
        for (part, literal) in parts.iter().zip(&mut all) {
            *literal = match part {
                Expr::Atom(atom) => atom << 1,
                Expr::Not(part) => match &**part {
                    Expr::Atom(atom) => atom << 1 | 1,
                    _ => return Self::Slow,
                },
                _ => return Self::Slow,
            };
        }
        if all.iter().all(|l| l & 1 == 1) {
            // Nothing in it can announce it.
            return Self::Slow;
        }
        Self::All(all)
    }

    /// Whether it holds, given which atoms were found; none when the rule has to be asked.
    #[inline]
    pub(super) fn holds(self, found: impl Fn(u32) -> bool) -> Option<bool> {
        let Self::All(literals) = self else {
            return None;
        };
        let holds = |literal: &u32| *literal == END || found(literal >> 1) != (literal & 1 == 1);
        Some(literals.iter().all(holds))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_what_they_were() {
        let lists = [vec![1, 2], vec![], vec![3]];
        let flat = Lists::new(&lists);
        for (number, list) in lists.iter().enumerate() {
            assert_eq!(flat.get(number), list);
        }
    }

    #[test]
    fn conditions_of_a_few_literals() {
        let atom = Expr::Atom;
        let not = |part| Expr::Not(Box::new(part));
        let found = |n: u32| n == 1 || n == 2;
        for (when, expected) in [
            (atom(1), Some(true)),
            (Expr::Or(vec![atom(7), atom(1)]), Some(true)),
            (Expr::And(vec![atom(1), atom(2)]), Some(true)),
            (Expr::And(vec![atom(1), atom(3)]), Some(false)),
            (Expr::And(vec![atom(1), not(atom(3)), atom(2)]), Some(true)),
            (Expr::And(vec![atom(1), not(atom(2))]), Some(false)),
            (not(atom(3)), None),
            (Expr::And(vec![not(atom(3)), not(atom(4))]), None),
            (Expr::And(vec![Expr::Ask(1), atom(1)]), None),
            (Expr::And(vec![]), None),
        ] {
            assert_eq!(Quick::of(&when).holds(found), expected, "{when:?}");
        }
    }
}
