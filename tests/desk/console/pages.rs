//! Every page, from the sample feed: what stands on it, in both languages, without a style or script that the policy forbids.
//!
//! `TOCSIN_PAGES=FOLDER` writes them there as files, with their assets, to be looked at.

use maud::Markup;
use tocsin::core::model::Duty;
use tocsin::core::obligation::Role;
use tocsin::desk::console::lang::Lang;
use tocsin::desk::console::page::{
    agenda, audit, board, department, feeds, incident, report, row, rules, search, silences, since,
};
use tocsin::desk::console::words::{Msg, Words as _};

use super::sample::SAMPLE;
use super::views::{
    agenda_view, audit_view, board_view, closed_rows, department_view, feed_rows, incident_view,
    marks, row, rules_view, silences_view, since_view,
};

#[test]
fn a_muted_incident_stays_and_says_what_mutes_it() {
    for lang in Lang::ALL {
        let mut line = (*row(&SAMPLE.known[0])).clone();
        let heard = row::draw(lang, &line, SAMPLE.now).into_string();
        line.muted = marks();
        let html = row::draw(lang, &line, SAMPLE.now).into_string();
        let tag = lang.t(Msg::MutedTag);
        assert!(!heard.contains(&format!(">{tag}<")) && html.contains(&format!(">{tag}<")));
        assert!(html.contains(lang.t(Msg::MutedByWider)), "{html}");
        assert!(html.contains("/silences#s-00000000-0000-0000-0000-000000000003"));
        let mut view = incident_view(lang, &SAMPLE.known[0]);
        view.muted = marks();
        let html = incident::page(&SAMPLE.viewer(lang, Role::Analyst, None), &view).into_string();
        assert!(html.contains("detector in repair") && html.contains(lang.t(Msg::MutedByWider)));
    }
}

#[test]
fn red_has_a_form_of_its_own_for_those_who_judge() {
    let of = |role, department| {
        let viewer = SAMPLE.viewer(Lang::En, role, department);
        silences::page(&viewer, &silences_view(Some("fire"))).into_string()
    };
    for (html, creates, confirms, ends) in [
        (of(Role::Analyst, None), true, true, 1),
        (of(Role::Operator, None), true, false, 1),
        (of(Role::Officer, Some("fire")), true, false, 0),
        (of(Role::ReadOnly, None), false, false, 0),
    ] {
        assert_eq!(html.contains("action=\"/silences\""), creates);
        assert_eq!(html.contains("/red\""), confirms);
        assert_eq!(html.contains("name=\"covers_red\""), confirms);
        assert_eq!(
            html.matches("/end\"").count(),
            ends,
            "only what is not over"
        );
    }
    let mut first = SAMPLE.viewer(Lang::En, Role::Analyst, None);
    "lee".clone_into(&mut first.name);
    let html = silences::page(&first, &silences_view(Some("fire"))).into_string();
    assert!(!html.contains("/red\""), "who asked does not confirm");
    assert!(html.contains(Lang::En.t(Msg::RedSecondAccount)));
}

/// Every page by name.
fn all(lang: Lang) -> Vec<(&'static str, Markup)> {
    let viewer = |role, department| SAMPLE.viewer(lang, role, department);
    let analyst = viewer(Role::Analyst, None);
    let fire = viewer(Role::Officer, Some("fire"));
    let coordinator = viewer(Role::Coordinator, None);
    let first = &SAMPLE.known[0];
    let offered = SAMPLE
        .known
        .iter()
        .max_by_key(|it| it.case.alert.evidence.len())
        .unwrap();
    let empty = board::BoardView {
        groups: Vec::new(),
        ..board_view()
    };
    vec![
        ("board", board::page(&analyst, &board_view())),
        ("board-fire", board::page(&fire, &board_view())),
        ("board-empty", board::page(&analyst, &empty)),
        (
            "incident",
            incident::page(&analyst, &incident_view(lang, first)),
        ),
        (
            "incident-fire",
            incident::page(&fire, &incident_view(lang, offered)),
        ),
        (
            "incident-coordinator",
            incident::page(&coordinator, &incident_view(lang, &SAMPLE.known[1])),
        ),
        ("agenda", agenda::page(&coordinator, &agenda_view())),
        (
            "departments",
            department::list(
                &fire,
                &fire
                    .departments
                    .iter()
                    .map(|dept| department::Summary {
                        dept: dept.clone(),
                        open: 4,
                        on_time: department::OnTime {
                            acknowledged: [40, 41],
                            disposed: [3, 9],
                        },
                    })
                    .collect::<Vec<_>>(),
                30,
            ),
        ),
        (
            "department",
            department::page(&fire, &department_view(&fire)),
        ),
        ("rules", rules::page(&analyst, &rules_view(), None)),
        ("feeds", feeds::page(&analyst, &feed_rows())),
        ("audit", audit::page(&analyst, &audit_view(lang))),
        (
            "search",
            search::page(
                &analyst,
                &search::SearchView {
                    text: "火".to_owned(),
                    rows: closed_rows(),
                    ..Default::default()
                },
            ),
        ),
        ("since", since::page(&analyst, &since_view())),
        (
            "silences",
            silences::page(&coordinator, &silences_view(Some("fire"))),
        ),
        ("silences-none", silences::page(&fire, &silences_view(None))),
        (
            "report",
            report::page(&analyst, &report::ReportView::default()),
        ),
    ]
}

/// Writes the pages where they can be opened, their assets beside them.
fn write(lang: Lang, pages: &[(&str, Markup)]) {
    let Ok(folder) = std::env::var("TOCSIN_PAGES") else {
        return;
    };
    std::fs::create_dir_all(&folder).unwrap();
    for (name, page) in pages {
        let html = page.0.replace("\"/assets/", "\"assets/");
        std::fs::write(format!("{folder}/{name}-{}.html", lang.tag()), html).unwrap();
    }
    std::fs::create_dir_all(format!("{folder}/assets")).unwrap();
    for name in [
        "console.css",
        "console.js",
        "board.js",
        "icon.svg",
        "htmx.min.js",
        "sse.min.js",
    ] {
        let address = tocsin::desk::console::assets::asset(name);
        let last = address.rsplit('/').next().unwrap();
        let asset = tocsin::desk::console::assets::served(last).unwrap();
        std::fs::write(format!("{folder}/assets/{last}"), &asset.bytes).unwrap();
    }
}

#[test]
fn no_page_needs_what_the_content_policy_forbids() {
    let inline = regex::Regex::new(
        r"(?i)<style|\sstyle=|<script(?:\s[^>]*)?>[^<]|\son[a-z]+=|javascript:|hx-on|hx-vals=.js",
    )
    .unwrap();
    let foreign =
        regex::Regex::new(r#"(?:src|href|action|hx-get|hx-post|sse-connect)="(?:https?:)?//"#)
            .unwrap();
    for lang in Lang::ALL {
        let pages = all(lang);
        write(lang, &pages);
        for (name, page) in pages {
            let html = page.into_string();
            assert!(!inline.is_match(&html), "{name}: {:?}", inline.find(&html));
            // Links to originals are the only ones that lead away, and say so.
            for found in foreign.find_iter(&html) {
                let rest = &html[found.start()..];
                let tag = &rest[..rest.find('>').unwrap()];
                assert!(
                    tag.starts_with("href=") && tag.contains("noopener noreferrer"),
                    "{name}: {tag}"
                );
            }
            assert!(
                html.contains(&format!("<html lang=\"{}\"", lang.tag())),
                "{name}"
            );
        }
    }
}

#[test]
fn every_page_speaks_one_language() {
    // Words of the frame and of the pages; feed text and names are in whatever language they came.
    for (name, page) in all(Lang::Zh) {
        let html = page.into_string();
        for msg in [
            Msg::Board,
            Msg::Departments,
            Msg::Shortcuts,
            Msg::Obligations,
            Msg::Deadline,
        ] {
            let english = format!(">{}<", msg.en());
            assert!(!html.contains(&english), "{name}: {english}");
        }
    }
}

#[test]
fn the_score_lines_of_every_incident_add_up() {
    for known in &SAMPLE.known {
        let alert = &known.case.alert;
        let sum: i32 = alert.reasons.iter().map(|line| line.points).sum();
        assert_eq!(sum, i32::from(alert.score), "{}", alert.key);
    }
    let analyst = SAMPLE.viewer(Lang::En, Role::Analyst, None);
    let html = incident::page(&analyst, &incident_view(Lang::En, &SAMPLE.known[0])).into_string();
    let score = SAMPLE.known[0].case.alert.score;
    assert!(
        html.contains(&format!("<td class=\"points\">{score}</td>")),
        "{score}"
    );
    assert!(html.contains("<mark>"), "what matched is marked");
}

#[test]
fn a_page_offers_what_its_reader_may_do_and_nothing_else() {
    let of_fire = |duty: Duty| {
        let known = SAMPLE.known.iter().find(|it| {
            it.case.own("fire").is_some_and(|own| {
                own.state.is_pending() && own.acknowledged.is_none() && own.duty == duty
            })
        });
        known.expect("an incident for the fire service")
    };
    let forms_of = |known, role, department: Option<&str>| -> Vec<String> {
        let viewer = SAMPLE.viewer(Lang::En, role, department);
        let html = incident::page(&viewer, &incident_view(Lang::En, known)).into_string();
        let found = regex::Regex::new(r#"name="action" value="([a-z]+)""#).unwrap();
        found
            .captures_iter(&html)
            .map(|found| found[1].to_owned())
            .collect()
    };
    // The lead is not declined, only offered to whoever should lead.
    let lead = forms_of(of_fire(Duty::Lead), Role::Officer, Some("fire"));
    let has = |action: &str| lead.iter().any(|it| it == action);
    assert!(has("transfer") && !has("decline"), "{lead:?}");
    let known = of_fire(Duty::Support);
    let forms = |role, department| forms_of(known, role, department);
    assert!(forms(Role::ReadOnly, None).is_empty());
    assert!(forms(Role::Operator, None).is_empty());
    let officer = forms(Role::Officer, Some("fire"));
    for action in [
        "acknowledge",
        "dispose",
        "transfer",
        "decline",
        "note",
        "watch",
    ] {
        assert!(
            officer.iter().any(|it| it == action),
            "{action}: {officer:?}"
        );
    }
    for action in ["waive", "correct", "duplicate", "reopen"] {
        assert!(
            !officer.iter().any(|it| it == action),
            "{action}: {officer:?}"
        );
    }
    let other = forms(Role::Officer, Some("water"));
    assert!(!other.iter().any(|it| it == "dispose"), "{other:?}");
    let analyst = forms(Role::Analyst, None);
    assert!(
        analyst.iter().any(|it| it == "correct") && !analyst.iter().any(|it| it == "waive"),
        "{analyst:?}"
    );
}
