//! The `tocsin` command: parses arguments, maps errors to exit codes. Everything else is in the library.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    tocsin::cli::main()
}
