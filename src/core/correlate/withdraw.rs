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
    let known = incident
        .members
        .iter()
        .position(|member| *member.id == *id && *incident.names[usize::from(member.feed)] == *feed);
    if let Some(index) = known {
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
    let mut entries = incident.aggregate.iter_mut().flat_map(|a| &mut a.entries.0);
    let Some(entry) = entries.find(|entry| entry.report == report) else {
        return false;
    };
    if entry.withdrawn || received < entry.stated {
        return false;
    }
    (entry.withdrawn, entry.content) = (true, !entry.content);
    (entry.received, entry.stated) = (received, received);
    drop_report(incident, report);
    true
}
