//! Integration tests: one binary, a module per topic.

mod kafka;
mod numbers;
