//! The threads: one reads, several decode and detect, and the caller's folds in the order of the input.
//!
//! Chunks are numbered. The time of a line that states none is that of the line before it, so each chunk needs the last time of
//! the one before; it waits for that after decoding and before detect, and hands its own on at once: what is waited for is short.
//! At most [`CHUNKS_PER_THREAD`] chunks per thread exist at a time, which bounds the memory.

use std::collections::BTreeMap;
use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;

use super::chunk::{Chunk, Detected};
use super::source::Source;
use crate::core::detect::DetectOutput;
use crate::core::model::{DetectOutcome, Millis, RawRecord};
use crate::core::replay::{Detecting, Line, Reading};

/// Most threads of detect.
pub(in crate::cli) const MAX_THREADS: usize = 64;
/// Chunks that are read and not yet folded, for every thread of detect.
const CHUNKS_PER_THREAD: usize = 4;

/// As many threads as the machine runs at once.
pub(in crate::cli) fn threads() -> usize {
    thread::available_parallelism().map_or(1, |n| n.get().min(MAX_THREADS))
}

/// One record and what each rule set made of it.
pub(in crate::cli) struct Seen<'a> {
    /// One-based number in the input.
    pub(in crate::cli) number: u64,
    pub(in crate::cli) record: RawRecord<'a>,
    /// In the order of the rule sets.
    pub(in crate::cli) sides: Vec<(DetectOutcome, Option<Box<DetectOutput>>)>,
}

/// Runs the records of `source` through detect; `fold` gets them in their order. `engines` has one list of rule sets per thread, all
/// equal; the first line without a time was received at `start`.
///
/// # Errors
/// Of reading, after the whole chunks before it were folded, or of `fold`.
pub(in crate::cli) fn run<E>(
    source: &mut (dyn Source + Send),
    reading: &Reading,
    engines: Vec<Vec<Detecting>>,
    start: Millis,
    mut fold: impl FnMut(Seen<'_>) -> Result<(), E>,
) -> Result<(), E>
where
    E: From<io::Error>,
{
    let room = engines.len().max(1) * CHUNKS_PER_THREAD;
    let (free, taken) = sync_channel(room);
    for _ in 0..room {
        // There is room for all of them.
        let _ = free.send(());
    }
    let (todo, work) = sync_channel(room);
    let (done, results) = sync_channel(room);
    let (work, times) = (Mutex::new(work), Times::new(start));
    thread::scope(|scope| {
        let reader = scope.spawn(move || read(source, &taken, &todo));
        for detecting in engines {
            let (work, times, done) = (&work, &times, done.clone());
            scope.spawn(move || detect(work, times, reading, detecting, &done));
        }
        drop(done);
        let folded = fold_all(results, &free, &mut fold);
        // A reader that waits for room, or workers for one that reads, see that nobody is left.
        drop(free);
        folded?;
        match reader.join() {
            Ok(read) => read.map_err(E::from),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

/// Reads chunks as long as there is room for one.
fn read(
    source: &mut (dyn Source + Send),
    taken: &Receiver<()>,
    todo: &SyncSender<(u64, Chunk)>,
) -> io::Result<()> {
    let mut before = 0;
    for index in 0.. {
        if taken.recv().is_err() {
            break;
        }
        let chunk = Chunk::read(source, before)?;
        if chunk.len() == 0 {
            break;
        }
        before += i64::try_from(chunk.len()).unwrap_or(i64::MAX);
        if todo.send((index, chunk)).is_err() {
            break;
        }
    }
    Ok(())
}

/// A chunk by number, and what detect of every rule set made of it.
type Done = (u64, Chunk, Vec<Detected>);

fn detect(
    work: &Mutex<Receiver<(u64, Chunk)>>,
    times: &Times,
    reading: &Reading,
    mut engines: Vec<Detecting>,
    done: &SyncSender<Done>,
) {
    let _guard = Guard(times);
    loop {
        let next = work.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((index, chunk)) = next else { return };
        let decoded = chunk.decode(reading);
        let Some(received) = times.assign(index, |mut last| {
            let each = decoded.iter().map(|line| {
                last = line.received(last);
                last
            });
            each.collect()
        }) else {
            return;
        };
        let sides = each_side(&chunk, decoded, &received, &mut engines);
        if done.send((index, chunk, sides)).is_err() {
            return;
        }
    }
}

/// Detect of every rule set: the last one takes the decoded lines, those before it copies.
fn each_side(
    chunk: &Chunk,
    decoded: Vec<Line<'_>>,
    received: &[Millis],
    engines: &mut [Detecting],
) -> Vec<Detected> {
    let Some((last, others)) = engines.split_last_mut() else {
        return Vec::new();
    };
    let mut sides: Vec<Detected> = others
        .iter_mut()
        .map(|engine| chunk.detect(decoded.clone(), received, engine))
        .collect();
    sides.push(chunk.detect(decoded, received, last));
    sides
}

/// Folds what comes back, in the order of the chunks.
fn fold_all<E>(
    results: Receiver<Done>,
    free: &SyncSender<()>,
    fold: &mut impl FnMut(Seen<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let mut early = BTreeMap::new();
    let mut next = 0;
    for (index, chunk, sides) in results {
        early.insert(index, (chunk, sides));
        while let Some((chunk, sides)) = early.remove(&next) {
            next += 1;
            let mut sides: Vec<_> = sides
                .into_iter()
                .map(|side| side.lines.into_iter())
                .collect();
            for (number, record) in chunk.records() {
                let sides = sides.iter_mut().filter_map(Iterator::next).collect();
                fold(Seen {
                    number,
                    record,
                    sides,
                })?;
            }
            // The reader may have come to the end.
            let _ = free.send(());
        }
    }
    Ok(())
}

/// The time of the last line of each chunk, handed on in order.
struct Times {
    /// The chunk that may go on and the time of the line before it; none when a thread has failed.
    turn: Mutex<Option<(u64, Millis)>>,
    passed: Condvar,
}

impl Times {
    fn new(start: Millis) -> Self {
        Self {
            turn: Mutex::new(Some((0, start))),
            passed: Condvar::new(),
        }
    }

    /// Waits for the chunk's turn, and gives its lines their times; none when its turn will not come.
    fn assign(&self, index: u64, times: impl FnOnce(Millis) -> Vec<Millis>) -> Option<Vec<Millis>> {
        let turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let waits = |turn: &mut Option<(u64, Millis)>| turn.is_some_and(|(next, _)| next != index);
        let mut turn = self
            .passed
            .wait_while(turn, waits)
            .unwrap_or_else(PoisonError::into_inner);
        let (_, last) = (*turn)?;
        let times = times(last);
        *turn = Some((index + 1, times.last().copied().unwrap_or(last)));
        self.passed.notify_all();
        Some(times)
    }
}

/// A thread that fails lets nobody wait for it.
struct Guard<'a>(&'a Times);

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            *self.0.turn.lock().unwrap_or_else(PoisonError::into_inner) = None;
            self.0.passed.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::sync::Arc;

    use super::*;
    use crate::cli::corpus::Lines;
    use crate::config::{Paths, load_rule_set};
    use crate::core::replay::default_feed;

    /// Gives some lines, then an error or the end.
    struct Broken {
        lines: u64,
        fails: bool,
    }

    impl Read for Broken {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.lines == 0 {
                return if self.fails {
                    Err(io::Error::other("the disk is gone"))
                } else {
                    Ok(0)
                };
            }
            self.lines -= 1;
            let line = format!("{{\"id\":\"{}\",\"text\":\"x\"}}\n", self.lines);
            buffer[..line.len()].copy_from_slice(line.as_bytes());
            Ok(line.len())
        }
    }

    fn seen(lines: u64, fails: bool, stop_at: u64) -> (Vec<u64>, Result<(), String>) {
        let reading = Reading::new(default_feed(), &[]).unwrap();
        let set = Arc::new(load_rule_set(&Paths::default()).unwrap());
        let engines = (0..3)
            .map(|_| vec![Detecting::new(Arc::clone(&set), &reading).unwrap()])
            .collect();
        let reader = io::BufReader::new(Broken { lines, fails });
        let mut source = Lines::new(Box::new(reader));
        let mut numbers = Vec::new();
        let ended = run(&mut source, &reading, engines, Millis(0), |seen| {
            if seen.number == stop_at {
                return Err(io::Error::other("the disk is full"));
            }
            numbers.push(seen.number);
            Ok(())
        });
        (numbers, ended.map_err(|error: io::Error| error.to_string()))
    }

    #[test]
    fn the_fold_sees_every_line_once_and_in_order() {
        let (numbers, ended) = seen(5_000, false, u64::MAX);
        assert_eq!(ended, Ok(()));
        assert!(numbers.into_iter().eq(1..=5_000));
    }

    #[test]
    fn an_error_of_reading_comes_after_whole_chunks_before_it() {
        let (numbers, ended) = seen(1_300, true, u64::MAX);
        assert_eq!(ended, Err("the disk is gone".to_owned()));
        assert!(numbers.iter().copied().eq(1..=numbers.len() as u64));
        assert!(numbers.len() >= 1_024, "{}", numbers.len());
    }

    #[test]
    fn an_error_of_the_fold_ends_it_at_once() {
        let (numbers, ended) = seen(50_000, false, 700);
        assert_eq!(ended, Err("the disk is full".to_owned()));
        assert!(numbers.into_iter().eq(1..700));
    }
}
