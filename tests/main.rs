//! Integration tests: one binary, a module per topic.

mod cli;
mod codes;
mod config;
mod correlate;
mod dashboards;
mod decode;
mod deploy;
mod desk;
mod drill;
mod fuzz_seeds;
mod kafka;
mod metrics;
mod numbers;
mod packs;
mod places;
mod purity;
mod quality;
mod readme;
mod reload_api;
mod replay;
mod rules;
mod sample_feed;
mod sentences;
