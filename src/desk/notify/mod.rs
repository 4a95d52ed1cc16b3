//! Notifications of the desk: the audit trail is planned into a log, and what is pending there is sent.
//!
//! [`Notifier::plan`] reads the trail from a stored cursor and writes one row per notice and channel together with the cursor; one task
//! per receiver sends what is due and records how that went. What is decided, and in which words, is [`crate::core::notify`]'s.
//!
//! Invariants: at least once, with the same Idempotency-Key each time; a dead or slow receiver holds back neither another one nor the
//! queue; every notice ends as sent, dead, muted or skipped, and the last three say why.
//!
//! | module | holds |
//! |---|---|
//! | `setup` | settings into what planning and delivery go by |
//! | `notifier` | what they go by, and a loop per receiver |
//! | `planning` | the trail into rows of the log |
//! | `webhook`, `mail` | how a message gets there |
//! | `retry` | dead messages made due again |
//! | `metrics` | figures |

mod mail;
mod metrics;
mod muting;
mod notifier;
mod planning;
pub mod retry;
pub mod setup;
mod webhook;

pub use mail::Mail;
pub use metrics::{NotifyMetrics, Outcome};
pub use notifier::{Failure, Notifier, NotifyError, Transport};
pub use webhook::Hook;
