//! Hot reload: the files of the rule set, read again when they change, on SIGHUP or when asked over HTTP, while the workers go on.
//!
//! Invariant: what is published was compiled whole from files that did not change meanwhile; otherwise the rule set in use stays,
//! and log, metric and `/readyz` say why.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::watch_files::FileWatch;
use crate::config::{
    ConfigErrors, Digests, Paths, Settings, compile_rule_set, compile_rule_set_with,
    load_rule_files,
};
use crate::core::diagnostic::Diagnostic;
use crate::core::ruleset::RuleSet;
use crate::kafka::{Edition, LiveRules};
use crate::telemetry::{ReloadAsks, ReloadOutcome, ReloadReply, Telemetry, wall_clock};

/// How often the thread looks whether there is something to do.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Most findings of a refused rule set that are logged.
const MAX_LOGGED: usize = 20;
/// Readings for one request, where the files change while they are read.
const MAX_READINGS: usize = 10;
/// Wait between two of them.
const READ_AGAIN: Duration = Duration::from_millis(300);
/// What the remark on `/readyz` is about.
const NOTE: &str = "rule set";

/// A rule set with what its files were.
pub(super) struct Loaded {
    /// Compiled.
    pub(super) rules: Arc<RuleSet>,
    digests: Digests,
}

/// Reads and compiles the rule set of the configured files, to be followed by a [`Reloader`].
pub(super) fn load(paths: &Paths) -> Result<Loaded, ConfigErrors> {
    let files = load_rule_files(paths).map_err(bare)?;
    let digests = files.digests();
    let rules = Arc::new(compile_rule_set(files)?);
    Ok(Loaded { rules, digests })
}

fn bare(diagnostics: Vec<Diagnostic>) -> ConfigErrors {
    ConfigErrors::new(diagnostics, Vec::new())
}

/// Sets what it returns at every SIGHUP, for a process that other signals end as they do by themselves.
pub(super) fn listen_to_hangups() -> anyhow::Result<Arc<AtomicBool>> {
    use tokio::signal::unix::{SignalKind, signal};
    let asked = Arc::new(AtomicBool::new(false));
    let set = Arc::clone(&asked);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut hangup = {
        let _entered = runtime.enter();
        signal(SignalKind::hangup())?
    };
    std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || {
            runtime.block_on(async move {
                while hangup.recv().await.is_some() {
                    set.store(true, Ordering::SeqCst);
                }
            });
        })?;
    Ok(asked)
}

/// The thread that reads again; it ends when this is dropped.
pub(super) struct Reloader {
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Reloader {
    /// Follows the files of `loaded`, and publishes to `live`. `asked` is set, and `asks` asked, from outside to read at once.
    pub(super) fn start(
        settings: &Settings,
        loaded: Loaded,
        live: Arc<LiveRules>,
        telemetry: Arc<Telemetry>,
        asked: Arc<AtomicBool>,
        asks: ReloadAsks,
    ) -> std::io::Result<Self> {
        let ended = Arc::new(AtomicBool::new(false));
        let end = Arc::clone(&ended);
        let settings = settings.clone();
        let thread = std::thread::Builder::new()
            .name("reload".to_owned())
            .spawn(move || {
                let mut files = Files {
                    watch: watch(&settings.paths),
                    settings,
                    tried: loaded.digests,
                    active: loaded,
                    live,
                    telemetry,
                };
                // What changed before the watch began.
                files.watch.look_again(Instant::now());
                while !end.load(Ordering::SeqCst) {
                    let asked = asked.swap(false, Ordering::SeqCst);
                    let waiting = asks.take();
                    if !waiting.is_empty() {
                        let reply = files.read_whole();
                        for asker in waiting {
                            // One that has gone away needs no answer.
                            let _ = asker.send(reply.clone());
                        }
                    } else if asked || files.watch.changed(Instant::now()) {
                        files.read(asked);
                    }
                    std::thread::sleep(LOOK_EVERY);
                }
            })?;
        Ok(Self {
            ended,
            thread: Some(thread),
        })
    }
}

impl Drop for Reloader {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        // A compilation in progress may take seconds; the process does not wait for it.
        if let Some(thread) = self.thread.take().filter(JoinHandle::is_finished) {
            let _ = thread.join();
        }
    }
}

fn watch(paths: &Paths) -> FileWatch {
    let all = [
        &paths.rules,
        &paths.lexicons,
        &paths.departments,
        &paths.places,
        &paths.exposure,
    ];
    let configured: Vec<_> = all.into_iter().filter_map(Option::as_deref).collect();
    FileWatch::new(&configured)
}

struct Files {
    settings: Settings,
    watch: FileWatch,
    active: Loaded,
    /// What was read last, whatever became of it.
    tried: Digests,
    live: Arc<LiveRules>,
    telemetry: Arc<Telemetry>,
}

/// Why nothing was published.
enum Kept {
    /// The files are those of the last reading.
    Same,
    /// The files changed while they were read.
    Moving,
    /// They are broken.
    Broken(Box<ConfigErrors>),
}

impl Files {
    /// Reads until the files have not changed meanwhile, within bounds.
    fn read_whole(&mut self) -> ReloadReply {
        let mut reply = self.read(true);
        for _ in 1..MAX_READINGS {
            if !reply.is_busy() {
                break;
            }
            std::thread::sleep(READ_AGAIN);
            reply = self.read(true);
        }
        reply
    }

    fn read(&mut self, asked: bool) -> ReloadReply {
        self.watch.arm();
        // A defect that shows in a rule file must not end the thread that would read its correction.
        let compiled = catch_unwind(AssertUnwindSafe(|| self.compile(asked)));
        match compiled {
            Ok(Ok(loaded)) => self.publish(loaded),
            Ok(Err(Kept::Same)) => self.unchanged(asked),
            Ok(Err(Kept::Moving)) => {
                self.watch.look_again(Instant::now());
                self.reply(None, &[])
            }
            Ok(Err(Kept::Broken(errors))) => self.refuse(&errors),
            Err(_) => self.refuse(&bare(Vec::new())),
        }
    }

    fn compile(&mut self, asked: bool) -> Result<Loaded, Kept> {
        let paths = &self.settings.paths;
        let broken = |errors| Kept::Broken(Box::new(errors));
        let files = load_rule_files(paths).map_err(|found| broken(bare(found)))?;
        let digests = files.digests();
        // A broken set is refused again when somebody asks.
        if digests == self.active.digests || (digests == self.tried && !asked) {
            self.tried = digests;
            return Err(Kept::Same);
        }
        let same_places = digests.places == self.active.digests.places;
        let built = same_places.then(|| Arc::clone(&self.active.rules.gazetteer));
        let compiled = compile_rule_set_with(files, built);
        let again = load_rule_files(paths).map(|files| files.digests());
        if again.ok() != Some(digests) {
            return Err(Kept::Moving);
        }
        self.tried = digests;
        let rules = Arc::new(compiled.map_err(broken)?);
        Ok(Loaded { rules, digests })
    }

    fn reply(&self, outcome: Option<ReloadOutcome>, found: &[Diagnostic]) -> ReloadReply {
        ReloadReply::new(outcome, Arc::clone(&self.active.rules.version), found)
    }

    fn publish(&mut self, loaded: Loaded) -> ReloadReply {
        let before = Arc::clone(&self.active.rules.version);
        let rules = Arc::clone(&loaded.rules);
        let correlate = self
            .settings
            .correlate_config(Arc::clone(&rules.routing))
            .into();
        self.active = loaded;
        let version = Arc::clone(&rules.version);
        let warnings = rules.warnings.len();
        self.live.publish(Edition { rules, correlate });
        let metrics = &self.telemetry.metrics;
        metrics.rule_set(&version, wall_clock());
        metrics.reload(ReloadOutcome::Applied);
        self.telemetry.health.note(NOTE, None);
        tracing::info!(
            rule_set = &*version,
            before = &*before,
            warnings,
            "the rule set was reloaded"
        );
        ReloadReply {
            before: Some(before),
            ..self.reply(Some(ReloadOutcome::Applied), &self.active.rules.warnings)
        }
    }

    fn unchanged(&self, asked: bool) -> ReloadReply {
        let reply = self.reply(Some(ReloadOutcome::Unchanged), &[]);
        if self.tried != self.active.digests {
            return reply;
        }
        // The files are back to what is in use.
        self.telemetry.health.note(NOTE, None);
        if asked {
            self.telemetry.metrics.reload(ReloadOutcome::Unchanged);
            let rule_set = &*self.active.rules.version;
            tracing::info!(rule_set, "the files of the rule set are unchanged");
        }
        reply
    }

    fn refuse(&self, errors: &ConfigErrors) -> ReloadReply {
        let rule_set = &*self.active.rules.version;
        let found = &errors.diagnostics;
        for one in found.iter().take(MAX_LOGGED) {
            let (code, file, line) = (one.code, one.file.as_str(), one.line);
            let (column, problem) = (one.column, one.message.as_str());
            tracing::error!(code, file, line, column, problem, "rule set");
        }
        let findings = found.len();
        tracing::error!(
            rule_set,
            findings,
            "the files of the rule set are broken: the one in use stays"
        );
        self.telemetry.metrics.reload(ReloadOutcome::Refused);
        let why = found.first().map_or_else(
            || "inner error, see the log".to_owned(),
            |one| format!("{}:{}: {} {}", one.file, one.line, one.code, one.message),
        );
        let remark = format!("the files are broken, {rule_set} stays in use: {why}");
        self.telemetry.health.note(NOTE, Some(remark));
        self.reply(Some(ReloadOutcome::Refused), found)
    }
}
