//! Arguments, the loop and the end of the demo.

use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event as Input, KeyCode, KeyEventKind, KeyModifiers};

use super::board::{Board, Row};
use super::desk::DemoDesk;
use super::pipeline::{Controls, Event, Parts, Pipeline};
use super::sample::Sample;
use super::view;
use super::words::{Lang, level_name, level_sign, step_name};
use crate::cli::reload::{self, Reloader};
use crate::cli::{FAILED, Global, summary_text};
use crate::config::Settings;
use crate::desk::http::routes::reports::FEED;
use crate::kafka::{Edition, LiveRules};
use crate::telemetry::{HttpServer, ReloadApi, Telemetry, init_logs};

/// Speed with a screen: the stream of 50 minutes in 75 seconds.
const WATCHED: f64 = 40.0;
/// Speed of `--once`.
const AT_ONCE: f64 = 240.0;
/// Time between two drawings.
const DRAW_EVERY: Duration = Duration::from_millis(80);
/// Time between two lines of progress without a screen.
const PRINT_EVERY: Duration = Duration::from_secs(5);
/// Longest wait for the last records to come through.
const SETTLE_WITHIN: Duration = Duration::from_mins(1);

/// Arguments of `demo`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Run to the end of the stream, print a summary and exit
    #[arg(long)]
    once: bool,
    /// Print one JSON object at the end and nothing else; runs to the end as --once does
    #[arg(long)]
    json: bool,
    /// How many times faster than it happened the stream is played; 1–100000 [default: 40, with --once 240]
    #[arg(long, value_name = "FACTOR", value_parser = speed)]
    speed: Option<f64>,
    /// Language of the screen [default: by LC_ALL, LC_MESSAGES, LANG]
    #[arg(long, value_enum, value_name = "LANG")]
    lang: Option<Lang>,
}

fn speed(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(factor) if (1.0..=100_000.0).contains(&factor) => Ok(factor),
        _ => Err("a number from 1 to 100000".to_owned()),
    }
}

/// Runs the command.
pub fn run(args: &Args, global: &Global) -> anyhow::Result<ExitCode> {
    let settings = global.settings()?;
    let once = args.once || args.json;
    let screen = !once && io::stdout().is_terminal() && io::stdin().is_terminal();
    // Log lines would tear the screen; redirected, they are welcome.
    if !screen || !io::stderr().is_terminal() {
        let mut log = settings.log.clone();
        if global.log_level.is_none() {
            "warn".clone_into(&mut log.level);
        }
        init_logs(&log);
    }
    let loaded = reload::load(&settings.paths)?;
    let rules = Arc::clone(&loaded.rules);
    // The stream is that of the bundled feeds, whatever the configuration reads.
    let feeds = Settings::bundled()?.shared_feeds();
    let telemetry = Telemetry::new(&settings, &feeds)?;
    telemetry
        .metrics
        .rule_set(&rules.version, crate::telemetry::wall_clock());
    let (api, asks) = ReloadApi::new(settings.http.reload_token());
    let http = serve(&settings, &telemetry, &api)?;
    let address = http.as_ref().map(|http| http.address().to_string());
    let sample = Sample::bundled()?;
    let total = sample.records.len() as u64;
    let controls = Controls::default();
    let (sender, events) = mpsc::channel();
    let lang = args.lang.unwrap_or_else(Lang::from_environment);
    let board = Board::new(lang, total);
    let live = LiveRules::new(Edition {
        correlate: Arc::new(settings.correlate_config(Arc::clone(&rules.routing))),
        rules,
    });
    let reloader = Reloader::start(
        &settings,
        loaded,
        Arc::clone(&live),
        Arc::clone(&telemetry),
        // A terminal that closes sends the same signal, and the demo is to end with it.
        if io::stdout().is_terminal() {
            Arc::default()
        } else {
            reload::listen_to_hangups()?
        },
        asks,
    )?;
    let parts = Parts {
        feeds: feeds.clone(),
        live: Arc::clone(&live),
        telemetry: Arc::clone(&telemetry),
        sample,
        speed: args.speed.unwrap_or(if once { AT_ONCE } else { WATCHED }),
    };
    let pipeline = Pipeline::start(parts, &controls, &sender)?;
    // Somebody watches: then somebody can act, too.
    let desk = (!once)
        .then(|| {
            let mut settings = settings.clone();
            settings.feeds = feeds.iter().map(|feed| (**feed).clone()).collect();
            DemoDesk::start(&settings, &telemetry, &live, pipeline.calls(FEED)?)
        })
        .transpose()?;
    let login = desk.as_ref().and_then(DemoDesk::login).map(str::to_owned);
    let mut demo = Demo {
        board,
        events,
        controls,
        end: End::default(),
        desk,
        login,
    };
    let ended = if screen {
        demo.watch(address.as_deref())
    } else {
        demo.follow(address.as_deref(), args.json)
    };
    let stopped = pipeline.stop();
    if let Some(desk) = demo.desk.take() {
        desk.stop();
    }
    drop((reloader, http));
    ended?;
    stopped?;
    demo.finish(args.json)
}

/// Metrics at the configured address, else, when that is taken, at any free port of loopback.
fn serve(
    settings: &Settings,
    telemetry: &Telemetry,
    reload: &ReloadApi,
) -> anyhow::Result<Option<HttpServer>> {
    if !settings.http.enabled {
        return Ok(None);
    }
    let server = telemetry
        .serve(&settings.http.listen, Some(reload.clone()))
        .or_else(|_| telemetry.serve("127.0.0.1:0", Some(reload.clone())))
        .context("cannot serve metrics")?;
    Ok(Some(server))
}

/// How far the end of the stream has come.
#[derive(Debug, Default)]
struct End {
    since: Option<Instant>,
    detections: Option<u64>,
}

struct Demo {
    board: Board,
    events: Receiver<Event>,
    controls: Controls,
    end: End,
    desk: Option<DemoDesk>,
    /// The address that logs in to the desk.
    login: Option<String>,
}

impl Demo {
    /// Takes what has happened, waiting up to `wait` for the first event. Returns the rows of new alerts.
    fn take(&mut self, wait: Duration) -> anyhow::Result<Vec<Row>> {
        let mut rows = Vec::new();
        let mut next = match self.events.recv_timeout(wait) {
            Ok(event) => Some(event),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => bail!("the pipeline has ended"),
        };
        while let Some(event) = next {
            match event {
                Event::Sent(sent) => self.board.sent = sent,
                Event::Committed(entries) => {
                    for entry in &entries {
                        self.board.committed(entry);
                    }
                }
                Event::Alert(alert) => {
                    rows.extend(self.board.alert(&alert));
                    if let Some(desk) = &self.desk {
                        desk.alert(*alert);
                    }
                }
                Event::Detections(count) => self.end.detections = Some(count),
                Event::QueueRead => self.board.done = true,
                Event::Failed(why) => bail!(why),
            }
            next = self.events.try_recv().ok();
        }
        self.board.tick(Instant::now());
        self.settle()?;
        Ok(rows)
    }

    /// After the last record: waits until every record, every detection and every alert was seen.
    fn settle(&mut self) -> anyhow::Result<()> {
        let board = &self.board;
        if board.done || board.sent < board.total {
            return Ok(());
        }
        let since = *self.end.since.get_or_insert_with(Instant::now);
        if board.ended() >= board.total {
            self.controls.goal.all_detections();
        }
        if self.end.detections.is_some_and(|all| board.folded() >= all) {
            self.controls.goal.all_alerts();
        }
        if since.elapsed() > SETTLE_WITHIN {
            bail!(
                "{} of {} records, {} of {:?} detections came through",
                board.ended(),
                board.total,
                board.folded(),
                self.end.detections
            );
        }
        Ok(())
    }

    /// The screen, until somebody quits.
    fn watch(&mut self, address: Option<&str>) -> anyhow::Result<()> {
        let mut terminal = ratatui::try_init().context("the terminal cannot be used")?;
        let watched = self.screen(&mut terminal, address);
        ratatui::restore();
        watched
    }

    fn screen(
        &mut self,
        terminal: &mut DefaultTerminal,
        address: Option<&str>,
    ) -> anyhow::Result<()> {
        loop {
            terminal.draw(|frame| {
                view::draw(frame, &self.board, address, self.login.as_deref());
            })?;
            self.take(DRAW_EVERY)?;
            while event::poll(Duration::ZERO)? {
                let Input::Key(key) = event::read()? else {
                    continue;
                };
                if key.kind != KeyEventKind::Press {
                    continue;
                }
                let interrupt = key.modifiers.contains(KeyModifiers::CONTROL);
                match key.code {
                    KeyCode::Char('q') | KeyCode::Esc => return Ok(()),
                    KeyCode::Char('c') if interrupt => return Ok(()),
                    KeyCode::Char('p' | ' ') => self.pause(),
                    _ => {}
                }
            }
        }
    }

    fn pause(&mut self) {
        self.board.paused = !self.board.paused;
        self.controls
            .paused
            .store(self.board.paused, Ordering::SeqCst);
    }

    /// Plain lines, until the end of the stream; `quiet` prints none.
    fn follow(&mut self, address: Option<&str>, quiet: bool) -> anyhow::Result<()> {
        let lang = self.board.lang;
        if !quiet {
            let mut out = io::stdout().lock();
            let warning = lang.of(
                "Historical and invented reports, moved to today. Nothing shown here is happening.",
                "以下均为历史或虚构信息，时间已移至今日，并非正在发生的事件。",
            );
            writeln!(out, "{warning}")?;
            if let Some(address) = address {
                writeln!(out, "http://{address}/metrics")?;
            }
            if let Some(login) = &self.login {
                writeln!(out, "{}: {login}", lang.of("desk", "值班台"))?;
            }
        }
        let mut printed = Instant::now();
        while !self.board.done {
            let rows = self.take(DRAW_EVERY)?;
            if quiet {
                continue;
            }
            let mut out = io::stdout().lock();
            for row in rows {
                writeln!(out, "{}", line(&row, lang))?;
            }
            if printed.elapsed() >= PRINT_EVERY {
                printed = Instant::now();
                writeln!(out, "{}", self.progress())?;
            }
        }
        Ok(())
    }

    fn progress(&self) -> String {
        let board = &self.board;
        let lang = board.lang;
        let words = [
            lang.of("records", "记录"),
            lang.of("detections", "检出"),
            lang.of("incidents", "事件"),
            lang.of("alerts", "预警"),
        ];
        format!(
            "… {} {}/{}, {} {}, {} {}, {} {}",
            words[0],
            board.ended(),
            board.total,
            words[1],
            board.folded(),
            words[2],
            board.summary.incidents,
            words[3],
            board.summary.alerts
        )
    }

    /// The summary, and whether it adds up.
    fn finish(mut self, json: bool) -> anyhow::Result<ExitCode> {
        let took = self.board.started.elapsed().as_millis();
        let summary = &mut self.board.summary;
        summary.elapsed_ms = u64::try_from(took).unwrap_or(u64::MAX);
        // Quit early, what was read is what counts; at the end, what was sent.
        summary.records = if self.board.done {
            self.board.total
        } else {
            summary.outcomes.values().sum()
        };
        let mut out = io::stdout().lock();
        if json {
            writeln!(out, "{}", serde_json::to_string(summary)?)?;
        } else {
            write!(out, "{}", summary_text(summary))?;
        }
        let detections: u64 = summary.detections.values().sum();
        let conserved = !self.board.done || self.end.detections == Some(detections);
        Ok(if summary.adds_up() && conserved {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(FAILED)
        })
    }
}

/// One alert in one line.
fn line(row: &Row, lang: Lang) -> String {
    format!(
        "{} {} {:<6} {:<6} {} · {} · {} · {}",
        row.sent,
        level_sign(row.level),
        level_name(row.level, lang),
        step_name(row.msg_type, row.resolved, lang),
        row.hazard,
        row.place,
        row.score,
        row.reason
    )
}
