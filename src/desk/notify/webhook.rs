//! A receiver by POST.
//!
//! Invariant: a message arrived when the receiver answered 2xx; redirects are not followed, the answer is read to a bound and never
//! logged, and neither secret nor address is part of a failure's text.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Certificate, Client, Url, redirect};

use super::notifier::{Failure, NotifyError, Transport};
use crate::config::{Secret, Webhook};
use crate::core::model::Millis;
use crate::core::notify::{signature, webhook_body};
use crate::desk::store::Message;

/// Bytes of an answer that are read, so that its connection can be used again.
const MAX_ANSWER: usize = 16 * 1024;
/// Longest wait that a receiver may ask for.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(3_600);

/// A receiver by POST.
#[derive(Debug)]
pub struct Hook {
    channel: Arc<str>,
    url: Url,
    secret: Secret,
    client: Client,
    public_only: bool,
}

impl Hook {
    /// By its settings.
    pub fn new(
        channel: &Arc<str>,
        settings: &Webhook,
        timeout: Duration,
    ) -> Result<Self, NotifyError> {
        let wrong = |why: String| NotifyError::Receiver(channel.to_string(), why);
        // One provider for the process; another part may have chosen it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut client = Client::builder()
            .user_agent(concat!("tocsin/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .no_proxy()
            .timeout(timeout)
            .connect_timeout(timeout);
        if let Some(path) = &settings.ca_file {
            let pem = std::fs::read(path)
                .map_err(|error| wrong(format!("cannot read {}: {error}", path.display())))?;
            let certificates =
                Certificate::from_pem_bundle(&pem).map_err(|error| wrong(error.to_string()))?;
            client = client.tls_certs_merge(certificates);
        }
        if settings.public_only {
            client = client.dns_resolver(Arc::new(PublicOnly));
        }
        Ok(Self {
            channel: Arc::clone(channel),
            url: settings
                .url
                .expose()
                .parse()
                .map_err(|_| wrong("no address".to_owned()))?,
            secret: settings.secret.clone().unwrap_or_default(),
            client: client.build().map_err(|error| wrong(said(&error)))?,
            public_only: settings.public_only,
        })
    }

    async fn post(&self, message: &Message, now: Millis) -> Result<(), Failure> {
        if self.public_only {
            let host = self.url.host_str().unwrap_or_default();
            let literal = host.trim_matches(['[', ']']).parse::<IpAddr>();
            if literal.is_ok_and(|address| !is_public(address)) {
                return Err(Failure::new(NOT_PUBLIC));
            }
        }
        let body = webhook_body(message.id, &self.channel, &message.notices);
        let signed = signature(
            self.secret.expose().as_bytes(),
            now.0.div_euclid(1_000),
            &body,
        );
        let sent = self
            .client
            .post(self.url.clone())
            .header("Content-Type", "application/json")
            .header("Idempotency-Key", message.id.to_string())
            .header("Tocsin-Signature", signed)
            .body(body)
            .send()
            .await;
        let mut answer = sent.map_err(|error| Failure::new(said(&error)))?;
        let (status, headers) = (answer.status(), answer.headers());
        let seconds = headers
            .get("retry-after")
            .and_then(|it| it.to_str().ok()?.parse().ok());
        let mut read = 0;
        while read < MAX_ANSWER
            && let Ok(Some(chunk)) = answer.chunk().await
        {
            read += chunk.len();
        }
        if status.is_success() {
            return Ok(());
        }
        let mut failure = Failure::new(format!("HTTP {}", status.as_u16()));
        failure.retry_after = seconds.map(|it| Duration::from_secs(it).min(MAX_RETRY_AFTER));
        Err(failure)
    }
}

impl Transport for Hook {
    fn send<'a>(&'a self, message: &'a Message, now: Millis) -> BoxFuture<'a, Result<(), Failure>> {
        Box::pin(self.post(message, now))
    }
}

/// What went wrong, without the address, which may hold a key.
fn said(error: &reqwest::Error) -> String {
    let kind = if error.is_timeout() {
        "no answer in time"
    } else if error.is_connect() {
        "cannot connect"
    } else if error.is_builder() {
        "cannot be set up"
    } else {
        "the connection broke"
    };
    let mut source = std::error::Error::source(error);
    let mut last = None;
    while let Some(inner) = source {
        last = Some(inner.to_string());
        source = inner.source();
    }
    last.map_or_else(|| kind.to_owned(), |why| format!("{kind}: {why}"))
}

const NOT_PUBLIC: &str =
    "the address is of this machine or a private network, and public_only is set";

/// Resolves names, and leaves out what is not public.
#[derive(Debug)]
struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let all = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> = all.filter(|it| is_public(it.ip())).collect();
            if public.is_empty() {
                return Err(NOT_PUBLIC.into());
            }
            let addresses: Addrs = Box::new(public.into_iter());
            Ok(addresses)
        })
    }
}

/// Whether an address is none of this machine, a private or a special network (RFC 6890, 4193).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(it) => {
            let [a, b, ..] = it.octets();
            let shared = a == 100 && (64..128).contains(&b);
            !(it.is_loopback()
                || it.is_private()
                || it.is_link_local()
                || it.is_unspecified()
                || it.is_broadcast()
                || it.is_multicast()
                || it.is_documentation()
                || shared
                || a == 0
                || a >= 240)
        }
        IpAddr::V6(it) => {
            if let Some(mapped) = it.to_ipv4_mapped() {
                return is_public(IpAddr::V4(mapped));
            }
            let first = it.segments()[0];
            let local = first & 0xfe00 == 0xfc00 || first & 0xffc0 == 0xfe80;
            !(it.is_loopback() || it.is_unspecified() || it.is_multicast() || local)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_networks_are_not_public() {
        for (text, public) in [
            ("127.0.0.1", false),
            ("10.1.2.3", false),
            ("172.16.0.1", false),
            ("192.168.1.1", false),
            ("169.254.169.254", false),
            ("100.64.0.1", false),
            ("0.0.0.0", false),
            ("::1", false),
            ("fe80::1", false),
            ("fd00::1", false),
            ("::ffff:10.0.0.1", false),
            ("8.8.8.8", true),
            ("2606:4700::1111", true),
        ] {
            assert_eq!(is_public(text.parse().unwrap()), public, "{text}");
        }
    }
}
