//! What shadow rules would have done, as the console shows it. Whoever reads the topic puts it here.

use std::sync::{Arc, Mutex, PoisonError};

use crate::core::model::Millis;
use crate::core::tools::promotion::{Against, Bars};
use crate::core::tools::shadow::Observed;

/// A shadow rule of the rule set in use.
#[derive(Clone, Debug, PartialEq)]
pub struct Tried {
    /// Its id.
    pub rule: Arc<str>,
    /// What it did; none: nothing is known of it.
    pub observed: Option<Observed>,
    /// Why it may not go live; empty when it may.
    pub against: Vec<Against>,
}

/// All of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Shadows {
    /// When the hits were read.
    pub at: Millis,
    /// All hits that there are have been read.
    pub complete: bool,
    /// Why they could not be read lately, for the log's readers.
    pub failed: Option<String>,
    /// What a rule must keep to.
    pub bars: Bars,
    /// By id.
    pub rules: Vec<Tried>,
}

/// Where the latest look is put. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct ShadowBoard(Arc<Mutex<Option<Arc<Shadows>>>>);

impl ShadowBoard {
    /// The latest look; none before the first.
    pub fn latest(&self) -> Option<Arc<Shadows>> {
        let latest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        latest.clone()
    }

    /// Puts up another one.
    pub fn put(&self, shadows: Option<Shadows>) {
        let mut latest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *latest = shadows.map(Arc::new);
    }
}
