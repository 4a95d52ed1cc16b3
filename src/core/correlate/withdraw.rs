//! Taking a report out of an incident.
//!
//! Invariant: what was taken out is still known, so that neither an older statement that comes late nor a second withdrawal
//! changes anything.

use super::correlations::drop_report;
use super::identity::report_hash;
use super::state::Incident;
use crate::core::model::Millis;

/// Takes a report out: it stays known, as withdrawn, so that an older statement that comes late does not bring it back. True
/// when it counted.
pub(super) fn take_out(incident: &mut Incident, feed: &str, id: &str, received: Millis) -> bool {
    let received = received.clamped();
    if let Some(index) = incident.member_at(feed, id) {
        incident.reports_changed();
        let member = &mut incident.members[index];
        if member.withdrawn || received < member.restated.unwrap_or(member.received) {
            return false;
        }
        // The same content, stated again later, is news.
        (member.withdrawn, member.hash) = (true, !member.hash);
        (member.received, member.restated) = (received, None);
        incident.texts.retain(|(owner, _)| *owner as usize != index);
        drop_report(incident, report_hash(feed, id));
        return true;
    }
    let report = report_hash(feed, id);
    let Some(at) = incident.entry_at(report) else {
        return false;
    };
    incident.reports_changed();
    let entry = &mut incident.aggregate_mut().entries.0[at];
    if entry.withdrawn || received < entry.stated {
        return false;
    }
    (entry.withdrawn, entry.content) = (true, !entry.content);
    (entry.received, entry.stated) = (received, received);
    drop_report(incident, report);
    true
}
