//! Figures of one feed or rule, read back from the metrics for whoever shows them to people.

use prometheus::core::Collector as _;

use super::Metrics;
use crate::core::model::{DetectOutcome, Millis, Status};

/// What is known of one feed since the process started; drills are not among it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FeedFigures {
    /// Records with an outcome.
    pub records: u64,
    /// Of these: a rule fired.
    pub detected: u64,
    /// No rule fired.
    pub no_match: u64,
    /// Too old when received.
    pub expired: u64,
    /// Could not be read.
    pub dead_letters: u64,
    /// Kafka timestamp of the newest record.
    pub last: Option<Millis>,
    /// The watcher of silent feeds has raised its alarm.
    pub silent: bool,
    /// Records that wait, when that is known.
    pub lag: Option<u64>,
}

impl Metrics {
    /// Figures of a feed and its topic.
    pub fn feed_figures(&self, feed: &str, topic: &str) -> FeedFigures {
        let count = |outcome: DetectOutcome| {
            let labels = [feed, outcome.id(), Status::Actual.id()];
            self.records.with_label_values(&labels).get()
        };
        let last = self.feed_last.with_label_values(&[feed]).get();
        FeedFigures {
            records: DetectOutcome::ALL
                .iter()
                .map(|outcome| count(*outcome))
                .sum(),
            detected: count(DetectOutcome::Detected),
            no_match: count(DetectOutcome::NoMatch),
            expired: count(DetectOutcome::Expired),
            dead_letters: count(DetectOutcome::DeadLetter),
            last: (last > 0).then(|| Millis(last.saturating_mul(1_000))),
            silent: self.silent.with_label_values(&[feed]).get() != 0,
            lag: self.waiting(topic),
        }
    }

    /// Offsets that detect has not committed, over the partitions of a topic that this process reads.
    fn waiting(&self, topic: &str) -> Option<u64> {
        let families = self.lag.collect();
        let gauges = families
            .iter()
            .flat_map(prometheus::proto::MetricFamily::get_metric);
        let of_topic = gauges.filter(|gauge| {
            let has = |name: &str, value: &str| {
                let mut labels = gauge.get_label().iter();
                labels.any(|label| label.name() == name && label.value() == value)
            };
            has("topic", topic) && has("stage", "detect")
        });
        let waiting: Vec<u64> = of_topic
            .map(|gauge| gauge.get_gauge().get_value().max(0.0) as u64)
            .collect();
        (!waiting.is_empty()).then(|| waiting.iter().sum())
    }

    /// Reports on which a shadow rule fired since the process started.
    pub fn shadow_hits(&self, rule: &str) -> u64 {
        self.shadow.with_label_values(&[rule]).get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_counted_is_read_back() {
        let metrics = Metrics::new(&["calls".into()]).unwrap();
        metrics
            .records
            .with_label_values(&["calls", "detected", "actual"])
            .inc_by(3);
        metrics
            .records
            .with_label_values(&["calls", "dead_letter", "actual"])
            .inc_by(2);
        metrics
            .lag
            .with_label_values(&["detect", "feed.calls", "0"])
            .set(5);
        metrics
            .lag
            .with_label_values(&["detect", "feed.calls", "1"])
            .set(6);
        metrics
            .lag
            .with_label_values(&["correlate", "feed.calls", "1"])
            .set(100);
        metrics
            .records
            .with_label_values(&["calls", "detected", "exercise"])
            .inc_by(7);
        let figures = metrics.feed_figures("calls", "feed.calls");
        assert_eq!(
            (figures.records, figures.detected, figures.dead_letters),
            (5, 3, 2)
        );
        assert_eq!(
            (figures.lag, figures.last, figures.silent),
            (Some(11), None, false)
        );
        assert_eq!(metrics.feed_figures("calls", "other").lag, None);
    }
}
