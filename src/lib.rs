//! Tocsin: a risk early-warning stream processor for public safety.
//!
//! This page is the map. Data moves one way, and a module imports only [`core::model`] and earlier stages.
//!
//! # One report, from feed to queue
//!
//! 1. A feed's topic is read by a worker ([`kafka::Pool`]): one thread, one consumer-group member, one transactional
//!    producer, one engine. The worker knows no report; it drives a [`kafka::Stage`].
//! 2. [`kafka::DetectStage`] hands each record to [`core::detect::DetectEngine`], which is pure:
//!    - [`core::decode`] turns the bytes into a [`core::model::Report`], already masked by [`core::mask`], or into a
//!      [`core::model::Refusal`] with a stable code;
//!    - [`core::normalise`] folds the text in one pass; [`core::lexicon`] finds all terms of all rules at once;
//!    - [`core::rule`] evaluates the rules that a term touched;
//!    - on a hit only: [`core::number`] extracts casualties and magnitudes, [`core::place`] resolves the one place,
//!      [`core::fingerprint`] takes the near-duplicate fingerprint.
//!
//!    Each rule that fires becomes a [`core::model::Detection`] on `tocsin.detections`, keyed `status/hazard/place`.
//! 3. [`kafka::CorrelateStage`] folds detections into incidents with one [`core::correlate::Correlator`] per partition: near-duplicates,
//!    certainty over independent sources, score, level, timers on the partition clock. [`core::route`] says which
//!    departments have a duty. Each material change is a [`core::model::Alert`] on `tocsin.joint-meeting`; the state goes to
//!    the compacted `tocsin.incidents`.
//! 4. One Kafka transaction holds all of that, a [`core::model::LedgerEntry`] per partition, and the input offsets.
//!
//! [`core::replay`] runs steps 2 and 3 without Kafka, on a virtual clock.
//!
//! # Where to change what
//!
//! | to | go to |
//! |---|---|
//! | read another format | `core/decode` |
//! | add a hazard | `core/model/hazard.rs` |
//! | change the rule language | `core/rule` (parse → lower → compile → program) |
//! | write rules and terms | `config/rules`, `config/lexicons` (no code) |
//! | change departments and deadlines | `config/departments.yaml` (no code) |
//! | change how reports become incidents, scores, levels | `core/correlate` |
//! | change transactions, restore, topics, dead letters | `kafka` |
//! | add a setting | `config/tocsin.toml` and `config/settings.rs` |
//! | add a metric | `telemetry/metrics.rs` |
//! | add a command | `cli` |
//!
//! A rule set ([`core::ruleset::RuleSet`]: rules, lexicons, gazetteer, routing) is one immutable, versioned value.
#![forbid(unsafe_code)]

pub mod cli;
pub mod config;
pub mod core;
pub mod kafka;
pub mod telemetry;
