//! Silences and inhibition, sentence by sentence; and against a naive reading of the rules.

use std::sync::Arc;

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::core::model::{Hazard, Level, Millis, Status};
use crate::core::obligation::{Actor, Event, EventKind, Refusal, Refused, Role};

const HOUR: i64 = 3_600_000;
const LIMITS: Limits = Limits {
    longest_ms: 72 * HOUR,
};

/// Three in the morning, Shanghai.
fn night() -> Millis {
    Millis::parse("2026-01-02T19:00:00Z").unwrap()
}

fn ids(all: &[&str]) -> Vec<Arc<str>> {
    all.iter().map(|id| Arc::from(*id)).collect()
}

fn subject() -> Subject {
    Subject {
        incident: Uuid::from_u128(7),
        status: Status::Actual,
        hazard: Hazard::Fire,
        place: "district".into(),
        within: ids(&["city", "province"]),
        level: Level::Yellow,
        rules: ids(&["smoke"]),
        departments: ids(&["fire", "health"]),
        stands: true,
    }
}

fn wish(matchers: Matchers) -> Wish {
    Wish {
        matchers,
        starts: None,
        ends: night().plus(3 * HOUR),
        reason: "a detector is being repaired".to_owned(),
        covers_red: false,
    }
}

fn rule(id: &str) -> Matchers {
    Matchers {
        rule: Some(id.into()),
        ..Matchers::default()
    }
}

fn analyst() -> Actor {
    Actor::new("analyst-1", Role::Analyst)
}

fn make(wish: &Wish) -> Result<(Silence, Event), Refused> {
    Silence::create(Uuid::from_u128(1), wish, &analyst(), night(), LIMITS, 0)
}

fn silence(matchers: Matchers) -> Silence {
    make(&wish(matchers)).unwrap().0
}

#[test]
fn it_mutes_from_its_start_until_its_end_and_at_no_other_time() {
    let mut wish = wish(rule("smoke"));
    wish.starts = Some(night().plus(HOUR));
    let (silence, event) = make(&wish).unwrap();
    assert_eq!(event.kind, EventKind::SilenceCreated);
    assert_eq!(event.reason, "a detector is being repaired");
    let at = |ms: i64| {
        let now = night().plus(ms);
        (silence.standing(now), silence.matches(&subject(), now))
    };
    assert_eq!(at(0), (Standing::Pending, false));
    assert_eq!(at(HOUR - 1), (Standing::Pending, false));
    assert_eq!(at(HOUR), (Standing::Live, true));
    assert_eq!(at(3 * HOUR - 1), (Standing::Live, true));
    assert_eq!(at(3 * HOUR), (Standing::Over, false));
}

#[test]
fn all_that_is_given_has_to_hold() {
    let all = Matchers {
        status: Status::Actual,
        rule: Some("smoke".into()),
        hazard: Some(Hazard::Fire),
        place: Some("city".into()),
        department: Some("health".into()),
        level: Some(Level::Yellow),
    };
    let silence = silence(all);
    let now = night();
    assert!(silence.matches(&subject(), now));
    let changes: [(&str, fn(&mut Subject)); 7] = [
        ("another rule", |it| it.rules = ids(&["flames"])),
        ("a second rule found it too", |it| {
            it.rules = ids(&["flames", "smoke"]);
        }),
        ("another hazard", |it| it.hazard = Hazard::Flood),
        ("elsewhere", |it| it.within = ids(&["other", "province"])),
        ("not its department", |it| it.departments = ids(&["fire"])),
        ("above its level", |it| it.level = Level::Orange),
        ("an exercise", |it| it.status = Status::Exercise),
    ];
    for (what, change) in changes {
        let mut other = subject();
        change(&mut other);
        assert!(!silence.matches(&other, now), "{what}");
    }
    let mut lower = subject();
    lower.level = Level::Blue;
    assert!(silence.matches(&lower, now));
    let mut there = subject();
    (there.place, there.within) = ("city".into(), Vec::new());
    assert!(silence.matches(&there, now), "the place itself");
}

#[test]
fn exercises_and_what_is_real_never_silence_each_other() {
    for of in Status::ALL {
        let silence = silence(Matchers {
            status: of,
            hazard: Some(Hazard::Fire),
            ..Matchers::default()
        });
        for status in Status::ALL {
            let mut subject = subject();
            subject.status = status;
            assert_eq!(silence.matches(&subject, night()), of == status);
        }
    }
}

#[test]
fn red_is_heard_until_it_was_confirmed_twice() {
    let mut red = subject();
    red.level = Level::Red;
    let quiet = silence(rule("smoke"));
    assert!(!quiet.matches(&red, night()), "not asked for");
    let mut asked = wish(rule("smoke"));
    asked.covers_red = true;
    let (mut silence, _) = make(&asked).unwrap();
    assert!(!silence.matches(&red, night()), "asked for, not confirmed");
    assert!(silence.matches(&subject(), night()), "below red it mutes");
    let operator = Actor::new("operator-1", Role::Operator);
    let refused = silence.confirm_red(&operator, night()).unwrap_err();
    assert_eq!(refused.why, Refusal::Role);
    let own = silence.confirm_red(&analyst(), night()).unwrap_err();
    assert_eq!(own.why, Refusal::SecondAccount);
    assert!(!silence.matches(&red, night()), "one account is one word");
    let second = Actor::new("analyst-2", Role::Analyst);
    let event = silence.confirm_red(&second, night()).unwrap();
    assert_eq!(event.kind, EventKind::SilenceRedConfirmed);
    assert_eq!(event.before["red"]["state"], "asked");
    assert!(silence.matches(&red, night()));
    let twice = silence.confirm_red(&analyst(), night()).unwrap_err();
    assert_eq!(twice.why, Refusal::NothingToDo);
    assert_eq!(silence.version, 2);
}

#[test]
fn what_cannot_be_is_refused_and_says_why() {
    let good = wish(rule("smoke"));
    assert!(make(&good).is_ok());
    let longest = night().plus(72 * HOUR);
    let changes: [(&str, fn(&mut Wish), Refusal); 9] = [
        (
            "reason",
            |it| it.reason = "  ".to_owned(),
            Refusal::ReasonMissing,
        ),
        (
            "reason",
            |it| it.reason = "x".repeat(2_001),
            Refusal::TooLong,
        ),
        (
            "nothing",
            |it| it.matchers = Matchers::default(),
            Refusal::BadSilence,
        ),
        ("past", |it| it.ends = night(), Refusal::BadSilence),
        (
            "long",
            |it| it.ends = night().plus(72 * HOUR + 1),
            Refusal::BadSilence,
        ),
        (
            "late",
            |it| {
                it.starts = Some(night().plus(73 * HOUR));
                it.ends = night().plus(74 * HOUR);
            },
            Refusal::BadSilence,
        ),
        (
            "red",
            |it| it.matchers.level = Some(Level::Red),
            Refusal::BadSilence,
        ),
        (
            "contradiction",
            |it| {
                it.matchers.level = Some(Level::Yellow);
                it.covers_red = true;
            },
            Refusal::BadSilence,
        ),
        (
            "name",
            |it| it.matchers.place = Some("".into()),
            Refusal::BadSilence,
        ),
    ];
    for (what, change, why) in changes {
        let mut bad = good.clone();
        change(&mut bad);
        assert_eq!(make(&bad).unwrap_err().why, why, "{what}");
    }
    let mut to_the_last = good.clone();
    to_the_last.ends = longest;
    assert!(make(&to_the_last).is_ok());
    let full = Silence::create(
        Uuid::nil(),
        &good,
        &analyst(),
        night(),
        LIMITS,
        MAX_SILENCES,
    );
    assert_eq!(full.unwrap_err().why, Refusal::TooMany);
    let masked = Wish {
        reason: "call 13812345678".to_owned(),
        ..good
    };
    let (silence, event) = make(&masked).unwrap();
    assert!(!silence.reason.contains("13812345678") && !event.reason.contains("13812345678"));
}

#[test]
fn an_officer_silences_its_own_department_and_a_reader_nothing() {
    let officer = Actor::officer("officer-1", "fire");
    let of = |department: Option<&str>| {
        let mut wish = wish(rule("smoke"));
        wish.matchers.department = department.map(Into::into);
        Silence::create(Uuid::nil(), &wish, &officer, night(), LIMITS, 0).map_err(|it| it.why)
    };
    assert!(of(Some("fire")).is_ok());
    assert_eq!(of(Some("health")).unwrap_err(), Refusal::NotYours);
    assert_eq!(of(None).unwrap_err(), Refusal::NotYours);
    let mut silence = silence(rule("smoke"));
    let refused = silence.end(&officer, "", night(), &Ending::default());
    assert_eq!(refused.unwrap_err().why, Refusal::NotYours);
    assert_eq!(silence.version, 1, "a refusal changes nothing");
    let reader = Actor::new("wall", Role::ReadOnly);
    assert_eq!(permit(&reader, None).unwrap_err().why, Refusal::Role);
}

#[test]
fn it_ends_once() {
    let mut silence = silence(rule("smoke"));
    let left = Ending {
        still_open: 2,
        ..Ending::default()
    };
    let event = silence.end(&analyst(), "repaired", night(), &left).unwrap();
    assert_eq!(
        (event.kind, event.reason.as_str()),
        (EventKind::SilenceEnded, "repaired")
    );
    assert_eq!(event.after["still_open"], 2);
    assert_eq!(event.after["early"], true);
    assert!(!silence.matches(&subject(), night()));
    let again = silence.end(&analyst(), "", night(), &left).unwrap_err();
    assert_eq!(again.why, Refusal::NothingToDo);
    assert_eq!(silence.standing(night()), Standing::Over);
}

#[test]
fn a_silence_of_a_department_leaves_the_others_hearing() {
    let mut of_health = rule("smoke");
    of_health.department = Some("health".into());
    let marks = marks(&subject(), &[silence(of_health)], &[], night());
    assert_eq!(marks.len(), 1);
    assert!(marks[0].covers(Some("health"), Notice::Other));
    assert!(marks[0].covers(Some("health"), Notice::Deadline));
    assert!(!marks[0].covers(Some("fire"), Notice::Other));
    assert!(!marks[0].covers(None, Notice::Other), "the coordinators");
}

/// The city's fire, over [`subject`]'s district.
fn city() -> Subject {
    Subject {
        incident: Uuid::from_u128(8),
        place: "city".into(),
        within: ids(&["province"]),
        level: Level::Orange,
        ..subject()
    }
}

#[test]
fn a_wider_incident_of_the_same_status_and_hazard_mutes_its_children() {
    let found = marks(&subject(), &[], &[city()], night());
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(
        (found[0].by, found[0].id),
        (By::Inhibition, city().incident)
    );
    assert_eq!(found[0].departments, ids(&["fire", "health"]));
    assert!(found[0].covers(Some("fire"), Notice::Other));
    assert!(
        !found[0].covers(Some("fire"), Notice::Deadline),
        "never a deadline"
    );
    assert!(!found[0].covers(None, Notice::Other));
    assert_eq!(
        marks(&city(), &[], &[subject()], night()),
        [],
        "not its parent"
    );
    let changes: [(&str, fn(&mut Subject, &mut Subject)); 8] = [
        ("another hazard", |_, city| city.hazard = Hazard::Flood),
        ("an exercise", |_, city| city.status = Status::Exercise),
        ("a lower level", |_, city| city.level = Level::Blue),
        ("red", |child, city| {
            (child.level, city.level) = (Level::Red, Level::Red);
        }),
        ("closed or withdrawn", |_, city| city.stands = false),
        ("the same place", |_, city| city.place = "district".into()),
        ("elsewhere", |_, city| city.place = "other".into()),
        ("nobody in common", |_, city| {
            city.departments = ids(&["transport"]);
        }),
    ];
    for (what, change) in changes {
        let (mut child, mut city) = (subject(), city());
        change(&mut child, &mut city);
        assert_eq!(marks(&child, &[], &[city], night()), [], "{what}");
    }
}

#[test]
fn whoever_does_not_hear_of_the_wider_one_hears_of_this_one() {
    let mut only_fire = city();
    only_fire.departments = ids(&["fire", "transport"]);
    let found = marks(&subject(), &[], &[only_fire], night());
    assert_eq!(found[0].departments, ids(&["fire"]));
    // The city's incident is silenced for the fire department, by a rule that did not find the district's.
    let mut noisy = city();
    noisy.rules = ids(&["noisy"]);
    let mut of_fire = rule("noisy");
    of_fire.department = Some("fire".into());
    let found = marks(&subject(), &[silence(of_fire)], &[noisy.clone()], night());
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].departments, ids(&["health"]));
    let found = marks(&subject(), &[silence(rule("noisy"))], &[noisy], night());
    assert_eq!(found, []);
}

fn any_subject() -> impl Strategy<Value = Subject> {
    let place = prop::sample::select(vec![
        ("township", vec!["district", "city"]),
        ("district", vec!["city"]),
        ("city", vec![]),
        ("other", vec![]),
        ("-", vec![]),
    ]);
    let some = prop::sample::subsequence(vec!["fire", "health", "transport"], 0..=3);
    (
        any::<u8>(),
        prop::sample::select(Status::ALL.to_vec()),
        prop::sample::select(vec![Hazard::Fire, Hazard::Flood]),
        place,
        prop::sample::select(Level::ALL.to_vec()),
        prop::sample::subsequence(vec!["a", "b"], 0..=2),
        some,
        any::<bool>(),
    )
        .prop_map(
            |(id, status, hazard, (place, within), level, rules, departments, stands)| Subject {
                incident: Uuid::from_u128(u128::from(id)),
                status,
                hazard,
                place: place.into(),
                within: ids(&within),
                level,
                rules: ids(&rules),
                departments: ids(&departments),
                stands,
            },
        )
}

proptest! {
    /// Whatever there is, these things are heard.
    #[test]
    fn what_must_be_heard_is_heard(
        subject in any_subject(),
        wider in prop::collection::vec(any_subject(), 0..6),
        level in prop::option::of(prop::sample::select(vec![Level::Blue, Level::Yellow, Level::Orange])),
    ) {
        let silences: Vec<Silence> = ["a", "b"]
            .into_iter()
            .map(|id| silence(Matchers { level, ..rule(id) }))
            .collect();
        for mark in marks(&subject, &silences, &wider, night()) {
            prop_assert!(subject.level < Level::Red, "{mark:?}");
            if mark.by == By::Inhibition {
                let other = wider.iter().filter(|it| it.incident == mark.id);
                let fits = other.clone().any(|it| {
                    it.status == subject.status
                        && it.hazard == subject.hazard
                        && it.level >= subject.level
                        && it.stands
                        && subject.within.contains(&it.place)
                        && mark.departments.iter().all(|id| it.departments.contains(id) && subject.departments.contains(id))
                });
                prop_assert!(fits, "{mark:?}");
                prop_assert!(!mark.covers(Some("fire"), Notice::Deadline));
                prop_assert!(!mark.departments.is_empty());
            } else {
                prop_assert_eq!(subject.status, Status::Actual);
                prop_assert_eq!(subject.rules.len(), 1);
                prop_assert!(level.is_none_or(|level| subject.level <= level));
            }
        }
    }

    /// A chain of inhibitions ends at an incident that each muted department does hear of.
    #[test]
    fn somebody_hears_of_the_widest(all in prop::collection::vec(any_subject(), 1..8)) {
        let silences = [silence(rule("a"))];
        for subject in &all {
            for department in &subject.departments {
                let heard = |it: &Subject| {
                    it.departments.contains(department)
                        && !marks(it, &silences, &all, night())
                            .iter()
                            .any(|mark| mark.covers(Some(department), Notice::Other))
                };
                let marks = marks(subject, &silences, &all, night());
                let inhibited = marks.iter().any(|it| it.by == By::Inhibition && it.covers(Some(department), Notice::Other));
                if inhibited {
                    let wider = all.iter().filter(|it| it.hazard == subject.hazard && it.status == subject.status && it.stands);
                    prop_assert!(wider.clone().any(heard), "{subject:?} {department}");
                }
            }
        }
    }
}
