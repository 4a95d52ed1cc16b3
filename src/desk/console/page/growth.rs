//! The growth of an incident for who reads closely: reports by period, what is usual, and from where on it is an alarm.
//!
//! Invariant: without scripts there is a picture of the same numbers; with them a chart that can be pointed at takes its place
//! (`assets/charts.js`). The numbers stand in a table beside either.

use maud::{Markup, html};

use crate::core::model::{Growth, GrowthPeriod, MAX_GROWTH_PERIODS, Millis};
use crate::desk::console::chart_words::ChartMsg;
use crate::desk::console::lang::Lang;
use crate::desk::console::time;
use crate::desk::console::widgets;
use crate::desk::console::words::Msg;

/// Width of the picture; a period has an equal part of it.
const WIDTH: f64 = 560.0;
/// Height of the picture.
const HEIGHT: f64 = 150.0;
/// What the tallest bar or line leaves free above, for the words of the lines.
const ABOVE: f64 = 18.0;

/// Milliseconds of a period. A day by the clock may be an hour longer or shorter, which a chart of days does not show.
fn step(period: GrowthPeriod) -> i64 {
    match period {
        GrowthPeriod::Hour => 3_600_000,
        GrowthPeriod::Day => 24 * 3_600_000,
    }
}

/// When each period of the series began, oldest first.
fn periods(growth: &Growth) -> impl DoubleEndedIterator<Item = (Millis, u32)> + '_ {
    let step = step(growth.period);
    let last = growth.series.len() as i64 - 1;
    let begins = move |nth: i64| Millis(growth.start.0.saturating_sub((last - nth) * step));
    let counts = growth.series.iter().enumerate();
    counts.map(move |(nth, count)| (begins(nth as i64), *count))
}

/// The chart with its words and its table; nothing where there is nothing to compare.
pub fn section(lang: Lang, growth: &Growth) -> Markup {
    let name = match growth.period {
        GrowthPeriod::Hour => Msg::GrowthHours,
        GrowthPeriod::Day => Msg::GrowthDays,
    };
    let counts: Vec<String> = growth.series.iter().map(u32::to_string).collect();
    let first = periods(growth).next().map_or(0, |(begin, _)| begin.0);
    let words = widgets::growth_words(lang, growth);
    html! {
        @if growth.series.len() > 1 {
            section.card.grown {
                h2 { (lang.t(name)) }
                p { (words) }
                figure.chart data-chart="growth" data-first=(first) data-step=(step(growth.period)) data-counts=(counts.join(" "))
                    data-threshold=[growth.threshold.map(|it| it.to_string())] data-usual=[growth.expected.map(|it| it.to_string())] data-alarm[growth.alarm]
                    data-words=(words) data-period-name=(lang.t(ChartMsg::Period)) data-before-name=(lang.t(ChartMsg::Before))
                    data-now-name=(lang.t(ChartMsg::Now)) data-usual-name=(lang.t(ChartMsg::Usual)) data-alarm-name=(lang.t(ChartMsg::Alarm)) {
                    (picture(lang, growth, &words))
                }
                details {
                    summary { (lang.t(ChartMsg::Numbers)) }
                    table.list {
                        thead { tr { th scope="col" { (lang.t(ChartMsg::Period)) } th.n scope="col" { (lang.t(Msg::Reports)) } } }
                        tbody { @for (begin, count) in periods(growth).rev() {
                            tr { th scope="row" { (time::instant(begin)) } td.n { (count) } }
                        } }
                    }
                }
            }
        }
    }
}

/// The same without scripts.
fn picture(lang: Lang, growth: &Growth, words: &str) -> Markup {
    let most = growth.series.iter().copied().max().unwrap_or(0);
    let top = [growth.threshold, growth.expected, Some(f64::from(most))];
    let top = top.into_iter().flatten().fold(1.0, f64::max);
    let y = |count: f64| HEIGHT - (count / top).clamp(0.0, 1.0) * (HEIGHT - ABOVE);
    let part = WIDTH / growth.series.len().clamp(1, MAX_GROWTH_PERIODS) as f64;
    let lines = [
        ("usual", ChartMsg::Usual, growth.expected),
        ("alarm", ChartMsg::Alarm, growth.threshold),
    ];
    let last = growth.series.len().saturating_sub(1);
    html! {
        svg viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-label=(words) {
            @for (nth, count) in growth.series.iter().enumerate() {
                @let high = y(f64::from(*count));
                rect x=(format!("{:.1}", part * nth as f64 + part * 0.1)) y=(format!("{high:.1}")) width=(format!("{:.1}", part * 0.8))
                    height=(format!("{:.1}", (HEIGHT - high).max(1.0))) class=[(nth == last).then_some("now")] {}
            }
            @for (class, name, value) in lines {
                @if let Some(value) = value {
                    @let at = format!("{:.1}", y(value));
                    line.{(class)} x1="0" x2=(WIDTH.to_string()) y1=(at) y2=(at) {}
                    text x="2" y=(format!("{:.1}", y(value) - 4.0)) { (lang.t(name)) " " (format!("{value:.1}")) }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading() -> Growth {
        Growth {
            period: GrowthPeriod::Hour,
            start: Millis(7_200_000),
            observed: 12,
            expected: Some(2.06),
            threshold: Some(6.5),
            statistic: Some(6.3),
            c2: None,
            alarm: true,
            learned: None,
            series: vec![0, 3, 12],
        }
    }

    fn drawn(lang: Lang, growth: &Growth) -> String {
        section(lang, growth).into_string()
    }

    #[test]
    fn a_series_is_a_picture_numbers_for_the_chart_and_a_table() {
        let html = drawn(Lang::En, &reading());
        assert!(
            html.contains(r#"data-first="0" data-step="3600000" data-counts="0 3 12" data-threshold="6.5" data-usual="2.06" data-alarm"#),
            "{html}"
        );
        assert_eq!(
            [
                html.matches("<rect").count(),
                html.matches("<line").count(),
                html.matches("<tr>").count()
            ],
            [3, 2, 4]
        );
        // The newest period comes first in the table, with the time at which it began.
        let newest = html.find(r#"data-at="7200000""#).unwrap();
        let oldest = html.find(r#"data-at="0""#).unwrap();
        assert!(newest < oldest, "{html}");
        assert!(html.contains("alarm from 6.5"), "{html}");
        assert!(drawn(Lang::Zh, &reading()).contains("异常线 6.5"));
    }

    #[test]
    fn the_tallest_is_within_the_picture_and_a_threshold_above_all_bars_too() {
        let mut growth = reading();
        growth.threshold = Some(400.0);
        let html = drawn(Lang::En, &growth);
        assert!(html.contains(r#"y1="18.0""#), "{html}");
        assert!(!html.contains("y=\"-"), "{html}");
    }

    #[test]
    fn without_a_threshold_there_is_no_line_and_without_a_series_nothing() {
        let mut growth = reading();
        (growth.threshold, growth.expected, growth.learned) = (None, None, Some(3));
        let html = drawn(Lang::En, &growth);
        assert!(
            !html.contains("<line") && !html.contains("data-threshold"),
            "{html}"
        );
        growth.series = vec![4];
        assert_eq!(drawn(Lang::En, &growth), "");
    }
}
