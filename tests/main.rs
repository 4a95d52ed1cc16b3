//! Integration tests: one binary, a module per topic.

mod correlate;
mod decode;
mod kafka;
mod numbers;
mod packs;
mod purity;
mod quality;
mod replay;
mod sample_feed;
