//! Tocsin: a risk early-warning stream processor for public safety.
//!
//! This page is the map. Data moves one way, and [`core`] imports nothing from the rest.
//!
//! # One report, from feed to obligation
//!
//! 1. A feed's topic is read by a worker ([`kafka::Pool`], started in `src/cli/run.rs`): one thread, one consumer-group member, one
//!    transactional producer, one engine. The worker knows no report; it drives a [`kafka::Stage`]. Its loop is in `worker.rs`, a record's
//!    way in `read.rs`, the end of a transaction in `commit.rs`, all in `src/kafka`.
//! 2. [`kafka::DetectStage`] hands each record to [`core::detect::DetectEngine`], which is pure:
//!    - [`core::decode`] turns the bytes into a [`core::model::Report`], already masked by [`core::mask`], or into a
//!      [`core::model::Refusal`] with a stable code, which becomes a record on `tocsin.dead-letters`;
//!    - `core/detect/drill.rs` judges the label of a drill; a report too old for its feed ends as `expired`;
//!    - [`core::normalise`] folds the text in one pass; [`core::lexicon`] finds all terms of all rules at once;
//!    - rules that a term or a field touched, and those that need neither, are evaluated (`core/detect/matcher.rs`): [`core::rule`] compiles
//!      them to programs, `core/detect/facts.rs` runs these on the report. [`core::number`] extracts casualties and magnitudes when a condition asks for them;
//!    - on a hit only: [`core::place`] resolves the one place, and free text gets its near-duplicate
//!      [`core::fingerprint`]; `core/detect/build.rs` makes the detection.
//!
//!    Each rule that fires becomes a [`core::model::Detection`] on `tocsin.detections`, keyed `status/hazard/place`, with the id of
//!    the exercise in a drill; a rule of `status: test` leaves a line on `tocsin.shadow` instead. A withdrawn or restated report also sends a
//!    [`core::model::Retraction`] to every partition, a rule that looks for growth in wider areas one more detection for each of them.
//! 3. [`kafka::CorrelateStage`] folds detections into incidents with one [`core::correlate::Correlator`] per partition: near-duplicates,
//!    certainty over independent sources, correlations, score, level, timers on the partition clock. [`core::route`] says which
//!    departments have a duty. Each revision is a [`core::model::Alert`] on `tocsin.joint-meeting`, `material` where somebody
//!    has to know and not where it only refreshes counts; the state goes to the compacted `tocsin.incidents`.
//! 4. Each of the two stages commits its outputs, its state, a [`core::model::LedgerEntry`] per input partition and the input offsets in
//!    one Kafka transaction (without one where `kafka.delivery` says `at_least_once`). A dead letter that was replayed comes in again through `tocsin.retry`.
//!
//! 5. The [`desk`] reads the queue into SQL, one case per incident ([`core::obligation`]): departments acknowledge and dispose of their
//!    obligations, deadlines pass and escalate, people correct what the machine thinks. Every change is an audit event, published to
//!    `tocsin.decisions` and the departments' topics.
//!
//! 6. [`desk::notify`] plans the audit trail into a log of notices and sends what is pending; what is told, to whom, when and in which words
//!    is [`core::notify`]'s.
//!
//! [`core::replay`] runs steps 2 and 3 without Kafka, on a virtual clock.
//!
//! # Where to change what
//!
//! | to | go to |
//! |---|---|
//! | read another format | `src/core/decode` (a file for each; `decoder.rs` calls it), `DecoderKind` in `src/core/model/feed.rs`, `Format` in `src/cli/decode.rs` |
//! | add a hazard | `src/core/model/hazard.rs`, its lead in `config/departments.yaml`, the `*.schema.json` that list hazards |
//! | change the rule language | `src/core/rule`; how a condition is evaluated: `src/core/detect/facts.rs` |
//! | change how plain Sigma is read or evaluated | `src/core/rule/sigma` (read → lower → compile → scan) |
//! | change what `tocsin rules test`, `explain`, `diff` … work out | `src/core/tools`; what they print: `src/cli/rules` |
//! | write rules and terms, quiet times, score lines of a report | `config/rules`, `config/lexicons`, their cases in `config/tests` (no code) |
//! | change departments | `config/departments.yaml` (no code) |
//! | change who owes what, until when, and what people can do | `src/core/obligation` (its `mod.rs` has a table) |
//! | change who outside the console is told of what, or a channel | `src/core/notify`, `src/desk/notify`; settings: `src/config/notify.rs` |
//! | change who is not told: silences, inhibition | `src/core/mute`; at the desk: `src/desk/silences.rs` |
//! | change what the desk stores, reads or publishes | `src/desk`, `src/desk/store`; a table: `src/desk/store/migrations` |
//! | change how reports become incidents | `src/core/correlate`; score lines of an incident: `score.rs`, caps: `level.rs`, correlations: `window.rs`, their events: `correlations.rs` |
//! | change how reports are counted and what is an alarm | `src/core/growth`; what it does to an incident: `growing.rs`, `series.rs`, `grown.rs` in `src/core/correlate` |
//! | change when a feed counts as silent | `src/core/silence.rs` |
//! | change transactions, restore, topics, dead letters | `src/kafka` |
//! | change who may ask the desk, or its API | `src/desk/http` (a table of the places is in its `mod.rs`) |
//! | add a setting | `config/tocsin.toml`, `src/config/settings.rs` and `bounds.rs`; what workers take of it: `src/kafka/resolve.rs` |
//! | change what a scenario may say, or what its report shows | `src/core/drill`; how it is sent and followed: `src/drill` |
//! | change how a coordinator runs drills at the desk | `src/drill/room.rs`, `src/desk/drills.rs`; pages: `src/desk/console/drills.rs` |
//! | write a scenario | `config/drills` (no code); what a new one starts from: `src/drill/fresh.rs`, where it is written at the desk: `src/drill/drafts.rs` |
//! | add a metric | `src/telemetry/metrics.rs` and `made.rs`; who counts: stages in `counts.rs` there, workers in `src/kafka/observed.rs`, the desk in `src/desk`; `docs/operating.md` where it deserves an alarm |
//! | change what people see and do at the desk | `src/desk/console` (a table of the places is in its `mod.rs`) |
//! | add a command | `src/cli`, README |
//!
//! A rule set ([`core::ruleset::RuleSet`]: rules, lexicons, gazetteer, routing) is one immutable, versioned value. `src/cli/reload.rs`
//! compiles another one when its files change and publishes it in [`kafka::LiveRules`]; workers take it over between transactions.
#![forbid(unsafe_code)]

pub mod cli;
pub mod config;
pub mod core;
pub mod desk;
pub mod drill;
pub mod kafka;
pub mod telemetry;
