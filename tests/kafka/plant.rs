//! The whole of it: the `tocsin` binary with a configuration of its own, feeds, and what a reader finds afterwards.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use tocsin::config::{LoadOptions, Settings, load_rule_set};
use tocsin::core::correlate::CorrelateConfig;
use tocsin::core::detect::{DetectEngine, DetectOutput};
use tocsin::core::model::{Alert, Millis, Position, RETRACTION_KEY, RawRecord};
use tocsin::core::replay::{Committed, replay_committed};
use tocsin::kafka::TopicNames;

use super::tools::{
    Ledger, assert_ledger, counted, create_topics, read_committed, read_ledger, unique, until,
};

const RULES: &str = "
title: Fire
id: fire
status: stable
detection:
  fire:
    any|contains: [on fire, 起火]
  deaths:
    casualties.dead|gte: 1
  condition: fire
tocsin:
  hazard: fire
  quiet: 5m
  score:
    base: 45
    add:
      - {when: deaths, points: 30, because: people died}
---
title: Gas
id: gas
status: stable
detection:
  gas:
    any|contains: [gas leak, 燃气泄漏]
  condition: gas
tocsin:
  hazard: gas_leak
  quiet: 20m
  score:
    base: 30
---
title: Fire reported again and again
id: fires
status: stable
correlation:
  type: event_count
  rules: [fire]
  group-by: [feed]
  timespan: 2h
  condition: {gte: 2}
tocsin:
  score: {base: 9, because: reported again and again}
---
title: Fire reported from both sides
id: feeds
status: stable
correlation:
  type: value_count
  rules: [fire]
  timespan: 3h
  condition: {field: feed, gte: 2}
tocsin:
  score: {base: 4}
---
title: Any fire
id: any-fire
status: test
detection:
  fire:
    any|contains: fire
  condition: fire
tocsin:
  hazard: fire
  score:
    base: 20
";

/// A record of a feed.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub(super) feed: usize,
    pub(super) partition: i32,
    pub(super) at: i64,
    pub(super) payload: Vec<u8>,
}

/// Feeds of the configuration, with their partitions.
pub(super) const FEEDS: [(&str, i32); 2] = [("posts", 3), ("dispatch", 2)];

/// Partitions of detections and incidents.
const PARTITIONS: i32 = 4;

/// A configuration, its topics, and what was written to the feeds.
pub(super) struct Plant {
    pub(super) brokers: String,
    pub(super) names: TopicNames,
    pub(super) settings: Settings,
    pub(super) prefix: String,
    dir: tempfile::TempDir,
    /// Per feed and partition, in order.
    pub(super) sent: BTreeMap<(usize, i32), Vec<Sent>>,
}

impl Plant {
    pub(super) fn new(brokers: &str, name: &str, kafka: &str) -> Self {
        let prefix = format!("{}.", unique(name));
        let dir = tempfile::tempdir().expect("a temporary folder");
        std::fs::create_dir(dir.path().join("rules")).expect("a folder");
        std::fs::write(dir.path().join("rules/rules.yml"), RULES).expect("write rules");
        let mut text = format!(
            "[kafka]\nbrokers = \"{brokers}\"\ngroup = \"{prefix}\"\n{kafka}\n[topics]\nprefix = \"{prefix}\"\npartitions = \
             {PARTITIONS}\nother_partitions = 2\nreplication = 1\n[http]\nenabled = false\n[paths]\nrules = \
             \"rules\"\n[incident]\nidle_lag_s = 2\n"
        );
        for (feed, kind) in [("posts", "post"), ("dispatch", "dispatch")] {
            text += &format!(
                "[[feeds]]\nid = \"{feed}\"\ntopic = \"{prefix}{feed}\"\ndecoder = \"tocsin\"\nkind = \"{kind}\"\nreliability = \
                 60\nmax_age_s = 86400\n"
            );
        }
        let file = dir.path().join("tocsin.toml");
        std::fs::write(&file, text).expect("write the configuration");
        let settings = Settings::load(&LoadOptions::new(Some(file)))
            .unwrap_or_else(|errors| panic!("{errors}"));
        let plant = Self {
            brokers: brokers.to_owned(),
            names: settings.topic_names(),
            settings,
            prefix,
            dir,
            sent: BTreeMap::new(),
        };
        let made = plant.command(&["topics", "create"]);
        assert!(made.0.success(), "{}", made.1);
        let large: &[(&str, &str)] = &[("max.message.bytes", "20000000")];
        for (feed, partitions) in FEEDS {
            create_topics(brokers, &[(&plant.topic_of(feed), partitions, large)]);
        }
        plant
    }

    pub(super) fn topic_of(&self, feed: &str) -> String {
        format!("{}{feed}", self.prefix)
    }

    fn file(&self) -> PathBuf {
        self.dir.path().join("tocsin.toml")
    }

    /// Replaces text in the configuration: what an operator does to fix a feed.
    pub(super) fn edit(&self, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.file()).expect("the configuration");
        assert!(text.contains(from), "{from}");
        std::fs::write(self.file(), text.replace(from, to)).expect("write the configuration");
    }

    /// The rules that `run` reads.
    pub(super) fn rules(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("rules/rules.yml")).expect("the rules")
    }

    /// Replaces them, as an editor does.
    pub(super) fn write_rules(&self, text: &str) {
        std::fs::write(self.dir.path().join("rules/rules.yml"), text).expect("write rules");
    }

    /// Runs a command to its end: status and both outputs.
    pub(super) fn command(&self, args: &[&str]) -> (ExitStatus, String) {
        let done = self.tocsin(args).output().expect("run tocsin");
        let text = [done.stdout, done.stderr].concat();
        (done.status, String::from_utf8_lossy(&text).into_owned())
    }

    fn tocsin(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tocsin"));
        command
            .arg("--config")
            .arg(self.file())
            .args(args)
            .stdin(Stdio::null());
        command
    }

    /// Starts `tocsin run`. Its log goes to a file that is shown when it fails.
    pub(super) fn run(&self, instance: &str, workers: u32) -> Running {
        self.run_with(instance, workers, &[])
    }

    /// The same with further arguments.
    pub(super) fn run_with(&self, instance: &str, workers: u32, more: &[&str]) -> Running {
        let path = self.dir.path().join(format!("{}.log", unique(instance)));
        let log = std::fs::File::create(&path).expect("a log");
        let workers = workers.to_string();
        let child = self
            .tocsin(&["run", "--instance", instance, "--workers", &workers])
            .args(more)
            .stdout(log.try_clone().expect("a log"))
            .stderr(log)
            .spawn()
            .expect("start tocsin");
        Running { child, log: path }
    }

    /// Writes records to their feeds, and remembers them.
    pub(super) fn send(&mut self, records: Vec<Sent>) {
        let producer: BaseProducer = ClientConfig::new()
            .set("bootstrap.servers", &self.brokers)
            .set("enable.idempotence", "true")
            .set("message.max.bytes", "20000000")
            .set("queue.buffering.max.messages", "2000000")
            .create()
            .expect("a producer");
        for sent in &records {
            let topic = self.topic_of(FEEDS[sent.feed].0);
            let record: BaseRecord<'_, (), [u8]> = BaseRecord::to(&topic)
                .partition(sent.partition)
                .timestamp(sent.at)
                .payload(&sent.payload);
            producer
                .send(record)
                .map_err(|(error, _)| error)
                .expect("send");
        }
        // Longer than a broker is away.
        producer
            .flush(Duration::from_secs(120))
            .expect("everything written");
        for sent in records {
            self.sent
                .entry((sent.feed, sent.partition))
                .or_default()
                .push(sent);
        }
    }

    pub(super) fn ledger(&self) -> Ledger {
        read_ledger(&self.brokers, &self.names.ledger)
    }

    pub(super) fn total(&self) -> u64 {
        self.sent.values().map(|records| records.len() as u64).sum()
    }

    /// Records that both stages have read, as the ledger says.
    pub(super) fn read(&self) -> u64 {
        let entries = self.ledger();
        entries.values().flatten().map(|entry| entry.read).sum()
    }

    /// Whether detect has read everything there is.
    pub(super) fn is_detected(&self) -> bool {
        let ledger = self.ledger();
        let feeds = FEEDS
            .iter()
            .map(|(feed, _)| counted(&ledger, &self.topic_of(feed)));
        feeds.sum::<u64>() >= self.total()
    }

    /// Whether both stages have read everything there is.
    pub(super) fn is_done(&self) -> bool {
        let ledger = self.ledger();
        self.is_detected()
            && counted(&ledger, &self.names.detections)
                >= read_committed(&self.brokers, &self.names.detections).len() as u64
    }

    /// What was written and what is in the ledger, by topic and partition: shown when a test waited in vain.
    pub(super) fn progress(&self) -> String {
        let ledger = self.ledger();
        let mut text = format!(
            "{} reports sent, {} detections committed; ledger:",
            self.total(),
            read_committed(&self.brokers, &self.names.detections).len()
        );
        for ((topic, partition), entries) in &ledger {
            let read: u64 = entries.iter().map(|entry| entry.read).sum();
            let to = entries.iter().map(|entry| entry.to).max().unwrap_or(0);
            text += &format!("\n  {topic}/{partition}: {read} records, to {to}");
            // Where something is missing, or was read twice: which offsets, and who wrote the entry after them.
            let mut sorted: Vec<_> = entries.iter().collect();
            sorted.sort_by_key(|entry| entry.from);
            let mut next = 0;
            for entry in sorted {
                // Only transaction markers are offsets without a record, and no feed here has any.
                let passed_over =
                    *topic != self.names.detections && entry.to - entry.from != entry.read as i64;
                if entry.from != next || passed_over {
                    text += &format!("\n    {next} is followed by {entry:?}");
                }
                next = entry.to;
            }
        }
        for ((feed, partition), records) in &self.sent {
            text += &format!("\n  sent {}/{partition}: {}", FEEDS[*feed].0, records.len());
        }
        text
    }

    /// Everything that must hold when all records were read. Returns (detections, alerts, dead letters).
    pub(super) fn verify(&self) -> (usize, usize, usize) {
        let ledger = self.ledger();
        for (index, (feed, partitions)) in FEEDS.iter().enumerate() {
            let written = (0..*partitions)
                .map(|p| (p, self.sent.get(&(index, p)).map_or(0, Vec::len) as u64))
                .collect();
            assert_ledger(&ledger, &self.topic_of(feed), &written);
        }
        let (detections, letters) = self.verify_detect();
        let alerts = self.verify_correlate(&ledger);
        (detections, alerts, letters)
    }

    /// Alerts on the queue to which a rule or correlation contributed.
    pub(super) fn alerts_of(&self, rule: &str) -> usize {
        let queue = read_committed(&self.brokers, &self.names.queue);
        let alerts = queue.iter().map(super::tools::Seen::json::<Alert>);
        alerts
            .filter(|alert| alert.rules.iter().any(|id| **id == *rule))
            .count()
    }

    /// The committed detections and dead letters are those of the engine on the records as they were sent, each once.
    fn verify_detect(&self) -> (usize, usize) {
        let rules = load_rule_set(&self.settings.paths).unwrap_or_else(|errors| panic!("{errors}"));
        let feeds = self.settings.shared_feeds();
        let mut engine = DetectEngine::new(Arc::new(rules), &feeds).expect("an engine");
        let mut out = DetectOutput::default();
        let (mut expected, mut letters) = (Vec::new(), Vec::new());
        for ((feed, partition), records) in &self.sent {
            let topic: Arc<str> = self.topic_of(FEEDS[*feed].0).into();
            for (offset, sent) in records.iter().enumerate() {
                let position = Position {
                    topic: topic.clone(),
                    partition: *partition,
                    offset: offset as i64,
                };
                out.clear();
                engine.process(
                    *feed,
                    &RawRecord::new(&sent.payload, Millis(sent.at)),
                    &position,
                    &mut out,
                );
                for detection in &out.detections {
                    expected.push(serde_json::to_vec(detection).expect("JSON"));
                }
                if let Some(retraction) = &out.retraction {
                    let copy = serde_json::to_vec(retraction).expect("JSON");
                    expected.extend((0..PARTITIONS).map(|_| copy.clone()));
                }
                if out.refusal.is_some() {
                    letters.push(sent.payload.clone());
                }
            }
        }
        let mut found: Vec<Vec<u8>> = read_committed(&self.brokers, &self.names.detections)
            .into_iter()
            .filter_map(|seen| seen.payload)
            .collect();
        expected.sort_unstable();
        found.sort_unstable();
        assert_eq!(found.len(), expected.len(), "detections");
        assert!(found == expected, "the same detections, byte for byte");
        let mut kept: Vec<Vec<u8>> = read_committed(&self.brokers, &self.names.dead_letters)
            .into_iter()
            .filter_map(|seen| seen.payload)
            .collect();
        letters.sort_unstable();
        kept.sort_unstable();
        assert_eq!(kept.len(), letters.len(), "dead letters");
        assert!(kept == letters, "the original bytes");
        (found.len(), letters.len())
    }

    /// What correlate runs with, as `run` reads it.
    pub(super) fn correlate_config(&self) -> Arc<CorrelateConfig> {
        let rules = load_rule_set(&self.settings.paths).unwrap_or_else(|errors| panic!("{errors}"));
        Arc::new(self.settings.correlate_config(Arc::clone(&rules.routing)))
    }

    /// What happened to every partition of the detections, in the order of the ledger.
    pub(super) fn histories(&self, ledger: &Ledger) -> BTreeMap<i32, Vec<Committed>> {
        let mut by_partition: BTreeMap<i32, Vec<(i64, Committed)>> = BTreeMap::new();
        for seen in read_committed(&self.brokers, &self.names.detections) {
            let detections = by_partition.entry(seen.partition).or_default();
            let record = if seen.key == RETRACTION_KEY.as_bytes() {
                Committed::Retraction(Box::new(seen.json()))
            } else {
                Committed::Detection(Box::new(seen.json()))
            };
            detections.push((seen.offset, record));
        }
        let counts = by_partition
            .iter()
            .map(|(p, records)| (*p, records.len() as u64))
            .collect();
        assert_ledger(ledger, &self.names.detections, &counts);
        let in_order = |(partition, detections): (i32, Vec<(i64, Committed)>)| {
            let entries = &ledger[&(self.names.detections.clone(), partition)];
            let mut detections = detections.into_iter().peekable();
            let mut history = Vec::new();
            for entry in entries {
                history.extend(entry.advanced_to.map(Committed::Advance));
                while let Some((_, detection)) =
                    detections.next_if(|(offset, _)| *offset < entry.to)
                {
                    history.push(detection);
                }
            }
            assert!(detections.next().is_none(), "everything is in the ledger");
            (partition, history)
        };
        by_partition.into_iter().map(in_order).collect()
    }

    /// The queue is what a replay of the committed detections, in the order of the ledger, gives: byte for byte, `sent`
    /// included; revisions of every incident are 1…n.
    fn verify_correlate(&self, ledger: &Ledger) -> usize {
        let config = self.correlate_config();
        let mut expected: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for history in self.histories(ledger).into_values() {
            for alert in replay_committed(Arc::clone(&config), history) {
                let id = alert.incident_id.to_string();
                let json = serde_json::to_string(&alert).expect("JSON");
                expected.entry(id).or_default().push(json);
            }
        }
        let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for seen in read_committed(&self.brokers, &self.names.queue) {
            let text = String::from_utf8(seen.payload.unwrap_or_default()).expect("UTF-8");
            found
                .entry(String::from_utf8(seen.key).expect("UTF-8"))
                .or_default()
                .push(text);
        }
        for (id, texts) in &found {
            let alerts: Vec<Alert> = texts
                .iter()
                .map(|t| serde_json::from_str(t).expect("an alert"))
                .collect();
            let revisions: Vec<u32> = alerts.iter().map(|alert| alert.revision).collect();
            let gapless: Vec<u32> = (1..=texts.len() as u32).collect();
            assert_eq!(revisions, gapless, "revisions of {id}");
            assert_eq!(Some(texts), expected.get(id), "alerts of {id}");
        }
        assert_eq!(found.len(), expected.len(), "incidents on the queue");
        found.values().map(Vec::len).sum()
    }
}

/// A running `tocsin run`.
pub(super) struct Running {
    child: Child,
    log: PathBuf,
}

impl Running {
    /// SIGKILL.
    pub(super) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// SIGTERM, and an orderly end within 10 s. Waits for its workers to be there first: before, there is nothing to end.
    pub(super) fn stop(&mut self) {
        until(Duration::from_secs(30), "the process runs", || {
            let text = std::fs::read_to_string(&self.log).unwrap_or_default();
            text.contains(" running ")
        });
        let began = Instant::now();
        self.signal("-TERM");
        let status = self.child.wait().expect("wait");
        assert!(status.success(), "{status}:\n{}", self.tail());
        assert!(
            began.elapsed() < Duration::from_secs(10),
            "{:?}:\n{}",
            began.elapsed(),
            self.tail()
        );
    }

    /// Sends a signal by its flag of `kill`.
    pub(super) fn signal(&self, flag: &str) {
        let sent = Command::new("kill")
            .args([flag, &self.child.id().to_string()])
            .status();
        assert!(sent.is_ok_and(|status| status.success()), "send {flag}");
    }

    /// Its log so far.
    pub(super) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Fails when the process has ended by itself.
    pub(super) fn assert_alive(&mut self) {
        if let Ok(Some(status)) = self.child.try_wait() {
            panic!("ended by itself, {status}:\n{}", self.tail());
        }
    }

    /// Resident memory, bytes.
    pub(super) fn memory(&self) -> u64 {
        self.memory_reader()()
    }

    /// Reads the resident memory, bytes, from any thread.
    pub(super) fn memory_reader(&self) -> impl Fn() -> u64 + Send + 'static {
        let file = format!("/proc/{}/status", self.child.id());
        move || {
            let text = std::fs::read_to_string(&file).unwrap_or_default();
            let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
            let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
            kib.unwrap_or(0) * 1024
        }
    }

    /// The last lines of its log.
    pub(super) fn tail(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(60)..].join("\n")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}
