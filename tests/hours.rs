//! Working hours: golden pairs at the corners of calendars, and a walk minute by minute as oracle of everything between.
//!
//! `tests/golden/hours/NAME.in` is the `hours` of a department and, after `---`, instants with a length of working time;
//! `NAME.out` says when each is over, by the clock on that wall.

use std::collections::BTreeSet;
use std::path::Path;

use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use proptest::prelude::*;
use tocsin::core::diagnostic::SourceFile;
use tocsin::core::model::Millis;
use tocsin::core::route::{Routing, Shift, WorkingHours};

const MINUTE: i64 = 60_000;

fn read(hours: &str) -> WorkingHours {
    let hours = hours.replace('\n', "\n    ");
    let text = format!(
        "departments:\n- id: a\n  names: {{en: A, zh: 甲}}\n  duty: true\n  hours:\n    {hours}\n"
    );
    let source = SourceFile {
        name: "departments.yaml".into(),
        text,
    };
    let routing = Routing::parse(&source).unwrap_or_else(|found| panic!("{found:?}"));
    routing.get("a").unwrap().hours.clone().unwrap()
}

/// `9h1m`, in milliseconds.
fn length(text: &str) -> i64 {
    let (mut total, mut number) = (0, 0);
    for letter in text.chars() {
        match letter.to_digit(10) {
            Some(digit) => number = number * 10 + i64::from(digit),
            None => {
                let unit = match letter {
                    'h' => 60 * MINUTE,
                    'm' => MINUTE,
                    's' => 1_000,
                    other => panic!("{other} is no unit"),
                };
                total += unit * std::mem::take(&mut number);
            }
        }
    }
    total
}

#[test]
fn golden_pairs() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/hours");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|it| it != "in") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let (head, cases) = text.split_once("---\n").unwrap();
        let hours = read(head.trim_end());
        let mut out = String::new();
        for case in cases.lines().filter(|line| !line.starts_with('#')) {
            let (from, long) = case.split_once(" + ").unwrap();
            let from: Timestamp = from.parse().unwrap();
            let end = hours.after(Millis(from.as_millisecond()), length(long));
            let end = Timestamp::from_millisecond(end.0).unwrap();
            let wall = hours.zone.to_datetime(end).strftime("%a %Y-%m-%dT%H:%M:%S");
            let offset = hours.zone.to_offset(end).seconds() / 60;
            let (sign, ahead) = (if offset < 0 { '-' } else { '+' }, offset.abs());
            out += &format!("{case} = {wall}{sign}{:02}:{:02}\n", ahead / 60, ahead % 60);
            seen += 1;
        }
        let expected = std::fs::read_to_string(path.with_extension("out")).unwrap();
        assert_eq!(out, expected, "{}", path.display());
    }
    assert!(seen >= 25, "{seen} cases");
}

/// The shift that begins on a day.
fn shift(hours: &WorkingHours, date: Date) -> Option<Shift> {
    if hours.workdays.contains(&date) {
        hours.days.iter().flatten().next().copied()
    } else if hours.holidays.contains(&date) {
        None
    } else {
        hours.days[date.weekday().to_monday_zero_offset() as usize]
    }
}

/// Whether the clock on the wall shows a time of work.
fn open(hours: &WorkingHours, at: i64) -> bool {
    let wall = hours
        .zone
        .to_datetime(Timestamp::from_millisecond(at).unwrap());
    let minute = u16::try_from(wall.hour()).unwrap() * 60 + u16::try_from(wall.minute()).unwrap();
    let yesterday = wall.date().checked_sub(1.day()).unwrap();
    let within = |shift: Option<Shift>, minute: u16| {
        shift.is_some_and(|it| (it.from..it.to).contains(&minute))
    };
    within(shift(hours, wall.date()), minute) || within(shift(hours, yesterday), minute + 1_440)
}

/// Counts working time minute by minute, by the clock on the wall.
fn walk(hours: &WorkingHours, from: i64, ms: i64) -> i64 {
    let (mut at, mut left) = (from, ms);
    loop {
        let next = (at.div_euclid(MINUTE) + 1) * MINUTE;
        if open(hours, at) {
            let step = left.min(next - at);
            (at, left) = (at + step, left - step);
            if left == 0 {
                return at;
            }
        } else {
            at = next;
        }
    }
}

/// A zone, and a day on which its clock is changed or nearly.
const AROUND: [(&str, i16, i8, i8); 10] = [
    ("Europe/Berlin", 2026, 3, 29),
    ("Europe/Berlin", 2026, 10, 25),
    ("America/New_York", 2026, 3, 8),
    ("America/New_York", 2026, 11, 1),
    ("America/St_Johns", 2026, 11, 1),
    ("Australia/Lord_Howe", 2026, 4, 5),
    ("Australia/Lord_Howe", 2026, 10, 4),
    ("Asia/Kolkata", 2026, 2, 28),
    ("Asia/Kathmandu", 2028, 2, 29),
    ("Asia/Shanghai", 2026, 12, 31),
];

/// A shift of quarters of hours. None of its ends lies where clocks are changed: there the wall shows a time twice, or never.
fn any_shift() -> impl Strategy<Value = Option<Shift>> {
    let end = || prop_oneof![Just(0_u16), 16_u16..96];
    prop_oneof![
        1 => Just(None),
        3 => (end(), end()).prop_map(|(from, to)| {
            let (from, to) = (from * 15, to * 15);
            (from != to).then(|| Shift { from, to: if to < from { to + 1_440 } else { to } })
        }),
    ]
}

fn any_hours() -> impl Strategy<Value = (WorkingHours, Date)> {
    let near = || proptest::collection::btree_set(-4_i64..5, 0..3);
    let days = proptest::array::uniform7(any_shift());
    (0..AROUND.len(), days, near(), near()).prop_map(|(zone, mut days, closed, worked)| {
        let (name, year, month, day) = AROUND[zone];
        let middle = date(year, month, day);
        if days.iter().all(Option::is_none) {
            days[0] = Some(Shift { from: 480, to: 960 });
        }
        let of = |offsets: &BTreeSet<i64>| -> BTreeSet<Date> {
            let day = |by: &i64| middle.checked_add((*by).days()).unwrap();
            offsets.iter().map(day).collect()
        };
        let workdays = of(&worked);
        let hours = WorkingHours {
            zone: TimeZone::get(name).unwrap(),
            days,
            holidays: of(&closed).difference(&workdays).copied().collect(),
            workdays,
        };
        (hours, middle)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn time_is_counted_as_by_looking_at_the_clock_every_minute(
        (hours, middle) in any_hours(),
        minutes in -4 * 1_440_i64..4 * 1_440,
        rest in 0..MINUTE,
        ms in 1..12 * 60 * MINUTE,
    ) {
        let noon = middle.at(12, 0, 0, 0);
        let from = hours.zone.to_timestamp(noon).unwrap().as_millisecond() + minutes * MINUTE + rest;
        let (found, told) = (hours.after(Millis(from), ms).0, walk(&hours, from, ms));
        prop_assert_eq!(found, told, "{} + {} ms", Millis(from), ms);
    }
}
