//! Drills on a real broker: the shipped ones pass, one in the midst of real reports changes nothing, one that is stopped leaves
//! nothing behind.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use tocsin::config::{LoadOptions, Settings};
use tocsin::core::model::{Alert, Level, MsgType, Status};
use tocsin::kafka::TopicNames;

use super::broker;
use super::tools::{counted, read_committed, read_ledger, unique, until};

const FEEDS: &str = include_str!("../../config/feeds/demo.toml");

/// The bundled rules and feeds on topics of their own, with a drill key.
pub(super) struct Site {
    brokers: String,
    pub(super) prefix: String,
    names: TopicNames,
    pub(super) dir: tempfile::TempDir,
}

pub(super) struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Site {
    fn new(name: &str, clock: &str, idle_lag_s: u32) -> Self {
        Self::with(name, clock, idle_lag_s, "[http]\nenabled = false\n", |_| {})
    }

    /// The same with further settings, and files beside the configuration.
    pub(super) fn with(
        name: &str,
        clock: &str,
        idle_lag_s: u32,
        more: &str,
        files: impl FnOnce(&std::path::Path),
    ) -> Self {
        let brokers = broker::shared().to_owned();
        let prefix = format!("{}.", unique(name));
        let dir = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(dir.path().join("key"), "a drill key of a test, no secret\n")
            .expect("a key");
        let text = format!(
            "[kafka]\nbrokers = \"{brokers}\"\ngroup = \"{prefix}\"\ntransaction_max_ms = 10\n[topics]\nprefix = \
             \"{prefix}\"\npartitions = 2\nother_partitions = 1\nfeed_partitions = 1\nreplication = 1\n{more}[incident]\nidle_lag_s = {idle_lag_s}\n[drills]\nkey_file = \"key\"\nclock = \"{clock}\"\n{}",
            FEEDS.replace("topic = \"feed.", &format!("topic = \"{prefix}feed."))
        );
        files(dir.path());
        let file = dir.path().join("tocsin.toml");
        std::fs::write(&file, text).expect("write the configuration");
        let settings = Settings::load(&LoadOptions::new(Some(file)))
            .unwrap_or_else(|errors| panic!("{errors}"));
        let site = Self {
            brokers,
            prefix,
            names: settings.topic_names(),
            dir,
        };
        let made = site
            .tocsin(&["topics", "create", "--feeds"])
            .output()
            .expect("run tocsin");
        assert!(
            made.status.success(),
            "{}",
            String::from_utf8_lossy(&made.stderr)
        );
        site
    }

    fn runs(&self) -> PathBuf {
        self.dir.path().join("runs")
    }

    fn tocsin(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tocsin"));
        command
            .arg("--config")
            .arg(self.dir.path().join("tocsin.toml"))
            .args(args)
            .env("TOCSIN_DRILL_RUNS", self.runs())
            .stdin(Stdio::null());
        command
    }

    pub(super) fn run(&self) -> Running {
        let log = std::fs::File::create(self.dir.path().join("run.log")).expect("a log");
        let child = self
            .tocsin(&["run"])
            .stdout(log.try_clone().expect("a log"))
            .stderr(log)
            .spawn()
            .expect("start tocsin");
        Running(child)
    }

    pub(super) fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("run.log")).unwrap_or_default()
    }

    /// Runs a drill to its end: its report and exit code.
    pub(super) fn drill(&self, args: &[&str]) -> (Option<i32>, serde_json::Value) {
        let mut all = vec!["drill", "run", "--json"];
        all.extend(args);
        let done = self.tocsin(&all).output().expect("run tocsin");
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        let shown = serde_json::from_slice(&done.stdout)
            .unwrap_or_else(|error| panic!("{error}: {said}\n{}", self.log()));
        (done.status.code(), shown)
    }

    fn alerts(&self) -> Vec<Alert> {
        let queue = read_committed(&self.brokers, &self.names.queue);
        queue
            .iter()
            .map(super::tools::Seen::json::<Alert>)
            .collect()
    }

    pub(super) fn send(
        &self,
        feed: &str,
        at: i64,
        value: &serde_json::Value,
        label: Option<(&str, &str)>,
    ) {
        let producer: BaseProducer = ClientConfig::new()
            .set("bootstrap.servers", &self.brokers)
            .create()
            .expect("a producer");
        let topic = format!("{}feed.{feed}", self.prefix);
        let payload = value.to_string();
        let mut headers = OwnedHeaders::new();
        if let Some((key, value)) = label {
            headers = headers.insert(Header {
                key,
                value: Some(value),
            });
        }
        let record: BaseRecord<'_, str, str> = BaseRecord::to(&topic)
            .partition(0)
            .timestamp(at)
            .key("k")
            .payload(payload.as_str())
            .headers(headers);
        producer
            .send(record)
            .map_err(|(error, _)| error)
            .expect("send");
        producer.flush(Duration::from_secs(30)).expect("written");
    }
}

/// Two simulated days, too, in seconds: the clock of records.
#[test]
fn shipped_drills_pass_on_kafka() {
    let began = Instant::now();
    for (name, _) in crate::drill::shipped::shipped() {
        let name = name
            .trim_start_matches("drills/")
            .trim_end_matches(".yml")
            .to_owned();
        let site = Site::new("drill", "records", 300);
        let _running = site.run();
        let (code, shown) = site.drill(&[&name, "--exercise", "exercise-1"]);
        let report = &shown["report"];
        assert_eq!(report["passed"], true, "{name}: {shown:#}\n{}", site.log());
        assert_eq!(code, Some(0), "{name}");
        assert!(report["detected"].as_u64() > Some(10), "{name}");
        let alerts = site.alerts();
        assert!(!alerts.is_empty());
        for alert in alerts {
            assert_eq!(alert.status, Status::Exercise);
            assert!(alert.headline.en.contains("Exercise"));
        }
        assert_eq!(shown["before"], serde_json::Value::Null);
    }
    assert!(
        began.elapsed() < Duration::from_secs(300),
        "{:?}",
        began.elapsed()
    );
}

pub(super) fn wall() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.expect("a clock").as_millis() as i64
}

/// Real reports of a fire where the drill has one, some with labels that nobody signed.
fn send_actual(site: &Site, from: i64) -> u64 {
    let texts = [
        "温州市瓯海区一居民楼起火，浓烟很大",
        "瓯海区幸福路居民楼起火，有人被困",
        "瓯海区居民楼火灾造成1人死亡、3人受伤",
        "瓯海区人民街燃气泄漏",
    ];
    for nth in 0..12_usize {
        let value =
            serde_json::json!({"id": format!("real-{nth}"), "text": texts[nth % 4], "lang": "zh"});
        let label = (nth % 3 == 0).then_some(("ce_exerciseid", "building-fire-night-1"));
        site.send("hotline-zh", from + nth as i64 * 20_000, &value, label);
        std::thread::sleep(Duration::from_millis(250));
    }
    12
}

/// What is actual on the queue, as it lies there, by incident and revision.
fn actual(site: &Site) -> Vec<String> {
    let mut alerts = site.alerts();
    alerts.retain(|alert| alert.status == Status::Actual);
    alerts.sort_by_key(|alert| (alert.incident_id, alert.revision));
    alerts
        .iter()
        .map(|alert| serde_json::to_string(alert).expect("JSON"))
        .collect()
}

#[test]
fn a_drill_in_the_midst_of_real_reports_changes_nothing_of_them() {
    let from = wall() - 600_000;
    let with = Site::new("drill-with", "wall", 3_600);
    let without = Site::new("drill-without", "wall", 3_600);
    let _running = (with.run(), without.run());
    let sent = std::thread::scope(|scope| {
        let drill = scope.spawn(|| {
            with.drill(&[
                "building-fire-night",
                "--exercise",
                "building-fire-night-1",
                "--speed",
                "1200",
            ])
        });
        let sent = send_actual(&with, from);
        send_actual(&without, from);
        let (code, shown) = drill.join().expect("the drill");
        assert_eq!(
            (code, &shown["report"]["passed"]),
            (Some(0), &true.into()),
            "{shown:#}"
        );
        sent
    });
    for site in [&with, &without] {
        until(Duration::from_secs(60), "everything read", || {
            let ledger = read_ledger(&site.brokers, &site.names.ledger);
            let detections = read_committed(&site.brokers, &site.names.detections).len() as u64;
            counted(&ledger, &format!("{}feed.hotline-zh", site.prefix)) >= sent
                && counted(&ledger, &site.names.detections) >= detections
        });
    }
    let (left, right) = (actual(&with), actual(&without));
    // The topic a report was read from is no part of an alert, so the two sites differ in nothing.
    assert!(left.len() >= 4, "{left:#?}");
    assert_eq!(left, right);
    let exercises = with
        .alerts()
        .into_iter()
        .filter(|it| it.status == Status::Exercise);
    let exercises: Vec<Alert> = exercises.collect();
    assert!(exercises.iter().any(|it| it.level >= Level::Orange));
    assert!(
        exercises
            .iter()
            .all(|it| it.exercise.as_deref() == Some("building-fire-night-1"))
    );
}

#[test]
fn a_stopped_drill_leaves_no_incident_behind() {
    let site = Site::new("drill-stop", "wall", 10);
    let _running = site.run();
    let started = site
        .tocsin(&[
            "drill",
            "run",
            "building-fire-night",
            "--exercise",
            "stop-1",
            "--speed",
            "60",
        ])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("start the drill");
    let mut started = Running(started);
    let open = || {
        let alerts = site.alerts();
        let mut last: std::collections::BTreeMap<_, _> = std::collections::BTreeMap::new();
        for alert in alerts {
            last.insert(alert.incident_id, (alert.revision, alert.msg_type));
        }
        last
    };
    // From then on every topic has a leader, which readers of the test need.
    let file = site.runs().join("stop-1.json");
    until(Duration::from_secs(60), "the drill begins", || {
        file.exists()
    });
    until(Duration::from_secs(60), "an alert of the drill", || {
        !open().is_empty()
    });
    let done = site
        .tocsin(&["drill", "stop", "stop-1"])
        .output()
        .expect("run tocsin");
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(
        done.status.success() && said.contains("withdrawn"),
        "{said}"
    );
    let code = started.0.wait().expect("the drill ends");
    assert_eq!(code.code(), Some(1), "a stopped drill has not passed");
    until(
        Duration::from_secs(30),
        "every incident is cancelled",
        || {
            open()
                .values()
                .all(|(_, message)| *message == MsgType::Cancel)
        },
    );
    let again = site
        .tocsin(&["drill", "stop", "stop-1"])
        .output()
        .expect("run tocsin");
    assert!(String::from_utf8_lossy(&again.stdout).contains("already"));
    let report = site
        .tocsin(&["drill", "report", "stop-1", "--format", "json"])
        .output()
        .expect("run tocsin");
    let shown: serde_json::Value = serde_json::from_slice(&report.stdout).expect("JSON");
    assert_eq!(shown["report"]["run"]["stopped"], true);
    let twice = site
        .tocsin(&[
            "drill",
            "run",
            "building-fire-night",
            "--exercise",
            "stop-1",
        ])
        .output();
    let twice = twice.expect("run tocsin");
    assert!(String::from_utf8_lossy(&twice.stderr).contains("used once"));
}
