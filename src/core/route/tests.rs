//! The bundled table, and tables with every error.

use super::codes::*;
use super::table::Routing;
use crate::core::diagnostic::{Diagnostic, SourceFile};
use crate::core::model::{DepartmentRequest, Duty, Hazard, Level};

fn read(text: &str) -> Result<Routing, Vec<Diagnostic>> {
    Routing::parse(&SourceFile {
        name: "departments.yaml".into(),
        text: text.into(),
    })
}

#[test]
fn the_bundled_table_gives_every_hazard_a_required_lead() {
    let routing = read(include_str!("../../../config/departments.yaml")).unwrap();
    assert!(
        routing.unled().is_empty(),
        "only on duty: {:?}",
        routing.unled()
    );
    for hazard in Hazard::ALL {
        for level in Level::ALL {
            let departments = routing.departments(*hazard, level, &[]);
            assert_eq!(
                (departments[0].duty, departments[0].required),
                (Duty::Lead, true)
            );
            let leads = departments.iter().filter(|d| d.duty == Duty::Lead).count();
            assert_eq!(leads, 1, "{hazard}");
            assert!(
                departments[1..]
                    .windows(2)
                    .all(|pair| pair[0].id < pair[1].id)
            );
        }
    }
}

#[test]
fn levels_and_requests_add_departments() {
    let routing = read(
        "departments:\n\
         - {id: a, names: {en: A, zh: 甲}, duty: true}\n\
         - {id: b, names: {en: B, zh: 乙}, leads: [fire], supports: [flood, {hazard: storm, from: orange}]}\n\
         - {id: c, names: {en: C, zh: 丙}, supports: [{hazard: fire, required: true}]}\n",
    )
    .unwrap();
    let ids = |hazard, level, requests: &[DepartmentRequest]| -> Vec<String> {
        let all = routing.departments(hazard, level, requests);
        all.iter()
            .map(|d| format!("{}{}", d.id, if d.required { "!" } else { "" }))
            .collect()
    };
    assert_eq!(ids(Hazard::Fire, Level::Blue, &[]), ["b!", "c!"]);
    assert_eq!(ids(Hazard::Storm, Level::Yellow, &[]), ["a!"]);
    assert_eq!(ids(Hazard::Storm, Level::Orange, &[]), ["a!", "b"]);
    let ask = |id: &str, required| DepartmentRequest {
        id: id.into(),
        required,
    };
    let requests = [
        ask("c", false),
        ask("c", true),
        ask("b", true),
        ask("nobody", true),
    ];
    assert_eq!(
        ids(Hazard::Flood, Level::Blue, &requests),
        ["a!", "b!", "c!"]
    );
    assert_eq!(ids(Hazard::Fire, Level::Blue, &requests), ["b!", "c!"]);
}

#[test]
fn every_error_is_found_at_once_and_placed() {
    let found = read(
        "departments:\n\
         - {id: Fire, names: {en: Fire, zh: 消防}}\n\
         - {id: a, names: {en: A}, leads: [fire, blaze], color: red}\n\
         - {id: b, names: {en: B, zh: 乙}, leads: [fire], supports: [fire], tiers: [city, county]}\n\
         - id: b\n\
         \x20 names: {en: B, zh: 乙}\n\
         \x20 deadlines: {red: {acknowledge: 2d}, blue: {dispose: soon}}\n",
    )
    .unwrap_err();
    let mut codes: Vec<(&str, usize)> = found.iter().map(|d| (d.code, d.line)).collect();
    codes.sort_unstable();
    assert_eq!(
        codes,
        [
            (T_KEY, 3),
            (T_VALUE, 2),
            (T_VALUE, 3),
            (T_VALUE, 4),
            (T_VALUE, 7),
            (T_HAZARD, 3),
            (T_TWICE, 5),
            (T_LEAD, 4),
            (T_LEAD, 4),
            (T_DUTY, 1),
            (T_DEADLINE, 7),
        ]
    );
    assert!(found.iter().all(|d| d.column > 0 && d.length > 0));
    let two = "departments:\n- {id: a, names: {en: A, zh: 甲}, duty: true}\n- {id: b, names: {en: B, zh: 乙}, duty: true}\n";
    assert_eq!(read(two).unwrap_err()[0].code, T_DUTY);
    for text in ["", "[]", "5", "departments: 5", "a: [", "departments: []"] {
        assert!(read(text).is_err(), "{text}");
    }
}

#[test]
fn working_hours_are_read_and_every_error_in_them_is_placed() {
    let table = |hours: &str| {
        format!(
            "departments:\n- id: a\n\x20 names: {{en: A, zh: 甲}}\n\x20 duty: true\n\x20 hours:\n{hours}"
        )
    };
    let good = read(&table(
        "    zone: Asia/Shanghai\n    days: {mon-fri: \"08:30-17:30\", sat: \"09:00-12:00\"}\n\
         \x20   holidays: [2026-10-01]\n    workdays: [2026-10-11]\n",
    ))
    .unwrap();
    let hours = good.get("a").unwrap().hours.clone().unwrap();
    assert_eq!(hours.days.iter().flatten().count(), 6);
    assert_eq!((hours.holidays.len(), hours.workdays.len()), (1, 1));
    for (text, code, line) in [
        ("    days: {mon: \"08:00-16:00\"}\n", T_ZONE, 6),
        (
            "    zone: Mars/Base\n    days: {mon: \"08:00-16:00\"}\n",
            T_ZONE,
            6,
        ),
        ("    zone: UTC\n", T_HOURS, 6),
        (
            "    zone: UTC\n    days: {mon: \"16:00-08:30\", tue: \"08:00-16:00\"}\n",
            T_HOURS,
            7,
        ),
        (
            "    zone: UTC\n    days: {mon: \"16:00-16:00\", tue: \"08:00-16:00\"}\n",
            T_HOURS,
            7,
        ),
        (
            "    zone: UTC\n    days: {mon: \"24:00-06:00\", tue: \"08:00-16:00\"}\n",
            T_HOURS,
            7,
        ),
        (
            "    zone: UTC\n    days: {mon: \"8-16\", tue: \"08:00-16:00\"}\n",
            T_HOURS,
            7,
        ),
        (
            "    zone: UTC\n    days: {mon: \"08:00-24:30\", tue: \"08:00-16:00\"}\n",
            T_HOURS,
            7,
        ),
        (
            "    zone: UTC\n    days: {fri-mon: \"08:00-16:00\", tue: \"08:00-16:00\"}\n",
            T_HOURS,
            7,
        ),
        (
            "    zone: UTC\n    days: {mon-fri: \"08:00-16:00\", tue: \"08:00-16:00\"}\n",
            T_HOURS,
            7,
        ),
        (
            "    zone: UTC\n    days: {mon: \"08:00-08:30\"}\n",
            T_HOURS,
            7,
        ),
        (
            "    zone: UTC\n    days: {mon: \"08:00-16:00\"}\n    holidays: [2026-02-30]\n",
            T_HOURS,
            8,
        ),
        (
            "    zone: UTC\n    days: {mon: \"08:00-16:00\"}\n    holidays: [2026-10-01]\n    workdays: [2026-10-01]\n",
            T_HOURS,
            6,
        ),
        (
            "    zone: UTC\n    days: {mon: \"08:00-16:00\"}\n    closed: true\n",
            T_KEY,
            8,
        ),
    ] {
        let found = read(&table(text)).unwrap_err();
        assert_eq!(
            (found[0].code, found[0].line),
            (code, line),
            "{text}: {found:?}"
        );
    }
}
