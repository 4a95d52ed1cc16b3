//! Metrics of the HTTP service.
//!
//! Invariant: labels are routes as they are declared, methods, statuses and names of limits: never what somebody sent.

use std::time::Duration;

use prometheus::core::Collector;
use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, IntGauge, Opts, Registry};

use super::token::Unheard;

/// What was refused for being too much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Limit {
    TokenRate,
    AddressRate,
    WrongTokens,
    Body,
    Timeout,
    Streams,
    Connections,
    /// An event stream that lagged and was reset.
    StreamBacklog,
}

impl Limit {
    /// Every limit.
    pub const ALL: [Self; 8] = [
        Self::TokenRate,
        Self::AddressRate,
        Self::WrongTokens,
        Self::Body,
        Self::Timeout,
        Self::Streams,
        Self::Connections,
        Self::StreamBacklog,
    ];

    /// Value of the label.
    pub fn id(self) -> &'static str {
        match self {
            Self::TokenRate => "token_rate",
            Self::AddressRate => "address_rate",
            Self::WrongTokens => "wrong_tokens",
            Self::Body => "body",
            Self::Timeout => "timeout",
            Self::Streams => "streams",
            Self::Connections => "connections",
            Self::StreamBacklog => "stream_backlog",
        }
    }
}

/// The metrics.
#[derive(Clone, Debug)]
pub struct Counted {
    requests: IntCounterVec,
    durations: HistogramVec,
    limits: IntCounterVec,
    refused: IntCounterVec,
    streams: IntGauge,
}

fn keep<C: Collector + Clone + 'static>(
    registry: &Registry,
    made: prometheus::Result<C>,
) -> prometheus::Result<C> {
    let made = made?;
    registry.register(Box::new(made.clone()))?;
    Ok(made)
}

impl Counted {
    /// Registers them.
    pub fn new(registry: &Registry) -> prometheus::Result<Self> {
        let counters = |name, help, labels: &[&str]| {
            keep(registry, IntCounterVec::new(Opts::new(name, help), labels))
        };
        let buckets = vec![
            0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0,
        ];
        let durations = HistogramOpts::new(
            "tocsin_http_request_duration_seconds",
            "From a request of the desk's service to the beginning of its answer.",
        )
        .buckets(buckets);
        let counted = Self {
            requests: counters(
                "tocsin_http_requests_total",
                "Requests of the desk's service, by route as declared, method and status.",
                &["route", "method", "status"],
            )?,
            durations: keep(registry, HistogramVec::new(durations, &["route"]))?,
            limits: counters(
                "tocsin_http_limit_hits_total",
                "Times that a limit of the desk's service refused something.",
                &["limit"],
            )?,
            refused: counters(
                "tocsin_http_tokens_refused_total",
                "Tokens that were not heard, by reason.",
                &["reason"],
            )?,
            streams: keep(
                registry,
                IntGauge::new("tocsin_http_event_streams", "Event streams open now."),
            )?,
        };
        for limit in Limit::ALL {
            let _ = counted.limits.with_label_values(&[limit.id()]);
        }
        for reason in ["unknown", "expired", "revoked"] {
            let _ = counted.refused.with_label_values(&[reason]);
        }
        Ok(counted)
    }

    /// A limit was hit.
    pub fn hit(&self, limit: Limit) {
        self.limits.with_label_values(&[limit.id()]).inc();
    }

    /// How often a limit was hit.
    pub fn hits(&self, limit: Limit) -> u64 {
        self.limits.with_label_values(&[limit.id()]).get()
    }

    pub(super) fn refused(&self, unheard: Unheard) {
        let reason = match unheard {
            Unheard::Unknown => "unknown",
            Unheard::Expired => "expired",
            Unheard::Revoked => "revoked",
        };
        self.refused.with_label_values(&[reason]).inc();
    }

    pub(super) fn streams(&self, open: usize) {
        self.streams.set(i64::try_from(open).unwrap_or(i64::MAX));
    }

    pub(super) fn request(&self, route: &str, method: &str, status: u16, took: Duration) {
        self.requests
            .with_label_values(&[route, method, &status.to_string()])
            .inc();
        self.durations
            .with_label_values(&[route])
            .observe(took.as_secs_f64());
    }
}
