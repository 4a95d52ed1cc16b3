//! Bounds: what a value of the right type may still not be. The same bounds stand in `config/tocsin.toml`.

mod kafka;

use std::fmt::Display;
use std::net::SocketAddr;
use std::path::Path;

use kafka::{kafka, properties, security, topics};

use super::errors::codes;
use super::feeds::anchor;
use super::{GrowthSettings, Http, Levels, Paths, Settings};
use crate::core::correlate::{MAX_AGGREGATED_PER_KEY, MAX_REPORTS_PER_KEY};

/// Something wrong with the value of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) key: String,
    pub(super) code: &'static str,
    pub(super) message: String,
    pub(super) help: Option<String>,
}

struct Findings(Vec<Finding>);

impl Findings {
    fn within<T: PartialOrd + Display>(&mut self, key: &str, value: T, low: T, high: T) {
        // Written so that a NaN is refused as well.
        if !(value >= low && value <= high) {
            self.0.push(Finding {
                key: key.to_owned(),
                code: codes::OUT_OF_BOUNDS,
                message: format!("{value} is not within {low}–{high}"),
                help: None,
            });
        }
    }

    fn name(&mut self, key: &str, value: &str, shortest: usize) {
        let fits = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        if value.len() < shortest || value.len() > 100 || !value.chars().all(fits) {
            let message =
                format!("`{value}` is not {shortest}–100 of A–Z, a–z, 0–9, `.`, `_`, `-`");
            self.push(key, codes::OUT_OF_BOUNDS, &message, None);
        }
    }

    fn push(&mut self, key: &str, code: &'static str, message: &str, help: Option<&str>) {
        self.0.push(Finding {
            key: key.to_owned(),
            code,
            message: message.to_owned(),
            help: help.map(str::to_owned),
        });
    }

    fn conflict(&mut self, key: &str, message: &str, help: &str) {
        self.push(key, codes::CONFLICT, message, Some(help));
    }
}

/// Everything out of bounds, in the order of the file.
pub(super) fn check(settings: &Settings) -> Vec<Finding> {
    let mut found = Findings(Vec::new());
    kafka(&settings.kafka, &mut found);
    properties(&settings.kafka, &mut found);
    security(&settings.kafka.security, &mut found);
    topics(&settings.topics, &mut found);
    let score = &settings.score;
    found.within("score.certainty_weight", score.certainty_weight, 0, 40);
    found.within("score.growth_max", score.growth_max, 0, 10);
    found.within("score.exposure_max", score.exposure_max, 0, 10);
    levels(&settings.level, &mut found);
    incident(settings, &mut found);
    limits(settings, &mut found);
    growth(&settings.growth, &mut found);
    http(&settings.http, &mut found);
    let retention = settings.desk.excerpt_retention_hours;
    found.within("desk.excerpt_retention_hours", retention, 1, 87_600);
    let longest = settings.desk.silence_max_hours;
    found.within("desk.silence_max_hours", longest, 1, 8_760);
    let desk = &settings.desk;
    found.within("desk.shadow_min_days", desk.shadow_min_days, 0, 365);
    let adds = desk.shadow_max_new_per_day;
    found.within("desk.shadow_max_new_per_day", adds, 0, 1_000_000);
    if !settings.drills.clock_fits(&settings.kafka.brokers) {
        found.conflict(
            "drills.clock",
            "the clock of records is for tests with brokers of this machine",
            "clock = \"wall\", or brokers on loopback only",
        );
    }
    for (key, message) in settings.desk.http.findings() {
        found.push(key, codes::OUT_OF_BOUNDS, &message, None);
    }
    if settings
        .log
        .level
        .parse::<tracing_subscriber::EnvFilter>()
        .is_err()
    {
        let message = format!("`{}` is no log level or filter", settings.log.level);
        let help = "error, warn, info, debug, trace, or such as tocsin::kafka=debug,info";
        found.push("log.level", codes::BAD_VALUE, &message, Some(help));
    }
    found.0
}

fn levels(level: &Levels, found: &mut Findings) {
    let steps = [
        ("level.blue", level.blue),
        ("level.yellow", level.yellow),
        ("level.orange", level.orange),
        ("level.red", level.red),
    ];
    for (key, points) in steps {
        found.within(key, points, 1, 100);
    }
    for pair in steps.windows(2) {
        if let [(low, below), (high, above)] = pair
            && below >= above
        {
            let message = format!("{above} is not above {low} ({below})");
            found.conflict(high, &message, "levels rise: blue < yellow < orange < red");
        }
    }
    found.within("level.hysteresis", level.hysteresis, 0, 19);
    if level.hysteresis >= level.blue {
        let message = format!("{} is not below level.blue", level.hysteresis);
        let help = "an incident could never fall below blue";
        found.conflict("level.hysteresis", &message, help);
    }
    found.within("level.dwell_s", level.dwell_s, 0, 86_400);
    found.within("level.red_certainty", level.red_certainty, 0.0, 1.0);
}

fn incident(settings: &Settings, found: &mut Findings) {
    let incident = &settings.incident;
    let reopen = incident.reopen_for_hours;
    found.within("incident.reopen_for_hours", reopen, 0, 720);
    let previous = incident.previous_for_days;
    found.within("incident.previous_for_days", previous, 0, 366);
    found.within("incident.refresh_s", incident.refresh_s, 1, 3_600);
    let retention = incident.text_retention_hours;
    found.within("incident.text_retention_hours", retention, 1, 8_760);
    found.within("incident.idle_lag_s", incident.idle_lag_s, 1, 3_600);
}

fn growth(growth: &GrowthSettings, found: &mut Findings) {
    found.within("growth.threshold", growth.threshold, 1.0, 100.0);
    found.within("growth.min_reports", growth.min_reports, 1, 1_000_000);
    found.within("growth.series", growth.series, 1, 10_000_000);
    let offset = growth.utc_offset_minutes;
    found.within("growth.utc_offset_minutes", offset, -840, 840);
    let days = growth.holidays.len().max(growth.workdays.len());
    found.within("growth.holidays and growth.workdays", days, 0, 4_000);
}

fn limits(settings: &Settings, found: &mut Findings) {
    let limits = &settings.limits;
    found.within("limits.keys", limits.keys, 1_000, 100_000_000);
    let reports = limits.reports_per_key;
    found.within("limits.reports_per_key", reports, 16, MAX_REPORTS_PER_KEY);
    let aggregated = limits.aggregated_per_key;
    found.within(
        "limits.aggregated_per_key",
        aggregated,
        0,
        MAX_AGGREGATED_PER_KEY,
    );
    let fingerprints = limits.fingerprints_per_key;
    found.within("limits.fingerprints_per_key", fingerprints, 1, 256);
    found.within("limits.sources_per_key", limits.sources_per_key, 1, 4_096);
    found.within("limits.rules_per_report", limits.rules_per_report, 1, 64);
    let events = limits.correlation_events_per_key;
    found.within("limits.correlation_events_per_key", events, 1_000, 65_536);
    let silence = &settings.silence;
    found.within("silence.factor", silence.factor, 2, 1_000);
    found.within("silence.min_gap_s", silence.min_gap_s, 1, 86_400);
    found.within("silence.max_gap_s", silence.max_gap_s, 1, 86_400);
    found.within("silence.learn_after", silence.learn_after, 1, 10_000);
    if silence.min_gap_s > silence.max_gap_s {
        let message = "min_gap_s is above max_gap_s";
        found.conflict("silence.min_gap_s", message, "swap them");
    }
}

fn http(http: &Http, found: &mut Findings) {
    if http.reload_token_sha256.is_some() && http.reload_token().is_none() {
        let message = "not a SHA-256: 64 hexadecimal digits";
        let help = "as `printf %s \"$TOKEN\" | sha256sum` prints it";
        found.push(
            "http.reload_token_sha256",
            codes::BAD_VALUE,
            message,
            Some(help),
        );
    }
    match http.listen.parse::<SocketAddr>() {
        Err(_) => {
            let message = format!("`{}` is not address:port", http.listen);
            let help = "such as 127.0.0.1:9464 or [::1]:9464";
            found.push("http.listen", codes::BAD_VALUE, &message, Some(help));
        }
        Ok(address) if !address.ip().is_loopback() && !http.allow_remote_metrics => found.conflict(
            "http.listen",
            "this address is reached from other machines, and there is no authentication",
            "listen on 127.0.0.1, or set http.allow_remote_metrics = true where the network keeps others out",
        ),
        Ok(_) => {}
    }
}

impl Http {
    /// The SHA-256 of the token for reloads; none where there is none, or it is not one.
    pub fn reload_token(&self) -> Option<[u8; 32]> {
        let digits = self.reload_token_sha256.as_ref()?.expose().as_bytes();
        let (pairs, rest) = digits.as_chunks::<2>();
        if !rest.is_empty() || !digits.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        let byte = |pair: &[u8; 2]| {
            let text = std::str::from_utf8(pair).ok()?;
            u8::from_str_radix(text, 16).ok()
        };
        let bytes: Option<Vec<u8>> = pairs.iter().map(byte).collect();
        bytes?.try_into().ok()
    }
}

impl Paths {
    /// Makes relative paths start at `folder`.
    pub(super) fn anchor(&mut self, folder: &Path) {
        for path in [
            &mut self.rules,
            &mut self.lexicons,
            &mut self.departments,
            &mut self.places,
            &mut self.exposure,
            &mut self.feeds,
        ] {
            anchor(path, folder);
        }
    }
}
