//! The rules of the joint meeting, sentence by sentence.

use std::sync::Arc;

use super::*;
use crate::core::diagnostic::SourceFile;
use crate::core::model::{
    Alert, Duty, Hazard, Level, Millis, MsgType, Place, RoutedDepartment, Tier,
};
use crate::core::route::Routing;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

const TABLE: &str = "departments:\n\
    - {id: duty, names: {en: Duty, zh: 值班}, duty: true, tiers: [county, city]}\n\
    - {id: fire, names: {en: Fire, zh: 消防}, leads: [fire], tiers: [township, county, city]}\n\
    - {id: health, names: {en: Health, zh: 卫健}, supports: [{hazard: fire, required: true}]}\n\
    - {id: weather, names: {en: Weather, zh: 气象}, leads: [flood], supports: [{hazard: fire, from: orange}]}\n\
    - id: water\n\
    \x20 names: {en: Water, zh: 水利}\n\
    \x20 hours: {zone: UTC, days: {mon-fri: \"08:00-16:00\"}}\n";

pub(super) fn policy() -> Policy {
    let source = SourceFile {
        name: "departments.yaml".into(),
        text: TABLE.into(),
    };
    Policy::new(Arc::new(Routing::parse(&source).unwrap()))
}

/// A Friday, 15:30 UTC.
pub(super) fn start() -> Millis {
    Millis::parse("2026-01-02T15:30:00Z").unwrap()
}

pub(super) fn alert(revision: u32, level: Level, departments: &[(&str, bool)]) -> Alert {
    let departments = departments
        .iter()
        .enumerate()
        .map(|(at, (id, required))| RoutedDepartment {
            id: (*id).into(),
            duty: if at == 0 { Duty::Lead } else { Duty::Support },
            required: *required,
        })
        .collect();
    let mut alert = (*Case::blank_alert()).clone();
    alert.incident_id = uuid::Uuid::from_u128(7);
    alert.revision = revision;
    alert.level = level;
    alert.departments = departments;
    alert.material = true;
    alert.hazard = Hazard::Fire;
    alert.counts.sources = 1;
    alert.place = Place {
        code: "cn-1".into(),
        name: "Place".into(),
        name_zh: None,
        tier: Tier::County,
        coordinates: None,
    };
    alert
}

pub(super) fn open(level: Level, departments: &[(&str, bool)]) -> Case {
    Case::open(Arc::new(alert(1, level, departments)), start(), &policy()).0
}

pub(super) fn revise(case: &mut Case, after: i64, alert: Alert) -> Vec<EventKind> {
    let events = case.revise(Arc::new(alert), start().plus(after), &policy());
    events.iter().map(|event| event.kind).collect()
}

fn officer(department: &str) -> Actor {
    Actor::officer(format!("{department}-1"), department)
}

fn act(
    case: &mut Case,
    actor: &Actor,
    after: i64,
    action: Action,
) -> Result<Vec<EventKind>, Refusal> {
    case.act(actor, &action, start().plus(after), &policy())
        .map(|events| events.iter().map(|event| event.kind).collect())
        .map_err(|refused| refused.why)
}

fn acknowledge(department: &str) -> Action {
    Action::Acknowledge {
        department: Some(department.into()),
    }
}

fn dispose(department: &str, disposition: Disposition) -> Action {
    Action::Dispose {
        department: department.into(),
        disposition,
        reason: "done".to_owned(),
    }
}

fn advance(case: &mut Case, after: i64) -> Vec<EventKind> {
    let events = case.advance(start().plus(after), &policy());
    events.iter().map(|event| event.kind).collect()
}

#[test]
fn the_way_to_quorum() {
    let mut case = open(
        Level::Yellow,
        &[("fire", true), ("health", true), ("weather", false)],
    );
    assert_eq!(case.state, CaseState::New);
    assert_eq!(
        case.lead().unwrap().office,
        Office::County,
        "the place is a county"
    );
    act(&mut case, &officer("fire"), MINUTE, acknowledge("fire")).unwrap();
    assert_eq!(case.state, CaseState::Acknowledged);
    let begin = Action::Start {
        department: "health".into(),
    };
    act(&mut case, &officer("health"), MINUTE, begin).unwrap();
    assert_eq!(case.state, CaseState::InProgress);
    assert!(
        case.own("health").unwrap().acknowledged.is_some(),
        "who works on it knows"
    );
    let done = dispose("fire", Disposition::Confirmed);
    act(&mut case, &officer("fire"), HOUR, done.clone()).unwrap();
    assert_eq!((case.state, case.verdict), (CaseState::Disposed, None));
    let again = act(&mut case, &officer("fire"), HOUR, done);
    assert_eq!(again, Err(Refusal::NotPending));
    let kinds = act(
        &mut case,
        &officer("health"),
        HOUR,
        dispose("health", Disposition::NoAction),
    )
    .unwrap();
    assert!(kinds.contains(&EventKind::Closed));
    assert_eq!(case.state, CaseState::Closed);
    assert_eq!(
        case.verdict,
        Some(Disposition::Confirmed),
        "the lead's is the verdict"
    );
    assert_eq!(
        case.own("weather").unwrap().state,
        ObligationState::Released
    );
    assert_eq!(case.due(), None);
    let late = act(&mut case, &officer("weather"), HOUR, acknowledge("weather"));
    assert_eq!(late, Err(Refusal::Closed));
}

#[test]
fn the_lead_is_never_waived_and_others_only_by_a_coordinator_with_a_reason() {
    let mut case = open(Level::Yellow, &[("fire", true), ("health", true)]);
    let boss = Actor::new("boss", Role::Coordinator);
    let waive = |department: &str, reason: &str| Action::Waive {
        department: department.into(),
        reason: reason.to_owned(),
    };
    assert_eq!(
        act(&mut case, &officer("health"), 0, waive("health", "busy")),
        Err(Refusal::Role)
    );
    assert_eq!(
        act(&mut case, &boss, 0, waive("fire", "busy")),
        Err(Refusal::LeadStays)
    );
    assert_eq!(
        act(&mut case, &boss, 0, waive("health", " ")),
        Err(Refusal::ReasonMissing)
    );
    act(&mut case, &boss, 0, waive("health", "nobody hurt")).unwrap();
    act(
        &mut case,
        &boss,
        0,
        dispose("fire", Disposition::FalseAlarm),
    )
    .unwrap();
    assert_eq!(case.verdict, Some(Disposition::FalseAlarm));
}

#[test]
fn a_rise_shortens_and_nothing_lengthens() {
    let mut case = open(Level::Yellow, &[("fire", true)]);
    let by = |case: &Case| {
        let lead = case.lead().unwrap();
        (
            lead.acknowledge_by.since(start()),
            lead.dispose_by.since(start()),
        )
    };
    assert_eq!(by(&case), (HOUR, 24 * HOUR));
    let kinds = revise(&mut case, MINUTE, alert(2, Level::Red, &[("fire", true)]));
    assert!(kinds.contains(&EventKind::DeadlineShortened));
    assert_eq!(by(&case), (6 * MINUTE, 4 * HOUR + MINUTE));
    revise(
        &mut case,
        2 * MINUTE,
        alert(3, Level::Blue, &[("fire", true)]),
    );
    assert_eq!(
        by(&case),
        (6 * MINUTE, 4 * HOUR + MINUTE),
        "a fall lengthens nothing"
    );
    revise(
        &mut case,
        3 * MINUTE,
        alert(4, Level::Red, &[("fire", true)]),
    );
    assert_eq!(by(&case), (6 * MINUTE, 4 * HOUR + MINUTE));
}

#[test]
fn no_revision_takes_an_obligation_away_and_one_department_leads() {
    let mut case = open(Level::Orange, &[("fire", true), ("weather", false)]);
    revise(
        &mut case,
        MINUTE,
        alert(2, Level::Yellow, &[("health", true), ("fire", false)]),
    );
    let ids: Vec<(&str, Duty, bool)> = case
        .obligations
        .iter()
        .map(|it| (&*it.department, it.duty, it.required))
        .collect();
    assert_eq!(
        ids,
        [
            ("fire", Duty::Lead, true),
            ("weather", Duty::Support, false),
            ("health", Duty::Support, true),
        ]
    );
}

#[test]
fn misses_escalate_once_each_by_tier_then_to_the_coordinators() {
    let mut case = open(Level::Yellow, &[("fire", true)]);
    assert_eq!(case.due(), Some(start().plus(HOUR)));
    assert_eq!(advance(&mut case, HOUR - 1), []);
    assert_eq!(
        advance(&mut case, HOUR),
        [
            EventKind::AcknowledgeMissed,
            EventKind::Escalated,
            EventKind::ObligationAdded
        ]
    );
    assert_eq!(advance(&mut case, HOUR), [], "once");
    let added = case.obligations.last().unwrap().clone();
    assert_eq!((added.office, added.required), (Office::City, false));
    assert_eq!(added.acknowledge_by, start().plus(2 * HOUR));
    act(&mut case, &officer("fire"), HOUR, acknowledge("fire")).unwrap();
    assert_eq!(case.lead().unwrap().acknowledged_on_time(), Some(false));
    assert_eq!(case.obligations[1].acknowledged_on_time(), Some(true));
    let kinds = advance(&mut case, 24 * HOUR);
    assert_eq!(
        kinds,
        [
            EventKind::DisposeMissed,
            EventKind::Escalated,
            EventKind::ObligationAdded
        ]
    );
    assert_eq!(
        case.obligations.last().unwrap().office,
        Office::Coordinators
    );
    for hours in 25..200 {
        advance(&mut case, hours * HOUR);
    }
    assert_eq!(case.obligations.len(), 3, "an office takes part once");
    assert_eq!(case.due(), None);
    act(
        &mut case,
        &officer("fire"),
        200 * HOUR,
        dispose("fire", Disposition::Confirmed),
    )
    .unwrap();
    assert!(
        case.is_closed(),
        "what escalation added is not counted for the quorum"
    );
}

#[test]
fn working_hours_hold_below_orange_only() {
    let by = |level| {
        let case = open(level, &[("water", true)]);
        case.lead().unwrap().acknowledge_by.to_string()
    };
    // Half an hour is left on Friday; the other three and a half are Monday's.
    assert_eq!(by(Level::Blue), "2026-01-05T11:30:00.000Z");
    assert_eq!(by(Level::Yellow), "2026-01-05T08:30:00.000Z");
    assert_eq!(by(Level::Orange), "2026-01-02T15:45:00.000Z");
    assert_eq!(by(Level::Red), "2026-01-02T15:35:00.000Z");
    let mut case = open(Level::Yellow, &[("water", true)]);
    revise(&mut case, 0, alert(2, Level::Orange, &[("water", true)]));
    assert_eq!(
        case.lead().unwrap().acknowledge_by.to_string(),
        by(Level::Orange)
    );
}

#[test]
fn the_agenda_takes_orange_three_departments_or_a_request() {
    assert_eq!(
        open(Level::Yellow, &[("fire", true), ("health", true)]).agenda_since,
        None
    );
    let orange = open(Level::Orange, &[("fire", true)]);
    assert_eq!(orange.agenda_reasons(), [AgendaReason::Level]);
    let three = open(
        Level::Blue,
        &[("fire", true), ("health", true), ("weather", false)],
    );
    assert_eq!(three.agenda_reasons(), [AgendaReason::Departments]);
    let mut asked = open(Level::Blue, &[("fire", true)]);
    let ask = Action::Meeting {
        reason: "roads".to_owned(),
    };
    let kinds = act(&mut asked, &officer("health"), 0, ask).unwrap();
    assert_eq!(kinds, [EventKind::MeetingRequested, EventKind::OnAgenda]);
    let mut fell = orange;
    revise(&mut fell, MINUTE, alert(2, Level::Blue, &[("fire", true)]));
    assert_eq!(fell.agenda_since, Some(start()), "it stays until it closes");
}

fn closed(level: Level, sources: u32) -> Case {
    let mut first = alert(1, level, &[("fire", true)]);
    first.counts.sources = sources;
    let mut case = Case::open(Arc::new(first), start(), &policy()).0;
    act(
        &mut case,
        &officer("fire"),
        MINUTE,
        dispose("fire", Disposition::NoAction),
    )
    .unwrap();
    assert!(case.is_closed());
    case
}

#[test]
fn only_a_higher_level_or_two_more_sources_reopen() {
    let echo = |case: &mut Case, level, sources, material| {
        let mut echo = alert(2, level, &[("fire", true)]);
        (echo.counts.sources, echo.material) = (sources, material);
        revise(case, HOUR, echo).contains(&EventKind::Reopened)
    };
    for (level, sources, material, reopens) in [
        (Level::Yellow, 2, true, false),
        (Level::Blue, 1, true, false),
        (Level::Orange, 1, true, true),
        (Level::Yellow, 3, true, true),
        (Level::Red, 9, false, false),
    ] {
        let mut case = closed(Level::Yellow, 1);
        assert_eq!(
            echo(&mut case, level, sources, material),
            reopens,
            "{level:?} {sources}"
        );
        assert_eq!(case.is_closed(), !reopens);
        assert_eq!(case.alert.revision, 2, "it joins the timeline");
        if reopens {
            let lead = case.lead().unwrap();
            assert_eq!(
                (case.state, case.round, lead.state),
                (CaseState::New, 2, ObligationState::Open)
            );
            assert!(
                lead.acknowledge_by > start().plus(HOUR),
                "a round of its own"
            );
            assert_eq!(case.past.len(), 1);
        }
    }
}

#[test]
fn corrections_lie_over_the_machine_s_values_and_are_kept() {
    let mut case = open(Level::Yellow, &[("fire", true)]);
    let analyst = Actor::new("ana", Role::Analyst);
    let correct = Action::Correct {
        hazard: Some(Hazard::Flood),
        place: None,
        level: Some(Level::Red),
        reason: "seen on site, call 13912345678".to_owned(),
    };
    act(&mut case, &analyst, 0, correct).unwrap();
    revise(
        &mut case,
        MINUTE,
        alert(2, Level::Orange, &[("fire", true)]),
    );
    assert_eq!((case.level(), case.hazard()), (Level::Red, Hazard::Flood));
    assert_eq!(
        (case.alert.level, case.alert.hazard),
        (Level::Orange, Hazard::Fire)
    );
    assert_eq!(
        case.lead().unwrap().acknowledge_by,
        start().plus(5 * MINUTE)
    );
    assert!(
        case.own("weather").unwrap().required,
        "who leads floods takes part"
    );
    let reason = &case.overlays.level.as_ref().unwrap().mark.reason;
    assert!(!reason.contains("139123"), "{reason}");
    let back = Action::Uncorrect {
        field: Field::Level,
        reason: "mistaken".to_owned(),
    };
    act(&mut case, &analyst, MINUTE, back).unwrap();
    assert_eq!(case.level(), Level::Orange);
    let of = case.incident;
    let reason = "same".to_owned();
    let own = act(
        &mut case,
        &analyst,
        MINUTE,
        Action::Duplicate { of, reason },
    );
    assert_eq!(own, Err(Refusal::BadDuplicate));
}

#[test]
fn handed_on_only_when_accepted() {
    let mut case = open(Level::Yellow, &[("fire", true), ("health", true)]);
    let offer = Action::Transfer {
        department: "fire".into(),
        to: "weather".into(),
        reason: "rain".to_owned(),
    };
    act(&mut case, &officer("fire"), 0, offer).unwrap();
    assert_eq!(
        &*case.lead().unwrap().department,
        "fire",
        "theirs until accepted"
    );
    let accept = Action::Accept {
        department: "weather".into(),
    };
    assert_eq!(
        act(&mut case, &officer("health"), 0, accept.clone()),
        Err(Refusal::NotYours)
    );
    let by = case.lead().unwrap().dispose_by;
    act(&mut case, &officer("weather"), HOUR / 2, accept).unwrap();
    let lead = case.lead().unwrap();
    assert_eq!(
        (&*lead.department, lead.required, lead.dispose_by),
        ("weather", true, by)
    );
    revise(
        &mut case,
        HOUR / 2,
        alert(2, Level::Yellow, &[("fire", true), ("health", true)]),
    );
    assert_eq!(
        case.obligations.len(),
        3,
        "the alert still names fire, which has handed it on"
    );
    let decline = Action::Decline {
        department: "health".into(),
        reason: "nobody hurt".to_owned(),
    };
    act(&mut case, &officer("health"), HOUR, decline).unwrap();
    assert!(
        case.own("health").unwrap().state.is_pending(),
        "theirs until a coordinator agrees"
    );
    let agree = Action::Accept {
        department: "health".into(),
    };
    act(
        &mut case,
        &Actor::new("boss", Role::Coordinator),
        HOUR,
        agree,
    )
    .unwrap();
    assert_eq!(case.own("health").unwrap().state, ObligationState::Waived);
}

#[test]
fn withdrawn_reports_end_what_nobody_took() {
    let cancel = |revision| Alert {
        msg_type: MsgType::Cancel,
        ..alert(revision, Level::Yellow, &[("fire", true), ("health", true)])
    };
    let mut untouched = open(Level::Yellow, &[("fire", true), ("health", true)]);
    revise(&mut untouched, MINUTE, cancel(2));
    assert!(untouched.is_closed() && untouched.verdict.is_none());
    revise(
        &mut untouched,
        HOUR,
        alert(3, Level::Blue, &[("fire", true)]),
    );
    assert!(!untouched.is_closed(), "reports came again");
    let mut taken = open(Level::Yellow, &[("fire", true), ("health", true)]);
    act(&mut taken, &officer("fire"), 0, acknowledge("fire")).unwrap();
    revise(&mut taken, MINUTE, cancel(2));
    assert!(!taken.is_closed() && taken.cancelled_at.is_some());
    act(
        &mut taken,
        &officer("fire"),
        HOUR,
        dispose("fire", Disposition::NoAction),
    )
    .unwrap();
    assert!(taken.is_closed());
}

#[test]
fn read_only_and_operators_decide_nothing_and_officers_for_their_own() {
    let mut case = open(Level::Yellow, &[("fire", true), ("health", true)]);
    for role in [Role::ReadOnly, Role::Operator] {
        for action in [
            acknowledge("fire"),
            Action::Watch,
            Action::Note { text: "x".into() },
        ] {
            let who = Actor::new("x", role);
            assert_eq!(act(&mut case, &who, 0, action), Err(Refusal::Role));
        }
    }
    assert_eq!(
        act(&mut case, &officer("health"), 0, acknowledge("fire")),
        Err(Refusal::NotYours)
    );
    let analyst = Actor::new("ana", Role::Analyst);
    assert_eq!(
        act(&mut case, &analyst, 0, acknowledge("fire")),
        Err(Refusal::Role)
    );
    let seen = Action::Acknowledge { department: None };
    act(&mut case, &analyst, 0, seen).unwrap();
    assert_eq!(case.state, CaseState::Acknowledged);
    assert_eq!(case.version, 2);
}

#[test]
fn a_case_survives_its_serialised_form() {
    let mut case = open(Level::Red, &[("fire", true), ("health", true)]);
    act(&mut case, &officer("fire"), 0, Action::Watch).unwrap();
    let text = serde_json::to_string(&case).unwrap();
    assert!(!text.contains("evidence"), "revisions are kept apart");
    let read: Case = serde_json::from_str(&text).unwrap();
    assert_eq!(read.with_alert(Arc::clone(&case.alert)), case);
}
