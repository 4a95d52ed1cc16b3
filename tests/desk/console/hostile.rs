//! Text of feeds is hostile: on no page does any of it become markup, a link that runs something, or a change of direction.

use std::sync::Arc;

use tocsin::core::model::{Alert, Level, Match};
use tocsin::core::obligation::{Action, Actor, Case, Policy, Role};
use tocsin::desk::console::from_case;
use tocsin::desk::console::lang::Lang;
use tocsin::desk::console::page::{incident, row};

use super::sample::SAMPLE;

const NASTY: &str = "\"><script>alert(1)</script><img src=x onerror=alert(2)>'\u{202e}\u{2066}\u{200b}&lt;<svg/onload=alert(3)>{{7*7}}";

pub(super) fn hostile() -> Alert {
    let mut alert = (*SAMPLE.known[0].case.alert).clone();
    alert.status = tocsin::core::model::Status::Exercise;
    alert.exercise = Some(NASTY.into());
    NASTY.clone_into(&mut alert.headline.en);
    alert.place.name = NASTY.into();
    alert.place.name_zh = Some(NASTY.into());
    alert.also_places = vec![alert.place.clone()];
    alert.level = Level::Red;
    alert.rule_set = NASTY.into();
    alert.rules = vec![NASTY.into()];
    alert.numbers.insert(NASTY.into(), 3.0);
    for line in &mut alert.reasons {
        NASTY.clone_into(&mut line.because);
        line.because_zh = Some(NASTY.to_owned());
    }
    let mut item = alert.evidence[0].clone();
    NASTY.clone_into(&mut item.title);
    NASTY.clone_into(&mut item.excerpt);
    item.source = NASTY.into();
    item.feed = NASTY.into();
    NASTY.clone_into(&mut item.report_id);
    item.link = Some("javascript:alert(1)//https://example.org".to_owned());
    let found = |field: &str, span, value: Option<&str>| Match {
        field: field.into(),
        span,
        term: NASTY.into(),
        value: value.map(Into::into),
    };
    item.matches = vec![
        found("text", [0, 9999], None),
        found("title", [2, 5], None),
        found(NASTY, [0, 1], Some(NASTY)),
    ];
    alert.evidence = vec![item];
    alert
}

fn pages(lang: Lang) -> Vec<String> {
    let policy = Policy::new(Arc::clone(&SAMPLE.set.routing));
    let (mut case, mut history) = Case::open(Arc::new(hostile()), SAMPLE.now, &policy);
    let actor = Actor::new(NASTY, Role::Coordinator);
    for action in [
        Action::Note {
            text: NASTY.to_owned(),
        },
        Action::Watch,
        Action::Meeting {
            reason: NASTY.to_owned(),
        },
        Action::Correct {
            hazard: None,
            place: None,
            level: Some(Level::Orange),
            reason: NASTY.to_owned(),
        },
    ] {
        history.extend(case.act(&actor, &action, SAMPLE.now, &policy).unwrap());
    }
    let mut view = from_case::incident(
        lang,
        &case,
        &[Arc::clone(&case.alert)],
        &history,
        &SAMPLE.depts,
    );
    view.notice = Some(incident::Notice::Refused(NASTY.to_owned()));
    view.draft = incident::Draft {
        action: "note".to_owned(),
        department: NASTY.to_owned(),
        text: NASTY.to_owned(),
    };
    let viewer = SAMPLE.viewer(lang, Role::Coordinator, None);
    let line = from_case::row(&case.row(), &SAMPLE.depts);
    vec![
        incident::page(&viewer, &view).into_string(),
        row::draw(lang, &line, SAMPLE.now).into_string(),
    ]
}

#[test]
fn it_stays_text() {
    for lang in Lang::ALL {
        for html in pages(lang) {
            for bad in [
                "<script>",
                "<img",
                "<svg/onload",
                "onerror=alert(2)>",
                "href=\"javascript",
            ] {
                let at = html.find(bad);
                assert!(
                    at.is_none(),
                    "{bad}: {:?}",
                    at.map(|at| &html[at.saturating_sub(200)..at + 40])
                );
            }
            for steering in ['\u{202e}', '\u{2066}', '\u{200b}'] {
                let at = html.find(steering);
                assert!(
                    at.is_none(),
                    "{steering:?}: {:?}",
                    at.map(|at| &html[at.saturating_sub(200)..at])
                );
            }
            assert!(html.contains("&lt;script&gt;alert(1)"), "it is shown");
        }
    }
}
