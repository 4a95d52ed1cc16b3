//! Mail: plain and HTML, digests, hostile titles; a server that refuses for now is asked again.

use tocsin::config::{Email, Notify, SmtpTls};
use tocsin::core::model::{Level, Status};
use tocsin::core::notify::Language;
use tokio::sync::watch;

use super::receiver::MailServer;
use super::webhook::desk;
use super::{fires, notifier, settings, states, until};
use crate::desk::world::{MINUTE, Site, on_both};

fn mails_to(server: &MailServer) -> Notify {
    let mut notify = settings(&[]);
    notify.smtp.host = Some("127.0.0.1".to_owned());
    notify.smtp.port = Some(server.port);
    notify.smtp.tls = SmtpTls::None;
    notify.smtp.from = Some("Tocsin <tocsin@desk.example>".to_owned());
    let email = Email {
        to: vec![
            "Watch <watch@fire.example>".to_owned(),
            "b@fire.example".to_owned(),
        ],
        language: Some(Language::En),
        digest_minutes: Some(30),
        digest_below: Some(Level::Orange),
        ..Email::default()
    };
    notify.emails.insert("m".to_owned(), email);
    notify
}

#[test]
fn what_is_lesser_comes_in_one_digest_and_the_rest_at_once() {
    on_both(async |site: Site| {
        let server = MailServer::start(1).await;
        let (desk, clock) = desk(&site).await;
        let it = notifier(&mails_to(&server));
        let (stop, stopped) = watch::channel(false);
        let tasks = it.start(&desk, &stopped);
        let mut alerts = fires(6, Level::Yellow);
        alerts[0].level = Level::Red;
        alerts[0].headline.en =
            "fire\r\nBcc: everybody@example.org\r\n\r\n<script>x</script>".to_owned();
        alerts[0].status = Status::Exercise;
        desk.absorb_alerts(alerts).await.unwrap();
        // Refused once, then taken.
        until("mailed", async || {
            clock.advance(500);
            server.mails().len() == 1
        })
        .await;
        let urgent = &server.mails()[0];
        assert!(
            urgent.contains("RCPT TO:<watch@fire.example>")
                && urgent.contains("RCPT TO:<b@fire.example>")
        );
        assert!(!urgent.contains("\r\nBcc:"), "{urgent}");
        let (_, html) = urgent.split_once("text/html").unwrap();
        assert!(!html.to_lowercase().contains("<script"), "{urgent}");
        assert!(
            urgent.contains("Auto-Submitted: auto-generated"),
            "{urgent}"
        );
        assert!(urgent.contains("X-Tocsin-Status: exercise"), "{urgent}");
        assert!(urgent.contains("multipart/alternative"), "{urgent}");
        until("recorded", async || {
            states(&desk).await.get("sent") == Some(&1)
        })
        .await;
        assert_eq!(states(&desk).await["pending"], 5);
        clock.advance(30 * MINUTE);
        until("the digest", async || {
            states(&desk).await.get("sent") == Some(&6)
        })
        .await;
        let _ = stop.send(true);
        for task in tasks {
            task.await.unwrap();
        }
        let all = server.mails();
        assert_eq!(all.len(), 2, "one of its own, one digest");
        assert!(
            all[1].contains("+4 notices")
                || all[1].contains("+4=20notices")
                || all[1].contains("=?utf-8?"),
            "{}",
            all[1]
        );
        assert!(all[1].matches("https://desk.example/incidents/").count() >= 5);
    });
}
