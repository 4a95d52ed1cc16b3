//! Bounded steps: how much of what is due one transaction holds.
//!
//! Invariant: where an advance is cut changes no alert; only when it is committed.

use super::correlator::{CorrelateOutput, Correlator, key_fits};
use super::store::lane_of;
use crate::core::model::{Detection, Millis, Retraction, Status};

/// Timers of one status that one step fires, about: a transaction has to end in time, however many are due. What the fired
/// ones set within the same span fires with them (a few for each incident), and timers of the same millisecond are not
/// told apart.
pub(super) const MAX_TIMERS_PER_STEP: usize = 1_000;

impl Correlator {
    /// Does a bounded part of what [`fold`](Self::fold) does before it looks at the detection: advances the clocks towards
    /// `received`. False when more is due than one transaction should hold: commit, and ask again with the same detection
    /// before anything else. Where it is cut changes no alert.
    pub fn prepare(&mut self, detection: &Detection, out: &mut CorrelateOutput) -> bool {
        let Some(lane) = lane_of(&detection.key).filter(|_| key_fits(detection)) else {
            return true;
        };
        self.approach(lane, detection.report.received, out)
    }

    /// The same before [`retract`](Self::retract).
    pub fn prepare_retraction(
        &mut self,
        retraction: &Retraction,
        out: &mut CorrelateOutput,
    ) -> bool {
        self.approach(lane_of_status(retraction.status), retraction.received, out)
    }

    /// A bounded part of [`tell_time`](Self::tell_time); whether it was all.
    fn approach(&mut self, lane: usize, received: Millis, out: &mut CorrelateOutput) -> bool {
        let received = received.clamped();
        let every = Status::ALL[lane] == Status::Actual;
        let others = (0..self.store.lanes.len()).filter(|other| every && *other != lane);
        for lane in std::iter::once(lane).chain(others) {
            let to = self.step(lane, received);
            self.advance_lane(lane, to, out);
            if to < received {
                return false;
            }
        }
        true
    }

    /// How far towards `to` one advance may go so that it fires about `MAX_TIMERS_PER_STEP` timers per status: `to`, or
    /// the due time of the last of them.
    pub fn reach(&self, to: Millis) -> Millis {
        // Beyond every clock: an advance that leaves a lane out would be another one than it is in a replay.
        let beyond = self.clock().plus(1);
        let reach = (0..self.store.lanes.len()).map(|lane| self.step(lane, to));
        reach.fold(to, Millis::min).max(beyond).min(to)
    }

    /// The same for one lane.
    fn step(&self, lane: usize, to: Millis) -> Millis {
        let lane = &self.store.lanes[lane];
        let last = lane.timers.nth(MAX_TIMERS_PER_STEP - 1);
        last.map_or(to, |last| last.max(lane.clock.plus(1)).min(to))
    }
}

/// The lane of a status.
pub(super) fn lane_of_status(status: Status) -> usize {
    let lane = Status::ALL.iter().position(|other| *other == status);
    lane.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::sample;
    use super::*;
    use crate::core::model::Alert;

    /// A correlator with more timers than one step fires, on the actual and on the exercise lane.
    fn crowded() -> Correlator {
        let mut correlator = Correlator::new(sample::config());
        let mut out = CorrelateOutput::default();
        for n in 0..3 * MAX_TIMERS_PER_STEP {
            let mut detection = sample::detection("a", 1_000 + n as i64, 55);
            if n % 3 == 0 {
                detection.status = Status::Exercise;
                detection.key = detection.key.replacen("actual", "exercise", 1);
            }
            detection.key = format!("{}-{n}", detection.key);
            correlator.fold(&detection, &mut out);
        }
        correlator.commit();
        correlator
    }

    /// Alerts per status, in order: lanes do not see each other, so their order among each other says nothing.
    fn by_status(alerts: &[Alert]) -> BTreeMap<Status, Vec<&Alert>> {
        let mut all: BTreeMap<Status, Vec<&Alert>> = BTreeMap::new();
        for alert in alerts {
            all.entry(alert.status).or_default().push(alert);
        }
        all
    }

    /// What the changelog holds after another transaction: the last record of each key.
    fn write(changelog: &mut BTreeMap<String, Option<Vec<u8>>>, correlator: &mut Correlator) {
        for change in correlator.take_changes() {
            changelog.insert(change.key, change.value);
        }
        correlator.commit();
    }

    #[test]
    fn an_advance_in_steps_makes_the_same_alerts_in_bounded_transactions() {
        let end = Millis(100 * sample::QUIET);
        let (mut whole, mut stepped) = (crowded(), crowded());
        let (mut expected, mut found) = (CorrelateOutput::default(), CorrelateOutput::default());
        whole.advance(end, &mut expected);
        let (mut changes, mut step_changes) = (BTreeMap::new(), BTreeMap::new());
        let mut steps = 0;
        while stepped.clock() < end {
            let to = stepped.reach(end);
            assert!(to > stepped.clock());
            let before = found.alerts.len();
            stepped.advance(to, &mut found);
            assert!(found.alerts.len() - before <= Status::ALL.len() * MAX_TIMERS_PER_STEP);
            write(&mut step_changes, &mut stepped);
            steps += 1;
        }
        write(&mut changes, &mut whole);
        assert!(steps > 2, "{steps}");
        assert_eq!(by_status(&found.alerts), by_status(&expected.alerts));
        assert!(changes.len() > 3 * MAX_TIMERS_PER_STEP);
        assert_eq!(step_changes, changes);
        assert_eq!(stepped.store.sizes(), whole.store.sizes());
    }

    #[test]
    fn a_record_after_a_long_time_is_folded_behind_bounded_transactions() {
        for status in [Status::Actual, Status::Exercise] {
            let mut late = sample::detection("late", 100 * sample::QUIET, 55);
            late.status = status;
            late.key = late.key.replacen("actual", status.id(), 1);
            let (mut whole, mut stepped) = (crowded(), crowded());
            let (mut expected, mut found) =
                (CorrelateOutput::default(), CorrelateOutput::default());
            whole.fold(&late, &mut expected);
            let (mut changes, mut step_changes) = (BTreeMap::new(), BTreeMap::new());
            let mut steps = 1;
            while !stepped.prepare(&late, &mut found) {
                let fired = found.alerts.len();
                // An abort in between undoes one step, not more.
                let clock = stepped.clock();
                write(&mut step_changes, &mut stepped);
                stepped.prepare(&late, &mut found);
                found.alerts.truncate(fired);
                stepped.rollback();
                assert_eq!(stepped.clock(), clock);
                steps += 1;
            }
            stepped.fold(&late, &mut found);
            assert!(steps > 1, "{steps}");
            assert_eq!(found.alerts, expected.alerts);
            write(&mut changes, &mut whole);
            write(&mut step_changes, &mut stepped);
            assert_eq!(step_changes, changes);
            assert_eq!(stepped.store.sizes(), whole.store.sizes());
            for lane in 0..Status::ALL.len() {
                assert_eq!(
                    stepped.store.lanes[lane].clock,
                    whole.store.lanes[lane].clock
                );
            }
        }
    }
}
