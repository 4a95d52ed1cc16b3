//! What people run into: conflicts, pages, what changed meanwhile, calls, tokens, hostile text.

use axum::http::Method;
use serde_json::{Value, json};
use tocsin::core::model::Status;
use tocsin::core::obligation::{Action, Actor, Disposition, Role};
use tocsin::desk::Synthetic;

use super::api_world::{World, rules};

#[tokio::test]
async fn of_two_officers_the_slower_one_is_told_and_overwrites_nothing() {
    let world = World::new().await;
    let incident = world.fire().await;
    let fire = world.token(Role::Officer, Some("fire")).await;
    let other = world.token(Role::Officer, Some("fire")).await;
    let path = format!("/api/v1/incidents/{incident}");
    let seen = world.get(&path, &fire).await;
    let version = seen.json()["case"]["version"].as_u64().unwrap();
    assert_eq!(seen.headers["etag"], format!("\"{version}\""));

    let take = json!({"action": "acknowledge", "department": "fire"});
    let done = world.act(incident, &fire, version, &take).await;
    assert_eq!(done.status, 200, "{}", done.text);
    let now = done.json()["case"]["version"].as_u64().unwrap();
    assert_ne!(now, version);
    assert_eq!(done.headers["etag"], format!("\"{now}\""));

    let dispose = json!({"action": "dispose", "department": "fire", "disposition": "false_alarm"});
    let late = world.act(incident, &other, version, &dispose).await;
    assert_eq!(
        (late.status, late.code().as_str()),
        (412, "version_conflict")
    );
    assert_eq!(late.json()["version"].as_u64(), Some(now));
    assert_eq!(late.headers["etag"], format!("\"{now}\""));
    let kept = world.get(&path, &other).await.json();
    assert_eq!(kept["case"]["version"].as_u64(), Some(now));
    assert_eq!(kept["incident"]["verdict"], Value::Null);

    // Having looked again, it is done.
    let done = world.act(incident, &other, now, &dispose).await;
    assert_eq!(done.status, 200, "{}", done.text);
    let again = done.json()["case"]["version"].as_u64().unwrap();
    let twice = world.act(incident, &other, again, &dispose).await;
    assert_eq!((twice.status, twice.code().as_str()), (409, "refused"));
    assert_eq!(twice.json()["reason"], "not_pending");

    let actions = format!("{path}/actions");
    let without = world
        .ask(Method::POST, &actions, &fire, &[], Some(&take))
        .await;
    assert_eq!(
        (without.status, without.code().as_str()),
        (428, "precondition_required")
    );
    let any = world
        .ask(
            Method::POST,
            &actions,
            &fire,
            &[("if-match", "*")],
            Some(&take),
        )
        .await;
    assert_eq!(any.status, 400);
    let history = world.get(&format!("{path}/history"), &fire).await.json();
    let kinds: Vec<&str> = history["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["kind"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds.iter().filter(|kind| **kind == "disposed").count(),
        1,
        "{kinds:?}"
    );
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_repetition() {
    let world = World::new().await;
    world.incidents(25, Status::Actual).await;
    world.incidents(3, Status::Exercise).await;
    let token = world.token(Role::ReadOnly, None).await;
    let (mut seen, mut path) = (Vec::new(), "/api/v1/incidents?limit=7".to_owned());
    loop {
        let page = world.get(&path, &token).await.json();
        let rows = page["incidents"].as_array().unwrap().clone();
        assert!(rows.len() <= 7);
        seen.extend(rows);
        match page["next"].as_str() {
            Some(next) => path = format!("/api/v1/incidents?limit=7&after={next}"),
            None => break,
        }
    }
    let mut ids: Vec<&str> = seen
        .iter()
        .map(|row| row["incident"].as_str().unwrap())
        .collect();
    assert!(
        seen.iter().all(|row| row["status"] == "actual"),
        "an exercise is not on the board"
    );
    ids.sort_unstable();
    ids.dedup();
    assert_eq!((ids.len(), seen.len()), (25, 25));
    let exercises = world
        .get("/api/v1/incidents?status=exercise", &token)
        .await
        .json();
    assert_eq!(exercises["incidents"].as_array().unwrap().len(), 3);
    for wrong in [
        "limit=0",
        "limit=501",
        "after=x",
        "q=",
        "status=all",
        "nonsense=1",
        "level=pink",
        "hazard=people",
    ] {
        let answer = world
            .get(&format!("/api/v1/incidents?{wrong}"), &token)
            .await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (422, "bad_value"),
            "{wrong}"
        );
    }
}

#[tokio::test]
async fn what_changed_while_somebody_was_away() {
    let world = World::new().await;
    let before = world.incidents(4, Status::Actual).await;
    let token = world.token(Role::Analyst, None).await;
    world.clock.advance(3_600_000);
    let away = world.clock_text();
    world.clock.advance(1_000);
    let note = json!({"action": "note", "text": "looked at it"});
    assert_eq!(
        world
            .act(before[2], &token, world.version(before[2]).await, &note)
            .await
            .status,
        200
    );
    let since = world
        .get(&format!("/api/v1/since?at={away}"), &token)
        .await
        .json();
    let ids: Vec<&str> = since["incidents"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["incident"].as_str().unwrap())
        .collect();
    assert_eq!(ids, [before[2].to_string()]);
    assert_eq!(since["closed"], json!([]));
}

#[tokio::test]
async fn a_call_goes_the_way_of_every_report_and_names_nobody() {
    let world = World::new().await;
    let analyst = world.token(Role::Analyst, None).await;
    let call = json!({"title": "冒烟 call 13812345678", "text": "smoke\u{202e} from a roof\nmail a.b@example.org", "hazard": "fire",
        "place": "cn-310115"});
    let answer = world
        .ask(Method::POST, "/api/v1/reports", &analyst, &[], Some(&call))
        .await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    let kept = world.reports.0.lock().unwrap().clone();
    let (key, record) = &kept[0];
    assert_eq!(answer.json(), json!({"feed": "tocsin.manual", "id": key}));
    let text = record.to_string();
    assert!(
        !text.contains("13812345678")
            && !text.contains("example.org")
            && !text.contains('\u{202e}'),
        "{text}"
    );
    assert_eq!(record["place"]["code"], "cn-310115");
    for (field, value) in [
        ("place", json!("nowhere")),
        ("hazard", json!("people")),
        ("title", json!(" ")),
        ("caller", json!("x")),
    ] {
        let mut wrong = call.clone();
        wrong[field] = value;
        let answer = world
            .ask(Method::POST, "/api/v1/reports", &analyst, &[], Some(&wrong))
            .await;
        assert_eq!(answer.status, 422, "{field}: {}", answer.text);
    }
    assert_eq!(world.reports.0.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn tokens_are_made_and_taken_back_over_the_api() {
    let world = World::new().await;
    let operator = world.token(Role::Operator, None).await;
    let wish = json!({"name": "fire desk", "role": "officer", "department": "fire", "days": 7});
    let made = world
        .ask(Method::POST, "/api/v1/tokens", &operator, &[], Some(&wish))
        .await;
    assert_eq!(made.status, 201, "{}", made.text);
    let (made, text) = (made.json(), made.text.clone());
    let token = made["token"].as_str().unwrap();
    assert_eq!(text.matches(token).count(), 1);
    let me = world.get("/api/v1/me", token).await.json();
    assert_eq!(
        (me["name"].as_str(), me["department"].as_str()),
        (Some("fire desk"), Some("fire"))
    );
    assert!(
        !world
            .get("/api/v1/tokens?all=true", &operator)
            .await
            .text
            .contains(token)
    );
    let twice = world
        .ask(Method::POST, "/api/v1/tokens", &operator, &[], Some(&wish))
        .await;
    assert_eq!((twice.status, twice.code().as_str()), (409, "taken"));
    let path = format!("/api/v1/tokens/{}", made["id"].as_str().unwrap());
    let gone = world
        .ask(Method::DELETE, &path, &operator, &[], None)
        .await
        .json();
    assert_eq!(gone["standing"], "revoked");
    assert_eq!(world.get("/api/v1/me", token).await.code(), "token_revoked");
}

/// Text that would do something in a page, a spreadsheet, a Markdown reader, a terminal.
const HOSTILE: &str = "=HYPERLINK(\"http://evil.example\") <script>alert(1)</script> [x](javascript:alert(1)) \u{1b}[31m\u{202e}|`\r\n# h";

#[tokio::test]
async fn hostile_text_is_text_everywhere() {
    let world = World::new().await;
    let made = Synthetic::new(400, 1, rules().routing.clone());
    let mut alert = made
        .alerts()
        .find(|alert| alert.level.id() == "red")
        .unwrap();
    alert.headline.en = HOSTILE.to_owned();
    alert.headline.zh = HOSTILE.to_owned();
    alert.evidence[0].title = HOSTILE.to_owned();
    alert.evidence[0].excerpt = HOSTILE.to_owned();
    alert.place.name = HOSTILE.into();
    let incident = alert.incident_id;
    world.desk.absorb_alerts([alert]).await.unwrap();
    let analyst = world.token(Role::Analyst, None).await;
    let note = json!({"action": "note", "text": HOSTILE});
    let noted = world
        .act(incident, &analyst, world.version(incident).await, &note)
        .await;
    assert_eq!(noted.status, 200, "{}", noted.text);

    let unsafe_char = |c: char| (c.is_control() && c != '\n' && c != '\r') || c == '\u{202e}';
    for path in [
        "/api/v1/incidents".to_owned(),
        format!("/api/v1/incidents/{incident}"),
        format!("/api/v1/incidents/{incident}/revisions"),
        format!("/api/v1/incidents/{incident}/history"),
        "/api/v1/agenda".to_owned(),
        "/api/v1/audit".to_owned(),
        "/api/v1/since?at=2020-01-01T00:00:00Z".to_owned(),
    ] {
        let answer = world.get(&path, &analyst).await;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.headers["content-type"], "application/json", "{path}");
        // Neither as such nor escaped.
        let lower = answer.text.to_lowercase();
        assert!(!answer.text.chars().any(unsafe_char), "{path}");
        for escaped in ["\\u001b", "\\u202e", "\\r", "\\n"] {
            assert!(!lower.contains(escaped), "{path} {escaped}");
        }
    }
    let csv = world.get("/api/v1/agenda.csv", &analyst).await;
    let text = csv.text.trim_start_matches('\u{feff}');
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 1);
    assert!(
        rows[0]
            .iter()
            .all(|cell| !cell.starts_with(['=', '+', '-', '@', '\t', '\r'])),
        "{rows:?}"
    );
    assert!(!text.chars().any(unsafe_char));
    assert!(
        csv.headers["content-disposition"]
            .to_str()
            .unwrap()
            .starts_with("attachment")
    );

    let markdown = world.get("/api/v1/agenda.md?lang=zh", &analyst).await.text;
    assert!(
        !markdown.contains("<script")
            && !markdown.contains("](javascript")
            && !markdown.contains("http://"),
        "{markdown}"
    );
    assert!(!markdown.chars().any(unsafe_char), "{markdown}");
    assert_eq!(
        markdown
            .lines()
            .filter(|line| line.starts_with('#'))
            .count(),
        2,
        "{markdown}"
    );
}

#[tokio::test]
async fn rules_say_what_became_of_their_incidents() {
    let world = World::new().await;
    let token = world.token(Role::ReadOnly, None).await;
    let of = async || {
        let answer = world.get("/api/v1/rules", &token).await.json();
        let rules = answer["rules"].as_array().unwrap().clone();
        rules
            .into_iter()
            .find(|rule| rule["id"] == "zh-fire")
            .unwrap()
    };
    let before = of().await;
    assert_eq!(
        (&before["incidents"], before.get("precision")),
        (&json!(0), None)
    );
    let id = world.fire().await;
    let mut alert = (*world.desk.case(id).await.unwrap().alert).clone();
    (alert.revision, alert.rules) = (alert.revision + 1, vec!["zh-fire".into()]);
    world.desk.absorb_alerts([alert]).await.unwrap();
    let coordinator = Actor::new("coordinator-1", Role::Coordinator);
    for department in world.desk.case(id).await.unwrap().departments() {
        let action = Action::Dispose {
            department: department.clone(),
            disposition: Disposition::Confirmed,
            reason: String::new(),
        };
        // One whose case has closed by then is released.
        let _ = world.desk.act(id, &coordinator, None, &action).await;
    }
    assert!(world.desk.case(id).await.unwrap().is_closed());
    // Counted anew after a minute.
    world.clock.advance(61_000);
    let after = of().await;
    assert_eq!(
        (&after["incidents"], &after["open"]),
        (&json!(1), &json!(0))
    );
    assert_eq!(after["verdicts"]["confirmed"], 1);
    assert_eq!(after["precision"], 1.0);
}

#[tokio::test]
async fn the_agenda_of_an_exercise_says_so_in_every_line() {
    let world = World::new().await;
    world.incidents(12, Status::Exercise).await;
    let token = world.token(Role::ReadOnly, None).await;
    for (lang, mark, said, state) in [
        ("en", "Exercise: ", "EXERCISE", "State: new"),
        ("zh", "【演练】", "演练", "状态: 待确认"),
    ] {
        let path = format!("/api/v1/agenda.csv?status=exercise&lang={lang}");
        let csv = world.get(&path, &token).await.text;
        let mut reader = csv::Reader::from_reader(csv.trim_start_matches('\u{feff}').as_bytes());
        let head = reader.headers().unwrap().clone();
        let at = |name: &str| head.iter().position(|it| it == name).unwrap();
        let (status, headline) = (at("status"), at("headline"));
        let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        assert!(!rows.is_empty(), "{csv}");
        for row in rows {
            assert_eq!(&row[status], "exercise", "{row:?}");
            assert!(row[headline].starts_with(mark), "{row:?}");
        }
        let path = format!("/api/v1/agenda.md?status=exercise&lang={lang}");
        let file = world.get(&path, &token).await.text;
        let items = file.lines().filter(|line| line.starts_with("## "));
        let items: Vec<&str> = items.collect();
        assert!(!items.is_empty(), "{file}");
        assert!(items.iter().all(|line| line.contains(said)), "{file}");
        assert!(file.contains(state), "in the reader's words: {file}");
        let english = file.to_lowercase().contains("support");
        assert_eq!(english, lang == "en", "{file}");
    }
    let none = world.get("/api/v1/agenda.csv", &token).await.text;
    assert_eq!(none.lines().count(), 1, "only its head: {none}");
}
