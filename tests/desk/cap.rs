//! The CAP feed: valid by the schema of the standard, hostile text, exercises apart, caches.

use std::sync::Arc;

use axum::Router;
use axum::http::Method;
use serde_json::json;
use tocsin::core::decode::Decoder;
use tocsin::core::model::{DecoderKind, Feed, Level, Millis, MsgType, RawRecord, Status};
use tocsin::core::obligation::Role;
use tocsin::desk::http::api::{Api, router};
use uuid::Uuid;

use super::api_world::{World, cap, rules};
use super::cap_schema::{parse, text, valid};

#[tokio::test]
async fn every_alert_is_valid_and_follows_what_people_decide() {
    let world = World::new().await;
    world.incidents(40, Status::Actual).await;
    let incident = world.fire().await;
    let token = world.token(Role::Coordinator, None).await;
    let index = world.get("/cap", &token).await;
    assert_eq!(
        index.headers["content-type"],
        "application/atom+xml; charset=utf-8"
    );
    let feed = parse(&index.text);
    assert_eq!(feed.attributes["xmlns"], "http://www.w3.org/2005/Atom");
    let entries: Vec<_> = feed.all("entry").collect();
    assert_eq!(entries.len(), 41);
    for entry in entries {
        let link = &entry.find("link").unwrap().attributes["href"];
        let alert = valid(&world.get(link, &token).await);
        assert_eq!(text(&alert, "msgType"), "Alert");
        assert_eq!(text(&alert, "status"), "Actual");
        assert_eq!(alert.all("info").count(), 2);
    }
    let path = format!("/cap/{incident}.xml");
    let before = valid(&world.get(&path, &token).await);
    // A correction is an update that refers to the machine's message.
    let (level, severity) = match world.desk.case(incident).await.unwrap().level() {
        Level::Red => ("orange", "Severe"),
        _ => ("red", "Extreme"),
    };
    let correct = json!({"action": "correct", "level": level, "reason": "seen"});
    let done = world
        .act(incident, &token, world.version(incident).await, &correct)
        .await;
    assert_eq!(done.status, 200);
    let after = valid(&world.get(&path, &token).await);
    assert_eq!(text(&after, "msgType"), "Update");
    assert_eq!(text(after.find("info").unwrap(), "severity"), severity);
    let replaced = format!(
        "tocsin@desk.example,{},{}",
        text(&before, "identifier"),
        text(&before, "sent")
    );
    assert_eq!(text(&after, "references"), replaced);
    // A false alarm is a cancel, as long as it is recent.
    let case = world.desk.case(incident).await.unwrap();
    for department in case.departments() {
        let dispose = json!({"action": "dispose", "department": department, "disposition": "false_alarm", "reason": "steam"});
        let version = world.version(incident).await;
        // The last ones are released by the quorum of those before.
        let done = world.act(incident, &token, version, &dispose).await;
        assert!([200, 409].contains(&done.status), "{}", done.text);
    }
    let case = world.desk.case(incident).await.unwrap();
    assert!(case.is_closed(), "{:?}", case.missing());
    let closed = valid(&world.get(&path, &token).await);
    assert_eq!(text(&closed, "msgType"), "Cancel");
    world.clock.advance(25 * 3_600_000);
    let token = world.token(Role::Coordinator, None).await;
    assert_eq!(world.get(&path, &token).await.status, 404);
}

#[tokio::test]
async fn earlier_messages_stay_as_they_were_at_their_own_address_and_references_find_them() {
    let world = World::new().await;
    let incident = world.fire().await;
    let token = world.token(Role::Coordinator, None).await;
    let newest = format!("/cap/{incident}.xml");
    // A level of its own each time; every second change is seen by no reader.
    let mut handed: Vec<(String, String, String)> = Vec::new();
    for (step, level) in ["yellow", "red", "blue", "orange", "yellow", "red"]
        .into_iter()
        .enumerate()
    {
        let case = world.desk.case(incident).await.unwrap();
        if case.level().id() != level {
            world.clock.advance(60_000);
            let correct = json!({"action": "correct", "level": level, "reason": "seen"});
            let done = world.act(incident, &token, case.version, &correct).await;
            assert_eq!(done.status, 200, "{}", done.text);
        }
        if step % 2 == 1 {
            continue;
        }
        let answer = world.get(&newest, &token).await;
        let alert = valid(&answer);
        let first = handed.is_empty();
        assert_eq!(
            text(&alert, "msgType"),
            if first { "Alert" } else { "Update" }
        );
        let known: Vec<String> = handed
            .iter()
            .rev()
            .map(|(id, sent, _)| format!("tocsin@desk.example,{id},{sent}"))
            .collect();
        let references = alert.find("references").map(|it| it.text.clone());
        assert_eq!(references.unwrap_or_default(), known.join(" "));
        let (id, sent) = (text(&alert, "identifier"), text(&alert, "sent"));
        handed.push((id.to_owned(), sent.to_owned(), answer.text));
    }
    // What happens at the desk meanwhile changes no message.
    let take = json!({"action": "acknowledge", "department": "fire"});
    let done = world
        .act(incident, &token, world.version(incident).await, &take)
        .await;
    assert_eq!(done.status, 200);
    for (id, _, text) in &handed {
        let answer = world
            .get(&format!("/cap/{incident}/{id}.xml"), &token)
            .await;
        valid(&answer);
        assert_eq!(answer.text, *text, "{id}");
    }
    // The index leads to the newest one, by its own address.
    let index = parse(&world.get("/cap", &token).await.text);
    let entry = index.find("entry").unwrap();
    let link = &entry.find("link").unwrap().attributes["href"];
    assert!(link.contains(&incident.to_string()), "{link}");
    let newest = valid(&world.get(link, &token).await);
    assert!(link.ends_with(&format!("/{}.xml", text(&newest, "identifier"))));
    let nowhere = format!("/cap/{incident}/{}.xml", Uuid::nil());
    assert_eq!(world.get(&nowhere, &token).await.status, 404);
}

#[tokio::test]
async fn exercises_are_apart_and_marked() {
    let world = World::new().await;
    let ids = world.incidents(2, Status::Exercise).await;
    let token = world.token(Role::ReadOnly, None).await;
    assert_eq!(
        parse(&world.get("/cap", &token).await.text)
            .all("entry")
            .count(),
        0
    );
    let index = world.get("/cap?status=exercise", &token).await;
    assert!(index.text.contains("EXERCISE"), "{}", index.text);
    assert_eq!(parse(&index.text).all("entry").count(), 2);
    assert_eq!(
        world
            .get(&format!("/cap/{}.xml", ids[0]), &token)
            .await
            .status,
        404
    );
    assert!(index.text.contains(&format!("/cap/{}/", ids[0])));
    let path = format!("/cap/{}.xml?status=exercise", ids[0]);
    let alert = valid(&world.get(&path, &token).await);
    assert_eq!(text(&alert, "status"), "Exercise");
    assert!(text(&alert, "note").starts_with("Exercise"));
}

#[tokio::test]
async fn hostile_text_stays_text_and_our_own_decoder_reads_it() {
    let world = World::new().await;
    let routing = Arc::clone(&rules().routing);
    let mut alert = tocsin::desk::Synthetic::new(1, 1, routing).alert(0, 1);
    alert.headline.en = "fire\u{0}\u{1b}[31m]]><script>&\"'\u{202e}\u{ffff}".into();
    alert.place.name = "<a&b>\r\n".into();
    alert.reasons[0].because = "x\u{8}<y".into();
    let (id, incident) = (alert.alert_id, alert.incident_id);
    let mut next = alert.clone();
    (next.revision, next.msg_type, next.material) = (2, MsgType::Update, true);
    next.alert_id = tocsin::core::correlate::alert_id(incident, 2);
    world.desk.absorb_alerts([alert]).await.unwrap();
    let token = world.token(Role::Analyst, None).await;
    let path = format!("/cap/{incident}.xml");
    valid(&world.get(&path, &token).await);
    world.desk.absorb_alerts([next]).await.unwrap();
    let answer = world.get(&path, &token).await;
    let found = valid(&answer);
    assert!(text(&found, "references").contains(&id.to_string()));
    assert!(!answer.text.contains("<script"));
    assert!(!answer.text.chars().any(|c| c.is_control() && c != '\n'));
    let index = world.get("/cap", &token).await;
    assert!(!index.text.contains("<script") && parse(&index.text).all("entry").count() == 1);
    let feed: Feed = serde_json::from_value(json!({"id": "cap", "topic": "cap", "decoder": "cap", "kind": "official", "reliability": 90})).unwrap();
    assert_eq!(feed.decoder, DecoderKind::Cap);
    let decoder = Decoder::new(Arc::new(feed)).unwrap();
    let record = RawRecord::new(answer.text.as_bytes(), Millis(1));
    assert!(decoder.decode(&record).is_ok());
}

#[tokio::test]
async fn a_reader_that_has_it_is_told_so_and_without_a_token_only_a_public_feed_is_read() {
    let world = World::new().await;
    world.incidents(3, Status::Actual).await;
    let token = world.token(Role::Analyst, None).await;
    let first = world.get("/cap", &token).await;
    let (tag, date) = (&first.headers["etag"], &first.headers["last-modified"]);
    for header in [
        ("if-none-match", tag.to_str().unwrap()),
        ("if-modified-since", date.to_str().unwrap()),
    ] {
        let again = world
            .ask(Method::GET, "/cap", &token, &[header], None)
            .await;
        assert_eq!((again.status, again.text.as_str()), (304, ""), "{header:?}");
    }
    let other = world
        .ask(
            Method::GET,
            "/cap",
            &token,
            &[("if-none-match", "\"x\"")],
            None,
        )
        .await;
    assert_eq!(other.status, 200);
    assert_eq!(world.get("/cap", "").await.status, 401);
    let mut public = cap();
    public.options.public = true;
    let open = |cap| {
        let api = Api::new(
            world.desk.clone(),
            world.access.clone(),
            rules,
            Vec::new(),
            None,
        )
        .with_cap(cap);
        router(&api, Router::new(), Router::new())
    };
    let world = World {
        router: open(Some(public)),
        ..world
    };
    // What was handed out before stays restricted; what comes now is public.
    world.clock.advance(1_000);
    world.incidents(4, Status::Actual).await;
    let index = world.get("/cap", "").await;
    assert_eq!(index.status, 200);
    let link = &parse(&index.text)
        .find("entry")
        .unwrap()
        .find("link")
        .unwrap()
        .attributes["href"]
        .clone();
    let alert = valid(&world.get(link, "").await);
    assert_eq!(text(&alert, "scope"), "Public");
    for path in ["/api/v1/incidents", "/api/v1/notifications", "/capx"] {
        assert!(
            [401, 404].contains(&world.get(path, "").await.status),
            "{path}"
        );
    }
    assert_eq!(world.get("/api/v1/incidents", "").await.status, 401);
    assert_eq!(
        world.get("/cap", "rubbish").await.status,
        401,
        "a wrong token is not heard"
    );
    assert_eq!(
        world
            .get(&format!("/cap/{}.xml", Uuid::nil()), "")
            .await
            .status,
        404
    );
}
