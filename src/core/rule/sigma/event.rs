//! Events: the values of the fields that some rule asks for.
//!
//! Invariant: a field is found by its flat name first, else along its dots.

use super::fields::{Fields, NO_SLOT};
use super::json::Reader;
use super::test::Leaf;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    True,
    False,
    Number,
    Text,
    Branch,
}

/// A value that was found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    pub(super) slot: u32,
    pub(super) kind: Kind,
    /// In the unescaped texts, not in the line.
    pub(super) owned: bool,
    /// At the top of the event.
    pub(super) top: bool,
    pub(super) from: u32,
    pub(super) to: u32,
}

/// The values of one event; reused from event to event.
#[derive(Debug, Default)]
pub(super) struct Values {
    pub(super) found: Vec<Found>,
    pub(super) unescaped: String,
}

/// Values together with the line that they stand in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Event<'e> {
    pub(super) line: &'e str,
    pub(super) values: &'e Values,
}

impl<'e> Event<'e> {
    /// A value.
    pub(super) fn leaf(self, found: &Found) -> Leaf<'e> {
        let text = || {
            let of = if found.owned {
                &self.values.unescaped
            } else {
                self.line
            };
            &of[found.from as usize..found.to as usize]
        };
        match found.kind {
            Kind::Null => Leaf::Null,
            Kind::True => Leaf::Bool(true),
            Kind::False => Leaf::Bool(false),
            Kind::Number => Leaf::Number(text()),
            Kind::Text => Leaf::Text(text()),
            Kind::Branch => Leaf::Branch,
        }
    }

    /// The values of a slot.
    pub(super) fn of(self, slot: u32) -> impl Iterator<Item = Leaf<'e>> {
        self.values
            .found
            .iter()
            .filter(move |f| f.slot == slot)
            .map(move |f| self.leaf(f))
    }
}

/// Where reading stopped, and what was expected there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stop {
    pub(super) at: usize,
    pub(super) expected: &'static str,
}

impl Values {
    /// Reads the event in `line`.
    pub(super) fn read(&mut self, line: &str, fields: &Fields) -> Result<(), Stop> {
        self.found.clear();
        self.unescaped.clear();
        Reader::new(line, fields, self).event()?;
        self.prefer_flat();
        Ok(())
    }

    /// Where a dotted name stands at the top, what its dots lead to is not meant.
    fn prefer_flat(&mut self) {
        let dotted = |f: &Found| f.slot != NO_SLOT && !f.top;
        if !self.found.iter().any(dotted) {
            return;
        }
        let flat: smallvec::SmallVec<[u32; 8]> = self
            .found
            .iter()
            .filter(|f| f.top)
            .map(|f| f.slot)
            .collect();
        for found in self.found.iter_mut().filter(|f| dotted(f)) {
            if flat.contains(&found.slot) {
                found.slot = NO_SLOT;
            }
        }
    }
}
