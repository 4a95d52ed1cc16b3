//! What drill commands read: scenarios, shipped or from files, and what the deployment has.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;

use crate::config::{ConfigErrors, Settings, load_rule_set};
use crate::core::correlate::CorrelateConfig;
use crate::core::diagnostic::{Diagnostic, SourceFile};
use crate::core::drill::{Deployment, Scenario};
use crate::core::model::Feed;
use crate::core::ruleset::RuleSet;
use crate::drill::{Scenarios, read_scenario};

/// A scenario's file: a path, or the name of a shipped one or of one in the folder of scenarios.
pub(super) fn source(named: &str, settings: &Settings) -> anyhow::Result<SourceFile> {
    let path = Path::new(named);
    let scenarios = Scenarios::new(settings.drills.folder_of_scenarios());
    if !path.exists()
        && let Some(file) = scenarios.source(named)
    {
        return Ok(file);
    }
    let text = std::fs::read_to_string(path).with_context(|| {
        format!(
            "{named} is no file that can be read, and no scenario ({})",
            scenarios.names().join(", ")
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
        read_scenario(file, &self.deployment())
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
