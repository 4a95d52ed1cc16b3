//! What is observed of one process: its metrics, readiness and silence. Workers report to it, see `kafka/observed.rs`.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, OnceLock};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use super::certificate::Certificates;
use super::{Health, HttpServer, Metrics, ReloadApi, SilenceWatch, StageCounts, Watcher};
use crate::config::Settings;
use crate::core::model::{Feed, Millis};

/// Metrics, readiness and silence of one process.
#[derive(Debug)]
pub struct Telemetry {
    /// Counters and gauges.
    pub metrics: Arc<Metrics>,
    /// Readiness.
    pub health: Arc<Health>,
    pub(crate) silence: Arc<SilenceWatch>,
    pub(crate) feed_of_topic: BTreeMap<String, Arc<str>>,
}

impl Telemetry {
    /// Telemetry of a process that reads these feeds, in this order.
    pub fn new(settings: &Settings, feeds: &[Arc<Feed>]) -> prometheus::Result<Arc<Self>> {
        let ids: Vec<Arc<str>> = feeds.iter().map(|feed| feed.id.clone()).collect();
        let silence = Arc::new(SilenceWatch::new(&settings.silence, feeds));
        let metrics = Metrics::new(&ids)?.with_silence(silence.clone());
        let security = &settings.kafka.security;
        let files = [
            ("kafka.security.ca_file", &security.ca_file),
            (
                "kafka.security.certificate_file",
                &security.certificate_file,
            ),
        ];
        let files = files.into_iter();
        let files: Vec<_> = files
            .filter_map(|(setting, path)| Some((setting, path.clone()?)))
            .collect();
        if !files.is_empty() {
            let certificates = Certificates::new(files)?;
            metrics.registry().register(Box::new(certificates))?;
        }
        for feed in feeds {
            // Rates are taken of it, so it exists before the first event.
            let _ = metrics.lost.with_label_values(&["detect", &feed.topic]);
        }
        Ok(Arc::new(Self {
            metrics: Arc::new(metrics),
            health: Arc::default(),
            silence,
            feed_of_topic: feeds
                .iter()
                .map(|feed| (feed.topic.clone(), feed.id.clone()))
                .collect(),
        }))
    }

    /// Serves `/metrics`, `/healthz` and `/readyz`, and with `reload` that the rule set is read again.
    pub fn serve(&self, listen: &str, reload: Option<ReloadApi>) -> io::Result<HttpServer> {
        HttpServer::start(listen, self.metrics.clone(), self.health.clone(), reload)
    }

    /// Starts to look for silent feeds.
    pub fn watch(&self) -> io::Result<Watcher> {
        let (metrics, health) = (self.metrics.clone(), self.health.clone());
        Watcher::start(self.silence.clone(), metrics, health, wall_clock)
    }

    /// A stage's counts of the transaction that was just committed; empties them.
    pub fn commit(&self, counts: &mut StageCounts) {
        self.metrics.commit(counts, wall_clock());
    }
}

/// The wall clock: for latency and silence, for capping `received`, and for how far an idle partition may advance; never for a
/// decision of the core.
pub fn wall_clock() -> Millis {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX)).clamped()
}

/// Nanoseconds since it was first asked: only to measure how long something took.
pub fn nanos_since_start() -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    let since = START.get_or_init(Instant::now).elapsed();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
