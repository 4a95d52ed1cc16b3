//! A webhook of an exercise says that it is one.

use tocsin::core::model::{Level, Status};
use tokio::sync::watch;

use super::receiver::{Answer, Receiver};
use super::webhook::desk;
use super::{fires, notifier, settings, until};
use crate::desk::world::{Site, on_both};

#[test]
fn a_webhook_of_an_exercise_names_it_and_shares_no_message_with_the_real_thing() {
    on_both(async |site: Site| {
        let receiver = Receiver::start(&[Answer::Status(204)]).await;
        let (desk, _) = desk(&site).await;
        let it = notifier(&settings(&[("a", &receiver.url)]));
        let (stop, stopped) = watch::channel(false);
        let tasks = it.start(&desk, &stopped);
        let mut alerts = fires(2, Level::Red);
        (alerts[0].status, alerts[0].exercise) = (Status::Exercise, Some("night-1".into()));
        let drilled = alerts[0].incident_id.to_string();
        desk.absorb_alerts(alerts).await.unwrap();
        until("told of both", async || receiver.posted().len() == 2).await;
        let _ = stop.send(true);
        for task in tasks {
            task.await.unwrap();
        }
        for posted in receiver.posted() {
            let body: serde_json::Value = serde_json::from_str(&posted.body).unwrap();
            let notices = body["notices"].as_array().unwrap();
            assert_eq!(notices.len(), 1, "{body}");
            let exercise = notices[0]["incident"] == drilled.as_str();
            let (status, id) = (&notices[0]["status"], &notices[0]["exercise"]);
            if exercise {
                assert_eq!((status, id), (&"exercise".into(), &"night-1".into()));
            } else {
                assert_eq!(status, "actual");
                assert!(id.is_null(), "{body}");
            }
        }
    });
}
