//! What the conditions of rules cost, measured on a sample of reports.
//!
//! Invariant: a report that is not of the sample costs one decrement; which rules fire is the same with and without. The clock is the
//! shell's: without one nothing is measured.

/// One report in so many, of those that touch any rule, is measured.
pub const COST_SAMPLE: u32 = 256;

/// Nanoseconds since any fixed moment, never less than before.
pub type Clock = fn() -> u64;

/// Which reports are measured, and what the conditions of the last one took.
#[derive(Clone, Debug, Default)]
pub(super) struct Sampler {
    clock: Option<Clock>,
    /// Reports until the next one that is measured.
    left: u32,
    /// Rule by its number in the program, and nanoseconds. As many as a report touches.
    pub(super) spent: Vec<(u32, u64)>,
}

impl Sampler {
    pub(super) fn new(clock: Option<Clock>) -> Self {
        Self {
            clock,
            ..Self::default()
        }
    }

    /// The same for another program.
    pub(super) fn anew(&self) -> Self {
        Self {
            clock: self.clock,
            left: self.left,
            spent: Vec::new(),
        }
    }

    /// The clock, where the report that comes is of the sample.
    #[inline]
    pub(super) fn next(&mut self) -> Option<Clock> {
        if self.left > 0 {
            self.left -= 1;
            return None;
        }
        self.left = COST_SAMPLE - 1;
        self.clock
    }
}

/// Those of `touched` that hold, and what asking each of them took.
pub(super) fn measure(
    clock: Clock,
    touched: impl Iterator<Item = u32>,
    holds: impl Fn(u32) -> bool,
    fired: &mut Vec<u32>,
    spent: &mut Vec<(u32, u64)>,
) {
    let mut before = clock();
    for rule in touched {
        if holds(rule) {
            fired.push(rule);
        }
        let now = clock();
        spent.push((rule, now.saturating_sub(before)));
        before = now;
    }
}
