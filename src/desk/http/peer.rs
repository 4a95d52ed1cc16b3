//! Where a request comes from, and whether it may be heard at all: proxies that end TLS, names in `Host`, origins.
//!
//! Invariants: beyond loopback only what came through TLS is heard; a forwarded address is believed of the proxies that were
//! stated, and of nobody else.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, Method, Uri, header};

use super::problem::{Code, Problem};

/// Addresses that share their first bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

impl std::str::FromStr for Network {
    type Err = String;

    /// `10.0.0.5`, `10.0.0.0/24`, `::1`, `fd00::/8`.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no address such as 10.0.0.5 or 10.0.0.0/24");
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.trim().parse().map_err(|_| wrong())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(most), |bits| bits.trim().parse().map_err(|_| wrong()))?;
        // A proxy that is anybody is no proxy.
        if bits > most || bits == 0 {
            return Err(wrong());
        }
        Ok(Self { address, bits })
    }
}

impl Network {
    /// Whether the address is one of these.
    pub fn holds(&self, address: IpAddr) -> bool {
        let (own, other, width) = match (self.address.to_canonical(), address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                (u128::from(own.to_bits()), u128::from(other.to_bits()), 32)
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => (own.to_bits(), other.to_bits(), 128),
            _ => return false,
        };
        let shift = width - u32::from(self.bits).min(width);
        own.checked_shr(shift).unwrap_or(0) == other.checked_shr(shift).unwrap_or(0)
    }
}

/// How the service is reached.
#[derive(Clone, Debug, Default)]
pub struct Reach {
    /// `https://desk.example` or, on loopback, `http://localhost:8480`; none: loopback names only.
    pub external_url: Option<Uri>,
    /// Proxies that end TLS; none: it is not ended before us.
    pub proxies: Vec<Network>,
}

/// Why the service must not be reachable as it is configured.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unsafe(pub String);

impl Reach {
    /// Whether browsers see TLS.
    pub fn secure(&self) -> bool {
        let scheme = self.external_url.as_ref().and_then(Uri::scheme_str);
        scheme == Some("https")
    }

    /// Refuses to listen where a password would cross a network in the clear, or where nobody could be told apart.
    pub fn check(&self, listen: SocketAddr, live_tokens: i64) -> Result<(), Unsafe> {
        let https_without_proxy = self.secure() && self.proxies.is_empty();
        if https_without_proxy {
            let why = "desk.http.external_url is https, and desk.http.tls_terminated_by does not say who ends TLS: state the addresses of the \
                       proxy, such as tls_terminated_by = [\"127.0.0.1\"]";
            return Err(Unsafe(why.to_owned()));
        }
        if listen.ip().to_canonical().is_loopback() {
            return Ok(());
        }
        let mut missing = Vec::new();
        if self.proxies.is_empty() {
            missing.push(
                "set desk.http.tls_terminated_by to the addresses of the proxy that ends TLS (others are not heard)",
            );
        }
        if !self.secure() {
            missing.push("set desk.http.external_url to the https:// address that people open");
        }
        if live_tokens < 1 {
            missing.push("make a token first: `tocsin token create --role operator --name NAME`");
        }
        if missing.is_empty() {
            return Ok(());
        }
        Err(Unsafe(format!(
            "refusing to listen on {listen}, beyond loopback:\n  - {}\n  or listen on 127.0.0.1",
            missing.join("\n  - ")
        )))
    }

    /// The address of who asks: the connection's, or what a stated proxy says. A connection that did not come through the proxies
    /// that end TLS is refused.
    pub fn asker(&self, peer: IpAddr, headers: &HeaderMap) -> Result<IpAddr, Problem> {
        let peer = peer.to_canonical();
        if self.proxies.is_empty() {
            return Ok(peer);
        }
        if !self.proxies.iter().any(|proxy| proxy.holds(peer)) {
            let detail = "this service is heard through its TLS proxy only";
            return Err(Problem::new(Code::Forbidden, detail));
        }
        // From the right: the last address that no stated proxy has is the first that can be trusted.
        let forwarded = headers.get_all("x-forwarded-for").into_iter();
        let hops: Vec<IpAddr> = forwarded
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .filter_map(|hop| hop.trim().parse().ok())
            .collect();
        let outer = hops
            .iter()
            .rev()
            .find(|hop| !self.proxies.iter().any(|proxy| proxy.holds(**hop)));
        Ok(outer.map_or(peer, IpAddr::to_canonical))
    }

    /// Whether `Host` names this service: a name that leads here by an attacker's DNS does not.
    pub fn check_host(&self, headers: &HeaderMap, uri: &Uri) -> Result<(), Problem> {
        let host = headers
            .get(header::HOST)
            .and_then(|host| host.to_str().ok())
            .or_else(|| uri.authority().map(axum::http::uri::Authority::as_str))
            .unwrap_or_default();
        if self.is_ours(host) {
            return Ok(());
        }
        let detail = "Host is not a name of this service: open it at its address, or set desk.http.external_url";
        Err(Problem::new(Code::WrongHost, detail))
    }

    fn is_ours(&self, host: &str) -> bool {
        match &self.external_url {
            Some(url) => {
                let own = url.authority().map_or("", |authority| authority.as_str());
                let default = if self.secure() { ":443" } else { ":80" };
                let bare = |name: &str| {
                    name.strip_suffix(default)
                        .unwrap_or(name)
                        .to_ascii_lowercase()
                };
                bare(host) == bare(own) || (!self.secure() && crate::telemetry::is_here(host))
            }
            None => crate::telemetry::is_here(host),
        }
    }

    /// Whether a change that a cookie speaks for comes from a page of ours. Browsers state `Origin` with every such request.
    pub fn check_origin(&self, method: &Method, headers: &HeaderMap) -> Result<(), Problem> {
        if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
            return Ok(());
        }
        let refused = || {
            let detail = "the request comes from a page of another site";
            Err(Problem::new(Code::CrossSite, detail))
        };
        if let Some(site) = headers.get("sec-fetch-site")
            && !matches!(site.as_bytes(), b"same-origin" | b"none")
        {
            return refused();
        }
        let Some(origin) = headers.get(header::ORIGIN) else {
            return Ok(());
        };
        let Some((scheme, host)) = origin
            .to_str()
            .ok()
            .and_then(|origin| origin.split_once("://"))
        else {
            return refused();
        };
        let expected = if self.secure() { "https" } else { "http" };
        if scheme != expected || !self.is_ours(host) {
            return refused();
        }
        // Another service of this machine is another site.
        let same = headers
            .get(header::HOST)
            .is_none_or(|own| own.as_bytes().eq_ignore_ascii_case(host.as_bytes()));
        if same { Ok(()) } else { refused() }
    }
}

#[cfg(test)]
#[path = "peer_tests.rs"]
mod tests;
