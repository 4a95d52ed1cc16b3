//! Notifications: which changes of a case somebody outside the console has to be told of, by which channel, when and in which words.
//!
//! A change of the audit trail calls for [`Notice`]s ([`Planner::change`]): one per department and reason. [`Routes`] name the channels
//! of each; a [`Receiver`] says whether it goes at once or waits for a window that collects several into one message. What is sent is
//! text ([`MailText`]) or JSON ([`webhook_body`], signed by [`signature`]). The ideas of routing, grouping windows and a notification
//! log are Alertmanager's.
//!
//! Invariants: a refresh of counts (`material: false`) is no event and so never notifies; a missed deadline and an escalation are never
//! held back by a digest or an inhibition; exercise and actual are never in one message; no control character of a report leaves here.
//!
//! | module | holds |
//! |---|---|
//! | `kind` | kinds of notices, and what one says |
//! | `route` | channels by department, level, hazard, kind and office |
//! | `slot` | when a notice is due, and which message it is part of |
//! | `plan` | from a change to notices |
//! | `remind` | what a silence leaves open when it ends |
//! | `backoff` | when a failed message is tried again |
//! | `words`, `text` | subjects and texts, zh and en |
//! | `webhook` | body and signature |
//! | `cap` | CAP 1.2 messages and their Atom index |
//! | `clean` | text made harmless |

mod backoff;
mod cap;
mod clean;
mod kind;
mod plan;
mod remind;
mod route;
mod slot;
#[cfg(test)]
mod tests;
mod text;
mod webhook;
mod words;

pub use backoff::Backoff;
pub use cap::{CapHead, CapOptions, cap_head, cap_index, cap_xml};
pub use clean::{is_unsafe, line};
pub use kind::{Deadline, Notice, NoticeKind};
pub use plan::{Asked, Fate, Mute, MuteReason, Planned, Planner, Wanted, not_muted, wanted};
pub use remind::left_open;
pub use route::{Facts, Route, Routes};
pub use slot::{Digest, Receiver, Slot};
pub use text::{Language, MailText, mail_text};
pub use webhook::{WEBHOOK_VERSION, signature, webhook_body};
pub use words::{kind_word, level_word, office_word};
