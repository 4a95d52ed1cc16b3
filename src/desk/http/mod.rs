//! The desk over HTTP: who may ask, the REST API, the event stream, and the frame that the console's pages stand in.
//!
//! Invariant: every request passes [`auth::gate`], and everything but login and static files passes [`auth::authenticate`]; what a
//! role may do is in [`permission`] and nowhere else.
//!
//! | to | go to |
//! |---|---|
//! | change who may do what | `permission.rs` |
//! | change tokens, sessions | `token.rs`, `tokens.rs` (SQL), `sessions.rs` (SQL), `secret.rs`, `cookie.rs` |
//! | change what is let in | `auth.rs`, `peer.rs` (proxies, Host, Origin), `rate.rs`, `access.rs` |
//! | add an error | `problem.rs` |
//! | show text that came from outside | `text.rs` |

pub mod access;
pub mod api;
pub mod auth;
pub mod calls;
pub mod cookie;
pub mod counted;
pub mod etag;
pub mod events;
pub mod extract;
pub mod headers;
pub mod identity;
pub mod login;
pub mod openapi;
pub mod page;
pub mod peer;
pub mod permission;
pub mod problem;
pub mod rate;
pub mod routes;
pub mod secret;
pub mod server;
pub mod sessions;
pub mod sheet;
pub mod start;
pub mod text;
pub mod token;
pub mod tokens;
