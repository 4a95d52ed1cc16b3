//! `tocsin drill new`: a scenario to start from.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;

const TEMPLATE: &str = include_str!("template.yml");

/// Arguments of `drill new`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// File to write; it must not exist. `-`: standard output
    file: PathBuf,
    /// Id of the scenario: the beginning of exercise ids. Default: the file's name
    #[arg(long, value_name = "ID")]
    id: Option<String>,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let stem = args.file.file_stem().map(|stem| stem.to_string_lossy());
    let id = args.id.clone().or_else(|| stem.map(|stem| slug(&stem)));
    let id = id.filter(|id| !id.is_empty());
    let text = TEMPLATE.replace("my-drill", id.as_deref().unwrap_or("my-drill"));
    if args.file.as_os_str() == "-" {
        std::io::stdout().lock().write_all(text.as_bytes())?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut options = std::fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .open(&args.file)
        .with_context(|| not_written(&args.file))?;
    file.write_all(text.as_bytes())?;
    let path = args.file.display();
    writeln!(
        std::io::stdout().lock(),
        "{path} is written; next: tocsin drill check {path}"
    )?;
    Ok(ExitCode::SUCCESS)
}

/// Why a new file cannot be written, and what to do; the cause follows.
pub(super) fn not_written(path: &std::path::Path) -> String {
    let path = path.display();
    format!(
        "{path} cannot be written; a file that is there is never replaced: name another one, or remove it"
    )
}

fn slug(text: &str) -> String {
    let fits = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_lowercase()
        } else {
            '-'
        }
    };
    let text: String = text.chars().map(fits).take(40).collect();
    text.trim_matches('-').to_owned()
}
