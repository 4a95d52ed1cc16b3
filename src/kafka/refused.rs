//! What a worker remembers of records that were in its way, from one session to the next.
//!
//! A record on which the stage panicked ends the session once, and is a dead letter when it is read again. A dead letter that
//! the topic refuses for its size is cut when it is written again, in two steps.
//!
//! Invariant: after a panic nothing that the stage did since the last commit is kept; its partitions are restored.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::dead_letter::Cut;
use super::transaction::Fault;
use super::{Input, Outbox, Stage};

/// Records remembered. One that is forgotten panics, and is remembered, again.
const MAX_REMEMBERED: usize = 64;

/// What a worker remembers from session to session.
#[derive(Debug, Default)]
pub(super) struct Refused {
    panicked: VecDeque<(String, i32, i64)>,
    /// How dead letters are cut until the next commit.
    pub(super) cut: Cut,
}

impl Refused {
    /// Processes the record, or refuses it when it made the stage panic before.
    pub(super) fn process<S: Stage>(
        &mut self,
        stage: &mut S,
        input: &Input<'_>,
        out: &mut Outbox,
    ) -> Result<Option<&'static str>, Fault> {
        let (topic, partition, offset) = (input.topic, input.partition, input.offset);
        let known = self
            .panicked
            .iter()
            .any(|(t, p, o)| t == topic && (*p, *o) == (partition, offset));
        if known {
            return Ok(Some(stage.refuse_panicked(input, out)));
        }
        if let Ok(outcome) = catch_unwind(AssertUnwindSafe(|| stage.process(input, out))) {
            return Ok(outcome);
        }
        if self.panicked.len() == MAX_REMEMBERED {
            self.panicked.pop_front();
        }
        self.panicked
            .push_back((topic.to_owned(), partition, offset));
        out.clear();
        stage.recover();
        Err(Fault::Restart(format!(
            "inner error at {topic}/{partition}/{offset}"
        )))
    }
}
