//! The log, page by page, and who has dead messages tried again.

use tocsin::core::model::Level;
use tocsin::core::obligation::EventKind;
use tocsin::desk::store::NotificationFilter;

use super::{fires, log, notifier, plan, settings, states};
use crate::desk::notify::webhook::desk;
use crate::desk::world::{Site, coordinator, on_both};

#[test]
fn pages_hold_every_row_once() {
    on_both(async |site: Site| {
        let (desk, _clock) = desk(&site).await;
        // The same notice at two receivers: two rows of one id.
        let nowhere = "http://127.0.0.1:9/";
        let it = notifier(&settings(&[("a", nowhere), ("b", nowhere)]));
        desk.absorb_alerts(fires(11, Level::Orange)).await.unwrap();
        plan(&it, &desk).await;
        let all = log(&desk).await;
        assert_eq!(all.len(), 22);
        for limit in [1, 2, 3, 7, 22, 100] {
            let mut filter = NotificationFilter::default();
            let mut seen = Vec::new();
            loop {
                let page = desk.store().notifications(&filter, limit).await.unwrap();
                let Some(last) = page.last() else { break };
                filter.after = Some(last.cursor());
                seen.extend(page);
            }
            assert_eq!(seen, all, "{limit} at a time");
        }
    });
}

#[test]
fn who_has_dead_ones_tried_again_is_in_the_trail_when_there_were_any() {
    on_both(async |site: Site| {
        let (desk, _clock) = desk(&site).await;
        let it = notifier(&settings(&[("a", "http://127.0.0.1:9/")]));
        desk.absorb_alerts(fires(3, Level::Orange)).await.unwrap();
        plan(&it, &desk).await;
        let retry = async |channel| {
            let by = coordinator();
            let done = desk.retry_notifications(&by, (channel, None));
            done.await.unwrap()
        };
        assert_eq!(retry(None).await, 0, "none is dead");
        for row in log(&desk).await {
            let message = row.message.parse().unwrap();
            let failed = desk
                .store()
                .message_failed(message, "HTTP 500", desk.now(), None);
            failed.await.unwrap();
        }
        assert_eq!(states(&desk).await["dead"], 3);
        assert_eq!(retry(Some("webhook:b")).await, 0, "another receiver's");
        assert_eq!(retry(Some("webhook:a")).await, 3);
        assert_eq!(states(&desk).await["pending"], 3);
        let trail = desk.store().audit(0, 1_000).await.unwrap();
        let said: Vec<_> = trail
            .iter()
            .filter(|it| it.event.kind == EventKind::NotificationsRetried)
            .collect();
        assert_eq!(said.len(), 1);
        let event = &said[0].event;
        assert_eq!(event.actor, Some(coordinator()));
        assert_eq!(event.after["notices"], 3);
        assert_eq!(desk.store().verify_audit(|_| ()).await.unwrap().faults, []);
    });
}

/// Excerpts of revisions, and notices that quote them, which no notifier deletes any more.
#[test]
fn what_quotes_reports_goes_with_their_excerpts() {
    on_both(async |site: Site| {
        let (desk, _clock) = desk(&site).await;
        let it = notifier(&settings(&[("a", "http://127.0.0.1:9/")]));
        let alerts = fires(3, Level::Orange);
        let incident = alerts[0].incident_id;
        desk.absorb_alerts(alerts).await.unwrap();
        plan(&it, &desk).await;
        let excerpts = async || {
            let kept = desk.revisions(incident).await.unwrap();
            let all = kept.iter().flat_map(|alert| &alert.evidence);
            let quoted = all.clone().filter(|it| !it.excerpt.is_empty()).count();
            (quoted, all.count())
        };
        let (quoted, all) = excerpts().await;
        assert!(quoted > 0, "the sample quotes its reports");
        let (early, late) = (
            desk.now().plus(-86_400_000 * 365),
            desk.now().plus(86_400_000),
        );
        assert_eq!(desk.retain(early).await.unwrap(), 0);
        let store = desk.store();
        assert_eq!(store.forget_all_notifications(early).await.unwrap(), 0);
        assert_eq!(
            (excerpts().await, log(&desk).await.len()),
            ((quoted, all), 3)
        );
        assert_eq!(desk.retain(late).await.unwrap(), 3);
        assert_eq!(store.forget_all_notifications(late).await.unwrap(), 3);
        assert_eq!((excerpts().await, log(&desk).await.len()), ((0, all), 0));
        assert_eq!(store.verify_audit(|_| ()).await.unwrap().faults, []);
    });
}
