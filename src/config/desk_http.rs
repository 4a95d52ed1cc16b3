//! `[desk.http]`: where the desk's API and console are served, and the limits of both.
//!
//! Invariant: whatever is stated can be used, or is an error with the setting's name.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

/// The desk's API and console.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeskHttp {
    /// `address:port`; port 0: any free one.
    pub listen: String,
    /// The address that people open, where it is not `listen`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_url: Option<String>,
    /// Addresses or networks of the proxies that end TLS; others are not heard.
    pub tls_terminated_by: Vec<String>,
    /// A session without a request ends, minutes.
    pub session_idle_minutes: u32,
    /// A session ends, hours.
    pub session_hours: u32,
    /// Largest body, kibibytes.
    pub body_max_kib: u32,
    /// Requests of one token, per minute in the long run.
    pub token_requests_per_minute: u32,
    /// Requests of one token at once.
    pub token_burst: u32,
    /// Requests of one address, per minute in the long run.
    pub address_requests_per_minute: u32,
    /// Requests of one address at once.
    pub address_burst: u32,
    /// Wrong tokens of one address, per minute.
    pub wrong_tokens_per_minute: u32,
    /// Time for a request until its answer begins, seconds.
    pub request_timeout_s: u32,
    /// Event streams at a time.
    pub event_streams: u32,
    /// Event streams of one token at a time.
    pub event_streams_per_token: u32,
    /// Connections at a time.
    pub connections: u32,
}

impl DeskHttp {
    /// Every setting that is out of its bounds: its key, and what is wrong.
    pub(super) fn findings(&self) -> Vec<(&'static str, String)> {
        let mut found = Vec::new();
        let numbers = [
            (
                "desk.http.session_idle_minutes",
                self.session_idle_minutes,
                1,
                1_440,
            ),
            ("desk.http.session_hours", self.session_hours, 1, 168),
            ("desk.http.body_max_kib", self.body_max_kib, 1, 1_024),
            (
                "desk.http.token_requests_per_minute",
                self.token_requests_per_minute,
                1,
                1_000_000,
            ),
            ("desk.http.token_burst", self.token_burst, 1, 100_000),
            (
                "desk.http.address_requests_per_minute",
                self.address_requests_per_minute,
                1,
                1_000_000,
            ),
            ("desk.http.address_burst", self.address_burst, 1, 100_000),
            (
                "desk.http.wrong_tokens_per_minute",
                self.wrong_tokens_per_minute,
                1,
                1_000,
            ),
            (
                "desk.http.request_timeout_s",
                self.request_timeout_s,
                1,
                300,
            ),
            ("desk.http.event_streams", self.event_streams, 1, 100_000),
            (
                "desk.http.event_streams_per_token",
                self.event_streams_per_token,
                1,
                1_000,
            ),
            ("desk.http.connections", self.connections, 16, 100_000),
        ];
        for (name, value, least, most) in numbers {
            if !(least..=most).contains(&value) {
                found.push((name, format!("{value} is not within {least} to {most}")));
            }
        }
        if self.listen.parse::<SocketAddr>().is_err() {
            let text = format!("`{}` is no address such as 127.0.0.1:8480", self.listen);
            found.push(("desk.http.listen", text));
        }
        found
    }
}
