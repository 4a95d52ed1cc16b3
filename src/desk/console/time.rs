//! Times on a page: exact in UTC for machines and without scripts, in the reader's zone and ticking with them.

use maud::{Markup, html};

use super::lang::Lang;
use super::words::Msg;
use crate::core::model::Millis;

/// Smallest length that is told in minutes.
const MINUTE: i64 = 60_000;
/// Smallest length told in hours.
const HOUR: i64 = 60 * MINUTE;
/// Smallest length told in days.
const DAY: i64 = 24 * HOUR;

/// A length of time in at most two units: `45 s`, `12 min`, `3 h 05`, `2 d 4 h`.
pub fn length(lang: Lang, ms: i64) -> String {
    let ms = ms.max(0);
    let (day, hour, minute, second) = match lang {
        Lang::En => (" d", " h", " min", " s"),
        Lang::Zh => ("天", "时", "分", "秒"),
    };
    if ms < MINUTE {
        format!("{}{second}", ms / 1000)
    } else if ms < HOUR {
        format!("{}{minute}", ms / MINUTE)
    } else if ms < DAY {
        format!("{}{hour} {:02}", ms / HOUR, ms % HOUR / MINUTE)
    } else {
        format!("{}{day} {}{hour}", ms / DAY, ms % DAY / HOUR)
    }
}

/// `2026-01-02 03:04:05 UTC`.
pub fn exact(at: Millis) -> String {
    let text = at.to_string();
    match (text.get(..10), text.get(11..19)) {
        (Some(day), Some(time)) => format!("{day} {time} UTC"),
        _ => text,
    }
}

/// The day of an instant, UTC.
pub fn day(at: Millis) -> String {
    exact(at).chars().take(10).collect()
}

/// How long ago; the script keeps it ticking, its title is the exact time.
pub fn ago(lang: Lang, at: Millis, now: Millis) -> Markup {
    html! {
        time.ago datetime=(at) data-ago=(at.0) title=(exact(at)) { (length(lang, now.since(at))) }
    }
}

/// The instant itself; the script shows it in the reader's zone.
pub fn instant(at: Millis) -> Markup {
    html! { time.at datetime=(at) data-at=(at.0) title=(exact(at)) { (exact(at)) } }
}

/// What has to be done by a deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DueKind {
    /// Acknowledge.
    Acknowledge,
    /// Dispose.
    Dispose,
}

/// A deadline that counts down, and says so when it has passed.
pub fn due(lang: Lang, kind: DueKind, at: Millis, now: Millis) -> Markup {
    let left = at.since(now);
    let what = match kind {
        DueKind::Acknowledge => Msg::DueAcknowledge,
        DueKind::Dispose => Msg::DueDispose,
    };
    let class = if left < 0 {
        "due late"
    } else if left < 5 * MINUTE {
        "due soon"
    } else {
        "due"
    };
    html! {
        span class=(class) data-due=(at.0) title=(exact(at)) {
            span.what { (lang.t(what)) } " "
            time datetime=(at) { (remaining(lang, left)) }
        }
    }
}

/// `4 min left` or `3 min late`.
pub fn remaining(lang: Lang, left: i64) -> String {
    if left < 0 {
        lang.fill(Msg::LateBy, length(lang, -left))
    } else {
        lang.fill(Msg::TimeLeft, length(lang, left))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_have_two_units_at_most() {
        let told: Vec<String> = [
            -5,
            999,
            45_000,
            12 * MINUTE,
            3 * HOUR + 5 * MINUTE,
            52 * HOUR,
        ]
        .iter()
        .map(|ms| length(Lang::En, *ms))
        .collect();
        assert_eq!(told, ["0 s", "0 s", "45 s", "12 min", "3 h 05", "2 d 4 h"]);
        assert_eq!(length(Lang::Zh, 3 * HOUR + 5 * MINUTE), "3时 05");
    }

    #[test]
    fn a_passed_deadline_says_that_it_is_late() {
        let at = Millis(1_000_000);
        let html = |now: i64| due(Lang::En, DueKind::Dispose, at, Millis(now)).into_string();
        assert!(html(1_000_000 + 3 * MINUTE).contains("3 min late"));
        assert!(html(1_000_000 + 3 * MINUTE).contains("class=\"due late\""));
        assert!(html(1_000_000 - 2 * MINUTE).contains("class=\"due soon\""));
        assert!(html(1_000_000 - HOUR).contains("1 h 00 left"));
    }
}
