//! State of one partition at its limit: open incident keys, their memory, and how long a restore takes.
//!
//! `cargo bench --bench state [-- KEYS]`; 1,000,000 keys by default. Bars: 1 GiB resident, 30 s. The texts are of the length
//! of real reports: half of them Chinese news of about 100 characters, half English posts of about 140.
//!
//! `cargo bench --bench state -- --full-key`: how fast reports are folded into one key that holds as many as it may, beside a
//! key that holds few; and a digest of everything that came out, so that two builds can be compared byte for byte.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use tocsin::core::correlate::{CorrelateConfig, CorrelateOutput, Correlator};
use tocsin::core::diagnostic::SourceFile;
use tocsin::core::model::{
    Coordinates, CorrelateOutcome, Detection, FeedKind, Fingerprint, Hazard, Match, Millis, Place,
    Position, ReportRef, ScoreLine, Status, Tier, Urgency,
};
use tocsin::core::route::Routing;

const GIB: f64 = (1_u64 << 30) as f64;
/// Detections folded in one transaction.
const TRANSACTION: usize = 10_000;
/// Reports timed on a key, and how many of them one transaction holds.
const FOLDS: usize = 8_000;
const FOLDS_PER_TRANSACTION: usize = 200;

const ZH: &str = "今天上午，某区一处居民楼发生火灾，现场浓烟滚滚。消防救援人员接到报警后迅速赶到现场处置，\
    疏散群众四十余人，目前明火已被扑灭，起火原因正在调查中，暂无人员伤亡报告，周边道路已实行临时交通管制。";
const EN: &str = "Huge fire at the old textile warehouse near the river, smoke all over the neighbourhood, fire trucks \
    everywhere and the bridge is closed.";

fn main() -> std::io::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let keys = args
        .iter()
        .find_map(|arg| arg.parse().ok())
        .unwrap_or(1_000_000);
    let text = include_str!("../../config/departments.yaml");
    let source = SourceFile {
        name: "departments.yaml".into(),
        text: text.into(),
    };
    let routing = Routing::parse(&source).unwrap_or_default();
    let mut config = CorrelateConfig::new(Arc::new(routing));
    config.limits.keys = keys;
    let config = Arc::new(config);
    if args.iter().any(|arg| arg == "--full-key") {
        full_key(&config);
        return Ok(());
    }
    if let Some(at) = args.iter().position(|arg| arg == "--restore") {
        return restore(&args[at + 1], keys, &config);
    }
    // The restore runs in a process of its own, which has never held anything else: freed memory would hide its size.
    let file = std::env::temp_dir().join(format!("tocsin-state-{}", std::process::id()));
    println!("keys                 {keys}");
    fill(&file, keys, &config)?;
    let program = std::env::current_exe()?;
    let done = std::process::Command::new(program)
        .arg(keys.to_string())
        .arg("--restore")
        .arg(&file)
        .status();
    std::fs::remove_file(&file)?;
    std::process::exit(done?.code().unwrap_or(1))
}

/// Opens the keys and writes what the changelog would hold.
fn fill(file: &Path, keys: usize, config: &Arc<CorrelateConfig>) -> std::io::Result<()> {
    let mut correlator = Correlator::new(Arc::clone(config));
    let mut out = CorrelateOutput::default();
    let mut log = BufWriter::new(File::create(file)?);
    let (mut bytes, mut spent) = (0, Duration::ZERO);
    let mut began = Instant::now();
    for number in 0..keys {
        let outcome = correlator.fold(&detection(number, 0), &mut out);
        assert_eq!(outcome, CorrelateOutcome::Opened);
        if (number + 1) % TRANSACTION == 0 || number + 1 == keys {
            let changes = correlator.take_changes();
            correlator.commit();
            out.clear();
            spent += began.elapsed();
            for change in changes {
                let value = change.value.unwrap_or_default();
                bytes += change.key.len() + value.len();
                for part in [change.key.as_bytes(), &value] {
                    log.write_all(&(part.len() as u32).to_le_bytes())?;
                    log.write_all(part)?;
                }
            }
            began = Instant::now();
        }
    }
    println!(
        "opened               {:.0} keys a second, one thread",
        keys as f64 / spent.as_secs_f64()
    );
    println!(
        "changelog            {:.0} bytes a key",
        bytes as f64 / keys as f64
    );
    log.flush()
}

fn restore(file: &str, keys: usize, config: &Arc<CorrelateConfig>) -> std::io::Result<()> {
    let mut log = BufReader::new(File::open(file)?);
    let before = resident();
    let began = Instant::now();
    let mut restored = Correlator::new(Arc::clone(config));
    let (mut key, mut value) = (Vec::new(), Vec::new());
    while read_part(&mut log, &mut key)? {
        read_part(&mut log, &mut value)?;
        if let Err(error) = restored.restore(&String::from_utf8_lossy(&key), Some(&value)) {
            println!("FAILED: {error}");
            std::process::exit(1);
        }
    }
    restored.finish_restore();
    let took = began.elapsed().as_secs_f64();
    let memory = resident().saturating_sub(before) as f64;
    println!(
        "restored             {} keys in {took:.1} s from a file (bar 30 s)",
        restored.keys()
    );
    println!(
        "restored state       {:.2} GiB resident (bar 1 GiB)",
        memory / GIB
    );
    let met = took <= 30.0 && memory <= GIB && restored.keys() == keys;
    touch(&mut restored, keys);
    println!("{}", if met { "bars met" } else { "BARS NOT MET" });
    std::process::exit(i32::from(!met))
}

fn read_part(log: &mut impl Read, part: &mut Vec<u8>) -> std::io::Result<bool> {
    let mut length = [0; 4];
    match log.read_exact(&mut length) {
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(false),
        other => other?,
    }
    part.resize(u32::from_le_bytes(length) as usize, 0);
    log.read_exact(part)?;
    Ok(true)
}

/// A second report for a tenth of the keys: the cost of decoding, folding and encoding a cold key.
fn touch(correlator: &mut Correlator, keys: usize) {
    let mut out = CorrelateOutput::default();
    let began = Instant::now();
    let mut changed = 0;
    let mut folded = 0;
    for number in (0..keys).step_by(10) {
        correlator.fold(&detection(number, 1), &mut out);
        folded += 1;
        if folded % TRANSACTION == 0 {
            changed += correlator.take_changes().len();
            correlator.commit();
            out.clear();
        }
    }
    let rate = f64::from(folded as u32) / began.elapsed().as_secs_f64();
    println!("second reports       {rate:.0} a second, one thread ({changed} changes)");
}

/// Reports of one key: some until it is full, then those that are timed.
fn full_key(config: &Arc<CorrelateConfig>) {
    let limits = &config.limits;
    let full = limits.reports_per_key + limits.aggregated_per_key;
    let mut digest = Sha256::new();
    for (name, before) in [("a small key", 0), ("a full key", full)] {
        let mut correlator = Correlator::new(Arc::clone(config));
        let mut out = CorrelateOutput::default();
        // With few reports the key is another one every 32.
        let key = |n: usize| if before == 0 { n / 32 } else { 0 };
        for n in 0..before {
            correlator.fold(&arriving(key(n), n), &mut out);
            digest_alerts(&mut digest, &mut out);
            if (n + 1) % 500 == 0 {
                end(&mut correlator, &mut digest);
            }
        }
        let (mut folding, mut ending) = (Duration::ZERO, Duration::ZERO);
        for first in (before..before + FOLDS).step_by(FOLDS_PER_TRANSACTION) {
            let detections: Vec<Detection> = (first..first + FOLDS_PER_TRANSACTION)
                .map(|n| arriving(key(n), n))
                .collect();
            let began = Instant::now();
            for detection in &detections {
                correlator.fold(detection, &mut out);
            }
            folding += began.elapsed();
            digest_alerts(&mut digest, &mut out);
            let began = Instant::now();
            end(&mut correlator, &mut digest);
            ending += began.elapsed();
        }
        println!(
            "{name:<20} {:>8.0} folds a second, {:.2} ms to end a transaction of {FOLDS_PER_TRANSACTION}",
            FOLDS as f64 / folding.as_secs_f64(),
            ending.as_secs_f64() * 1e3 * FOLDS_PER_TRANSACTION as f64 / FOLDS as f64
        );
    }
    let hex: String = digest
        .finalize()
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    println!("digest               {hex}");
}

fn digest_alerts(digest: &mut Sha256, out: &mut CorrelateOutput) {
    for alert in &out.alerts {
        digest.update(serde_json::to_vec(alert).unwrap_or_default());
    }
    out.clear();
}

fn end(correlator: &mut Correlator, digest: &mut Sha256) {
    for change in correlator.take_changes() {
        digest.update(change.key.as_bytes());
        digest.update(change.value.unwrap_or_default());
    }
    correlator.commit();
}

/// The `n`th report: of four feeds, one in eight a near-duplicate, one in sixteen a revision, one in sixteen a repeat, a second
/// rule on one in four, severities of all kinds.
fn arriving(key: usize, n: usize) -> Detection {
    let kind = n % 16;
    let report = match kind {
        3 => n.saturating_sub(1),
        7 => n.saturating_sub(900),
        11 => n.saturating_sub(4),
        _ => n,
    };
    let mut detection = detection(key, report);
    detection.report.received = Millis(1_767_000_000_000 + n as i64 * 20);
    detection.report.feed = ["news-zh", "posts", "hotline", "dispatch"][report % 4].into();
    detection.report.source = match report % 4 {
        0 => format!("news-zh/{}", report % 40).into(),
        _ => detection.report.feed.clone(),
    };
    let print = if report % 8 == 5 { report - 1 } else { report };
    detection.report.fingerprint = Some(Fingerprint::Simhash(
        (print as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15),
    ));
    detection.severity = 20 + (report * 7 % 45) as u8;
    match kind {
        // A second rule on the report before it.
        3 => {
            detection.rule_id = "en-fire".into();
            detection.severity += 3;
        }
        // A revision.
        7 => detection.report.content_hash += 1 << 60,
        _ => {}
    }
    detection
}

fn detection(number: usize, report: usize) -> Detection {
    let zh = number.is_multiple_of(2);
    let code: Arc<str> = format!("gn-{number:07}").into();
    let place = Place {
        code: Arc::clone(&code),
        name: "Pudong New Area".into(),
        name_zh: Some("浦东新区".into()),
        tier: Tier::County,
        coordinates: Some(Coordinates {
            lat: 31.2215,
            lon: 121.5444,
        }),
    };
    let found = |start: u32, term: &str| Match {
        field: "text".into(),
        span: [start, start + 4],
        term: term.into(),
        value: None,
    };
    Detection {
        v: 1,
        key: format!("actual/fire/{code}"),
        status: Status::Actual,
        exercise: None,
        hazard: Hazard::Fire,
        rule_id: "zh-fire".into(),
        rule_title: "Fire, Chinese reports".into(),
        rule_set: "0123456789ab".into(),
        severity: 46,
        score: vec![
            ScoreLine::new(30, "fire words", "火情用语"),
            ScoreLine::new(10, "evacuation", "人员疏散"),
            ScoreLine::new(6, "reported by news", "媒体报道"),
        ],
        matches: vec![found(14, "火灾"), found(20, "浓烟"), found(26, "消防")],
        numbers: BTreeMap::from([("evacuated".into(), 40.0)]),
        report: ReportRef {
            id: format!("report-{number}-{report}"),
            feed: if zh { "news-zh" } else { "posts" }.into(),
            kind: if zh { FeedKind::News } else { FeedKind::Post },
            source: if zh { "news-zh/daily" } else { "posts" }.into(),
            reliability: 60,
            observed: Some(Millis(1_767_000_000_000)),
            received: Millis(1_767_000_000_000 + (number / 1_000) as i64),
            title: if zh {
                "某区一居民楼起火".into()
            } else {
                String::new()
            },
            excerpt: if zh { ZH } else { EN }.into(),
            excerpt_start: 0,
            link: zh.then(|| format!("https://news.example.org/2026/{number}.html")),
            content_hash: (number as u64) << 8 | report as u64,
            fingerprint: Some(Fingerprint::Simhash(
                (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15),
            )),
            withdrawn: false,
        },
        place: place.clone(),
        key_place: place,
        place_assumed: false,
        also_places: Vec::new(),
        ancestors: vec!["cn-310000".into(), "gn-CN".into()],
        exposure: None,
        tier: Tier::County,
        quiet_ms: 6 * 3_600_000,
        urgency: Urgency::Immediate,
        departments: Vec::new(),
        correlations: Vec::new(),
        growth: Vec::new(),
        wide_of: None,
        position: Position::default(),
    }
}

/// Resident memory of this process, bytes; 0 where `/proc` does not say.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<usize>().ok())
        .unwrap_or(0)
        * 1_024
}
