//! The watcher of silent feeds: learns each feed's rhythm from what is committed and raises its own alarm.
//!
//! It judges the feeds that this process reads; with several processes, a feed is silent when it is for all of them
//! (`min by (feed) (tocsin_feed_silent)`).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::{Health, Metrics};
use crate::config::Silence;
use crate::core::model::{Feed, Millis};
use crate::core::silence::{SilenceConfig, SilenceTracker};

/// How often silence is looked for.
const EVERY: Duration = Duration::from_secs(5);

/// State of every feed that this process has read from.
#[derive(Debug)]
pub struct SilenceWatch {
    config: SilenceConfig,
    stated: BTreeMap<Arc<str>, Option<u64>>,
    feeds: Mutex<BTreeMap<Arc<str>, (SilenceTracker, bool)>>,
}

impl SilenceWatch {
    /// Watches these feeds, each from the first sign that this process reads it.
    pub fn new(silence: &Silence, feeds: &[Arc<Feed>]) -> Self {
        let ms = |s: u64| i64::try_from(s.saturating_mul(1_000)).unwrap_or(i64::MAX);
        Self {
            config: SilenceConfig {
                factor: silence.factor,
                min_gap_ms: ms(silence.min_gap_s),
                max_gap_ms: ms(silence.max_gap_s),
                learn_after: silence.learn_after,
            },
            stated: feeds
                .iter()
                .map(|feed| (feed.id.clone(), feed.usual_gap_s))
                .collect(),
            feeds: Mutex::default(),
        }
    }

    fn tracked(&self, feed: &Arc<str>, now: Millis, change: impl FnOnce(&mut SilenceTracker)) {
        let Some(stated) = self.stated.get(feed) else {
            return;
        };
        let mut feeds = self.feeds.lock().unwrap_or_else(PoisonError::into_inner);
        let (tracker, _) = feeds
            .entry(feed.clone())
            .or_insert_with(|| (SilenceTracker::new(self.config, *stated, now), false));
        change(tracker);
    }

    /// This process reads the feed since `now`, if it did not before.
    pub fn reads(&self, feed: &Arc<str>, now: Millis) {
        self.tracked(feed, now, |_| {});
    }

    /// Records of the feed were committed at `now`, the newest received at `received`.
    pub fn seen(&self, feed: &Arc<str>, received: Millis, now: Millis) {
        self.tracked(feed, now, |tracker| tracker.record(received, now));
    }

    /// Looks for silence at `now`; logs, counts and notes what changed.
    pub fn look(&self, now: Millis, metrics: &Metrics, health: &Health) {
        let mut feeds = self.feeds.lock().unwrap_or_else(PoisonError::into_inner);
        for (feed, (tracker, was_silent)) in feeds.iter_mut() {
            let silent = tracker.silent_for(now);
            let gap_s = tracker.usual_gap_ms().map(|ms| ms as f64 / 1_000.0);
            if let Some(gap_s) = gap_s {
                metrics.usual_gap.with_label_values(&[feed]).set(gap_s);
            }
            let gauge = metrics.silent.with_label_values(&[feed]);
            gauge.set(i64::from(silent.is_some()));
            let about = format!("feed {feed}");
            if let Some(quiet_ms) = silent {
                let quiet_s = quiet_ms / 1_000;
                health.note(&about, Some(format!("silent for {quiet_s} s")));
                if !*was_silent {
                    tracing::warn!(feed = %feed, quiet_s, usual_gap_s = gap_s, "feed is silent");
                }
            } else if *was_silent {
                health.note(&about, None);
                tracing::info!(feed = %feed, "feed speaks again");
            }
            *was_silent = silent.is_some();
        }
    }
}

/// The thread that looks, also for what of growth is over; stops when dropped.
#[derive(Debug)]
pub struct Watcher {
    stop: std::sync::mpsc::Sender<()>,
    thread: Option<JoinHandle<()>>,
}

impl Watcher {
    /// Looks every few seconds; `clock` gives the wall clock.
    pub fn start(
        watch: Arc<SilenceWatch>,
        metrics: Arc<Metrics>,
        health: Arc<Health>,
        clock: impl Fn() -> Millis + Send + 'static,
    ) -> std::io::Result<Self> {
        let (stop, stopped) = std::sync::mpsc::channel::<()>();
        let thread = std::thread::Builder::new()
            .name("watch".to_owned())
            .spawn(move || {
                use std::sync::mpsc::RecvTimeoutError::Timeout;
                while stopped.recv_timeout(EVERY) == Err(Timeout) {
                    let now = clock();
                    watch.look(now, &metrics, &health);
                    metrics.growth_over(now);
                }
            })?;
        Ok(Self {
            stop,
            thread: Some(thread),
        })
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        // The thread has ended already when nobody listens.
        let _ = self.stop.send(());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Settings;

    #[test]
    fn silence_shows_in_metric_and_readiness_and_goes_again() {
        let settings = Settings::bundled().unwrap();
        let mut feed = settings.feeds.first().unwrap().clone();
        feed.id = "sensor-a".into();
        feed.usual_gap_s = Some(10);
        let feed = Arc::new(feed);
        let metrics = Metrics::new(std::slice::from_ref(&feed.id)).unwrap();
        let health = Health::default();
        let watch = SilenceWatch::new(&settings.silence, std::slice::from_ref(&feed));
        watch.seen(&feed.id, Millis(0), Millis(0));
        watch.look(Millis(49_000), &metrics, &health);
        assert_eq!(metrics.silent.with_label_values(&["sensor-a"]).get(), 0);
        watch.look(Millis(51_000), &metrics, &health);
        assert_eq!(metrics.silent.with_label_values(&["sensor-a"]).get(), 1);
        assert!(health.report().1.contains("sensor-a: silent for 51 s"));
        watch.seen(&feed.id, Millis(52_000), Millis(52_000));
        watch.look(Millis(53_000), &metrics, &health);
        assert_eq!(metrics.silent.with_label_values(&["sensor-a"]).get(), 0);
        assert!(!health.report().1.contains("sensor-a"));
    }
}
