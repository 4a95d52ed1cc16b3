//! `tocsin drill key` and `sign`: the deployment's drill key, and the label of one record by hand.

use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use serde_json::json;

use super::super::Global;
use crate::core::detect::{EXERCISE_ID, EXERCISE_MAC, is_exercise_id};

/// Bytes of a new key; it is written as twice as many hexadecimal digits.
const KEY_BYTES: usize = 32;

/// Arguments of `drill key`.
#[derive(Debug, clap::Args)]
pub(super) struct KeyArgs {
    /// Write it to this file, which must not exist and which only its owner can read. Default: standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Arguments of `drill sign`.
#[derive(Debug, clap::Args)]
pub(super) struct SignArgs {
    /// Exercise id
    #[arg(long, value_name = "ID")]
    exercise: String,
    /// Feed that the record goes to
    #[arg(long, value_name = "FEED")]
    feed: String,
    /// The report's id, as the feed's decoder reads it (`tocsin decode` shows it)
    #[arg(long, value_name = "ID")]
    report_id: String,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// File with the record's value; `-`: standard input
    file: PathBuf,
}

pub(super) fn make(args: &KeyArgs) -> anyhow::Result<ExitCode> {
    use std::fmt::Write as _;
    let mut bytes = [0; KEY_BYTES];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
    let mut key = String::with_capacity(2 * KEY_BYTES + 1);
    for byte in bytes {
        write!(key, "{byte:02x}")?;
    }
    key.push('\n');
    let Some(path) = &args.out else {
        std::io::stdout().lock().write_all(key.as_bytes())?;
        return Ok(ExitCode::SUCCESS);
    };
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options
        .open(path)
        .with_context(|| super::new::not_written(path))?;
    file.write_all(key.as_bytes())?;
    writeln!(
        std::io::stdout().lock(),
        "{0} is written; set drills.key_file = \"{0}\" where detect and drills run",
        path.display()
    )?;
    Ok(ExitCode::SUCCESS)
}

pub(super) fn sign(args: &SignArgs, global: &Global) -> anyhow::Result<ExitCode> {
    let settings = global.settings()?;
    let key = settings.drills.drill_key().context(NO_KEY)?;
    anyhow::ensure!(
        is_exercise_id(&args.exercise),
        "`{}` is no exercise id: 1–64 characters of A–Z a–z 0–9 . _ -",
        args.exercise
    );
    anyhow::ensure!(
        settings.feeds.iter().any(|feed| *feed.id == *args.feed),
        "there is no feed `{}`",
        args.feed
    );
    let mut body = Vec::new();
    if args.file.as_os_str() == "-" {
        std::io::stdin().lock().read_to_end(&mut body)?;
    } else {
        body = std::fs::read(&args.file).with_context(|| format!("{}", args.file.display()))?;
    }
    let mac = key.mac(&args.exercise, &args.feed, &args.report_id, &body);
    let mut out = std::io::stdout().lock();
    if args.json {
        writeln!(
            out,
            "{}",
            json!({EXERCISE_ID: args.exercise, EXERCISE_MAC: mac})
        )?;
    } else {
        writeln!(
            out,
            "{EXERCISE_ID}: {}\n{EXERCISE_MAC}: {mac}",
            args.exercise
        )?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Why nothing can be labelled.
pub(super) const NO_KEY: &str = "there is no drill key: `tocsin drill key --out FILE` makes one, and drills.key_file names it, here and \
                                 where detect runs";
