//! What announces a rule: the atoms and fields without which it cannot hold.

use super::build::Builder;
use super::fields::NO_SLOT;
use super::plan::{END, Expr, START};

/// What announces a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Trigger {
    /// A literal was found.
    Atom(u32),
    /// The field is there.
    Slot(u32),
}

/// Cost of looking whenever a field is there.
const FIELD: f64 = 4.0;

/// How likely a literal is found, roughly and without a unit: less with every symbol, even less with Han, and at an edge.
pub(super) fn cost(edges: u8, symbols: &[u16]) -> f64 {
    let bits: f64 = symbols
        .iter()
        .map(|s| if *s < 0x80 { 1.3 } else { 3.0 })
        .sum::<f64>()
        + f64::from((edges & START) + (edges & END) / 2);
    (-bits).exp2()
}

/// The triggers of a rule; none when it may hold of an event that announces nothing.
pub(super) fn of(when: &Expr, builder: &Builder) -> Option<Vec<Trigger>> {
    if silent(when, builder) != Some(false) {
        return None;
    }
    let mut triggers = triggers(when, builder);
    triggers.sort_unstable();
    triggers.dedup();
    Some(triggers)
}

/// What an expression says of an event in which no literal is found and no field is there; none when that depends on the event.
fn silent(expr: &Expr, builder: &Builder) -> Option<bool> {
    match expr {
        Expr::And(parts) => {
            let mut all = Some(true);
            for part in parts {
                match silent(part, builder) {
                    Some(false) => return Some(false),
                    Some(true) => {}
                    None => all = None,
                }
            }
            all
        }
        Expr::Or(parts) => {
            let mut any = Some(false);
            for part in parts {
                match silent(part, builder) {
                    Some(true) => return Some(true),
                    Some(false) => {}
                    None => any = None,
                }
            }
            any
        }
        Expr::Not(part) => silent(part, builder).map(|s| !s),
        Expr::Atom(_) | Expr::Guarded(..) => Some(false),
        Expr::Ask(ask) => {
            let ask = &builder.asks[*ask as usize];
            (ask.slot != NO_SLOT).then(|| ask.test.holds_absent())
        }
        Expr::Present(slot) => (*slot != NO_SLOT).then_some(false),
    }
}

/// What has to happen for an expression to say something else than [`silent`] does.
fn triggers(expr: &Expr, builder: &Builder) -> Vec<Trigger> {
    match expr {
        // One part that does not hold silently is enough: the one that is rarest.
        Expr::And(parts) => parts
            .iter()
            .filter(|p| silent(p, builder) == Some(false))
            .map(|p| triggers(p, builder))
            .min_by(|a, b| weight(a, builder).total_cmp(&weight(b, builder)))
            .unwrap_or_default(),
        Expr::Or(parts) => parts.iter().flat_map(|p| triggers(p, builder)).collect(),
        Expr::Not(part) => {
            let mut all = Vec::new();
            leaves(part, builder, &mut all);
            all
        }
        leaf => {
            let mut all = Vec::new();
            leaves(leaf, builder, &mut all);
            all
        }
    }
}

/// Whatever can change what an expression says.
fn leaves(expr: &Expr, builder: &Builder, into: &mut Vec<Trigger>) {
    match expr {
        Expr::And(parts) | Expr::Or(parts) => parts.iter().for_each(|p| leaves(p, builder, into)),
        Expr::Not(part) => leaves(part, builder, into),
        Expr::Atom(atom) | Expr::Guarded(atom, _) => into.push(Trigger::Atom(*atom)),
        // What may be anything in any event announces nothing: that the rule is silent holds whatever it says.
        Expr::Ask(ask) => into.extend(slot(builder.asks[*ask as usize].slot)),
        Expr::Present(field) => into.extend(slot(*field)),
    }
}

fn slot(slot: u32) -> Option<Trigger> {
    (slot != NO_SLOT).then_some(Trigger::Slot(slot))
}

fn weight(triggers: &[Trigger], builder: &Builder) -> f64 {
    let cost = |t: &Trigger| match t {
        Trigger::Atom(atom) => builder.costs[*atom as usize],
        Trigger::Slot(_) => FIELD,
    };
    triggers.iter().map(cost).sum()
}
