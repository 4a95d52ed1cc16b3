//! Who carries a drill out: the real feeds, or whatever a test puts in their place.

use std::sync::Arc;

use super::{Drill, DrillError, Ended, Progress, RunFile, Runs};
use crate::core::detect::DrillKey;
use crate::core::drill::{Deployment, Scenario};
use crate::kafka::{KafkaSettings, TopicNames};

/// A drill to carry out.
#[derive(Clone, Copy)]
pub struct Job<'a> {
    /// Where runs are kept.
    pub runs: &'a Runs,
    /// What there is.
    pub here: Deployment<'a>,
    /// What is practised.
    pub scenario: &'a Scenario,
}

/// Sends simulated reports, follows what comes of them, takes them back. Blocks.
pub trait Carrier: Send + Sync + 'static {
    /// Runs it; `run` is kept up to date, in its file too.
    fn carry_out(
        &self,
        job: Job<'_>,
        run: &mut RunFile,
        progress: &mut dyn Progress,
    ) -> Result<Ended, DrillError>;

    /// Withdraws everything that a run sent, which is not running any more.
    fn take_back(&self, job: Job<'_>, run: &mut RunFile) -> Result<(), DrillError>;
}

/// The real feeds.
#[derive(Clone)]
pub struct KafkaCarrier {
    /// Connection.
    pub kafka: KafkaSettings,
    /// Topics.
    pub names: TopicNames,
    /// Topic of the desk's decisions; it need not be there.
    pub decisions: String,
    /// The drill key.
    pub key: Arc<DrillKey>,
}

impl KafkaCarrier {
    fn drill<'a>(&'a self, job: Job<'a>) -> Drill<'a> {
        Drill {
            kafka: &self.kafka,
            names: &self.names,
            decisions: &self.decisions,
            key: Arc::clone(&self.key),
            runs: job.runs,
            here: job.here,
            scenario: job.scenario,
            idle_lag_ms: i64::try_from(self.kafka.idle_lag.as_millis()).unwrap_or(i64::MAX),
        }
    }
}

impl Carrier for KafkaCarrier {
    fn carry_out(
        &self,
        job: Job<'_>,
        run: &mut RunFile,
        progress: &mut dyn Progress,
    ) -> Result<Ended, DrillError> {
        self.drill(job).run(run, progress)
    }

    fn take_back(&self, job: Job<'_>, run: &mut RunFile) -> Result<(), DrillError> {
        self.drill(job).withdraw(run)
    }
}
