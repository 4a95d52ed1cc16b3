//! What a webhook is sent, and how the receiver knows that it is ours.
//!
//! `Tocsin-Signature: t=SECONDS,v1=HEX` with HEX = HMAC-SHA-256 (RFC 2104) under the receiver's secret over `SECONDS.BODY`, lower case.
//! The time is part of what is signed, so that a recorded request cannot be sent again later.
//!
//! Invariant: the body of a message is the same at every attempt; the signature is not.

use std::fmt::Write as _;

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::json;
use sha2::Sha256;
use uuid::Uuid;

use super::kind::Notice;
use crate::core::model::Status;

/// Format version of the body.
pub const WEBHOOK_VERSION: u8 = 1;

/// The body of one message, JSON. The notices are of one status.
pub fn webhook_body(message: Uuid, channel: &str, notices: &[Notice]) -> String {
    let status = notices.first().map_or(Status::Actual, |it| it.status);
    let body = json!({
        "v": WEBHOOK_VERSION,
        "id": message,
        "channel": channel,
        "status": status,
        "notices": notices,
    });
    body.to_string()
}

/// The value of `Tocsin-Signature` at `seconds` since 1970.
pub fn signature(secret: &[u8], seconds: i64, body: &str) -> String {
    // A key of any length is one.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) else {
        return String::new();
    };
    mac.update(seconds.to_string().as_bytes());
    mac.update(b".");
    mac.update(body.as_bytes());
    let mut text = format!("t={seconds},v1=");
    for byte in mac.finalize().into_bytes() {
        let _ = write!(text, "{byte:02x}");
    }
    text
}
