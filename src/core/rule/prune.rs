//! What a rule took over and does not use goes again, so that it costs nothing.
//!
//! Invariant: conditions mean the same before and after; only selections placed at the rule's `extends` go.

use super::ast::{Addition, Condition, Group, Selection, Test, Tocsin};
use crate::core::yaml::At;

/// Whether a `near` names the selection.
pub(super) fn near_uses(selections: &[Selection], name: &str) -> bool {
    fn in_group(group: &Group, name: &str) -> bool {
        match group {
            Group::All(groups) | Group::Any(groups) => groups.iter().any(|g| in_group(g, name)),
            Group::Item(item) => {
                matches!(&item.test, Test::Near { of, .. } if of.iter().any(|(n, _)| n == name))
            }
        }
    }
    selections.iter().any(|s| in_group(&s.group, name))
}

/// Takes out the selections placed at `at` that no condition, addition or `near` uses.
pub(super) fn unused(
    at: At,
    selections: &mut Vec<Selection>,
    mut used: Vec<bool>,
    condition: &mut Condition,
    mut tocsin: Option<&mut Tocsin>,
) {
    // A selection may have been used by one that goes.
    while let Some(gone) = (0..selections.len()).find(|index| {
        let one = &selections[*index];
        !used[*index] && one.at == at && !near_uses(selections, &one.name)
    }) {
        selections.remove(gone);
        used.remove(gone);
        let moved = &mut |index: &mut usize| *index -= usize::from(*index > gone);
        renumber(condition, moved);
        for addition in tocsin.iter_mut().flat_map(|tocsin| &mut tocsin.add) {
            match addition {
                Addition::When { condition, .. } => renumber(condition, moved),
                Addition::Weight { selection, .. } => moved(selection),
                Addition::Growth(_) => {}
            }
        }
    }
}

/// Gives the selections of a condition other numbers.
pub(super) fn renumber(condition: &mut Condition, moved: &mut impl FnMut(&mut usize)) {
    match condition {
        Condition::And(parts) | Condition::Or(parts) => {
            parts.iter_mut().for_each(|part| renumber(part, moved));
        }
        Condition::Not(part) | Condition::Named(_, part) => renumber(part, moved),
        Condition::Selection(index) => moved(index),
    }
}
