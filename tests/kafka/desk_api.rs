//! The API of a desk that a test started, asked as a department's own system would.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use super::drills::Site;

/// A free port of loopback.
pub(super) fn free() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    address.to_string()
}

/// Settings of a desk in `tocsin run`, on this address, with a database beside the configuration.
pub(super) fn settings(address: &str) -> String {
    format!(
        "[desk]\nenabled = true\nurl = \"sqlite:desk.db\"\n[desk.http]\nlisten = \"{address}\"\n"
    )
}

pub(super) struct DeskApi {
    address: String,
    pub(super) token: String,
}

impl DeskApi {
    /// With a new token of this role.
    pub(super) fn new(site: &Site, address: &str, role: &str) -> Self {
        Self::named(site, address, role, &format!("test {role}"))
    }

    /// With a new token of this role and name.
    pub(super) fn named(site: &Site, address: &str, role: &str, name: &str) -> Self {
        let made = site
            .tocsin(&["token", "create", "--role", role, "--name", name])
            .output()
            .expect("run tocsin");
        let said = String::from_utf8_lossy(&made.stderr).into_owned();
        assert!(made.status.success(), "{said}");
        let token = String::from_utf8(made.stdout).expect("text");
        Self {
            address: address.to_owned(),
            token: token.trim().to_owned(),
        }
    }

    /// The same token at another desk of the same store.
    pub(super) fn at(&self, address: &str) -> Self {
        Self {
            address: address.to_owned(),
            token: self.token.clone(),
        }
    }

    /// Status and body; none while nobody answers.
    pub(super) fn call(
        &self,
        method: &str,
        path: &str,
        version: Option<u64>,
        body: Option<&Value>,
    ) -> Option<(u16, Value)> {
        let mut stream = TcpStream::connect(&self.address).ok()?;
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .ok()?;
        let body = body.map(Value::to_string).unwrap_or_default();
        let seen = version.map_or_else(String::new, |it| format!("If-Match: \"{it}\"\r\n"));
        write!(
            stream,
            "{method} {path} HTTP/1.0\r\nHost: {}\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n{seen}\r\n{body}",
            self.address,
            self.token,
            body.len()
        )
        .ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).ok()?;
        let status = text.split(' ').nth(1)?.parse().ok()?;
        let body = text.split_once("\r\n\r\n")?.1;
        Some((status, serde_json::from_str(body).unwrap_or(Value::Null)))
    }

    /// Acknowledges and disposes of every open obligation of this status; how many incidents there were. Whoever leads is done last:
    /// its disposal closes the incident, and releases those who have not answered yet.
    pub(super) fn settle(&self, status: &str, disposition: &str) -> usize {
        let path = format!("/api/v1/incidents?status={status}");
        let Some((200, board)) = self.call("GET", &path, None, None) else {
            return 0;
        };
        let rows = board["incidents"].as_array().expect("a board");
        for row in rows {
            let owed = row["obligations"].as_array().into_iter().flatten();
            let pending = owed.filter(|it| is_pending(it));
            let mut pending: Vec<&Value> = pending.collect();
            pending.sort_by_key(|it| it["duty"] == "lead");
            for action in ["acknowledge", "dispose"] {
                for owed in &pending {
                    let mut wish = json!({"action": action, "department": owed["department"]});
                    if action == "dispose" {
                        wish["disposition"] = disposition.into();
                    }
                    self.act(&row["incident"], &wish);
                }
            }
        }
        rows.len()
    }

    /// Does one thing, on whatever the incident is now; one that has moved on meanwhile is left as it is.
    fn act(&self, incident: &Value, wish: &Value) {
        let path = format!("/api/v1/incidents/{}", incident.as_str().unwrap_or("-"));
        let Some((200, case)) = self.call("GET", &path, None, None) else {
            return;
        };
        let actions = format!("{path}/actions");
        let done = self.call(
            "POST",
            &actions,
            case["incident"]["version"].as_u64(),
            Some(wish),
        );
        let status = done.map_or(0, |it| it.0);
        assert!(matches!(status, 0 | 200 | 409 | 412), "{status} {wish}");
    }
}

/// Whether a department still owes something.
pub(super) fn is_pending(obligation: &Value) -> bool {
    let state = obligation["state"].as_str();
    matches!(state, Some("open" | "acknowledged" | "in_progress"))
}
