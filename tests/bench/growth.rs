//! What growth costs: the report path with and without it, a busy key, and the memory of all series.
//!
//! `cargo bench --bench growth [-- --quick]`. Bars: the report path within 3 % of its speed without growth; 100,000 series in
//! 500 MiB. Rounds with and without alternate in one process, and the ratio is of the medians of their processor time.

use std::fmt::Write as _;
use std::sync::{Arc, LazyLock};
use std::time::Instant;

use tocsin::config::{Paths, load_rule_set};
use tocsin::core::correlate::{CorrelateConfig, Correlator};
use tocsin::core::growth::{DAY_MS, HOUR_MS, KEPT_DAYS, Series};
use tocsin::core::model::Millis;
use tocsin::core::replay::{ReplayOutput, Replayer, default_feed};
use tocsin::core::ruleset::RuleSet;

const START: i64 = 1_767_000_000_000;
const MIB: f64 = (1_u64 << 20) as f64;

fn main() {
    let quick = std::env::args().any(|arg| arg == "--quick");
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
    let places = ["浦东新区", "徐汇区", "静安区", "闵行区", "宝山区", "松江区"];
    let usual = path(
        &set,
        "report path",
        &feed(lines, 3, &places, 34.0 / 35.0),
        3.0,
    );
    // Half of all lines on the last day: every place is an alarm, and is revised with nearly every report.
    let alarm = path(&set, "in alarm", &feed(lines / 2, 3, &places, 0.5), 3.0);
    // Every report at one place.
    path(
        &set,
        "busy key, all hits",
        &feed(lines / 10, 1, &places[..1], 0.5),
        f64::MAX,
    );
    let bytes = memory(series);
    let met = usual && alarm && bytes <= 500.0;
    println!("{}", if met { "bars met" } else { "BARS NOT MET" });
    std::process::exit(i32::from(!met && !quick));
}

/// Lines of 34 days and a day, one in `hit` about a fire or a leak of gas; the 34 days have this share of them.
fn feed(lines: usize, hit: usize, places: &[&str], before: f64) -> Vec<String> {
    let mut made = Vec::with_capacity(lines);
    for n in 0..lines {
        let share = n as f64 / lines as f64;
        let days = if share < before {
            share / before * 34.0
        } else {
            34.0 + (share - before) / (1.0 - before)
        };
        let at = Millis(START + (days * DAY_MS as f64) as i64);
        let mut line =
            format!("{{\"id\":\"{n}\",\"observed\":\"{at}\",\"received\":\"{at}\",\"text\":\"");
        if n % hit == 0 {
            let what = if n % (2 * hit) == 0 {
                "发生火灾"
            } else {
                "燃气泄漏"
            };
            line += places[n / hit % places.len()];
            line += what;
        } else {
            line += "今天天气很好，公园里有很多人在散步";
        }
        line += "。";
        // No text is near another one.
        let other = |k: usize| char::from_u32(0x4e00 + ((n * 7_919 + k * 613) % 20_000) as u32);
        line.extend((0..60).filter_map(other));
        let _ = write!(line, "\"}}");
        made.push(line);
    }
    made
}

/// Replays the lines with and without growth; whether what it costs is within `bar` percent.
fn path(set: &Arc<RuleSet>, name: &str, lines: &[String], bar: f64) -> bool {
    let mut with = CorrelateConfig::new(Arc::clone(&set.routing));
    with.growth.enabled = true;
    let mut without = with.clone();
    without.growth.enabled = false;
    let sides = [Arc::new(with), Arc::new(without)];
    let mut times = [Vec::new(), Vec::new()];
    let mut alerts = [0; 2];
    for round in 0..7 {
        for turn in 0..2 {
            let side = (round + turn) % 2;
            let (took, seen) = replay(set, &sides[side], lines);
            times[side].push(took);
            alerts[side] = seen;
        }
    }
    let [with, without] = times.map(|mut times| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    });
    let percent = (with / without - 1.0) * 100.0;
    let rate = lines.len() as f64 / with;
    println!(
        "{name:<20} {rate:>9.0} lines a second, {percent:+.1} % time with growth ({} and {} alerts)",
        alerts[0], alerts[1]
    );
    percent <= bar
}

fn replay(set: &Arc<RuleSet>, config: &Arc<CorrelateConfig>, lines: &[String]) -> (f64, u64) {
    let replayer = Replayer::new(
        Arc::clone(set),
        Arc::clone(config),
        default_feed(),
        &[],
        Millis(START),
    );
    let mut replayer = replayer.expect("a replayer");
    let mut out = ReplayOutput::default();
    let began = busy();
    for line in lines {
        out.clear();
        replayer.line(line.as_bytes(), &mut out);
    }
    replayer.finish(false, &mut out);
    (busy() - began, replayer.summary().alerts)
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
        "memory               {count} series of {} bytes in {mib:.0} MiB (bar 500 MiB for 100,000)",
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
