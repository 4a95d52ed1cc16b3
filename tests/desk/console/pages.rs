//! Every page, from the sample feed: what stands on it, in both languages, without a style or script that the policy forbids.
//!
//! `TOCSIN_PAGES=FOLDER` writes them there as files, with their assets, to be looked at.

use std::sync::Arc;

use maud::Markup;
use tocsin::core::model::{Bilingual, Hazard, Level, Status};
use tocsin::core::obligation::Role;
use tocsin::desk::console::from_case;
use tocsin::desk::console::lang::Lang;
use tocsin::desk::console::map::MapView;
use tocsin::desk::console::page::{
    agenda, audit, board, department, feeds, incident, report, rules, search, since,
};
use tocsin::desk::console::view::Viewer;
use tocsin::desk::console::words::Msg;

use super::sample::{Known, SAMPLE};

fn row(known: &Known) -> Arc<board::Row> {
    Arc::new(from_case::row(&known.case.row(), &SAMPLE.depts))
}

fn board_view() -> board::BoardView {
    let rows: Vec<Arc<board::Row>> = SAMPLE
        .known
        .iter()
        .filter(|it| !it.case.is_closed() && it.case.status() == Status::Actual)
        .map(row)
        .collect();
    let groups = Level::ALL.into_iter().rev().map(|level| {
        let rows: Vec<_> = rows
            .iter()
            .filter(|row| row.level == level)
            .cloned()
            .collect();
        board::Group {
            level,
            total: rows.len() as u64,
            next: (rows.len() > 20).then(|| "cursor".to_owned()),
            rows: rows.into_iter().take(20).collect(),
        }
    });
    board::BoardView {
        groups: groups.collect(),
        filter: board::Filter::default(),
        query: String::new(),
        hazards: vec![Hazard::Fire, Hazard::GasLeak],
        exercises: 2,
        seq: 0,
    }
}

fn incident_view(lang: Lang, known: &Known) -> incident::IncidentView {
    let mut view = from_case::incident(
        lang,
        &known.case,
        &known.revisions,
        &known.history,
        &SAMPLE.depts,
    );
    let place = view.place().clone();
    view.map = place.coordinates.map(|center| MapView {
        center,
        level: view.level(),
        label: place.name_zh.as_deref().unwrap_or(&place.name).to_owned(),
        also: known.case.alert.also_places.clone(),
        near: Vec::new(),
        towns: SAMPLE.set.gazetteer.around(center, 120.0, 60),
    });
    view
}

fn agenda_view() -> agenda::AgendaView {
    let items = SAMPLE
        .known
        .iter()
        .filter(|it| {
            it.case.agenda_since.is_some()
                && !it.case.is_closed()
                && it.case.status() == Status::Actual
        })
        .map(|it| agenda::Item {
            row: row(it),
            asked: None,
            reasons: it
                .case
                .alert
                .reasons
                .iter()
                .filter(|line| line.points != 0)
                .map(|line| (line.points, from_case::bilingual(line)))
                .collect(),
        });
    agenda::AgendaView {
        items: items.collect(),
        exports: ["/agenda.md".to_owned(), "/agenda.csv".to_owned()],
    }
}

fn department_view(viewer: &Viewer) -> department::DepartmentView {
    let dept = viewer
        .departments
        .iter()
        .find(|it| &*it.id == "fire")
        .unwrap()
        .clone();
    let owed = SAMPLE.known.iter().filter_map(|it| {
        let own = it.case.own("fire").filter(|own| own.state.is_pending())?;
        let row = row(it);
        Some(department::Owed {
            lead: own.duty == tocsin::core::model::Duty::Lead,
            step: own.state.into(),
            due: row.due,
            row,
            offered_by: None,
        })
    });
    department::DepartmentView {
        dept,
        owed: owed.take(30).collect(),
        more: 0,
        on_time: department::OnTime {
            acknowledged: [45, 50],
            disposed: [8, 20],
        },
        days: 30,
    }
}

fn rules_view() -> rules::RulesView {
    let rows = SAMPLE
        .set
        .program
        .rules
        .iter()
        .take(40)
        .map(|rule| rules::RuleRow {
            id: Arc::clone(&rule.id),
            title: Bilingual {
                en: rule.title.to_string(),
                zh: String::new(),
            },
            hazard: rule.hazard,
            shadow: false,
            incidents: 12,
            open: 3,
            verdicts: [7, 2, 0, 1],
            tried: None,
        });
    rules::RulesView {
        version: Arc::clone(&SAMPLE.set.version),
        since: Some(SAMPLE.now),
        days: 30,
        rules: rows.collect(),
    }
}

fn feed_rows() -> Vec<feeds::FeedRow> {
    let feed = |id: &str, silent_for: Option<i64>| feeds::FeedRow {
        id: id.into(),
        kind: tocsin::core::model::FeedKind::News,
        topic: format!("feed.{id}"),
        reliability: 70,
        records: 1_234,
        outcomes: [120, 1_100, 4],
        dead_letters: 2,
        per_minute: Some(12.4),
        lag: Some(0),
        last: Some(SAMPLE.now.plus(-30_000)),
        silent_for,
    };
    vec![feed("news-zh", None), feed("usgs", Some(4_000_000))]
}

fn audit_view(lang: Lang) -> audit::AuditView {
    let rows = SAMPLE
        .known
        .iter()
        .flat_map(|it| it.history.iter().map(move |event| (it, event)));
    audit::AuditView {
        rows: rows
            .take(60)
            .enumerate()
            .map(|(index, (it, event))| audit::AuditRow {
                seq: 900 - index as i64,
                at: event.at,
                by: event.actor.as_ref().map(|actor| actor.name.clone()),
                role: event.actor.as_ref().map(|_| Msg::RoleAnalyst),
                what: from_case::told(lang, event),
                incident: Some(it.case.incident),
                department: event.department.as_deref().map(str::to_owned),
                why: event.reason.clone(),
                hash: "8c1f03ab".to_owned(),
            })
            .collect(),
        older: Some("/audit?before=840".to_owned()),
    }
}

fn closed_rows() -> Vec<search::ClosedRow> {
    let rows = SAMPLE.known.iter().rev().take(12);
    rows.map(|it| search::ClosedRow {
        row: row(it),
        closed_at: Some(SAMPLE.now),
        verdict: Some(Msg::Confirmed),
    })
    .collect()
}

fn since_view() -> since::SinceView {
    let rows: Vec<_> = SAMPLE.known.iter().take(20).map(row).collect();
    since::SinceView {
        from: SAMPLE.now.plus(-8 * 3_600_000),
        opened: rows[..9].to_vec(),
        changed: rows[9..14].to_vec(),
        missed: rows[14..].to_vec(),
        closed: closed_rows(),
        cut: true,
    }
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
        ("rules", rules::page(&analyst, &rules_view())),
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
    let known = SAMPLE
        .known
        .iter()
        .find(|it| {
            it.case
                .own("fire")
                .is_some_and(|own| own.state.is_pending() && own.acknowledged.is_none())
        })
        .expect("an incident for the fire service");
    let forms = |role, department: Option<&str>| -> Vec<String> {
        let viewer = SAMPLE.viewer(Lang::En, role, department);
        let html = incident::page(&viewer, &incident_view(Lang::En, known)).into_string();
        let found = regex::Regex::new(r#"name="action" value="([a-z]+)""#).unwrap();
        found
            .captures_iter(&html)
            .map(|found| found[1].to_owned())
            .collect()
    };
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
