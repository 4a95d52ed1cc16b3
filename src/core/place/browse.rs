//! Looking around in the gazetteer, for maps and entry fields: what lies near a point, what a name may mean.
//!
//! Both look at every entry once (10^5, a few milliseconds); nothing here is on the way of a report.

use std::cmp::Reverse;

use super::gazetteer::Gazetteer;
use super::nearest::distance_km;
use crate::core::model::{Coordinates, Place, Tier};

/// Longest part of a name that is searched for, bytes.
const MAX_QUERY: usize = 100;

impl Gazetteer {
    /// Counties and cities within `km` of a point, the most populous first, at most `limit`.
    pub fn around(&self, at: Coordinates, km: f64, limit: usize) -> Vec<Place> {
        let mut found: Vec<(Reverse<u32>, u32)> = self
            .indices()
            .filter(|index| {
                let entry = self.entry(*index);
                let town = matches!(entry.tier, Tier::County | Tier::City);
                town && entry.at.is_some_and(|point| distance_km(at, point) <= km)
            })
            .map(|index| (Reverse(self.entry(index).population), index))
            .collect();
        found.sort_unstable();
        found
            .into_iter()
            .take(limit)
            .map(|(_, index)| self.place(index))
            .collect()
    }

    /// Places whose name starts with `text` in either language, without regard to case: larger tiers and populations first.
    /// A code finds its place.
    pub fn named(&self, text: &str, limit: usize) -> Vec<Place> {
        let text = text.trim();
        if text.is_empty() || text.len() > MAX_QUERY {
            return Vec::new();
        }
        let wanted = text.to_lowercase();
        let mut found: Vec<(bool, Reverse<Tier>, Reverse<u32>, u32)> = self
            .indices()
            .filter_map(|index| {
                let (name, name_zh) = self.names_of(index);
                let folded = name.to_lowercase();
                let starts = folded.starts_with(&wanted) || name_zh.starts_with(text);
                let whole = folded == wanted || name_zh == text;
                let entry = self.entry(index);
                starts.then_some((
                    !whole,
                    Reverse(entry.tier),
                    Reverse(entry.population),
                    index,
                ))
            })
            .collect();
        found.sort_unstable();
        let by_code = self.get(text).into_iter();
        let by_name = found.into_iter().map(|found| self.place(found.3));
        by_code.chain(by_name).take(limit).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::gazetteer::tests::SHIPPED;
    use super::*;

    #[test]
    fn what_lies_near_comes_by_size() {
        let gazetteer = &*SHIPPED;
        let shanghai = Coordinates::new(31.23, 121.47).unwrap();
        let near = gazetteer.around(shanghai, 80.0, 12);
        assert!(near.len() > 5, "{near:?}");
        for place in &near {
            assert!(distance_km(shanghai, place.coordinates.unwrap()) <= 80.0);
        }
        assert!(gazetteer.around(shanghai, 80.0, 3).len() == 3);
        assert!(
            gazetteer
                .around(Coordinates::new(-60.0, -140.0).unwrap(), 50.0, 9)
                .is_empty()
        );
    }

    #[test]
    fn names_of_either_language_and_codes_are_found() {
        let gazetteer = &*SHIPPED;
        let named = |text: &str| gazetteer.named(text, 5);
        assert!(
            named("雁塔")
                .iter()
                .any(|place| &*place.code == "cn-610113")
        );
        assert_eq!(&*named("cn-610113")[0].code, "cn-610113");
        assert!(
            named("san francisco")
                .iter()
                .any(|place| place.name.contains("San Francisco"))
        );
        assert!(named("").is_empty() && named(&"x".repeat(200)).is_empty());
        assert!(named("a").len() == 5);
    }
}
