//! Loading: layers merged by the `config` crate, every error of every layer with its place.
//!
//! When the merged layers do not fit [`Settings`], each leaf of each layer is tried alone over the bundled defaults: that
//! names all wrong keys and values at once, where a deserializer stops at the first.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use config::{Config, Environment, File, FileFormat};

use super::errors::{ConfigErrors, codes};
use super::locate::{Leaf, Located, MAX_LEAVES, located};
use super::{Settings, bounds, feeds};
use crate::core::diagnostic::{Diagnostic, Gravity, SourceFile};

/// Name of the bundled file in messages.
pub(super) const BUNDLED_NAME: &str = "bundled tocsin.toml";
/// Name of the environment layer in messages.
const ENVIRONMENT: &str = "environment";
const PREFIX: &str = "TOCSIN__";
/// Largest configuration file, in bytes.
pub(super) const MAX_BYTES: u64 = 1 << 20;

/// A setting given by a flag.
#[derive(Clone, Debug)]
struct Override {
    key: String,
    flag: String,
    value: toml::Value,
}

/// Where a configuration comes from.
#[derive(Clone, Debug, Default)]
pub struct LoadOptions {
    file: Option<PathBuf>,
    environment: BTreeMap<String, String>,
    overrides: Vec<Override>,
}

impl LoadOptions {
    /// The bundled defaults and a file.
    pub fn new(file: Option<PathBuf>) -> Self {
        Self {
            file,
            ..Self::default()
        }
    }

    /// The bundled defaults, a file, and this process's `TOCSIN__…` variables. Variables that are not UTF-8 are ignored,
    /// as none of ours can be.
    pub fn from_process(file: Option<PathBuf>) -> Self {
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Self::new(file).with_environment(environment)
    }

    /// Takes variables from a map instead of the process.
    #[must_use]
    pub fn with_environment(mut self, environment: BTreeMap<String, String>) -> Self {
        self.environment = environment;
        self.environment
            .retain(|name, _| name.to_ascii_uppercase().starts_with(PREFIX));
        self
    }

    /// Overrides `key`, such as `kafka.workers`, as `flag` asks.
    pub fn set(&mut self, key: &str, flag: &str, value: impl Into<toml::Value>) {
        self.overrides.push(Override {
            key: key.to_owned(),
            flag: flag.to_owned(),
            value: value.into(),
        });
    }

    /// The configuration file, if one was named.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }
}

impl Settings {
    /// The effective configuration, or every error found.
    pub fn load(options: &LoadOptions) -> Result<Self, ConfigErrors> {
        let layers = Layers::read(options)?;
        let (mut settings, mut diagnostics) = match layers.merge() {
            Ok(settings) => (settings, Vec::new()),
            Err(first) => layers.explain(&first.to_string())?,
        };
        diagnostics.extend(layers.place(bounds::check(&settings)));
        let mut sources = layers.sources.clone();
        if let Some(folder) = options.file().and_then(Path::parent) {
            settings.paths.anchor(folder);
            settings.kafka.security.anchor(folder);
            settings.drills.anchor(folder);
            settings.desk.anchor(folder);
            settings.notify.anchor(folder);
        }
        if let Err(found) = settings.kafka.security.read_files() {
            diagnostics.extend(layers.place(found));
        }
        let read = [settings.drills.read(), settings.desk.read()];
        for (key, message) in read.into_iter().filter_map(Result::err) {
            let finding = bounds::Finding {
                key: key.to_owned(),
                code: codes::BAD_VALUE,
                message,
                help: None,
            };
            diagnostics.extend(layers.place(vec![finding]));
        }
        let mut notify = settings.notify.read();
        notify.extend(
            settings
                .notify
                .findings(settings.desk.excerpt_retention_hours),
        );
        for (key, message) in notify {
            let finding = bounds::Finding {
                key,
                code: codes::BAD_VALUE,
                message,
                help: None,
            };
            diagnostics.extend(layers.place(vec![finding]));
        }
        let (feeds, feed_sources, found) = feeds::load(&settings, options.file());
        settings.feeds = feeds;
        sources.extend(feed_sources);
        diagnostics.extend(found);
        if diagnostics.is_empty() {
            Ok(settings)
        } else {
            Err(ConfigErrors {
                diagnostics,
                sources,
                rest: Some(Box::new(settings)),
            })
        }
    }

    /// The bundled defaults alone.
    pub fn bundled() -> Result<Self, ConfigErrors> {
        Self::load(&LoadOptions::default())
    }
}

/// The layers over the bundled defaults, and where each of their leaves stands.
struct Layers {
    defaults: String,
    sources: Vec<SourceFile>,
    leaves: Vec<Leaf>,
    environment: BTreeMap<String, String>,
    overrides: Vec<Override>,
}

impl Layers {
    fn read(options: &LoadOptions) -> Result<Self, ConfigErrors> {
        let defaults = super::Bundled::text("tocsin.toml").unwrap_or_default();
        let mut sources = Vec::new();
        let mut leaves = Vec::new();
        if let Some(path) = &options.file {
            let name = path.display().to_string();
            let source = super::sources::read_text_of(path, MAX_BYTES).map_err(unreadable)?;
            let Located {
                leaves: found,
                errors,
            } = located(&source);
            if !errors.is_empty() {
                return Err(ConfigErrors {
                    diagnostics: errors,
                    sources: vec![source],
                    rest: None,
                });
            }
            if found.len() > MAX_LEAVES {
                let message = format!("more than {MAX_LEAVES} settings");
                return Err(unreadable(whole(&name, &message, "")));
            }
            leaves = found;
            sources.push(source);
        }
        Ok(Self {
            defaults,
            sources,
            leaves,
            environment: options.environment.clone(),
            overrides: options.overrides.clone(),
        })
    }

    fn base(&self) -> config::ConfigBuilder<config::builder::DefaultState> {
        Config::builder().add_source(File::from_str(&self.defaults, FileFormat::Toml))
    }

    fn merge(&self) -> Result<Settings, config::ConfigError> {
        let mut builder = self.base();
        for source in &self.sources {
            builder = builder.add_source(File::from_str(&source.text, FileFormat::Toml));
        }
        builder = builder.add_source(environment(self.environment.clone()));
        for entry in &self.overrides {
            let text = nested(&entry.key, entry.value.clone());
            builder = builder.add_source(File::from_str(&text, FileFormat::Toml));
        }
        builder.build()?.try_deserialize()
    }

    /// The settings without every leaf that alone does not fit, and what is wrong with those; `first` when each alone does.
    fn explain(&self, first: &str) -> Result<(Settings, Vec<Diagnostic>), ConfigErrors> {
        let mut diagnostics = Vec::new();
        let mut rest = self.base();
        // What is wrong with feeds, `feeds::read` says, once and at its place.
        let leaves = self.leaves.iter();
        for leaf in leaves.filter(|leaf| !leaf.key.starts_with("feeds.")) {
            let text = nested(&leaf.key, leaf.value.clone());
            let layer = File::from_str(&text, FileFormat::Toml);
            match self.try_alone(self.base().add_source(layer.clone())) {
                Ok(()) => rest = rest.add_source(layer),
                Err(error) => diagnostics.push(leaf.diagnostic(&error)),
            }
        }
        for (name, value) in &self.environment {
            let layer = environment(BTreeMap::from([(name.clone(), value.clone())]));
            match self.try_alone(self.base().add_source(layer.clone())) {
                Ok(()) => rest = rest.add_source(layer),
                Err(error) => {
                    diagnostics.push(whole(ENVIRONMENT, &format!("{name}: {error}"), &error));
                }
            }
        }
        for entry in &self.overrides {
            let text = nested(&entry.key, entry.value.clone());
            let layer = File::from_str(&text, FileFormat::Toml);
            match self.try_alone(self.base().add_source(layer.clone())) {
                Ok(()) => rest = rest.add_source(layer),
                Err(error) => diagnostics.push(whole(&entry.flag, &error, &error)),
            }
        }
        let rest = rest.build().and_then(Config::try_deserialize::<Settings>);
        let (read, found) = feeds::read(&self.sources);
        if let Ok(mut rest) = rest
            && !diagnostics.is_empty()
        {
            if read.is_empty() {
                diagnostics.extend(found);
            }
            // With feeds of its own the file is read for them again, and what is wrong with them said then.
            rest.feeds = read;
            return Ok((rest, diagnostics));
        }
        diagnostics.extend(found);
        if diagnostics.is_empty() {
            let name = self
                .sources
                .first()
                .map_or(BUNDLED_NAME, |source| source.name.as_str());
            diagnostics.push(whole(name, first, first));
        }
        Err(ConfigErrors {
            diagnostics,
            sources: self.sources.clone(),
            rest: None,
        })
    }

    #[expect(clippy::unused_self, reason = "reads as a step of `explain`")]
    fn try_alone(
        &self,
        builder: config::ConfigBuilder<config::builder::DefaultState>,
    ) -> Result<(), String> {
        builder
            .build()
            .and_then(Config::try_deserialize::<Settings>)
            .map(|_| ())
            .map_err(|error| plain(&error.to_string()))
    }

    /// Puts findings about keys where the key was last set: flag, variable, file, bundled defaults.
    fn place(&self, findings: Vec<bounds::Finding>) -> Vec<Diagnostic> {
        findings
            .into_iter()
            .map(|finding| {
                let mut diagnostic = self.origin(&finding.key);
                diagnostic.code = finding.code;
                diagnostic.message = format!("{}: {}", finding.key, finding.message);
                diagnostic.help = finding.help;
                diagnostic
            })
            .collect()
    }

    fn origin(&self, key: &str) -> Diagnostic {
        if let Some(entry) = self.overrides.iter().rev().find(|entry| entry.key == key) {
            return whole(&entry.flag, "", "");
        }
        let variable = format!("{PREFIX}{}", key.replace('.', "__").to_ascii_uppercase());
        if let Some(name) = self
            .environment
            .keys()
            .find(|name| name.to_ascii_uppercase() == variable)
        {
            return whole(&format!("{ENVIRONMENT} {name}"), "", "");
        }
        if let Some(leaf) = self.leaves.iter().find(|leaf| leaf.key == key) {
            return leaf.diagnostic("");
        }
        let name = self
            .sources
            .first()
            .map_or(BUNDLED_NAME, |source| source.name.as_str());
        whole(name, "", "")
    }
}

fn environment(variables: BTreeMap<String, String>) -> Environment {
    Environment::with_prefix("TOCSIN")
        .prefix_separator("__")
        .separator("__")
        .source(Some(variables.into_iter().collect()))
}

/// `a.b` and a value as TOML text.
fn nested(key: &str, value: toml::Value) -> String {
    let table = key.rsplit('.').fold(value, |inner, part| {
        toml::Value::Table(toml::Table::from_iter([(part.to_owned(), inner)]))
    });
    toml::to_string(&table).unwrap_or_default()
}

/// The error without the layer's made-up origin.
fn plain(error: &str) -> String {
    error
        .split(" in <")
        .next()
        .unwrap_or(error)
        .trim()
        .to_owned()
}

fn unreadable(diagnostic: Diagnostic) -> ConfigErrors {
    ConfigErrors {
        diagnostics: vec![Diagnostic {
            code: codes::UNREADABLE,
            ..diagnostic
        }],
        sources: Vec::new(),
        rest: None,
    }
}

/// The code for what the deserializer said.
pub(super) fn code_of(error: &str) -> &'static str {
    if error.contains("unknown field") {
        codes::UNKNOWN_KEY
    } else {
        codes::BAD_VALUE
    }
}

/// A finding about a whole layer.
fn whole(file: &str, message: &str, error: &str) -> Diagnostic {
    Diagnostic {
        code: code_of(error),
        gravity: Gravity::Error,
        file: file.to_owned(),
        line: 0,
        column: 0,
        length: 0,
        message: message.to_owned(),
        help: None,
    }
}
