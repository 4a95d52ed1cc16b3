//! What drill commands read: scenarios, shipped or from files, and what the deployment has.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;

use crate::config::{Bundled, ConfigErrors, Settings, load_rule_set};
use crate::core::correlate::CorrelateConfig;
use crate::core::diagnostic::{Diagnostic, Gravity, SourceFile};
use crate::core::drill::{Deployment, Scenario, check_scenario, parse_scenario};
use crate::core::model::Feed;
use crate::core::ruleset::RuleSet;

/// Folder of the shipped scenarios.
const SHIPPED: &str = "drills/";

/// Names of the shipped scenarios.
pub(super) fn shipped() -> Vec<String> {
    let files = Bundled::list(SHIPPED).into_iter();
    let names = files.filter_map(|path| {
        let name = path.strip_prefix(SHIPPED)?.strip_suffix(".yml")?;
        Some(name.to_owned())
    });
    names.collect()
}

/// A scenario's file: a path, or the name of a shipped one.
pub(super) fn source(named: &str) -> anyhow::Result<SourceFile> {
    let path = Path::new(named);
    if !path.exists()
        && let Some(text) = Bundled::text(&format!("{SHIPPED}{named}.yml"))
    {
        return Ok(SourceFile {
            name: format!("{SHIPPED}{named}.yml"),
            text,
        });
    }
    let text = std::fs::read_to_string(path).with_context(|| {
        format!(
            "{named} is no file that can be read, and no shipped scenario ({})",
            shipped().join(", ")
        )
    })?;
    Ok(SourceFile {
        name: named.to_owned(),
        text,
    })
}

/// What a deployment has.
pub(super) struct Here {
    pub(super) settings: Settings,
    pub(super) set: Arc<RuleSet>,
    pub(super) correlate: Arc<CorrelateConfig>,
    pub(super) feeds: Vec<Arc<Feed>>,
    pub(super) renamed: BTreeMap<String, String>,
}

impl Here {
    pub(super) fn load(
        settings: Settings,
        renamed: BTreeMap<String, String>,
    ) -> anyhow::Result<Self> {
        let set = Arc::new(load_rule_set(&settings.paths)?);
        Ok(Self {
            correlate: Arc::new(settings.correlate_config(Arc::clone(&set.routing))),
            feeds: settings.shared_feeds(),
            set,
            settings,
            renamed,
        })
    }

    pub(super) fn deployment(&self) -> Deployment<'_> {
        Deployment {
            feeds: &self.feeds,
            renamed: &self.renamed,
            gazetteer: &self.set.gazetteer,
            routing: &self.set.routing,
        }
    }

    /// The scenario of a file, if nothing is wrong with it here.
    pub(super) fn scenario(
        &self,
        file: &SourceFile,
    ) -> Result<(Scenario, Vec<Diagnostic>), ConfigErrors> {
        let (scenario, mut diagnostics) = parse_scenario(file);
        let wrong = |all: &[Diagnostic]| all.iter().any(|d| d.gravity == Gravity::Error);
        if let Some(scenario) = &scenario
            && !wrong(&diagnostics)
        {
            diagnostics.extend(check_scenario(&file.name, scenario, &self.deployment()));
        }
        match scenario {
            Some(scenario) if !wrong(&diagnostics) => Ok((scenario, diagnostics)),
            _ => Err(ConfigErrors {
                diagnostics,
                sources: vec![file.clone()],
            }),
        }
    }
}

/// `NAME=ID` of `--feed`.
pub(super) fn renaming(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, id)) if !name.is_empty() && !id.is_empty() => {
            Ok((name.to_owned(), id.to_owned()))
        }
        _ => Err("written as NAME=ID: the scenario's feed, and the configuration's".to_owned()),
    }
}
