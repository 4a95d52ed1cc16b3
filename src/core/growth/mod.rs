//! What is rising: statistics of aberration on counts per period.
//!
//! Invariant: a statistic is a function of the counts it is given and of nothing else, and gives none where the baseline is too
//! short: what is still being learned raises no alarm. Periods are days unless a page says hours.
//!
//! | statistic | baseline | source |
//! |---|---|---|
//! | [`c1`] | the 7 periods before | EARS C1, Hutwagner et al. 2003; R `surveillance::earsC` |
//! | [`c2`] | the same, 2 periods earlier | EARS C2, ibid. |
//! | [`c3`] | C2 of three periods | EARS C3, ibid. |
//! | [`w2`] | working days or days of rest among the 28 that end 2 days earlier | Tokars et al. 2009, spikes down-weighted |
//! | [`w2_rate`] | the same, per report of the feed | ibid. |
//! | [`hour_of_week`] | the hour of the day and its neighbours on these days | W2 on an hour-of-week profile |
//!
//! Hutwagner L, Thompson W, Seeman GM, Treadwell T: The bioterrorism preparedness and response Early Aberration Reporting System.
//! J Urban Health 2003. Tokars JI et al.: Enhancing time-series detection algorithms for automated biosurveillance. Emerg Infect
//! Dis 2009. Noufaily A et al.: An improved algorithm for outbreak detection in multiple surveillance systems. Stat Med 2013.

mod basis;
mod bytes;
mod calendar;
mod carried;
mod ears;
mod history;
mod measure;
mod normalised;
mod reading;
mod running;
mod series;
mod simulate;
mod volume;
mod w2;
mod window;

pub use basis::Basis;
pub use bytes::Written;
pub use calendar::{Calendar, DAY_MS, HOUR_MS};
pub use carried::{Carried, carried};
pub use ears::{Ears, Point, Z_0_001, Z_0_025, c1, c2, c3};
pub use history::{PastDay, days_for_past, past_days};
pub use measure::{LEARNED, Measured, Method, Trial};
pub use normalised::{Plan, read_normalised};
pub use reading::{GrowthConfig, Verdict, may_alarm, period_ms, read};
pub use running::{Running, Today};
pub use series::{Counted, FeedCounts, KEPT_DAYS, MAX_FEEDS, Series};
pub use simulate::{Course, Draws, put_outbreaks, simulate};
pub use volume::{FeedVolume, Scale, Usual};
pub use w2::{Deviation, LAG_DAYS, W2, hour_of_week, w2, w2_rate};
