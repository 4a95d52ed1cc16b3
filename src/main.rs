//! The `tocsin` command.
#![forbid(unsafe_code)]

fn main() {}
