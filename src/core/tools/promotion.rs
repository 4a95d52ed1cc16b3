//! What speaks against a shadow rule going live.
//!
//! Invariant: every reason against is named, not only the first.

use std::fmt;

use serde::{Serialize, Serializer};

use super::shadow::Observed;

/// What a rule must keep to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bars {
    /// Watched for so many days, whether it fired or not.
    pub min_days: f64,
    /// At most so many reports a day that no live rule fired on.
    pub max_new_per_day: f64,
}

/// One reason against.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub enum Against {
    /// Nothing says that a report was held against it.
    Unseen,
    /// It was not watched for long enough.
    Days { watched: f64, least: f64 },
    /// It adds too much.
    Loud { rate: f64, most: f64 },
    /// No case names it.
    Untested,
    /// A case does not hold; `why` where it could not be run.
    Test {
        file: String,
        line: usize,
        why: Option<String>,
    },
    /// A finding about it.
    Lint {
        file: String,
        line: usize,
        code: &'static str,
        message: String,
    },
}

impl fmt::Display for Against {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unseen => write!(
                f,
                "no report is known to have been held against it as it is now"
            ),
            Self::Days { watched, least } => {
                write!(f, "watched for {watched:.1} days, not {least}")
            }
            Self::Loud { rate, most } => {
                write!(f, "{rate:.1} new reports a day, more than {most}")
            }
            Self::Untested => write!(f, "it has no test case (--tests)"),
            Self::Test { file, line, why } => match why {
                None => write!(f, "test: {file}:{line} fails"),
                Some(why) => write!(f, "test: {file}:{line}: {why}"),
            },
            Self::Lint {
                file,
                line,
                code,
                message,
            } => write!(f, "lint: {file}:{line}: {code} {message}"),
        }
    }
}

impl Serialize for Against {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl Bars {
    /// What the time that it was watched says against it.
    pub fn watched(&self, seen: Option<&Observed>) -> Vec<Against> {
        let Some(seen) = seen else {
            return vec![Against::Unseen];
        };
        let mut against = Vec::new();
        if seen.days < self.min_days {
            against.push(Against::Days {
                watched: seen.days,
                least: self.min_days,
            });
        }
        if seen.new_per_day > self.max_new_per_day {
            against.push(Against::Loud {
                rate: seen.new_per_day,
                most: self.max_new_per_day,
            });
        }
        against
    }
}
