//! The bundled deployment, loaded once.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use tocsin::config::{Settings, load_rule_set};
use tocsin::core::correlate::CorrelateConfig;
use tocsin::core::diagnostic::SourceFile;
use tocsin::core::drill::{
    Deployment, Observed, Report, RunInfo, Scenario, check_scenario, evaluate, parse_scenario,
    rehearse, schedule,
};
use tocsin::core::model::{Feed, Millis};
use tocsin::core::ruleset::RuleSet;

/// When rehearsals begin.
pub(crate) const START: Millis = Millis(1_767_225_600_000);

/// What the bundled configuration has.
pub(crate) struct Bundle {
    pub(crate) set: Arc<RuleSet>,
    pub(crate) config: Arc<CorrelateConfig>,
    pub(crate) feeds: Vec<Arc<Feed>>,
    renamed: BTreeMap<String, String>,
}

pub(crate) fn bundle() -> &'static Bundle {
    static BUNDLE: OnceLock<Bundle> = OnceLock::new();
    BUNDLE.get_or_init(|| {
        let settings = Settings::bundled().unwrap_or_else(|e| panic!("{e}"));
        let set = load_rule_set(&settings.paths).unwrap_or_else(|e| panic!("{e}"));
        let set = Arc::new(set);
        Bundle {
            config: Arc::new(settings.correlate_config(Arc::clone(&set.routing))),
            feeds: settings.shared_feeds(),
            set,
            renamed: BTreeMap::new(),
        }
    })
}

impl Bundle {
    pub(crate) fn deployment(&self) -> Deployment<'_> {
        Deployment {
            feeds: &self.feeds,
            renamed: &self.renamed,
            gazetteer: &self.set.gazetteer,
            routing: &self.set.routing,
        }
    }

    /// A scenario that must be free of findings.
    pub(crate) fn scenario(&self, name: &str, text: &str) -> Scenario {
        let file = SourceFile {
            name: name.to_owned(),
            text: text.to_owned(),
        };
        let (scenario, findings) = parse_scenario(&file);
        assert!(findings.is_empty(), "{name}: {findings:#?}");
        let scenario = scenario.expect("a scenario");
        let findings = check_scenario(name, &scenario, &self.deployment());
        assert!(findings.is_empty(), "{name}: {findings:#?}");
        scenario
    }

    /// Rehearses a scenario.
    pub(crate) fn rehearse(&self, scenario: &Scenario, seed: u64) -> (Report, Observed) {
        let here = self.deployment();
        let exercise = format!("{}-{seed}", scenario.id);
        let all = schedule(scenario, &here, seed, &exercise);
        let (set, config) = (&self.set, &self.config);
        let seen = rehearse(set, config, &here, &all, &exercise, START, scenario.lasts).unwrap();
        let run = RunInfo {
            exercise,
            seed,
            started: START,
            ended: START.plus(scenario.lasts),
            speed: 1.0,
            records_clock: true,
            stopped: false,
            rule_set: "test".to_owned(),
        };
        let report = evaluate(scenario, &self.set.gazetteer, run, &seen);
        (report, seen)
    }
}
