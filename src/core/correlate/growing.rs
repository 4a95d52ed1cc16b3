//! Keeping the series of a key in step with the reports of its incident, and what they say in the score.
//!
//! Invariant: a member knows the hour in which it is counted, and is counted there and nowhere else; one that is withdrawn is taken
//! back. A report that has been aggregated stays counted.

use std::sync::Arc;

use super::config::CorrelateConfig;
use super::correlator::CorrelateOutput;
use super::members::Joined;
use super::series::AllSeries;
use super::state::{Incident, Member};
use crate::core::growth::{GrowthConfig, Verdict};
use crate::core::model::{Growth, GrowthPeriod, Millis, ReportRef, ScoreLine, Status};

/// The series of one key, as the fold needs them.
pub(super) struct Growing<'a> {
    pub all: &'a mut AllSeries,
    pub key: &'a Arc<str>,
    pub now: Millis,
}

impl Growing<'_> {
    /// Counts what joining changed.
    pub(super) fn joined(
        &mut self,
        incident: &mut Incident,
        report: &ReportRef,
        joined: &Joined,
        config: &CorrelateConfig,
        out: &mut CorrelateOutput,
    ) {
        if !config.growth.enabled {
            return;
        }
        let Some(at) = member_of(incident, report, joined) else {
            return;
        };
        let status = incident.status;
        let member = &incident.members[at];
        let before = member.counted;
        let area = member.wide_of;
        let feed = &*report.feed;
        let due = observed(member);
        let now = match before {
            Some(hour) if member.withdrawn => {
                self.all.uncount(self.key, feed, hour);
                None
            }
            Some(hour) if config.growth.calendar.hour(due.min(self.now)) != hour => {
                self.all.uncount(self.key, feed, hour);
                self.count(feed, due, status, config, out)
            }
            None if joined.fresh => self.count(feed, due, status, config, out),
            as_it_was => as_it_was,
        };
        incident.members[at].counted = now;
        let (from, to) = (joined.area_before.or(area).zip(before), area.zip(now));
        if !incident.areas.moved(from, to) {
            out.hit("areas_per_key", status);
        }
    }

    fn count(
        &mut self,
        feed: &str,
        at: Millis,
        status: Status,
        config: &CorrelateConfig,
        out: &mut CorrelateOutput,
    ) -> Option<i32> {
        let (counted, hit) = self.all.count(self.key, feed, at, self.now, &config.growth);
        for limit in counted.err().into_iter().chain(hit) {
            out.hit(limit, status);
        }
        counted.ok()
    }

    /// A report was taken out of the incident.
    pub(super) fn taken(&mut self, incident: &mut Incident, feed: &str, id: &str) {
        let Some(at) = incident.member_at(feed, id) else {
            return;
        };
        let member = &mut incident.members[at];
        if let Some(hour) = member.counted.take() {
            self.all.uncount(self.key, feed, hour);
            let from = member.wide_of.map(|area| (area, hour));
            incident.areas.moved(from, None);
        }
    }

    /// What the series says, right after [`verdict`](Self::verdict).
    pub(super) fn read(&mut self, config: &GrowthConfig) -> Option<Growth> {
        let shown = config
            .enabled
            .then(|| self.all.shown(self.key, self.now, config));
        shown.flatten()
    }

    /// Whether it is an alarm; none where nothing is counted. `always`: what it says although it is none.
    pub(super) fn verdict(&mut self, always: bool, config: &GrowthConfig) -> Verdict {
        let verdict = config
            .enabled
            .then(|| self.all.verdict(self.key, self.now, always, config));
        verdict.flatten().unwrap_or_default()
    }
}

/// The member that a report is; the newest one when it has just arrived.
fn member_of(incident: &Incident, report: &ReportRef, joined: &Joined) -> Option<usize> {
    if joined.arrived {
        return incident.members.len().checked_sub(1);
    }
    incident.member_at(&report.feed, &report.id)
}

/// When a report was observed, and not later than it was received.
fn observed(member: &Member) -> Millis {
    member
        .observed
        .unwrap_or(member.received)
        .min(member.received)
}

/// The line of G.
pub(super) fn line(growth: Option<&Growth>, config: &GrowthConfig) -> ScoreLine {
    let Some(growth) = growth else {
        return ScoreLine::new(0, "growth is not counted here", "此处未统计增长");
    };
    let (en, zh) = match growth.period {
        GrowthPeriod::Hour => ("in an hour", "一小时内"),
        GrowthPeriod::Day => ("in a day", "一天内"),
    };
    let observed = growth.observed;
    let plural = if observed == 1 { "" } else { "s" };
    let Some((expected, statistic)) = growth.expected.zip(growth.statistic) else {
        let (learned, needed) = (growth.learned.unwrap_or(0), config.w2.fewest);
        return ScoreLine::new(
            0,
            format!("growth: learning, {learned} of {needed} days"),
            format!("增长：学习中，已有 {learned}/{needed} 天"),
        );
    };
    let (expected, statistic) = (format!("{expected:.1}"), format!("{statistic:.1}"));
    ScoreLine::new(
        config.points(growth.into()),
        format!("{observed} report{plural} {en} where {expected} are usual (W2 {statistic})"),
        format!("{zh} {observed} 条报告，通常为 {expected} 条（W2 {statistic}）"),
    )
}
