//! Every name in a report that may be a place, what it is taken for and why: for those who ask how a place came about.
//!
//! Invariant: the choice is that of `choose`; nothing here decides.

use serde::Serialize;

use super::choose::{Verdict, choose, weigh};
use super::gazetteer::Gazetteer;
use super::mention::{Field, find};
use super::resolve::PlaceQuery;
use crate::core::model::Place;
use crate::core::normalise::normalise;

/// Meanings listed of one name.
const MAX_MEANINGS: usize = 5;
/// Characters shown of a text from a name on.
const SHOWN: usize = 16;

/// A name that may be a place.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Candidate {
    /// `name`, `title` or `text`.
    pub field: &'static str,
    /// The text from the name on, cut.
    pub found: String,
    /// What the name is taken for.
    pub place: Place,
    /// What else it may mean, the better known first.
    pub others: Vec<Place>,
    /// What speaks for it, and against.
    pub because: Vec<&'static str>,
    /// `place` (the report's, if nothing better is stated), `also`, `holds another`, `not believed` or `contradicted`.
    pub verdict: &'static str,
}

impl Gazetteer {
    /// The names in a report that may be places, in reading order.
    pub fn candidates(&self, query: &PlaceQuery<'_>) -> Vec<Candidate> {
        let home = query.home.and_then(|code| self.lookup(code));
        let fields = [
            (Field::Name, "name", query.name.unwrap_or_default()),
            (Field::Title, "title", query.title),
            (Field::Text, "text", query.text),
        ];
        let mut mentions = Vec::new();
        for (field, _, text) in fields {
            find(&self.names, field, text, None, &mut mentions);
        }
        let chosen = choose(self, &mentions, home);
        let weighed = weigh(self, &mentions, home).into_iter();
        weighed
            .map(|(index, entry, because, verdict)| {
                let mention = &mentions[index];
                let (_, name, text) = fields[mention.field as usize];
                let others = self.names.entries(mention.posting).iter();
                let others = others.filter(|other| **other != entry).take(MAX_MEANINGS);
                Candidate {
                    field: name,
                    found: from(text, mention.start, mention.han),
                    place: self.place(entry),
                    others: others.map(|other| self.place(*other)).collect(),
                    because,
                    verdict: match verdict {
                        Verdict::NotBelieved => "not believed",
                        Verdict::Contradicted => "contradicted",
                        Verdict::Named if chosen.first() == Some(&entry) => "place",
                        Verdict::Named if chosen.contains(&entry) => "also",
                        Verdict::Named => "holds another",
                    },
                }
            })
            .collect()
    }
}

fn from(text: &str, start: usize, han: bool) -> String {
    // Chinese names are found in the normalised text.
    let normalised = if han {
        normalise(text)
    } else {
        text.to_owned()
    };
    let rest = normalised.get(start..).unwrap_or_default();
    rest.chars().take(SHOWN).collect()
}
