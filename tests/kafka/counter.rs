//! The smallest stateful stage: counts records per key and chains a hash over them, so that a lost, doubled or reordered
//! record shows in the last value.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use tocsin::core::model::Millis;
use tocsin::kafka::{Input, Outbox, Role, Stage, Target, TopicNames, murmur2};

/// State of one key: how many records, and a hash over all of them in order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Chain {
    pub(super) revision: u64,
    pub(super) hash: u32,
    /// How often an idle advance fired for it.
    pub(super) fired: u64,
}

impl Chain {
    /// The state after one more record.
    pub(super) fn after(self, payload: &[u8]) -> Self {
        let mut bytes = self.hash.to_le_bytes().to_vec();
        bytes.extend_from_slice(payload);
        Self {
            revision: self.revision + 1,
            hash: murmur2(&bytes),
            fired: self.fired,
        }
    }
}

type State = BTreeMap<String, Chain>;

/// Counts. `bad` payloads become dead letters.
pub(super) struct Counter {
    topic: String,
    state: BTreeMap<i32, State>,
    undo: BTreeMap<(i32, String), Option<Chain>>,
    touched: BTreeSet<(i32, String)>,
    /// Due time of the one timer of a partition.
    pub(super) timer: Option<Millis>,
    /// `slow` payloads take so long, so many times.
    pub(super) slow: Option<(Arc<AtomicU32>, Duration)>,
    /// Records wait until this is set.
    pub(super) gate: Option<Arc<AtomicBool>>,
}

impl Counter {
    pub(super) fn new(names: &TopicNames) -> Self {
        Self {
            topic: names.detections.clone(),
            state: BTreeMap::new(),
            undo: BTreeMap::new(),
            touched: BTreeSet::new(),
            timer: None,
            slow: None,
            gate: None,
        }
    }

    fn set(&mut self, partition: i32, key: &str, next: Chain) {
        let state = self.state.get_mut(&partition).expect("an opened partition");
        let before = state.insert(key.to_owned(), next);
        self.undo
            .entry((partition, key.to_owned()))
            .or_insert(before);
        self.touched.insert((partition, key.to_owned()));
    }
}

impl Stage for Counter {
    fn role(&self) -> Role {
        Role::Correlate
    }

    fn topics(&self) -> Vec<String> {
        vec![self.topic.clone()]
    }

    fn is_stateful(&self) -> bool {
        true
    }

    fn open(&mut self, _topic: &str, partition: i32) {
        assert!(
            self.state.insert(partition, State::new()).is_none(),
            "opened twice"
        );
    }

    fn restore(&mut self, partition: i32, key: &[u8], value: Option<&[u8]>) -> Result<(), String> {
        let key = String::from_utf8_lossy(key).into_owned();
        let state = self.state.get_mut(&partition).ok_or("not opened")?;
        match value {
            None => drop(state.remove(&key)),
            Some(bytes) => {
                let chain = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
                state.insert(key, chain);
            }
        }
        Ok(())
    }

    fn close(&mut self, _topic: &str, partition: i32) {
        self.state.remove(&partition);
        self.undo.retain(|(of, _), _| *of != partition);
        self.touched.retain(|(of, _)| *of != partition);
    }

    fn process(&mut self, input: &Input<'_>, out: &mut Outbox) -> Option<&'static str> {
        let payload = input.payload.unwrap_or_default();
        if payload == b"bad" {
            out.push(Target::DeadLetters, b"feed", payload);
            return Some("dead_letter");
        }
        assert!(payload != b"panic", "as asked");
        while self
            .gate
            .as_ref()
            .is_some_and(|gate| !gate.load(Ordering::SeqCst))
        {
            std::thread::sleep(Duration::from_millis(10));
        }
        if let Some((times, long)) = &self.slow
            && payload == b"slow"
            && times
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1))
                .is_ok()
        {
            std::thread::sleep(*long);
        }
        let key = String::from_utf8_lossy(input.key.unwrap_or_default()).into_owned();
        let before = self.state[&input.partition]
            .get(&key)
            .copied()
            .unwrap_or_default();
        let next = before.after(payload);
        self.set(input.partition, &key, next);
        assert!(out.push_json(Target::Queue, key.as_bytes(), &next));
        Some(if next.revision == 1 {
            "opened"
        } else {
            "merged"
        })
    }

    fn refuse_panicked(&mut self, input: &Input<'_>, out: &mut Outbox) -> &'static str {
        out.push(
            Target::DeadLetters,
            b"feed",
            input.payload.unwrap_or_default(),
        );
        "dead_letter"
    }

    fn due(&self, partition: i32) -> Option<Millis> {
        let state = self.state.get(&partition)?;
        state
            .values()
            .any(|chain| chain.fired == 0)
            .then_some(self.timer?)
    }

    fn advance(&mut self, partition: i32, to: Millis, _out: &mut Outbox) -> Millis {
        let keys: Vec<(String, Chain)> = self.state[&partition]
            .iter()
            .filter(|(_, chain)| chain.fired == 0)
            .map(|(key, chain)| (key.clone(), *chain))
            .collect();
        for (key, chain) in keys {
            self.set(partition, &key, Chain { fired: 1, ..chain });
        }
        to
    }

    fn finish(&mut self, partition: i32, out: &mut Outbox) {
        for (of, key) in &self.touched {
            if *of == partition {
                let json = serde_json::to_vec(&self.state[of][key]).expect("JSON");
                out.push(Target::Incidents, key.as_bytes(), &json);
            }
        }
    }

    fn commit(&mut self) {
        self.undo.clear();
        self.touched.clear();
    }

    fn rollback(&mut self) {
        for ((partition, key), before) in std::mem::take(&mut self.undo) {
            if let Some(state) = self.state.get_mut(&partition) {
                match before {
                    Some(chain) => state.insert(key, chain),
                    None => state.remove(&key),
                };
            }
        }
        self.touched.clear();
    }
}
