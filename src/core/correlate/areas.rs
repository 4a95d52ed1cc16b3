//! In which of its narrower areas the reports of a wider one lie: in the hour and on the day that are judged.
//!
//! Invariant: a function of the reports that are counted, in whatever order they came, and as long as they are counted: members that
//! became entries, and entries that became sums, are among them. An hour or a day that is over is not looked at any more.

use serde::{Deserialize, Serialize};

use crate::core::growth::Calendar;
use crate::core::model::GrowthPeriod;

/// Areas of one wider area that are told apart.
const MAX_AREAS: usize = 1_024;

/// One area: its newest day, and the newest hour.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Area {
    name: u16,
    day: i32,
    in_day: u32,
    hour: i32,
    in_hour: u32,
}

/// Counts by area, sorted by their names' places in the incident.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Areas(Vec<Area>);

impl Areas {
    /// A report was counted in an area and an hour, and is now. False where there is no room for another area.
    pub(super) fn moved(&mut self, from: Option<(u16, i32)>, to: Option<(u16, i32)>) -> bool {
        if from == to {
            return true;
        }
        if let Some((name, hour)) = from
            && let Ok(at) = self.find(name)
        {
            self.0[at].uncount(hour);
        }
        match to {
            Some((name, hour)) => self.count(name, hour),
            None => true,
        }
    }

    fn find(&self, name: u16) -> Result<usize, usize> {
        self.0.binary_search_by_key(&name, |area| area.name)
    }

    fn count(&mut self, name: u16, hour: i32) -> bool {
        let day = Calendar::day_of(hour);
        if self.find(name).is_err() && self.0.len() >= MAX_AREAS {
            // Nobody asks for a day that is over.
            self.0.retain(|area| area.day >= day);
        }
        let at = match self.find(name) {
            Ok(at) => at,
            Err(_) if self.0.len() >= MAX_AREAS => return false,
            Err(at) => {
                let area = Area {
                    name,
                    day,
                    in_day: 0,
                    hour,
                    in_hour: 0,
                };
                self.0.insert(at, area);
                at
            }
        };
        self.0[at].count(hour);
        true
    }

    /// Reports in the period of `hour`, and those of the area that has most of them.
    pub(super) fn most(&self, period: GrowthPeriod, hour: i32) -> (u64, u64) {
        let of = |area: &Area| match period {
            GrowthPeriod::Hour if area.hour == hour => u64::from(area.in_hour),
            GrowthPeriod::Day if area.day == Calendar::day_of(hour) => u64::from(area.in_day),
            _ => 0,
        };
        let counts = self.0.iter().map(of);
        (counts.clone().sum(), counts.max().unwrap_or(0))
    }
}

impl Area {
    fn count(&mut self, hour: i32) {
        let day = Calendar::day_of(hour);
        if day > self.day {
            (self.day, self.in_day) = (day, 0);
        }
        if hour > self.hour {
            (self.hour, self.in_hour) = (hour, 0);
        }
        if day == self.day {
            self.in_day = self.in_day.saturating_add(1);
        }
        if hour == self.hour {
            self.in_hour = self.in_hour.saturating_add(1);
        }
    }

    fn uncount(&mut self, hour: i32) {
        if Calendar::day_of(hour) == self.day {
            self.in_day = self.in_day.saturating_sub(1);
        }
        if hour == self.hour {
            self.in_hour = self.in_hour.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Against all reports, whatever their order, with some moved and some taken back.
        #[test]
        fn counts_what_is_counted(
            reports in prop::collection::vec((0_u16..4, 0_i32..60, prop::option::of((0_u16..4, 0_i32..60)), any::<bool>()), 0..80),
            hour in 24_i32..60,
        ) {
            let mut areas = Areas::default();
            let mut left: Vec<(u16, i32)> = Vec::new();
            for (area, at, moved, taken) in reports {
                // Nothing is counted after the hour that is judged.
                let (mut is, at) = ((area, at.min(hour)), at);
                prop_assert!(at < 60 && areas.moved(None, Some(is)));
                if let Some((area, at)) = moved {
                    let to = (area, at.min(hour));
                    areas.moved(Some(is), Some(to));
                    is = to;
                }
                if taken {
                    areas.moved(Some(is), None);
                } else {
                    left.push(is);
                }
            }
            for (period, from) in [(GrowthPeriod::Hour, hour), (GrowthPeriod::Day, hour / 24 * 24)] {
                let of = |area: u16| left.iter().filter(|it| it.0 == area && it.1 >= from).count() as u64;
                let counts: Vec<u64> = (0..4).map(of).collect();
                let expected = (counts.iter().sum(), counts.into_iter().max().unwrap());
                prop_assert_eq!(areas.most(period, hour), expected);
            }
        }
    }

    #[test]
    fn areas_of_a_day_that_is_over_make_room() {
        let mut areas = Areas::default();
        for name in 0..MAX_AREAS as u16 {
            assert!(areas.moved(None, Some((name, 3))));
        }
        assert!(!areas.moved(None, Some((5_000, 3))));
        assert!(areas.moved(None, Some((5_000, 24))));
        assert_eq!(areas.most(GrowthPeriod::Day, 24), (1, 1));
    }
}
