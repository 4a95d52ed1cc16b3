//! One place per report.
//!
//! Invariant: code before coordinates before words before the feed's home area; always exactly one answer.

use super::choose::choose;
use super::gazetteer::Gazetteer;
use super::mention::{Field, find};
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
    /// Headline and body in their normal form, where somebody has worked it out already; it changes nothing.
    pub normal: Option<[&'a str; 2]>,
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
        let mut mentions = Vec::new();
        let fields = [
            (Field::Name, query.name.unwrap_or_default(), None),
            (Field::Title, query.title, query.normal.map(|n| n[0])),
            (Field::Text, query.text, query.normal.map(|n| n[1])),
        ];
        for (field, text, normal) in fields {
            find(&self.names, field, text, normal, &mut mentions);
        }
        let mut named = choose(self, &mentions, home).into_iter();
        let (place, assumed) = match stated.or_else(|| named.next().map(|index| self.place(index)))
        {
            Some(place) => (place, false),
            None => match home {
                Some(home) => (self.place(home), true),
                None => (Place::none(), false),
            },
        };
        let own = self.index(&place.code);
        let is_other = |index: &u32| {
            own.is_none_or(|own| *index != own && self.parents(own).all(|parent| parent != *index))
        };
        let also = named.filter(is_other).take(MAX_ALSO);
        Resolved {
            also: also.map(|index| self.place(index)).collect(),
            place,
            assumed,
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
