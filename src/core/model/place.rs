//! Places as reports, detections and alerts carry them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Coordinates;

/// Administrative tier, from the smallest to the largest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Tier {
    Township,
    County,
    City,
    Province,
    Country,
}

impl Tier {
    /// From the smallest to the largest.
    pub const ALL: [Self; 5] = [
        Self::Township,
        Self::County,
        Self::City,
        Self::Province,
        Self::Country,
    ];

    /// Identifier as rules and JSON write it.
    pub fn id(self) -> &'static str {
        match self {
            Self::Township => "township",
            Self::County => "county",
            Self::City => "city",
            Self::Province => "province",
            Self::Country => "country",
        }
    }
}

/// Code of the place of a report that has none.
pub const NO_PLACE: &str = "-";

/// A gazetteer entry, or a 0.5° grid cell, or [`NO_PLACE`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// `cn-310115`, `gn-1850147`, `gn-US.CA` …, `grid:35.5,139.5` (south-west corner), or `-`.
    pub code: Arc<str>,
    /// English or romanised name; the native one where there is no other.
    pub name: Arc<str>,
    /// Chinese name, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name_zh: Option<Arc<str>>,
    /// Tier; a grid cell counts as county, `-` as country.
    pub tier: Tier,
    /// Centroid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coordinates: Option<Coordinates>,
}

impl Place {
    /// The place of a report that has none.
    pub fn none() -> Self {
        Self {
            code: NO_PLACE.into(),
            name: "no place".into(),
            name_zh: Some("无地点".into()),
            tier: Tier::Country,
            coordinates: None,
        }
    }

    /// Whether this is [`Place::none`].
    pub fn is_none(&self) -> bool {
        &*self.code == NO_PLACE
    }
}
