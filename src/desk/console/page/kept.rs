//! How a department has kept its deadlines, week by week: a picture of two rows of bars, and its numbers.
//!
//! Invariant: a week without anything settled has no bar, so that it looks neither good nor bad; a bar that is short is a poor week.

use maud::{Markup, html};

use crate::desk::console::chart_words::ChartMsg;
use crate::desk::console::lang::Lang;
use crate::desk::console::time;
use crate::desk::console::widgets;
use crate::desk::console::words::Msg;
use crate::desk::store::KeptDeadlines;

/// Width of a week, and of its bar.
const WEEK: usize = 20;
const BAR: usize = 16;
/// Height of a full bar, and of a row with its words.
const HIGH: u64 = 40;
const ROW: u64 = 62;
/// Below this share a week is marked.
const LOW: u64 = 60;

type Measure = fn(&KeptDeadlines) -> [u64; 2];

/// What is measured, and its name.
const MEASURES: [(Msg, Measure); 2] = [
    (Msg::AcknowledgedOnTime, |week| week.acknowledged),
    (Msg::DisposedOnTime, |week| week.disposed),
];

/// The weeks, oldest first; nothing where none has anything to show.
pub fn weeks(lang: Lang, weeks: &[KeptDeadlines]) -> Markup {
    let any = |week: &KeptDeadlines| week.acknowledged[1] + week.disposed[1] > 0;
    html! {
        @if weeks.iter().any(any) {
            h3 { (lang.t(ChartMsg::WeekByWeek)) }
            figure.chart.kept { (picture(lang, weeks)) }
            details {
                summary { (lang.t(ChartMsg::Numbers)) }
                table.list {
                    thead { tr {
                        th scope="col" { (lang.t(ChartMsg::Week)) }
                        @for (name, _) in MEASURES { th scope="col" { (lang.t(name)) } }
                    } }
                    tbody { @for week in weeks.iter().rev().filter(|week| any(week)) {
                        tr {
                            th scope="row" { (time::day(week.begin)) }
                            @for (_, of) in MEASURES { td { (widgets::rate(lang, of(week)[0], of(week)[1])) } }
                        }
                    } }
                }
            }
        }
    }
}

fn picture(lang: Lang, weeks: &[KeptDeadlines]) -> Markup {
    let wide = weeks.len() * WEEK;
    let high = MEASURES.len() as u64 * ROW;
    html! {
        svg viewBox=(format!("0 0 {wide} {high}")) role="img" aria-label=(lang.t(ChartMsg::WeekByWeek)) {
            @for ((name, of), row) in MEASURES.into_iter().zip(0..) {
                @let top = row * ROW;
                text x="0" y=(top + 14) { (lang.t(name)) }
                @for (nth, week) in weeks.iter().enumerate() {
                    (bar(lang, of(week), week, nth * WEEK, top + ROW))
                }
            }
        }
    }
}

/// A week's bar, which stands on `bottom`.
fn bar(lang: Lang, [kept, all]: [u64; 2], week: &KeptDeadlines, x: usize, bottom: u64) -> Markup {
    let percent = (kept * 100).checked_div(all);
    let date = time::day(week.begin);
    html! {
        @match percent {
            Some(percent) => {
                @let height = (percent.min(100) * HIGH / 100).max(1);
                g {
                    title { (date) ": " (percent) " % (" (kept) "/" (all) ")" }
                    rect.track x=(x) y=(bottom - HIGH) width=(BAR) height=(HIGH) {}
                    rect x=(x) y=(bottom - height) width=(BAR) height=(height) class=[(percent < LOW).then_some("low")] {}
                }
            }
            None => g {
                title { (date) ": " (lang.t(ChartMsg::NothingDue)) }
                rect.track x=(x) y=(bottom - 1) width=(BAR) height="1" {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::model::Millis;

    fn week(nth: i64, acknowledged: [u64; 2], disposed: [u64; 2]) -> KeptDeadlines {
        KeptDeadlines {
            begin: Millis(nth * 7 * 86_400_000),
            acknowledged,
            disposed,
        }
    }

    #[test]
    fn a_week_is_a_bar_of_its_share_and_an_empty_one_has_none() {
        let all = [
            week(0, [0, 0], [0, 0]),
            week(1, [3, 4], [1, 4]),
            week(2, [4, 4], [0, 2]),
        ];
        let html = weeks(Lang::En, &all).into_string();
        // In the picture two bars with tracks and a line for each measure; in the table a rate for each measure of two weeks.
        assert_eq!(
            html.matches("<rect").count(),
            2 * (2 * 2 + 1) + 4 * 2,
            "{html}"
        );
        assert!(html.contains("1970-01-08: 75 % (3/4)"), "{html}");
        assert!(html.contains("1970-01-01: nothing due"), "{html}");
        // Half of what was due, and less, is marked; a bar of nothing still has a height.
        assert_eq!(html.matches(r#"class="low""#).count(), 2, "{html}");
        assert!(!html.contains(r#"height="0""#), "{html}");
        // The table has the newest first, and only what has numbers.
        assert_eq!(html.matches(r#"<th scope="row">"#).count(), 2);
        assert!(weeks(Lang::Zh, &all).into_string().contains("逐周情况"));
    }

    #[test]
    fn where_nothing_was_due_there_is_no_picture() {
        let all = [week(0, [0, 0], [0, 0])];
        assert_eq!(weeks(Lang::En, &all).into_string(), "");
        assert_eq!(weeks(Lang::En, &[]).into_string(), "");
    }
}
