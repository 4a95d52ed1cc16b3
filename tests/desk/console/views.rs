//! What the pages show of the sample: one view of each.

use std::sync::Arc;

use tocsin::core::model::{Bilingual, Hazard, Level, Status};
use tocsin::core::mute::{By, Ending, Limits, Matchers, Silence, Wish};
use tocsin::core::obligation::{Actor, Role};
use tocsin::desk::console::from_case;
use tocsin::desk::console::lang::Lang;
use tocsin::desk::console::map::MapView;
use tocsin::desk::console::page::{
    agenda, audit, board, department, feeds, incident, muted, row, rules, search, silences, since,
};
use tocsin::desk::console::view::Viewer;
use tocsin::desk::console::words::Msg;

use super::sample::{Known, SAMPLE};

pub(super) fn row(known: &Known) -> Arc<row::Row> {
    Arc::new(from_case::row(&known.case.row(), &SAMPLE.depts))
}

pub(super) fn board_view() -> board::BoardView {
    let rows: Vec<Arc<row::Row>> = SAMPLE
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

pub(super) fn incident_view(lang: Lang, known: &Known) -> incident::IncidentView {
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

/// A live silence whose cover of red is not confirmed, one that somebody ended; or none.
pub(super) fn silences_view(rule: Option<&str>) -> silences::SilencesView {
    let wish = |covers_red| Wish {
        matchers: Matchers {
            rule: rule.map(Into::into),
            hazard: Some(Hazard::Fire),
            place: Some("cn-6101".into()),
            ..Matchers::default()
        },
        ends: SAMPLE.now.plus(3 * 3_600_000),
        reason: "detector in repair".to_owned(),
        covers_red,
        ..Wish::default()
    };
    let by = Actor::new("lee", Role::Analyst);
    let limits = Limits {
        longest_ms: 72 * 3_600_000,
    };
    let make = |id, covers_red| {
        let id = uuid::Uuid::from_u128(id);
        let made = Silence::create(id, &wish(covers_red), &by, SAMPLE.now, limits, 0);
        made.expect("a good wish").0
    };
    let (asked, mut ended) = (make(1, true), make(2, false));
    ended
        .end(&by, "repaired", SAMPLE.now, &Ending::default())
        .unwrap();
    let all = [asked, ended]
        .into_iter()
        .map(|silence| silences::SilenceRow {
            standing: silence.standing(SAMPLE.now),
            rule: None,
            place: Some("西安市 Xi'an".to_owned()),
            open: 7,
            more: true,
            rows: vec![(*row(&SAMPLE.known[0])).clone(); 7],
            red: 2,
            silence,
        });
    silences::SilencesView {
        rows: if rule.is_some() {
            all.collect()
        } else {
            Vec::new()
        },
        past: rule.is_some(),
        rules: vec![("fire-smoke".to_owned(), "Smoke".to_owned())],
        longest: 72,
        entered: silences::Entered::default(),
        writing: true,
        notice: None,
    }
}

/// Marks of both kinds.
pub(super) fn marks() -> Vec<muted::MuteMark> {
    let depts = SAMPLE.depts.0.iter().take(2).cloned().collect();
    let mark = |by, depts, until| muted::MuteMark {
        by,
        id: uuid::Uuid::from_u128(3),
        depts,
        until,
        reason: "detector in repair".to_owned(),
    };
    vec![
        mark(By::Silence, Vec::new(), Some(SAMPLE.now)),
        mark(By::Inhibition, depts, None),
    ]
}

pub(super) fn agenda_view() -> agenda::AgendaView {
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

pub(super) fn department_view(viewer: &Viewer) -> department::DepartmentView {
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
        weeks: (0..26)
            .map(|nth| tocsin::desk::store::KeptDeadlines {
                begin: SAMPLE.now.plus((nth - 26) * 7 * 86_400_000),
                acknowledged: [nth as u64 % 5, if nth % 7 == 3 { 0 } else { 5 }],
                disposed: [nth as u64 % 3, 4],
            })
            .collect(),
    }
}

pub(super) fn rules_view() -> rules::RulesView {
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
                zh: rule.title_zh.as_deref().unwrap_or_default().to_owned(),
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

pub(super) fn feed_rows() -> Vec<feeds::FeedRow> {
    let feed = |id: &str, silent_for: Option<i64>| feeds::FeedRow {
        id: id.into(),
        kind: tocsin::core::model::FeedKind::News,
        topic: format!("feed.{id}"),
        reliability: 70,
        records: 1_234,
        outcomes: [120, 1_100, 4],
        dead_letters: 2,
        per_minute: Some(12.4),
        minutes: (0..60).map(|nth| nth * nth % 17).collect(),
        lag: Some(0),
        last: Some(SAMPLE.now.plus(-30_000)),
        silent_for,
    };
    vec![feed("news-zh", None), feed("usgs", Some(4_000_000))]
}

pub(super) fn audit_view(lang: Lang) -> audit::AuditView {
    let rows = SAMPLE
        .known
        .iter()
        .flat_map(|it| it.history.iter().map(move |event| (it, event)));
    audit::AuditView {
        people: false,
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

pub(super) fn closed_rows() -> Vec<search::ClosedRow> {
    let rows = SAMPLE.known.iter().rev().take(12);
    rows.map(|it| search::ClosedRow {
        row: row(it),
        closed_at: Some(SAMPLE.now),
        verdict: Some(Msg::Confirmed),
    })
    .collect()
}

pub(super) fn since_view() -> since::SinceView {
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
