//! One place per report.
//!
//! Invariant: code before coordinates before words before the feed's home area; always exactly one answer.

use super::gazetteer::Gazetteer;
use super::nearest::grid_cell;
use crate::core::model::{Coordinates, Place, Tier};

/// Other places kept of one report.
pub const MAX_ALSO: usize = 8;

/// What a report says about its place. Texts are masked and otherwise as they were written.
#[derive(Clone, Copy, Debug, Default)]
pub struct PlaceQuery<'a> {
    /// Gazetteer, Chinese division or ISO code.
    pub code: Option<&'a str>,
    /// Place in words, as the source states it outside the text.
    pub name: Option<&'a str>,
    /// Where, in degrees.
    pub coordinates: Option<Coordinates>,
    /// Headline.
    pub title: &'a str,
    /// Body.
    pub text: &'a str,
    /// Code of the feed's home area.
    pub home: Option<&'a str>,
}

/// The answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolved {
    /// The one place; [`Place::none`] when the report names none and the feed has no home.
    pub place: Place,
    /// The place is the feed's home area because the report names none.
    pub assumed: bool,
    /// Other places mentioned, ≤ [`MAX_ALSO`], neither the place nor its ancestors.
    pub also: Vec<Place>,
}

impl Gazetteer {
    /// The one place of a report.
    pub fn resolve(&self, query: &PlaceQuery<'_>) -> Resolved {
        let home = query.home.and_then(|code| self.lookup(code));
        let stated = query
            .code
            .and_then(|code| self.lookup(code))
            .map(|index| self.place(index))
            .or_else(|| query.coordinates.map(|at| self.at_coordinates(at)));
        let assumed = stated.is_none();
        Resolved {
            place: stated
                .or_else(|| home.map(|index| self.place(index)))
                .unwrap_or_else(Place::none),
            assumed,
            also: Vec::new(),
        }
    }

    /// The nearest county- or city-level place, else the 0.5° grid cell.
    pub fn at_coordinates(&self, at: Coordinates) -> Place {
        if let Some(index) = self.nearest.find(at) {
            return self.place(index);
        }
        let (code, centre) = grid_cell(at);
        Place {
            name: code.as_str().into(),
            code: code.into(),
            name_zh: None,
            tier: Tier::County,
            coordinates: Some(centre),
        }
    }
}
