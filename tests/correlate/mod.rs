//! The fold of detections into incidents: against a naive oracle, through crashes, permuted, and beside exercises.

mod calls;
mod growth;
mod growth_feeds;
mod growth_lines;
mod growth_wide;
mod large;
mod oracle;
mod oracle_correlations;
mod properties;
mod sample;
mod schema;
mod wide_apart;
