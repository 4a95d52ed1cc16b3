//! One event against all rules.

use super::event::{Event, Found, Values};
use super::fields::NO_SLOT;
use super::fold::fold_into;
use super::plan::{END, Expr, Posting, START, Sigma, bits};
use super::test::{Leaf, Test};
use crate::core::lexicon::{Candidate, PADDING};

/// A line that is no event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadEvent {
    /// Byte at which reading stopped.
    pub at: usize,
    /// What was expected there.
    pub expected: &'static str,
}

/// What one thread needs to evaluate events; made once, so that an event without a match allocates nothing.
#[derive(Debug, Default)]
pub struct Scratch {
    values: Values,
    symbols: Vec<u16>,
    segments: Vec<Segment>,
    candidates: Vec<Candidate>,
    hits: Vec<(u32, u32, u32)>,
    /// Number of the event; what carries it in the lists below is of this event.
    event: u32,
    atoms: Vec<u32>,
    slots: Vec<u32>,
    asked: Vec<u32>,
    rules: Vec<u32>,
    /// Indices of the rules that matched the last event, sorted.
    matched: Vec<u32>,
}

/// A value within the symbols.
#[derive(Clone, Copy, Debug)]
struct Segment {
    slot: u32,
    from: u32,
    to: u32,
}

impl Scratch {
    /// The values of the event just evaluated.
    pub(super) fn values(&self) -> &Values {
        &self.values
    }

    /// Begins an event of a rule set.
    fn begin(&mut self, sigma: &Sigma) {
        let sizes = [sigma.atoms, sigma.looked.len(), sigma.rules.len()];
        let lists = [&mut self.atoms, &mut self.slots, &mut self.asked];
        if self.event == u32::MAX
            || sizes
                .iter()
                .zip(&lists)
                .any(|(size, list)| list.len() != *size)
        {
            self.event = 0;
            for (list, size) in lists.into_iter().zip(sizes) {
                list.clear();
                list.resize(size, 0);
            }
        }
        self.event += 1;
        self.symbols.clear();
        self.segments.clear();
        self.hits.clear();
        self.rules.clear();
        self.matched.clear();
    }

    fn announce(&mut self, rules: &[u32]) {
        for rule in rules {
            let asked = &mut self.asked[*rule as usize];
            if *asked != self.event {
                *asked = self.event;
                self.rules.push(*rule);
            }
        }
    }

    fn set(&mut self, atom: u32, sigma: &Sigma) {
        if self.atoms[atom as usize] != self.event {
            self.atoms[atom as usize] = self.event;
            self.announce(sigma.by_atom.get(atom as usize));
        }
    }

    /// Appends a folded value to the symbols; where it begins.
    fn fold(&mut self, text: &str) -> usize {
        let from = self.symbols.len();
        fold_into(text, &mut self.symbols);
        from
    }

    /// Keeps the last value for the index.
    fn keep(&mut self, slot: u32, from: usize) {
        let to = self.symbols.len();
        // No pattern has this symbol, so that none is found across it.
        self.symbols.push(0);
        self.segments.push(Segment {
            slot,
            from: from as u32,
            to: to as u32,
        });
    }
}

impl Sigma {
    /// Evaluates one event, a JSON object in UTF-8: indices of the rules that match, sorted.
    pub fn evaluate<'s>(
        &self,
        line: &[u8],
        scratch: &'s mut Scratch,
    ) -> Result<&'s [u32], BadEvent> {
        let line = simdutf8::basic::from_utf8(line).map_err(|_| BadEvent {
            at: 0,
            expected: "UTF-8",
        })?;
        scratch.begin(self);
        let mut values = std::mem::take(&mut scratch.values);
        let read = values.read(line, &self.fields);
        if let Err(stop) = read {
            scratch.values = values;
            return Err(BadEvent {
                at: stop.at,
                expected: stop.expected,
            });
        }
        let event = Event {
            line,
            values: &values,
        };
        self.find(event, scratch);
        scratch.announce(&self.always);
        let announced = std::mem::take(&mut scratch.rules);
        for rule in &announced {
            let number = *rule as usize;
            let found = |atom: u32| scratch.atoms[atom as usize] == scratch.event;
            let holds = self.quick[number].holds(found);
            if holds.unwrap_or_else(|| self.holds(&self.rules[number].when, event, scratch)) {
                scratch.matched.push(*rule);
            }
        }
        scratch.rules = announced;
        scratch.matched.sort_unstable();
        scratch.values = values;
        Ok(&scratch.matched)
    }

    /// The selections of a rule that hold of the event just evaluated and speak for a match, in the order of the rule.
    pub fn selections<'s>(&'s self, rule: u32, line: &str, scratch: &Scratch) -> Vec<&'s str> {
        let event = Event {
            line,
            values: &scratch.values,
        };
        self.rules[rule as usize]
            .selections
            .iter()
            .filter(|(_, expr)| self.holds(expr, event, scratch))
            .map(|(name, _)| name.as_str())
            .collect()
    }

    /// Sets the atoms of an event and announces rules.
    fn find(&self, event: Event<'_>, scratch: &mut Scratch) {
        let everywhere = self.fields.any;
        for found in &event.values.found {
            let slot = found.slot as usize;
            let looked = self.looked.get(slot).copied().unwrap_or_default();
            if let Some(seen) = scratch.slots.get_mut(slot)
                && *seen != scratch.event
            {
                *seen = scratch.event;
                scratch.announce(self.by_slot.get(slot));
            }
            if looked.literals || looked.wholes || everywhere {
                let anywhere = looked.literals || everywhere;
                self.literals(event, found, anywhere, scratch);
            }
            if looked.numbers
                && let Some(number) = event.leaf(found).number()
                && let Some(atoms) = self.numbers.get(&(found.slot, bits(number)))
            {
                for atom in atoms {
                    scratch.set(*atom, self);
                }
            }
        }
        if !scratch.symbols.is_empty() {
            self.hits(scratch);
        }
    }

    /// Looks for a value as a whole, and takes it up for the index where literals are looked for `anywhere`.
    fn literals(&self, event: Event<'_>, found: &Found, anywhere: bool, scratch: &mut Scratch) {
        let Some(text) = event.leaf(found).text().filter(|text| !text.is_empty()) else {
            return;
        };
        let from = scratch.fold(text);
        let wholes = self.wholes.get(found.slot as usize);
        let atoms = wholes.and_then(|wholes| wholes.get(&scratch.symbols[from..]));
        for atom in atoms.into_iter().flatten() {
            scratch.set(*atom, self);
        }
        if anywhere {
            scratch.keep(found.slot, from);
        } else {
            scratch.symbols.truncate(from);
        }
    }

    fn hits(&self, scratch: &mut Scratch) {
        let mut hits = std::mem::take(&mut scratch.hits);
        let mut candidates = std::mem::take(&mut scratch.candidates);
        let end = scratch.symbols.len();
        scratch.symbols.resize(end + PADDING, 0);
        self.index.scan(
            &scratch.symbols,
            0,
            end,
            &mut candidates,
            |pattern, from, to| hits.push((pattern, from as u32, to as u32)),
        );
        for (pattern, from, to) in &hits {
            let at = scratch.segments.partition_point(|s| s.from <= *from) - 1;
            let segment = scratch.segments[at];
            let edges = u8::from(*from == segment.from) * START + u8::from(*to == segment.to) * END;
            let mut posting = &self.patterns[*pattern as usize];
            loop {
                if fits(posting, segment.slot, edges) {
                    scratch.set(posting.atom, self);
                }
                let Some(next) = posting.next.checked_sub(1) else {
                    break;
                };
                posting = &self.postings[next as usize];
            }
        }
        scratch.hits = hits;
        scratch.candidates = candidates;
    }

    fn holds(&self, expr: &Expr, event: Event<'_>, scratch: &Scratch) -> bool {
        let atom = |atom: u32| scratch.atoms[atom as usize] == scratch.event;
        match expr {
            Expr::And(parts) => parts.iter().all(|p| self.holds(p, event, scratch)),
            Expr::Or(parts) => parts.iter().any(|p| self.holds(p, event, scratch)),
            Expr::Not(part) => !self.holds(part, event, scratch),
            Expr::Atom(number) => atom(*number),
            Expr::Guarded(number, ask) => atom(*number) && self.ask(*ask, event),
            Expr::Ask(ask) => self.ask(*ask, event),
            Expr::Present(slot) => {
                *slot == NO_SLOT || scratch.slots[*slot as usize] == scratch.event
            }
        }
    }

    fn ask(&self, ask: u32, event: Event<'_>) -> bool {
        let ask = &self.asks[ask as usize];
        let other = |name: &str| event.of(self.fields.known(name)).collect::<Vec<Leaf<'_>>>();
        let anywhere = ask.slot == NO_SLOT;
        let mut values = event
            .values
            .found
            .iter()
            .filter(|f| anywhere || f.slot == ask.slot)
            .map(|f| event.leaf(f))
            .peekable();
        match (&ask.test, values.peek()) {
            (test, None) => !anywhere && test.holds_absent(),
            (Test::Exists(wanted), Some(_)) => *wanted,
            (test, Some(_)) => values.any(|leaf| test.holds(leaf, &other)),
        }
    }
}

fn fits(posting: &Posting, slot: u32, edges: u8) -> bool {
    (posting.slot == slot || posting.slot == NO_SLOT) && posting.edges & !edges == 0
}
