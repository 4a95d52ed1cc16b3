//! Feeds: from the configuration, else from the folder of feed files, else the bundled ones; checked as a whole.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::errors::codes;
use super::load::BUNDLED_NAME;
use super::load::MAX_BYTES;
use super::locate::{Place, diagnostic, entries};
use super::sources::{read_folder, read_text_of};
use super::{Bundled, Settings};
use crate::core::diagnostic::{Diagnostic, SourceFile};
use crate::core::model::{DecoderKind, Feed};

/// Most feeds of one configuration: bounds the labels of metrics.
pub const MAX_FEEDS: usize = 1_000;
const MAX_ID_BYTES: usize = 64;
const MAX_TOPIC_BYTES: usize = 249;

impl Settings {
    /// The feeds, shared.
    pub fn shared_feeds(&self) -> Vec<Arc<Feed>> {
        self.feeds.iter().cloned().map(Arc::new).collect()
    }
}

/// The feeds, the files they were read from, and everything wrong with them.
pub(super) fn load(
    settings: &Settings,
    file: Option<&Path>,
) -> (Vec<Feed>, Vec<SourceFile>, Vec<Diagnostic>) {
    let mut errors = Vec::new();
    let sources = sources(settings, file, &mut errors);
    if !errors.is_empty() {
        return (Vec::new(), Vec::new(), errors);
    }
    let (feeds, diagnostics) = read(&sources);
    (feeds, sources, diagnostics)
}

/// The feeds of these files, and everything wrong with them.
pub(super) fn read(sources: &[SourceFile]) -> (Vec<Feed>, Vec<Diagnostic>) {
    let mut diagnostics = Vec::new();
    let mut placed: Vec<(Feed, String, Place)> = Vec::new();
    for source in sources {
        match entries::<Feed>(source, "feeds") {
            Err(found) => diagnostics.extend(found),
            Ok(found) => {
                for entry in found {
                    match entry {
                        Ok((feed, at)) => placed.push((feed, source.name.clone(), at)),
                        Err(found) => diagnostics.push(found),
                    }
                }
            }
        }
    }
    diagnostics.extend(check(&placed));
    (
        placed.into_iter().map(|(feed, ..)| feed).collect(),
        diagnostics,
    )
}

fn sources(
    settings: &Settings,
    file: Option<&Path>,
    errors: &mut Vec<Diagnostic>,
) -> Vec<SourceFile> {
    if !settings.feeds.is_empty()
        && let Some(path) = file
    {
        let read = read_text_of(path, MAX_BYTES).map_err(|error| errors.push(error));
        return read.into_iter().collect();
    }
    match &settings.paths.feeds {
        Some(folder) => read_folder(folder, &["toml"], errors),
        None => bundled(),
    }
}

fn bundled() -> Vec<SourceFile> {
    Bundled::list("feeds/")
        .into_iter()
        .filter(|name| Path::new(name).extension().is_some_and(|ext| ext == "toml"))
        .filter_map(|name| {
            let text = Bundled::text(&name)?;
            Some(SourceFile { name, text })
        })
        .collect()
}

fn check(placed: &[(Feed, String, Place)]) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut ids: BTreeMap<&str, &str> = BTreeMap::new();
    let mut topics: BTreeMap<&str, &str> = BTreeMap::new();
    for (feed, file, at) in placed {
        let mut report = |message: String| {
            let message = format!("feed `{}`: {message}", feed.id);
            found.push(diagnostic(file, *at, codes::BAD_FEED, &message));
        };
        for problem in problems(feed) {
            report(problem);
        }
        if let Some(other) = ids.insert(&feed.id, file) {
            report(format!("this id is taken by another feed (in {other})"));
        }
        if let Some(other) = topics.insert(&feed.topic, &feed.id) {
            report(format!(
                "topic `{}` belongs to feed `{other}`: one feed each",
                feed.topic
            ));
        }
    }
    if placed.len() > MAX_FEEDS {
        let message = format!("{} feeds; at most {MAX_FEEDS} are read", placed.len());
        found.push(diagnostic(
            BUNDLED_NAME,
            Place::default(),
            codes::BAD_FEED,
            &message,
        ));
    }
    found
}

fn problems(feed: &Feed) -> Vec<String> {
    let mut problems = Vec::new();
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
    if feed.id.is_empty() || feed.id.len() > MAX_ID_BYTES || !feed.id.chars().all(plain) {
        problems.push("an id is 1–64 of a–z, 0–9, `.`, `_`, `-`".to_owned());
    }
    let topic = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if feed.topic.is_empty() || feed.topic.len() > MAX_TOPIC_BYTES || !feed.topic.chars().all(topic)
    {
        problems.push(format!(
            "`{}` is no Kafka topic name (1–249 of a–z, A–Z, 0–9, `.`, `_`, `-`)",
            feed.topic
        ));
    }
    if feed.reliability > 100 {
        problems.push(format!(
            "reliability is 0–100, this is {}",
            feed.reliability
        ));
    }
    if feed.usual_gap_s == Some(0) {
        problems.push("usual_gap_s is at least 1".to_owned());
    }
    match (&feed.mapping, feed.decoder) {
        (None, DecoderKind::Mapped) => {
            problems.push("decoder `mapped` needs [feeds.mapping]".to_owned());
        }
        (Some(_), kind) if kind != DecoderKind::Mapped => {
            problems.push("a mapping is for decoder `mapped` only".to_owned());
        }
        _ => {}
    }
    problems
}

/// The folder of the file that `path` names, for relative paths.
pub(super) fn anchor(path: &mut Option<PathBuf>, folder: &Path) {
    if let Some(inner) = path
        && inner.is_relative()
    {
        *inner = folder.join(&*inner);
    }
}
