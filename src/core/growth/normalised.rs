//! An alarm of plain counts looked at again, by what the feeds carry in all.
//!
//! Invariant: what is compared is a function of the series and of the [`Plan`], and a plan is the same for most reports of an hour:
//! its steps are coarse, so that a busy key is not read anew for every report.

use super::Calendar;
use super::basis::Basis;
use super::reading::{GrowthConfig, judged_reading, learning, read};
use super::series::Series;
use super::volume::{FeedVolume, Scale};
use super::window::{Judged, Window};
use crate::core::model::{Growth, Millis};

/// With what a series is compared.
#[derive(Clone, Debug, PartialEq)]
pub enum Plan {
    /// No feed has been known for long enough; so many days were not silent.
    Learning(u8),
    /// Days that may be compared, and how many times the usual each judged feed carries.
    Scaled {
        /// Of every day of the window, whether it is of the stratum of today and its feeds spoke.
        alike: Vec<bool>,
        /// By judged feed.
        scales: Vec<Scale>,
    },
}

impl Plan {
    /// The plan of an hour: `volumes` are those of the feeds, in the order of [`Series::feeds`], where they are known.
    pub fn of(
        series: &Series,
        hour: i32,
        config: &GrowthConfig,
        volumes: &[Option<FeedVolume<'_>>],
    ) -> Self {
        let basis = Basis::of(series, hour, config, volumes);
        basis.plan(|at| volumes.get(at).cloned().flatten())
    }

    /// The series under the plan; none where it is being learned.
    pub(super) fn window<'s>(
        &self,
        series: &'s Series,
        hour: i32,
        config: &GrowthConfig,
    ) -> Option<(Judged<'s>, Window)> {
        let Self::Scaled { alike, scales } = self else {
            return None;
        };
        let judged = Judged::of(series, Calendar::day_of(hour), config).ok()?;
        let window = Window::of(&judged, hour, true, alike, Some(scales), config);
        Some((judged, window))
    }
}

/// Reads a series at `now` as [`read`] does, and where that is an alarm, again by its [`Plan`].
pub fn read_normalised(
    series: &Series,
    now: Millis,
    config: &GrowthConfig,
    volumes: &[Option<FeedVolume<'_>>],
) -> Growth {
    let plain = read(series, now, config);
    if !plain.alarm {
        return plain;
    }
    let hour = config.calendar.hour(now);
    let plan = Plan::of(series, hour, config, volumes);
    match (&plan, plan.window(series, hour, config)) {
        (Plan::Learning(spoken), _) => learning(series, hour, *spoken, config),
        (_, Some((_, window))) => judged_reading(&window, hour, config),
        (_, None) => plain,
    }
}
