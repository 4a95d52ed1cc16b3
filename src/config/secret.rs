//! Secrets: values that are never shown.
//!
//! Invariant: the text leaves only through [`Secret::expose`]; `Debug`, `Display` and `Serialize` write a mask.

use std::fmt;

use serde::{Deserialize, Serialize, Serializer};

/// What is written instead of a secret.
pub const MASK: &str = "********";

/// A password or key.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the client that has to present it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(MASK)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_shown() {
        let secret = Secret::new("hunter2");
        for shown in [
            format!("{secret:?}"),
            format!("{secret}"),
            serde_json::to_string(&secret).unwrap(),
            toml::to_string(&std::collections::BTreeMap::from([("p", &secret)])).unwrap(),
        ] {
            assert!(!shown.contains("hunter"), "{shown}");
        }
        assert_eq!(secret.expose(), "hunter2");
    }
}
