//! Calls that no rule finds severe: only their number says anything.

use tocsin::core::correlate::{CorrelateOutput, Correlator};
use tocsin::core::growth::DAY_MS;
use tocsin::core::model::{Detection, FeedKind, Millis};

use super::sample::{Pick, START, detection};

const PICK: Pick = Pick {
    exercise: false,
    place: 0,
    feed: 2,
    id: 0,
    content: 0,
    rule: 1,
    severity: 5,
    print: None,
    withdrawn: false,
};

/// A call about a fire, by a hotline of that name.
pub(super) fn call_to(feed: &str, id: &str, observed: i64, received: i64) -> Detection {
    let mut call = detection(PICK, received);
    call.report.id = id.into();
    (call.report.feed, call.report.source) = (feed.into(), feed.into());
    (call.report.kind, call.report.reliability) = (FeedKind::Hotline, 30);
    call.report.observed = Some(Millis(observed));
    call
}

/// The same, received when it was observed.
pub(super) fn call(id: &str, at: i64) -> Detection {
    call_to("calls", id, at, at)
}

/// A call at noon of every day for `days` days, each as `made`; returns the end.
pub(super) fn learn(
    correlator: &mut Correlator,
    days: i64,
    made: impl Fn(&str, i64) -> Detection,
    out: &mut CorrelateOutput,
) -> i64 {
    for day in 0..days {
        correlator.fold(&made(&format!("day {day}"), START + day * DAY_MS), out);
    }
    START + days * DAY_MS
}
