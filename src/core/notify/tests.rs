use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::tz::TimeZone;
use proptest::prelude::*;
use uuid::Uuid;

use super::slot::window_end;
use super::*;
use crate::core::model::{Alert, Level, Millis, MsgType, Status};
use crate::core::obligation::{Action, Actor, Case, Event, EventKind, Office, Policy, Role};
use crate::core::route::Routing;
use crate::desk::Synthetic;

const MINUTE: i64 = 60_000;
const T0: Millis = Millis(1_767_225_600_000);

fn routing() -> Arc<Routing> {
    let text = "departments:\n  - {id: duty, names: {en: Duty, zh: 值班}, duty: true, leads: [], tiers: [county, city], channels: [console, \"webhook:a\"]}\n  - {id: fire, names: {en: Fire, zh: 消防}, leads: [fire], tiers: [county, city], channels: [\"webhook:a\", \"email:b\"]}\n";
    let source = crate::core::diagnostic::SourceFile {
        name: "departments.yaml".into(),
        text: text.into(),
    };
    Arc::new(Routing::parse(&source).unwrap_or_else(|found| panic!("{found:?}")))
}

/// An alert of a fire at a level.
fn alert(level: Level, revision: u32) -> Alert {
    let synthetic = Synthetic::new(1, 1, routing());
    let mut alert = synthetic.alert(0, 1);
    alert.hazard = crate::core::model::Hazard::Fire;
    alert.level = level;
    alert.departments = routing().departments(alert.hazard, level, &[]);
    alert.revision = revision;
    alert.material = true;
    alert
}

fn receiver(name: &str, group_wait_ms: i64, digest: Option<Digest>) -> Receiver {
    Receiver {
        name: name.into(),
        group_wait_ms,
        digest,
        language: Language::Zh,
    }
}

fn planner(routes: Vec<Route>) -> Planner {
    let digest = Digest {
        every_ms: 30 * MINUTE,
        below: Level::Orange,
    };
    let all = [
        receiver("webhook:a", 0, None),
        receiver("email:b", MINUTE, Some(digest)),
    ];
    Planner {
        routes: Routes(routes),
        receivers: all.into_iter().map(|it| (it.name.clone(), it)).collect(),
        stale_ms: 60 * MINUTE,
        catch_up_ms: MINUTE,
        excerpts: true,
    }
}

fn opened(level: Level) -> (Case, Vec<Event>, Policy) {
    let policy = Policy::new(routing());
    let (case, events) = Case::open(Arc::new(alert(level, 1)), T0, &policy);
    (case, events, policy)
}

fn numbered(events: &[Event]) -> Vec<(i64, &Event)> {
    (1..).zip(events).collect()
}

fn kinds(case: &Case, events: &[Event]) -> Vec<(NoticeKind, String)> {
    let all = wanted(case, &numbered(events));
    let pair = |it: Wanted| (it.kind, it.department.to_string());
    all.into_iter().map(pair).collect()
}

fn fire(kind: NoticeKind) -> (NoticeKind, String) {
    (kind, "fire".to_owned())
}

#[test]
fn each_change_says_one_thing_to_each_department() {
    let (mut case, events, policy) = opened(Level::Yellow);
    assert_eq!(kinds(&case, &events), [fire(NoticeKind::NewObligation)]);
    // A refresh of counts is nothing.
    let mut refresh = alert(Level::Yellow, 2);
    refresh.material = false;
    let events = case.revise(Arc::new(refresh), T0, &policy);
    assert_eq!(kinds(&case, &events), []);
    // A rise, and no fall.
    let events = case.revise(Arc::new(alert(Level::Orange, 3)), T0, &policy);
    assert_eq!(kinds(&case, &events), [fire(NoticeKind::LevelRaised)]);
    let events = case.revise(Arc::new(alert(Level::Yellow, 4)), T0, &policy);
    assert_eq!(kinds(&case, &events), []);
    // A deadline that passes: its office is told, and the next one called.
    let late = case.due().unwrap();
    let events = case.advance(late, &policy);
    let all = wanted(&case, &numbered(&events));
    let told: Vec<_> = all.iter().map(|it| (it.kind, it.office)).collect();
    assert_eq!(
        told,
        [
            (NoticeKind::DeadlineMissed, Some(Office::County)),
            (NoticeKind::Escalated, Some(Office::City))
        ]
    );
    assert!(
        all.iter()
            .all(|it| it.deadline == Some(Deadline::Acknowledge))
    );
    // Withdrawn.
    let mut cancel = alert(Level::Yellow, 5);
    cancel.msg_type = MsgType::Cancel;
    let events = case.revise(Arc::new(cancel), late, &policy);
    assert!(case.is_closed(), "nobody had taken it");
    assert_eq!(kinds(&case, &events), [fire(NoticeKind::Cancelled)]);
    // Open again: a reopening, and not a new task beside it.
    let events = case.revise(Arc::new(alert(Level::Red, 6)), late, &policy);
    assert!(
        events
            .iter()
            .any(|it| it.kind == EventKind::ObligationAdded)
    );
    assert_eq!(kinds(&case, &events), [fire(NoticeKind::Reopened)]);
}

#[test]
fn a_person_s_level_counts() {
    let (mut case, _, policy) = opened(Level::Yellow);
    let correct = Action::Correct {
        hazard: None,
        place: None,
        level: Some(Level::Red),
        reason: "seen".to_owned(),
    };
    let actor = Actor::new("a", Role::Analyst);
    let events = case.act(&actor, &correct, T0, &policy).unwrap();
    let all = wanted(&case, &numbered(&events));
    let raised: Vec<_> = all.iter().map(|it| (it.kind, it.level_before)).collect();
    assert_eq!(raised, [(NoticeKind::LevelRaised, Some(Level::Yellow))]);
    // The machine follows to a level below the person's: nobody has to know.
    let events = case.revise(Arc::new(alert(Level::Orange, 2)), T0, &policy);
    assert_eq!(kinds(&case, &events), []);
}

#[test]
fn a_transfer_is_told_to_whom_it_is_offered() {
    let (mut case, _, policy) = opened(Level::Yellow);
    let offer = Action::Transfer {
        department: "fire".into(),
        to: "duty".into(),
        reason: "yours".to_owned(),
    };
    let actor = Actor::officer("o", "fire");
    let events = case.act(&actor, &offer, T0, &policy).unwrap();
    let duty = (NoticeKind::TransferOffered, "duty".to_owned());
    assert_eq!(kinds(&case, &events), [duty]);
}

#[test]
fn routes_are_looked_at_in_order() {
    let (case, events, _) = opened(Level::Orange);
    let channels = |routes: Vec<Route>| -> Vec<String> {
        let plan = planner(routes);
        let routing = routing();
        plan.change(&case, &numbered(&events), T0, (&routing, &not_muted), None)
            .iter()
            .map(|it| it.channel.to_string())
            .collect()
    };
    // Without routes: the department's own, and of these the receivers.
    assert_eq!(channels(vec![]), ["email:b", "webhook:a"]);
    let to = |name: &str| Route {
        channels: vec![name.into()],
        ..Route::default()
    };
    assert_eq!(
        channels(vec![to("webhook:a"), to("email:b")]),
        ["webhook:a"]
    );
    let on = |route: Route| Route {
        go_on: true,
        ..route
    };
    let both = vec![on(to("webhook:a")), to("email:b"), to("webhook:a")];
    assert_eq!(channels(both), ["email:b", "webhook:a"]);
    let red = Route {
        from: Level::Red,
        ..to("webhook:a")
    };
    assert_eq!(channels(vec![red.clone()]), [""; 0]);
    assert_eq!(channels(vec![red, to("email:b")]), ["email:b"]);
    let missed = Route {
        kinds: vec![NoticeKind::Escalated],
        ..to("webhook:a")
    };
    assert_eq!(channels(vec![missed]), [""; 0]);
    let other = Route {
        departments: vec!["duty".into()],
        ..to("webhook:a")
    };
    assert_eq!(channels(vec![other]), [""; 0]);
    let office = Route {
        offices: vec![Office::County],
        ..to("webhook:a")
    };
    assert_eq!(channels(vec![office]), ["webhook:a"]);
    let hazard = Route {
        hazards: vec![crate::core::model::Hazard::Flood],
        ..to("webhook:a")
    };
    assert_eq!(channels(vec![hazard]), [""; 0]);
    assert_eq!(channels(vec![to("webhook:nobody")]), [""; 0]);
}

#[test]
fn a_mute_is_heard_but_inhibition_never_hides_a_deadline_or_red() {
    let (mut case, events, policy) = opened(Level::Orange);
    let by = Uuid::from_u128(7);
    let inhibits = move |_: &Asked<'_>| Some(MuteReason::Inhibited(by));
    let silences = |_: &Asked<'_>| Some(MuteReason::Silence("s1".into()));
    let routing = routing();
    let fates = |case: &Case, events: &[Event], mute: Mute<'_>| -> Vec<bool> {
        let plan = planner(vec![]);
        let all = plan.change(case, &numbered(events), T0, (&routing, mute), None);
        assert!(!all.is_empty());
        all.iter().map(|it| it.fate == Fate::Pending).collect()
    };
    assert_eq!(fates(&case, &events, &inhibits), [false, false]);
    assert_eq!(fates(&case, &events, &silences), [false, false]);
    let missed = case.advance(case.due().unwrap(), &policy);
    assert!(fates(&case, &missed, &inhibits).iter().all(|sent| *sent));
    assert!(fates(&case, &missed, &silences).iter().all(|sent| !*sent));
    let (case, events, _) = opened(Level::Red);
    assert_eq!(fates(&case, &events, &inhibits), [true, true]);
}

#[test]
fn what_is_old_is_one_reminder_or_skipped() {
    let (case, events, _) = opened(Level::Orange);
    let routing = routing();
    let late = T0.plus(61 * MINUTE);
    let plan = planner(vec![]);
    let planned = |case: &Case, seq: i64| {
        let events: Vec<_> = (seq..).zip(&events).collect();
        plan.change(case, &events, late, (&routing, &not_muted), Some(1))
    };
    let (first, again) = (planned(&case, 1), planned(&case, 100));
    assert!(
        first
            .iter()
            .all(|it| it.notice.kind == NoticeKind::StillOpen)
    );
    assert!(first.iter().all(|it| it.slot.due == late.plus(MINUTE)));
    // The same incident once, whatever else was missed about it; and one message for all incidents of a department.
    assert_eq!(first[0].notice.id, again[0].notice.id);
    let mut other = case.clone();
    other.incident = Uuid::from_u128(9);
    let other = planned(&other, 200);
    assert_ne!(first[0].notice.id, other[0].notice.id);
    assert_eq!(first[0].slot.message, other[0].slot.message);
    // Closed in the meantime: nothing to remind of.
    let mut closed = case.clone();
    closed.closed_at = Some(T0);
    assert!(planned(&closed, 1).iter().all(|it| it.fate == Fate::Stale));
    let fresh = plan.change(&case, &numbered(&events), T0, (&routing, &not_muted), None);
    assert!(fresh.iter().all(|it| it.fate == Fate::Pending));
}

#[test]
fn an_exercise_is_marked_and_never_with_something_actual() {
    let (case, events, _) = opened(Level::Yellow);
    let (at, routing) = (T0, routing());
    let plan = planner(vec![]);
    let slot = |status: Status| {
        let mut alert = (*case.alert).clone();
        alert.status = status;
        let case = case.clone().with_alert(Arc::new(alert));
        let all = plan.change(&case, &numbered(&events), at, (&routing, &not_muted), None);
        all.into_iter().find(|it| *it.channel == *"email:b")
    };
    let (actual, exercise) = (
        slot(Status::Actual).unwrap(),
        slot(Status::Exercise).unwrap(),
    );
    assert_eq!(
        actual.slot.due, exercise.slot.due,
        "both wait for the digest"
    );
    assert_ne!(actual.slot.message, exercise.slot.message);
    assert!(
        slot(Status::Test).is_none(),
        "a test asks for a route of its own"
    );
    for (language, mark) in [
        (Language::Zh, "[Tocsin] 【演练】"),
        (Language::En, "[Tocsin] EXERCISE "),
    ] {
        let text = mail_text(
            std::slice::from_ref(&exercise.notice),
            language,
            None,
            &TimeZone::UTC,
        );
        assert!(text.subject.starts_with(mark), "{}", text.subject);
        assert!(text.html.contains("<strong>") && !text.plain.contains('<'));
        let real = mail_text(
            std::slice::from_ref(&actual.notice),
            language,
            None,
            &TimeZone::UTC,
        );
        assert!(!real.subject.starts_with(mark) && !real.html.contains("<strong>"));
    }
}

#[test]
fn hostile_words_stay_words() {
    let (mut case, events, _) = opened(Level::Orange);
    let mut alert = (*case.alert).clone();
    alert.headline.zh = "火\r\nBcc: x@example.org\u{202e}<script>".into();
    alert.place.name_zh = Some("a\u{0}\n&\"b".into());
    alert.evidence[0].excerpt = "line\r\n.\r\n<b>&\u{1b}[31m".into();
    case = case.with_alert(Arc::new(alert));
    let routing = routing();
    let plan = planner(vec![]);
    let all = plan.change(&case, &numbered(&events), T0, (&routing, &not_muted), None);
    let notice = &all[0].notice;
    let text = mail_text(
        std::slice::from_ref(notice),
        Language::Zh,
        Some("https://desk.example/"),
        &TimeZone::UTC,
    );
    assert!(!text.subject.chars().any(is_unsafe), "{:?}", text.subject);
    assert!(
        !text.html.contains("<script") && !text.html.contains("<b>"),
        "{}",
        text.html
    );
    let clean = |text: &str| text.split('\n').all(|line| !line.chars().any(is_unsafe));
    assert!(clean(&text.plain) && clean(&text.html));
    assert!(text.plain.contains("https://desk.example/incidents/"));
    let body = webhook_body(Uuid::nil(), "webhook:a", std::slice::from_ref(notice));
    let back: serde_json::Value = serde_json::from_str(&body).unwrap();
    let title = back["notices"][0]["headline"]["zh"].as_str().unwrap();
    assert!(!title.chars().any(is_unsafe), "{title:?}");
}

#[test]
fn the_signature_is_hmac_sha256() {
    // Worked out with another implementation: printf '1700000000.{}' | openssl dgst -sha256 -hmac secret
    let expected =
        "t=1700000000,v1=b8569b78799ff9e3cbff0fc2d63a33a2b57f3282abd07c37ae5e8e7d79a5f163";
    assert_eq!(signature(b"secret", 1_700_000_000, "{}"), expected);
    assert_ne!(signature(b"secret2", 1_700_000_000, "{}"), expected);
}

proptest! {
    #[test]
    fn a_window_ends_after_now_and_at_its_multiple(now in -1_000_000_000_000_i64..4_000_000_000_000, length in 1_i64..100_000_000) {
        let end = window_end(Millis(now), length);
        prop_assert!(end.0 > now && end.0 <= now + length);
        prop_assert_eq!(end.0.rem_euclid(length), 0);
        // Everything within the window has the same end.
        prop_assert_eq!(window_end(Millis(end.0 - 1), length), end);
        prop_assert_eq!(window_end(Millis(end.0 - length), length), end);
    }

    #[test]
    fn a_backoff_doubles_within_its_bounds_and_ends(first in 1_i64..100_000, most in 1_i64..10_000_000, attempts in 1_u32..40, id: u128) {
        let backoff = Backoff { first_ms: first, most_ms: most, attempts };
        let message = Uuid::from_u128(id);
        let mut naive = first;
        for attempt in 1..=attempts + 2 {
            let delay = backoff.after(attempt, message);
            if attempt >= attempts {
                prop_assert_eq!(delay, None);
            } else {
                let bound = naive.min(most);
                let delay = delay.unwrap();
                prop_assert!(delay >= bound - bound / 10 - 1 && delay <= bound + bound / 10, "{} {}", delay, bound);
            }
            naive = naive.saturating_mul(2);
        }
    }
}

#[test]
fn a_lesser_notice_waits_for_the_digest_and_an_urgent_one_never() {
    let (case, events, _) = opened(Level::Yellow);
    let plan = planner(vec![]);
    let mail: &Receiver = &plan.receivers["email:b"];
    let one = wanted(&case, &numbered(&events)).remove(0);
    let mut notice = Notice::of(&case, &one, false);
    assert!(notice.excerpts.is_empty());
    let now = T0.plus(MINUTE);
    assert_eq!(mail.slot(&notice, now).due, T0.plus(30 * MINUTE));
    for kind in NoticeKind::ALL {
        notice.kind = *kind;
        let at_once = mail.slot(&notice, now).due < T0.plus(30 * MINUTE);
        let expected = kind.is_urgent() || *kind == NoticeKind::Reopened;
        assert_eq!(at_once, expected, "{}", kind.id());
    }
    notice.kind = NoticeKind::NewObligation;
    notice.level = Level::Orange;
    assert_eq!(
        mail.slot(&notice, now).due,
        now.plus(MINUTE),
        "grouped for a minute"
    );
    let hook: BTreeMap<_, _> = plan.receivers.clone();
    assert_eq!(hook["webhook:a"].slot(&notice, now).due, now);
}
