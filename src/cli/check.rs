//! `tocsin check`: is everything that `run` would load in order? Nothing is connected to.
//!
//! Exit codes: 0 in order (warnings are shown), 1 findings in rules, lexicons, places, departments or feeds, 2 findings in the
//! configuration.

use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::sync::Arc;

use serde::Serialize;

use super::{FAILED, Global, MISUSED, render};
use crate::config::{Settings, codes, compile_rule_set, read_rule_files};
use crate::core::decode::Decoder;
use crate::core::diagnostic::{Diagnostic, Gravity, SourceFile};
use crate::core::ruleset::RuleSet;
use crate::desk::http::start::reach;

/// Findings that may follow from a file that could not be read: unknown lexicons, rules and places, and a folder without rules.
pub(super) const MISSED: [&str; 6] = ["T0013", "T0026", "T0028", "T0042", "T0907", codes::NO_RULES];

/// Arguments of `check`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

/// Everything found.
#[derive(Default)]
struct Findings {
    code: u8,
    settings: Option<Settings>,
    loaded: Option<Loaded>,
    diagnostics: Vec<Diagnostic>,
    sources: Vec<SourceFile>,
}

/// What was loaded.
#[derive(Debug, Serialize)]
struct Loaded {
    version: String,
    rule_files: usize,
    lexicon_files: usize,
    places: usize,
    departments: usize,
    feeds: usize,
}

#[derive(Serialize)]
struct Shown<'a> {
    ok: bool,
    diagnostics: Vec<ShownDiagnostic<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule_set: Option<&'a Loaded>,
    #[serde(skip_serializing_if = "Option::is_none")]
    configuration: Option<&'a Settings>,
}

#[derive(Serialize)]
struct ShownDiagnostic<'a> {
    code: &'a str,
    gravity: &'static str,
    file: &'a str,
    line: usize,
    column: usize,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<&'a str>,
}

/// Runs the command.
pub fn run(args: &Args, global: &Global) -> anyhow::Result<ExitCode> {
    let found = find(global);
    if args.json {
        let text = serde_json::to_string_pretty(&found.shown())?;
        writeln!(io::stdout().lock(), "{text}")?;
    } else {
        found.print()?;
    }
    Ok(ExitCode::from(found.code))
}

/// What does not depend on what is wrong is looked at all the same: all errors at once.
fn find(global: &Global) -> Findings {
    let mut found = Findings::default();
    let (settings, is_whole) = match global.settings() {
        Ok(settings) => (settings, true),
        Err(errors) => {
            (found.diagnostics, found.sources) = (errors.diagnostics, errors.sources);
            found.code = MISUSED;
            match errors.rest {
                Some(rest) => (*rest, false),
                None => return found,
            }
        }
    };
    found.rules(&settings, is_whole);
    if is_whole {
        found.diagnostics.extend(desk(&settings).inspect(|_| {
            found.code = MISUSED;
        }));
        found.settings = Some(settings);
    }
    found
}

impl Findings {
    /// The rule set and what refers to it.
    fn rules(&mut self, settings: &Settings, is_whole: bool) {
        let (files, unread) = read_rule_files(&settings.paths);
        let sources = files.rules.iter().chain(&files.lexicons);
        self.sources.extend(sources.cloned());
        self.sources.push(files.departments.clone());
        let counts = (files.rules.len(), files.lexicons.len());
        let is_read = unread.is_empty();
        self.diagnostics.extend(unread);
        let compiled = compile_rule_set(files).map(Arc::new);
        let mut found = match &compiled {
            Ok(set) => set.warnings.clone(),
            Err(errors) => errors.diagnostics.clone(),
        };
        let set = compiled.as_ref().ok();
        found.extend(feeds(set.map(|set| &**set), settings));
        if let Some(set) = set.filter(|_| is_read) {
            found.extend(notify(set, settings));
        }
        // A name that may well stand in a file that could not be read is not called unknown.
        found.retain(|it| is_read || !MISSED.contains(&it.code));
        let failed = !is_read || found.iter().any(|it| it.gravity == Gravity::Error);
        if failed {
            self.code = self.code.max(FAILED);
        }
        self.diagnostics.extend(found);
        if let Some(set) = compiled.ok().filter(|_| is_read && is_whole) {
            self.loaded = Some(Loaded {
                version: set.version.to_string(),
                rule_files: counts.0,
                lexicon_files: counts.1,
                places: set.gazetteer.len(),
                departments: set.routing.all().len(),
                feeds: settings.feeds.len(),
            });
        }
    }
}

/// Why the desk would refuse to listen; whether there is a token it asks the database when it starts.
fn desk(settings: &Settings) -> Option<Diagnostic> {
    let http = &settings.desk.http;
    let refused = match (reach(http), http.listen.parse()) {
        (Err(error), _) => error.to_string(),
        (Ok(reach), Ok(listen)) => reach.check(listen, 1).err()?.to_string(),
        (Ok(_), Err(_)) => format!("desk.http.listen: `{}` is no address:port", http.listen),
    };
    Some(Diagnostic {
        code: codes::CONFLICT,
        gravity: Gravity::Error,
        file: "desk.http".to_owned(),
        line: 0,
        column: 0,
        length: 0,
        message: refused,
        help: None,
    })
}

/// What is wrong between feeds, decoders and gazetteer.
fn feeds(set: Option<&RuleSet>, settings: &Settings) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for feed in settings.shared_feeds() {
        let mut report = |gravity: Gravity, message: String| {
            found.push(Diagnostic {
                code: codes::BAD_FEED,
                gravity,
                file: format!("feed {}", feed.id),
                line: 0,
                column: 0,
                length: 0,
                message,
                help: None,
            });
        };
        if let Err(why) = Decoder::new(Arc::clone(&feed)) {
            report(Gravity::Error, format!("feed `{}`: {why}", feed.id));
        }
        if let (Some(home), Some(set)) = (&feed.home, set)
            && !set.gazetteer.is_empty()
            && set.gazetteer.get(home).is_none()
        {
            let message = format!("home `{home}` is not in the gazetteer");
            report(Gravity::Error, message);
        }
    }
    found
}

/// What is wrong between `[notify]` and the departments.
fn notify(set: &RuleSet, settings: &Settings) -> Vec<Diagnostic> {
    let found = settings.notify.against(&set.routing).into_iter();
    // What is not sent anyway may wait for its receiver.
    let gravity = if settings.notify.enabled {
        Gravity::Error
    } else {
        Gravity::Warning
    };
    let diagnostic = |(key, why): (String, String)| Diagnostic {
        code: codes::CONFLICT,
        gravity,
        file: key,
        line: 0,
        column: 0,
        length: 0,
        message: why,
        help: None,
    };
    found.map(diagnostic).collect()
}

impl Findings {
    fn shown(&self) -> Shown<'_> {
        Shown {
            ok: self.code == 0,
            diagnostics: self.diagnostics.iter().map(shown).collect(),
            rule_set: self.loaded.as_ref(),
            configuration: self.settings.as_ref(),
        }
    }

    /// The configuration on standard output, findings and summary on standard error.
    fn print(&self) -> anyhow::Result<()> {
        if let Some(settings) = &self.settings {
            write!(io::stdout().lock(), "{}", toml::to_string(settings)?)?;
        }
        let colour = io::stderr().is_terminal();
        let mut err = io::stderr().lock();
        write!(err, "{}", render(&self.diagnostics, &self.sources, colour))?;
        if let Some(loaded) = &self.loaded {
            writeln!(
                err,
                "rule set {}: {} rule files, {} lexicon files, {} places, {} departments, {} feeds",
                loaded.version,
                loaded.rule_files,
                loaded.lexicon_files,
                loaded.places,
                loaded.departments,
                loaded.feeds
            )?;
        }
        let errors = self
            .diagnostics
            .iter()
            .filter(|it| it.gravity == Gravity::Error)
            .count();
        let warnings = self.diagnostics.len() - errors;
        writeln!(err, "{errors} errors, {warnings} warnings")?;
        Ok(())
    }
}

fn shown(diagnostic: &Diagnostic) -> ShownDiagnostic<'_> {
    ShownDiagnostic {
        code: diagnostic.code,
        gravity: match diagnostic.gravity {
            Gravity::Error => "error",
            Gravity::Warning => "warning",
        },
        file: &diagnostic.file,
        line: diagnostic.line,
        column: diagnostic.column,
        message: &diagnostic.message,
        help: diagnostic.help.as_deref(),
    }
}
