//! When a silence ends: one reminder of what it leaves open.
//!
//! Invariant: however much it muted, a receiver gets one message about it for each department and status.

use super::kind::{Notice, NoticeKind, named};
use super::plan::{Fate, Mute, Planned, Planner, Wanted, mute_of};
use crate::core::model::Millis;
use crate::core::obligation::{Case, Event, EventKind};
use crate::core::route::Routing;

/// The incidents that a silence left open when it ended, as its event names them; none of another event.
pub fn left_open(event: &Event) -> Vec<uuid::Uuid> {
    if event.kind != EventKind::SilenceEnded {
        return Vec::new();
    }
    let listed = event.after.get("incidents").and_then(|it| it.as_array());
    let ids = listed.into_iter().flatten();
    ids.filter_map(|id| id.as_str()?.parse().ok()).collect()
}

impl Planner {
    /// Reminders of one incident that a silence left open: of each department that still owes something and that the silence was for.
    pub fn reminders(
        &self,
        case: &Case,
        (seq, event): (i64, &Event),
        now: Millis,
        (routing, mute): (&Routing, Mute<'_>),
    ) -> Vec<Planned> {
        let mut all = Vec::new();
        if case.is_closed() {
            return all;
        }
        for department in case.departments() {
            let owes = case
                .obligations
                .iter()
                .any(|it| it.department == *department && it.state.is_pending());
            let meant = event.department.as_ref().is_none_or(|id| id == department);
            if !(owes && meant) {
                continue;
            }
            let wanted = Wanted {
                seq,
                at: event.at,
                kind: NoticeKind::StillOpen,
                department: department.clone(),
                office: None,
                level_before: None,
                deadline: None,
            };
            let mut notice = Notice::of(case, &wanted, self.excerpts);
            notice.id = named(&format!("still-open/{}/{department}/{seq}", case.incident));
            let muted = mute_of(case, &wanted, now, mute);
            let known = |name: &str| self.receivers.contains_key(name);
            for channel in self.routes.channels(&notice.facts(), routing, known) {
                let Some(receiver) = self.receivers.get(&channel) else {
                    continue;
                };
                all.push(Planned {
                    slot: receiver.catch_up(&notice, seq, now.plus(self.catch_up_ms)),
                    notice: notice.clone(),
                    channel,
                    fate: muted.clone().map_or(Fate::Pending, Fate::Muted),
                });
            }
        }
        all
    }
}
