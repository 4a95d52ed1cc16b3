//! `tocsin check`: is everything that `run` would load in order? Nothing is connected to.
//!
//! Exit codes: 0 in order (warnings are shown), 1 findings in rules, lexicons, places, departments or feeds, 2 findings in the
//! configuration.

use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::sync::Arc;

use serde::Serialize;

use super::{FAILED, Global, MISUSED, render};
use crate::config::{ConfigErrors, Settings, codes, compile_rule_set, load_rule_files};
use crate::core::detect::DetectEngine;
use crate::core::diagnostic::{Diagnostic, Gravity, SourceFile};
use crate::core::ruleset::RuleSet;
use crate::desk::http::start::reach;

/// Arguments of `check`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

/// Everything found.
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

fn find(global: &Global) -> Findings {
    let settings = match global.settings() {
        Ok(settings) => settings,
        Err(errors) => return Findings::stopped(MISUSED, None, errors),
    };
    let files = match load_rule_files(&settings.paths) {
        Ok(files) => files,
        Err(diagnostics) => {
            let errors = ConfigErrors {
                diagnostics,
                sources: Vec::new(),
            };
            return Findings::stopped(FAILED, Some(settings), errors);
        }
    };
    let mut sources: Vec<SourceFile> = files.rules.iter().chain(&files.lexicons).cloned().collect();
    sources.push(files.departments.clone());
    let (rule_files, lexicon_files) = (files.rules.len(), files.lexicons.len());
    let set = match compile_rule_set(files) {
        Ok(set) => Arc::new(set),
        Err(errors) => return Findings::stopped(FAILED, Some(settings), errors),
    };
    let loaded = Loaded {
        version: set.version.to_string(),
        rule_files,
        lexicon_files,
        places: set.gazetteer.len(),
        departments: set.routing.all().len(),
        feeds: settings.feeds.len(),
    };
    let mut diagnostics = set.warnings.clone();
    diagnostics.extend(feeds(&set, &settings));
    diagnostics.extend(notify(&set, &settings));
    let failed = diagnostics.iter().any(|it| it.gravity == Gravity::Error);
    let unsafe_desk = desk(&settings);
    let code = match (&unsafe_desk, failed) {
        (Some(_), _) => MISUSED,
        (None, true) => FAILED,
        (None, false) => 0,
    };
    diagnostics.extend(unsafe_desk);
    Findings {
        code,
        settings: Some(settings),
        loaded: Some(loaded),
        diagnostics,
        sources,
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
fn feeds(set: &Arc<RuleSet>, settings: &Settings) -> Vec<Diagnostic> {
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
        if let Err(why) = DetectEngine::new(set.clone(), std::slice::from_ref(&feed)) {
            report(Gravity::Error, why);
        }
        if let Some(home) = &feed.home
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
    fn stopped(code: u8, settings: Option<Settings>, errors: ConfigErrors) -> Self {
        Self {
            code,
            settings,
            loaded: None,
            diagnostics: errors.diagnostics,
            sources: errors.sources,
        }
    }

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
