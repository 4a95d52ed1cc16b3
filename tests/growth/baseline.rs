//! `tocsin baseline show` on a small archive.

use std::fmt::Write as _;
use std::process::{Command, Output};

use tocsin::core::growth::DAY_MS;
use tocsin::core::model::Millis;

/// A fire a day in Pudong for 34 days, then nine at once; one every third day in Xuhui.
fn archive() -> String {
    let start = Millis::parse("2026-03-02T02:00:00Z").unwrap();
    let mut lines = String::new();
    for n in 0..43 {
        let at = start.plus(DAY_MS * n.min(34) + n);
        // No text is near another one: reposts are not counted.
        let other = |k: i64| char::from_u32(0x4e00 + ((n * 7_919 + k * 613) % 20_000) as u32);
        let rest: String = (0..40).filter_map(other).collect();
        let _ = writeln!(
            lines,
            "{{\"id\":\"{n}\",\"text\":\"浦东新区发生火灾。{rest}\",\"observed\":\"{at}\",\"received\":\"{at}\"}}"
        );
        if n % 3 == 0 && n < 34 {
            let _ = writeln!(
                lines,
                "{{\"id\":\"x{n}\",\"text\":\"徐汇区发生火灾。{}\",\"observed\":\"{at}\",\"received\":\"{at}\"}}",
                rest.chars().rev().collect::<String>()
            );
        }
    }
    lines
}

fn show(args: &[&str]) -> Output {
    show_of(&archive(), args)
}

fn show_of(archive: &str, args: &[&str]) -> Output {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), archive).unwrap();
    Command::new(env!("CARGO_BIN_EXE_tocsin"))
        .args(["baseline", "show"])
        .args(args)
        .arg("--input")
        .arg(file.path())
        .output()
        .unwrap()
}

#[test]
fn the_last_days_are_drawn_and_the_burst_is_an_alarm() {
    let out = show(&["fire", "cn-310115", "--json"]);
    let told = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{told}");
    let json: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    let days = json["days"].as_array().unwrap();
    assert_eq!(
        (days.len(), &json["key"]),
        (28, &"actual/fire/cn-310115".into())
    );
    let alarms: Vec<bool> = days
        .iter()
        .map(|day| day["alarm"].as_bool().unwrap())
        .collect();
    assert_eq!(alarms.iter().filter(|alarm| **alarm).count(), 1, "{days:?}");
    assert!(alarms[27], "{days:?}");
    let drawn = show(&["fire", "cn-310115"]);
    let drawn = String::from_utf8(drawn.stdout).unwrap();
    assert!(drawn.contains("2026-04-05"), "{drawn}");
    assert_eq!(
        (drawn.matches("ALARM").count(), drawn.lines().count()),
        (1, 30)
    );
    let last = drawn.lines().last().unwrap();
    assert!(
        last.contains("9 reports in this hour where 0.3 are usual (W2 8.7), an alarm"),
        "{last}"
    );
}

/// The first day that is shown is compared with days long before it.
#[test]
fn every_day_is_judged_by_all_that_lay_before_it() {
    let start = Millis::parse("2026-03-02T02:00:00Z").unwrap();
    let mut lines = String::new();
    for n in 0..70 {
        let at = start.plus(DAY_MS * n);
        let _ = writeln!(
            lines,
            "{{\"id\":\"{n}\",\"kind\":\"hotline\",\"text\":\"浦东新区发生火灾\",\"observed\":\"{at}\",\"received\":\"{at}\"}}"
        );
    }
    let out = show_of(&lines, &["fire", "cn-310115", "--json"]);
    let json: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    for day in json["days"].as_array().unwrap() {
        assert_eq!(
            (&day["observed"], &day["expected"]),
            (&1.into(), &1.0.into())
        );
    }
}

#[test]
fn a_wider_area_is_the_sum_of_its_places() {
    let of = |place: &str| -> serde_json::Value {
        serde_json::from_slice(&show(&["fire", place, "--json"]).stdout).unwrap()
    };
    let (district, city) = (of("cn-310115"), of("cn-31"));
    assert_eq!(
        (&city["key"], &city["places"]),
        (&"actual/fire/cn-310000".into(), &2.into())
    );
    let days = |json: &serde_json::Value| -> Vec<u64> {
        let days = json["days"].as_array().unwrap().iter();
        days.map(|day| day["observed"].as_u64().unwrap()).collect()
    };
    let (district, city) = (days(&district), days(&city));
    assert_eq!((district[27], city[27]), (9, 9));
    let more: u64 = city.iter().sum::<u64>() - district.iter().sum::<u64>();
    assert_eq!(more, 9, "every third of 27 days: {city:?}");
}

#[test]
fn what_is_not_there_is_said_with_what_is() {
    let out = show(&["fire", "cn-110000"]);
    assert_eq!(out.status.code(), Some(1));
    let told = String::from_utf8_lossy(&out.stderr);
    assert!(
        told.contains("places that have some: cn-310104, cn-310115"),
        "{told}"
    );
    let out = show(&["dragons", "cn-110000"]);
    assert_eq!(out.status.code(), Some(2));
}
