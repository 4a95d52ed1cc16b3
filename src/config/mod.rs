//! Configuration: bundled defaults ← file ← `TOCSIN__SECTION__KEY` ← flags; and the files of a rule set.
//!
//! Invariant: `config/tocsin.toml` is the one place that states defaults; the code has none. Unknown keys are errors, and
//! every error found is reported at once.

mod bounds;
mod correlate;
mod desk;
mod desk_http;
mod drills;
mod embedded;
mod errors;
mod feeds;
mod load;
mod locate;
mod notify;
mod notify_check;
mod rule_set;
mod secret;
mod settings;
mod sources;

pub use desk::Desk;
pub use desk_http::DeskHttp;
pub use drills::{DrillClock, Drills};
pub use embedded::Bundled;
pub use errors::{ConfigErrors, codes};
pub use feeds::MAX_FEEDS;
pub use load::LoadOptions;
pub use notify::{CapFeed, Email, Notify, NotifyRoute, Smtp, SmtpTls, Webhook};
pub use notify_check::MAX_RECEIVERS;
pub use rule_set::{compile_rule_set, compile_rule_set_with, load_routing, load_rule_set};
pub use secret::{MASK, Secret};
pub use settings::*;
pub use sources::{Digests, RuleFiles, load_rule_files, read_rule_files, read_yaml};
