//! What is wrong with a configuration, all of it at once.

use std::fmt;

use super::Settings;
use crate::core::diagnostic::{Diagnostic, SourceFile};

/// Stable codes of configuration errors.
pub mod codes {
    crate::core::diagnostic::codes! {
        UNREADABLE "C0001" "a configuration, rule or feed file that cannot be read, or is too large"
        SYNTAX "C0002" "not TOML"
        UNKNOWN_KEY "C0003" "a setting that does not exist"
        BAD_VALUE "C0004" "a value of the wrong type or form"
        OUT_OF_BOUNDS "C0005" "a value out of its bounds"
        CONFLICT "C0006" "settings that do not fit together"
        BAD_FEED "C0007" "a feed that does not fit"
        NO_RULES "C0008" "no rule where rules were looked for"
    }
}

/// Every error of a configuration.
#[derive(Debug)]
pub struct ConfigErrors {
    /// What is wrong, in the order of the layers.
    pub diagnostics: Vec<Diagnostic>,
    /// The texts that the diagnostics point into.
    pub sources: Vec<SourceFile>,
    /// What the settings are without those that do not fit, to look further with; none where there is no telling.
    pub rest: Option<Box<Settings>>,
}

impl ConfigErrors {
    /// What is wrong with anything but the settings.
    pub fn new(diagnostics: Vec<Diagnostic>, sources: Vec<SourceFile>) -> Self {
        Self {
            diagnostics,
            sources,
            rest: None,
        }
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, diagnostic) in self.diagnostics.iter().enumerate() {
            let separator = if at == 0 { "" } else { "\n" };
            write!(f, "{separator}{diagnostic}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}
