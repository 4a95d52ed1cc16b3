//! Integration tests: one binary, a module per topic.

mod cli;
mod codes;
mod config;
mod connectors;
mod correlate;
mod dashboards;
mod decode;
mod demo_console;
mod deploy;
mod desk;
mod drill;
mod formats;
mod fuzz_seeds;
mod growth;
mod guides;
mod hours;
mod kafka;
mod links;
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

/// Whether `tests/run` found that this machine cannot have that tool, and named it: only then are its tests left out.
fn left_out(tool: &str) -> bool {
    let named = std::env::var("TOCSIN_LEFT_OUT").unwrap_or_default();
    let out = named.split(' ').any(|it| it == tool);
    if out {
        eprintln!("left out: there is no {tool} here");
    }
    out
}
