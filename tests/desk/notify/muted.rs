//! Silences and inhibition in the log of notifications: what they mute is written down, what they leave open is said once.

use tocsin::core::model::{Hazard, Level};
use tocsin::core::mute::{Matchers, Wish};
use tocsin::core::obligation::{Actor, Role};
use tocsin::desk::Clock as _;

use super::webhook::desk;
use super::{fires, log, notifier, plan, settings, states};
use crate::desk::world::{HOUR, Site, on_both};

fn wish(now: tocsin::core::model::Millis, length: i64) -> Wish {
    Wish {
        matchers: Matchers {
            hazard: Some(Hazard::Fire),
            ..Matchers::default()
        },
        ends: now.plus(length),
        reason: "a detector is being repaired".to_owned(),
        ..Wish::default()
    }
}

#[test]
fn what_a_silence_mutes_is_in_the_log_and_its_end_is_one_message() {
    on_both(async |site: Site| {
        let (desk, clock) = desk(&site).await;
        let settings = settings(&[("a", "http://127.0.0.1:9/")]);
        let notifier = notifier(&settings);
        plan(&notifier, &desk).await;
        let analyst = Actor::new("analyst-1", Role::Analyst);
        let made = desk
            .create_silence(&analyst, &wish(clock.now(), HOUR / 4))
            .await
            .unwrap();
        desk.absorb_alerts(fires(20, Level::Yellow)).await.unwrap();
        plan(&notifier, &desk).await;
        let all = log(&desk).await;
        assert_eq!(
            states(&desk).await.into_iter().collect::<Vec<_>>(),
            [("muted".to_owned(), 20)]
        );
        let because = format!("silence {}", made.id);
        assert!(
            all.iter().all(|it| it.reason.as_deref() == Some(&*because)),
            "{all:#?}"
        );

        // Red is heard all the same.
        let mut red = fires(21, Level::Red);
        desk.absorb_alerts([red.pop().unwrap()]).await.unwrap();
        plan(&notifier, &desk).await;
        assert_eq!(states(&desk).await["pending"], 1);

        clock.advance(HOUR / 4);
        desk.tick().await.unwrap();
        plan(&notifier, &desk).await;
        let all = log(&desk).await;
        let still: Vec<_> = all
            .iter()
            .filter(|it| it.kind == "still_open" && it.state == "pending")
            .collect();
        assert_eq!(still.len(), 20, "{:?}", states(&desk).await);
        assert!(
            still.iter().all(|it| it.message == still[0].message),
            "one message"
        );
        let before = all.len();
        plan(&notifier, &desk).await;
        assert_eq!(log(&desk).await.len(), before, "said once");
    });
}

#[test]
fn a_wider_incident_mutes_its_children_but_never_their_deadlines() {
    on_both(async |site: Site| {
        let (desk, clock) = desk(&site).await;
        let notifier = notifier(&settings(&[("a", "http://127.0.0.1:9/")]));
        plan(&notifier, &desk).await;
        let mut all = fires(2, Level::Orange);
        let [wide, child] = [all[0].incident_id, all[1].incident_id];
        all[0].place.code = "cn-6101".into();
        all[1].place.code = "cn-610113".into();
        all[1].ancestors = vec!["cn-6101".into(), "cn-61".into()];
        desk.absorb_alerts(all).await.unwrap();
        plan(&notifier, &desk).await;
        let of =
            |all: &[tocsin::desk::store::Notification], id: uuid::Uuid| -> Vec<(String, String)> {
                let mine = all.iter().filter(|it| it.incident == id.to_string());
                mine.map(|it| (it.kind.clone(), it.state.clone())).collect()
            };
        let planned = log(&desk).await;
        let new = |state: &str| ("new_obligation".to_owned(), state.to_owned());
        assert_eq!(of(&planned, child), [new("muted")]);
        assert_eq!(of(&planned, wide), [new("pending")]);
        // Its acknowledgement is missed: that is heard.
        let due = desk.case(child).await.unwrap().due().unwrap();
        clock.set(due);
        desk.tick().await.unwrap();
        plan(&notifier, &desk).await;
        let planned = log(&desk).await;
        let of_child = of(&planned, child);
        assert!(
            of_child.contains(&("deadline_missed".to_owned(), "pending".to_owned())),
            "{of_child:?}"
        );
    });
}
