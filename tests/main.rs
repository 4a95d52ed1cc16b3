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

/// Takes the settings of who runs the tests from a command.
fn without_settings(command: &mut std::process::Command) {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("TOCSIN_") {
            command.env_remove(name);
        }
    }
}

/// Whether `tests/run` found that this machine cannot have that tool, and named it: only then are its tests left out.
fn left_out(tool: &str) -> bool {
    let named = std::env::var("TOCSIN_LEFT_OUT").unwrap_or_default();
    let out = named.split(' ').any(|it| it == tool);
    if out {
        eprintln!("left out: there is no {tool} here");
    }
    out
}
