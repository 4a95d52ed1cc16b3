//! Tocsin: a risk early-warning stream processor for public safety.
#![forbid(unsafe_code)]

pub mod cli;
pub mod config;
pub mod core;
pub mod kafka;
pub mod telemetry;
