//! What growth costs: the report path with and without it, and the memory of all series.
//!
//! `cargo bench --bench growth [-- [--quick] [NAME]]`. Bars: the report path within 3 % of its speed without growth; 100,000 series in
//! 500 MiB. The path is all that workers do with a record but the broker: decoded, normalised, matched, placed and scored, its
//! detections written and read, folded, alerts and changed state written. It is measured on the stream as it comes, at its peak and
//! while it catches up, each after 31 days in which just as much was usual (the first two when it has run for a while: the first half is
//! not measured); and, without a bar, on a stream in which ten times as
//! much as usual comes of everything, and on archives, in which months go by in seconds. Transactions with and without growth
//! alternate, and what is compared is the median of the rounds' ratios of processor time. `$TOCSIN_BENCH_TEXTS` names a file of
//! real texts (a JSON object with `text` a line), which are run first.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::{Arc, LazyLock};
use std::time::Instant;

use tocsin::config::{Paths, load_rule_set};
use tocsin::core::correlate::{
    CorrelateConfig, CorrelateOutput, Correlator, StateChange, is_baseline,
};
use tocsin::core::detect::{DetectEngine, DetectOutput, write_detection};
use tocsin::core::growth::{DAY_MS, HOUR_MS, KEPT_DAYS, Series};
use tocsin::core::model::{Detection, Millis, Position, RawRecord};
use tocsin::core::replay::default_feed;
use tocsin::core::ruleset::RuleSet;

const START: i64 = 1_767_000_000_000;
/// Most that growth may cost on the report path, percent.
const BAR: f64 = 3.0;
/// The local hour of [`START`].
const FIRST_HOUR: i32 = (START / HOUR_MS) as i32 + 8;
/// Records of a transaction.
const TRANSACTION: usize = 1_000;
const MIB: f64 = (1_u64 << 20) as f64;

fn main() {
    let quick = std::env::args().any(|arg| arg == "--quick");
    let only = std::env::args().skip(1).find(|arg| !arg.starts_with("--"));
    let set = match load_rule_set(&Paths::default()) {
        Ok(set) => Arc::new(set),
        Err(errors) => {
            println!("FAILED: {errors}");
            std::process::exit(1);
        }
    };
    let (lines, series) = if quick {
        (2_000, 1_000)
    } else {
        (40_000, 100_000)
    };
    let rounds = if quick { 1 } else { 7 };
    let compare = |name: &str, stream: &dyn Fn() -> Stream, bar| {
        let asked = only
            .as_ref()
            .is_none_or(|only| name.contains(only.as_str()));
        !asked || path(&set, name, &stream(), rounds, bar)
    };
    let places = ["浦东新区", "徐汇区", "静安区", "闵行区", "宝山区", "松江区"];
    let made = made(2 * lines, 3, &places);
    let real = texts(2 * lines);
    let mut met = true;
    for (of, texts) in [("real texts", real.as_ref()), ("made ones", Some(&made))] {
        let Some(texts) = texts else {
            continue;
        };
        let count = texts.len() as f64;
        let half = texts.len() / 2;
        for (name, span, from) in [
            ("50 a second", count / 50.0, half),
            ("5,000 a second", count / 5_000.0, half),
            ("six hours behind", 21_600.0, 0),
        ] {
            met &= compare(
                &format!("{of}, {name}"),
                &|| stream(&set, texts, span, 1.0, from),
                BAR,
            );
        }
        compare(
            &format!("{of}, ten times as many"),
            &|| stream(&set, texts, count / 50.0, 0.1, half),
            f64::MAX,
        );
        compare(
            &format!("{of}, 35 days"),
            &|| archive(texts, 34.0 / 35.0),
            f64::MAX,
        );
    }
    // Half of all records on the last day: every place is an alarm, and is revised with nearly every report.
    compare(
        "35 days, in alarm",
        &|| archive(&made[..lines / 2], 0.5),
        f64::MAX,
    );
    met &= memory(series) <= 500.0;
    println!("{}", if met { "bars met" } else { "BARS NOT MET" });
    std::process::exit(i32::from(!met && !quick));
}

/// A record, and when it was received.
type Record = (Millis, String);

/// Records that are measured, and the state that they find.
struct Stream {
    taught: Vec<(String, Box<[u8]>)>,
    records: Vec<Record>,
    /// Records after which it is measured.
    from: usize,
}

/// The texts of the file that `$TOCSIN_BENCH_TEXTS` names, an object with a `text` a line.
fn texts(most: usize) -> Option<Vec<String>> {
    let path = std::env::var_os("TOCSIN_BENCH_TEXTS")?;
    let file = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let lines = file.split(|byte| *byte == b'\n').take(most);
    let text = |line: &[u8]| {
        let line: serde_json::Value = serde_json::from_slice(line).ok()?;
        Some(line.get("text")?.as_str()?.to_owned())
    };
    Some(lines.filter_map(text).collect())
}

/// Texts of which one in `hit` is about a fire or a leak of gas.
fn made(count: usize, hit: usize, places: &[&str]) -> Vec<String> {
    let text = |n: usize| {
        let mut text = String::new();
        if n.is_multiple_of(hit) {
            let what = if n.is_multiple_of(2 * hit) {
                "发生火灾"
            } else {
                "燃气泄漏"
            };
            text += places[n / hit % places.len()];
            text += what;
        } else {
            text += "今天天气很好，公园里有很多人在散步";
        }
        text += "。";
        // No text is near another one.
        let other = |k: usize| char::from_u32(0x4e00 + ((n * 7_919 + k * 613) % 20_000) as u32);
        text.extend((0..60).filter_map(other));
        text
    };
    (0..count).map(text).collect()
}

/// The texts within so many seconds of a working day, after 31 days of which every hour had, of every key, `usual` times as many.
fn stream(set: &Arc<RuleSet>, texts: &[String], seconds: f64, usual: f64, from: usize) -> Stream {
    let begin = 31.0 + 16.7 / 24.0;
    let day = |n: usize| begin + n as f64 / texts.len() as f64 * seconds / 86_400.0;
    let records = texts
        .iter()
        .enumerate()
        .map(|(n, text)| record(n, text, day(n)));
    let records: Vec<Record> = records.collect();
    let config = CorrelateConfig::new(Arc::clone(&set.routing));
    let mut side = Side::new(set, Arc::new(config));
    let mut last = BTreeMap::new();
    for part in records.chunks(TRANSACTION) {
        let changes = side.transaction(part).into_iter();
        last.extend(
            changes
                .filter(|change| is_baseline(change.key.as_bytes()))
                .map(|change| (change.key, change.value)),
        );
    }
    let mut of_key = |(key, value): (String, Option<Vec<u8>>)| {
        let counted = Series::decode(&value?)?;
        let mut series = Series::default();
        for feed in counted.feeds() {
            let of_hour = f64::from(feed.sum(i32::MIN, i32::MAX)) * 3_600.0 / seconds * usual;
            // However rare, it begins with the first hour.
            series.count(&feed.feed, FIRST_HOUR, 1, FIRST_HOUR);
            for hour in 1..31 * 24 {
                let by = |hour: i32| (f64::from(hour) * of_hour) as u32;
                match by(hour) - by(hour - 1) {
                    0 => {}
                    count => drop(series.count(&feed.feed, FIRST_HOUR + hour, count, FIRST_HOUR)),
                }
            }
        }
        Some((key, series.encode()))
    };
    Stream {
        taught: last.into_iter().filter_map(&mut of_key).collect(),
        records,
        from,
    }
}

/// Texts of 34 days and a day; the 34 days have this share of them.
fn archive(texts: &[String], before: f64) -> Stream {
    let records = texts.iter().enumerate().map(|(n, text)| {
        let share = n as f64 / texts.len() as f64;
        let days = if share < before {
            share / before * 34.0
        } else {
            34.0 + (share - before) / (1.0 - before)
        };
        record(n, text, days)
    });
    Stream {
        taught: Vec::new(),
        records: records.collect(),
        from: 0,
    }
}

/// A record after so many days.
fn record(n: usize, text: &str, days: f64) -> Record {
    let at = Millis(START + (days * DAY_MS as f64) as i64);
    let text = serde_json::to_string(text).expect("a string is JSON");
    let json = format!(r#"{{"id":"{n}","observed":"{at}","text":{text}}}"#);
    (at, json)
}

/// Runs the records with and without growth; whether what it costs is within `bar` percent.
fn path(set: &Arc<RuleSet>, name: &str, stream: &Stream, rounds: usize, bar: f64) -> bool {
    let mut with = CorrelateConfig::new(Arc::clone(&set.routing));
    with.growth.enabled = true;
    let mut without = with.clone();
    without.growth.enabled = false;
    let sides = [Arc::new(with), Arc::new(without)];
    let (mut ratios, mut times) = (Vec::new(), Vec::new());
    let mut found = [(0, 0); 2];
    let measured = (stream.records.len() - stream.from / TRANSACTION * TRANSACTION) as f64;
    for round in 0..rounds {
        let mut both = sides.clone().map(|config| Side::new(set, config));
        for side in &mut both {
            for (key, value) in &stream.taught {
                side.correlator.restore(key, Some(value)).expect("a series");
            }
            side.correlator.finish_restore();
        }
        let from = stream.from / TRANSACTION;
        for (nth, part) in stream.records.chunks(TRANSACTION).enumerate() {
            if nth == from {
                both.iter_mut().for_each(Side::begin);
            }
            // The one that comes first changes from transaction to transaction.
            for turn in 0..2 {
                drop(both[(round + nth + turn) % 2].transaction(part));
            }
        }
        ratios.push(both[0].seconds / both[1].seconds);
        times.push(both[0].seconds);
        found = both.map(|side| (side.hits, side.alerts));
    }
    let percent = (median(&mut ratios) - 1.0) * 100.0;
    let (low, high) = (ratios[ratios.len() / 4], ratios[ratios.len() * 3 / 4]);
    println!(
        "{name:<30} {:>7.0} records a second, {:.0} % with a detection, {} and {} alerts: {percent:+.1} % time with growth \
         (quartiles {:+.1} and {:+.1})",
        measured / median(&mut times),
        100.0 * found[0].0 as f64 / measured,
        found[0].1,
        found[1].1,
        (low - 1.0) * 100.0,
        (high - 1.0) * 100.0,
    );
    percent <= bar
}

/// Sorts them.
fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// What workers do with records, only without a broker: detect writes detections, correlate reads and folds them, and alerts and all
/// state that changed are written.
struct Side {
    engine: DetectEngine,
    correlator: Correlator,
    detected: DetectOutput,
    folded: CorrelateOutput,
    bytes: Vec<u8>,
    seconds: f64,
    hits: usize,
    alerts: usize,
}

impl Side {
    fn new(set: &Arc<RuleSet>, config: Arc<CorrelateConfig>) -> Self {
        let feeds = [Arc::new(default_feed())];
        Self {
            engine: DetectEngine::new(Arc::clone(set), &feeds).expect("a feed"),
            correlator: Correlator::new(config),
            detected: DetectOutput::default(),
            folded: CorrelateOutput::default(),
            bytes: Vec::new(),
            seconds: 0.0,
            hits: 0,
            alerts: 0,
        }
    }

    /// It is measured from now on.
    fn begin(&mut self) {
        (self.seconds, self.hits, self.alerts) = (0.0, 0, 0);
    }

    /// Returns the state that changed.
    fn transaction(&mut self, records: &[Record]) -> Vec<StateChange> {
        let (began, position) = (busy(), Position::default());
        let Self {
            engine,
            correlator,
            detected,
            folded,
            bytes,
            ..
        } = self;
        for (at, json) in records {
            let record = RawRecord::new(json.as_bytes(), *at);
            engine.process(0, &record, &position, detected);
            self.hits += usize::from(!detected.detections.is_empty());
            for detection in &detected.detections {
                bytes.clear();
                write_detection(detection, bytes).expect("JSON");
                let read: Detection = serde_json::from_slice(bytes).expect("a detection");
                correlator.fold(&read, folded);
            }
            detected.clear();
            for alert in &folded.alerts {
                bytes.clear();
                serde_json::to_writer(&mut *bytes, alert).expect("JSON");
                black_box(&*bytes);
            }
            self.alerts += folded.alerts.len();
            folded.clear();
        }
        let changes = black_box(correlator.take_changes());
        correlator.commit();
        self.seconds += busy() - began;
        changes
    }
}

/// Seconds for which this thread has been on a processor; where `/proc` does not say, those that went by. A busy machine adds nothing.
fn busy() -> f64 {
    static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = stat.split_whitespace().next().and_then(|n| n.parse().ok());
    nanos.map_or_else(|| BEGAN.elapsed().as_secs_f64(), |n: f64| n / 1e9)
}

/// Restores so many series of two feeds with ten busy hours a day; MiB for 100,000 of them.
fn memory(count: usize) -> f64 {
    let config = Arc::new(CorrelateConfig::new(Arc::default()));
    let hour = (START / HOUR_MS) as i32;
    let mut series = Series::default();
    for day in 0..KEPT_DAYS {
        for at in 0..10 {
            series.count("hotline", hour + day * 24 + at * 2, 1 + at as u32 % 3, 0);
            series.count("posts", hour + day * 24 + at, 1, 0);
        }
    }
    let bytes = series.encode();
    let before = resident();
    let mut correlator = Correlator::new(config);
    for n in 0..count {
        let key = format!("~series/actual/fire/gn-{n:07}");
        correlator.restore(&key, Some(&bytes)).expect("a series");
    }
    correlator.finish_restore();
    let mib = resident().saturating_sub(before) as f64 / MIB;
    println!(
        "memory                         {count} series of {} bytes in {mib:.0} MiB (bar 500 MiB for 100,000)",
        bytes.len()
    );
    mib * 100_000.0 / count as f64
}

/// Resident memory of this process, bytes; 0 where `/proc` does not say.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<usize>().ok())
        .unwrap_or(0)
        * 1_024
}
