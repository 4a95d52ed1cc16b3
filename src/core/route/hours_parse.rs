//! `hours:` of a department: zone, days, holidays and workdays, each error with its code and place.
//!
//! Invariant: hours without errors have at least one open hour a week, so that every deadline ends.

use std::collections::BTreeSet;

use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::codes::{T_HOURS, T_ZONE};
use super::fields::unknown_key;
use super::hours::{DAY, Shift, WEEKDAYS, WorkingHours};
use crate::core::yaml::{At, Findings, Key, Node};

/// Holidays or workdays of one department.
const MAX_DATES: usize = 1_000;
/// Fewest open minutes of a week.
const MIN_MINUTES: u32 = 60;

const KEYS: [&str; 4] = ["zone", "days", "holidays", "workdays"];

/// Reads the hours of one department; none when something is wrong with them.
pub(super) fn hours(node: &Node, findings: &mut Findings<'_>) -> Option<WorkingHours> {
    let Some(entries) = node.map() else {
        findings
            .error(T_HOURS, node.at, "`hours` is a map")
            .help("hours: {zone: Asia/Shanghai, days: {mon-fri: \"08:30-17:30\"}, holidays: [2026-10-01]}");
        return None;
    };
    for (key, _) in entries {
        if !KEYS.contains(&key.text.as_str()) {
            unknown_key(key, &KEYS, findings);
        }
    }
    let zone = zone(node, findings);
    let days = days(node, findings);
    let holidays = dates(node, "holidays", findings);
    let workdays = dates(node, "workdays", findings);
    if let Some(date) = holidays.intersection(&workdays).next() {
        let text = format!("{date} is both a holiday and a workday");
        findings.error(T_HOURS, node.at, text);
    }
    Some(WorkingHours {
        zone: zone?,
        days: days?,
        holidays,
        workdays,
    })
}

fn zone(node: &Node, findings: &mut Findings<'_>) -> Option<TimeZone> {
    let help = "an IANA name such as Asia/Shanghai, Europe/Berlin or UTC";
    let Some(value) = node.get("zone") else {
        findings
            .error(T_ZONE, node.at, "`hours` needs a `zone`")
            .help(help);
        return None;
    };
    let name = value.text().unwrap_or_default();
    let zone = TimeZone::get(name).ok();
    if zone.is_none() {
        findings
            .error(T_ZONE, value.at, format!("`{name}` is not a time zone"))
            .help(help);
    }
    zone
}

fn days(node: &Node, findings: &mut Findings<'_>) -> Option<[Option<Shift>; 7]> {
    let at = node.get("days").map_or(node.at, |days| days.at);
    let Some(entries) = node.get("days").and_then(Node::map) else {
        findings
            .error(
                T_HOURS,
                at,
                "`hours` needs `days`, a map from days to times",
            )
            .help("days: {mon-fri: \"08:30-17:30\", sat: \"09:00-12:00\"}");
        return None;
    };
    let mut week = [None; 7];
    for (key, value) in entries {
        let Some(range) = day_range(key, findings) else {
            continue;
        };
        let Some(shift) = shift(value, findings) else {
            continue;
        };
        for day in range {
            if week[day].replace(shift).is_some() {
                let text = format!("{} stands here twice", WEEKDAYS[day].0);
                findings.error(T_HOURS, key.at, text);
            }
        }
    }
    for day in 0..week.len() {
        let next = (day + 1) % week.len();
        let runs = week[day].zip(week[next]);
        if runs.is_some_and(|(one, other)| one.to > other.from + DAY) {
            let text = format!(
                "{} is still at work when {} begins",
                WEEKDAYS[day].0, WEEKDAYS[next].0
            );
            findings.error(T_HOURS, at, text);
        }
    }
    let open = week.iter().flatten();
    let minutes: u32 = open.map(|it| u32::from(it.to - it.from)).sum();
    if minutes < MIN_MINUTES {
        findings.error(T_HOURS, at, "less than an hour of work a week");
        return None;
    }
    Some(week)
}

fn day_range(key: &Key, findings: &mut Findings<'_>) -> Option<std::ops::RangeInclusive<usize>> {
    let text = key.text.as_str();
    let find = |name: &str| WEEKDAYS.iter().position(|(id, _)| *id == name);
    let range = match text.split_once('-') {
        None => find(text).map(|day| day..=day),
        Some((from, to)) => find(from).zip(find(to)).map(|(from, to)| from..=to),
    };
    let range = range.filter(|range| !range.is_empty());
    if range.is_none() {
        findings
            .error(T_HOURS, key.at, format!("`{text}` is not a day or days"))
            .help("mon, tue, wed, thu, fri, sat, sun, or from one to a later one: mon-fri");
    }
    range
}

fn shift(node: &Node, findings: &mut Findings<'_>) -> Option<Shift> {
    let text = node.text().unwrap_or_default();
    let shift = text.split_once('-').and_then(|(from, to)| {
        let (from, to) = (minutes(from.trim())?, minutes(to.trim())?);
        // One that ends before it began ends on the next day.
        let to = if to < from { to + DAY } else { to };
        (from < to && from < DAY).then_some(Shift { from, to })
    });
    if shift.is_none() {
        findings
            .error(T_HOURS, node.at, format!("`{text}` is not a time of work"))
            .help("from and to, such as \"08:30-17:30\", \"00:00-24:00\", or until the next morning \"22:00-06:00\"");
    }
    shift
}

fn minutes(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let number = |text: &str| -> Option<u16> {
        let digits = text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| text.parse().ok()).flatten()
    };
    let (hour, minute) = (number(hour)?, number(minute)?);
    let total = hour * 60 + minute;
    (minute < 60 && total <= 1_440).then_some(total)
}

fn dates(node: &Node, key: &str, findings: &mut Findings<'_>) -> BTreeSet<Date> {
    let Some(list) = node.get(key) else {
        return BTreeSet::new();
    };
    let items = list.items();
    if items.len() > MAX_DATES {
        findings.error(T_HOURS, list.at, format!("more than {MAX_DATES} dates"));
    }
    let one = |node: &Node, at: At, findings: &mut Findings<'_>| {
        let text = node.text().unwrap_or_default();
        let date = text.parse::<Date>().ok().filter(|_| text.len() == 10);
        if date.is_none() {
            findings
                .error(T_HOURS, at, format!("`{text}` is not a date"))
                .help("year, month and day: 2026-10-01");
        }
        date
    };
    items
        .iter()
        .filter_map(|item| one(item, item.at, findings))
        .collect()
}
