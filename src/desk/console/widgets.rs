//! Small pieces that several pages show: level badges, sparklines, rates, chips.
//!
//! Invariant: colour never says anything alone; a shape and a word say it too.

use maud::{Markup, PreEscaped, html};

use super::lang::Lang;
use super::text::harmless;
use super::view::{self, Viewer};
use super::words::Msg;
use crate::core::model::{Growth, Level, MAX_GROWTH_PERIODS, RATE_BINS, Status};

/// The shape of a level: circle, triangle, diamond, square.
fn shape(level: Level) -> Markup {
    let body = match level {
        Level::Blue => r#"<circle cx="6" cy="6" r="4"/>"#,
        Level::Yellow => r#"<path d="M6 1 11.5 11H.5Z"/>"#,
        Level::Orange => r#"<path d="M6 0 12 6 6 12 0 6Z"/>"#,
        Level::Red => r#"<path d="M1 1h10v10H1Z"/>"#,
    };
    html! {
        svg.shape viewBox="0 0 12 12" width="10" height="10" aria-hidden="true" focusable="false" { (PreEscaped(body)) }
    }
}

/// A level as shape and word.
pub fn level(lang: Lang, level: Level) -> Markup {
    html! { span class={"lv lv-" (level.id())} { (shape(level)) (lang.t(view::level(level))) } }
}

/// A mark that nobody can overlook on what is not real.
pub fn status(lang: Lang, status: Status, exercise: Option<&str>) -> Markup {
    html! {
        @match status {
            Status::Actual => {}
            Status::Exercise => span.unreal title=[exercise.map(harmless)] { (lang.t(Msg::Exercise)) }
            Status::Test => span.unreal { (lang.t(Msg::Test)) }
        }
    }
}

/// Reports of the last hour in bins of five minutes, oldest first, each bin a bar.
pub fn spark(lang: Lang, bins: &[u32; RATE_BINS]) -> Markup {
    let top = bins.iter().copied().max().unwrap_or(0).max(1);
    let sum: u64 = bins.iter().map(|count| u64::from(*count)).sum();
    let label = lang.fill(Msg::SparkLabel, sum);
    html! {
        svg.spark viewBox="0 0 72 18" width="72" height="18" role="img" aria-label=(label) {
            title { (label) }
            @for (index, count) in bins.iter().enumerate() {
                @let height = if *count == 0 { 1 } else { (count * 16).div_ceil(top).max(3) };
                rect x=(index * 6) y=(18 - height) width="5" height=(height) class=[(*count == 0).then_some("none")] {}
            }
        }
    }
}

/// What a reading says.
pub fn growth_words(lang: Lang, growth: &Growth) -> String {
    let mut words = vec![lang.fill(Msg::GrowthIs, growth.observed)];
    if let Some(expected) = growth.expected {
        words.push(lang.fill(Msg::GrowthUsual, format!("{expected:.1}")));
    }
    if let Some(threshold) = growth.threshold {
        words.push(lang.fill(Msg::GrowthAlarmFrom, format!("{threshold:.1}")));
    }
    if let Some(learned) = growth.learned {
        words.push(lang.fill(Msg::GrowthLearning, learned));
    }
    words.join(lang.of(", ", Some("，")))
}

/// The last periods of a series, oldest first, each a bar, with the threshold of the judged one as a line; and the same in words.
pub fn growth(lang: Lang, growth: &Growth) -> Markup {
    html! {
        (growth_spark(lang, growth))
        span.muted { (growth_words(lang, growth)) }
    }
}

/// The picture alone, with the words for who points at it or cannot see it.
pub fn growth_spark(lang: Lang, growth: &Growth) -> Markup {
    let top = growth.series.iter().copied().max().unwrap_or(0);
    let top = growth.threshold.unwrap_or(0.0).max(f64::from(top)).max(1.0);
    let high = |count: f64| (count / top * 16.0).ceil().clamp(1.0, 16.0) as u32;
    let label = growth_words(lang, growth);
    let first = MAX_GROWTH_PERIODS.saturating_sub(growth.series.len());
    html! {
        svg.spark.growth viewBox="0 0 112 18" width="112" height="18" role="img" aria-label=(label) {
            title { (label) }
            @for (count, index) in growth.series.iter().zip(first..) {
                @let height = high(f64::from(*count));
                rect x=(index * 4) y=(18 - height) width="3" height=(height) class=[(*count == 0).then_some("none")] {}
            }
            @if let Some(threshold) = growth.threshold {
                @let y = 18 - high(threshold);
                line x1="0" x2="112" y1=(y) y2=(y) {}
            }
        }
    }
}

/// A rate as a bar and as numbers: `92 % (46 of 50)`; a dash where there is nothing to count.
pub fn rate(lang: Lang, hits: u64, of: u64) -> Markup {
    html! {
        @if of == 0 {
            span.muted title=(lang.t(Msg::NothingCounted)) { "–" }
        } @else {
            @let percent = hits * 100 / of;
            span.rate {
                svg viewBox="0 0 100 8" width="80" height="8" preserveAspectRatio="none" aria-hidden="true" focusable="false" {
                    rect.track width="100" height="8" {}
                    rect class=(if percent < 60 { "fill low" } else { "fill" }) width=(percent) height="8" {}
                }
                (percent) " % "
                span.muted { (hits) "/" (of) }
            }
        }
    }
}

/// The fields that every form carries: token of the session, version that the reader saw.
pub fn form_fields(viewer: &Viewer, version: Option<u64>) -> Markup {
    html! {
        input type="hidden" name="csrf" value=(viewer.csrf);
        @if let Some(version) = version { input type="hidden" name="version" value=(version); }
    }
}

/// Nothing to show, and why.
pub fn nothing(text: &str) -> Markup {
    html! { p.nothing { (text) } }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::model::{GrowthPeriod, Millis};

    #[test]
    fn every_level_has_its_own_shape_and_word() {
        let badges: std::collections::BTreeSet<String> = Level::ALL
            .iter()
            .flat_map(|it| Lang::ALL.map(|lang| level(lang, *it).into_string()))
            .collect();
        assert_eq!(badges.len(), 8);
        let shapes: std::collections::BTreeSet<String> = Level::ALL
            .iter()
            .map(|it| shape(*it).into_string())
            .collect();
        assert_eq!(shapes.len(), 4);
    }

    #[test]
    fn a_single_report_is_visible_beside_a_burst() {
        let mut bins = [0; RATE_BINS];
        bins[0] = 1;
        bins[11] = 4_000;
        let html = spark(Lang::En, &bins).into_string();
        assert!(html.contains("height=\"3\""), "{html}");
        assert!(html.contains("4001 reports"), "{html}");
    }

    #[test]
    fn a_series_has_its_threshold_as_a_line_and_in_words() {
        let mut reading = Growth {
            period: GrowthPeriod::Hour,
            start: Millis(0),
            observed: 12,
            expected: Some(2.06),
            threshold: Some(6.5),
            statistic: Some(6.3),
            c2: None,
            alarm: true,
            learned: None,
            series: vec![0, 3, 12],
        };
        let html = growth(Lang::En, &reading).into_string();
        assert!(
            html.contains("12 reports now, 2.1 are usual, an alarm from 6.5"),
            "{html}"
        );
        assert_eq!(
            (html.matches("<rect").count(), html.matches("<line").count()),
            (3, 1)
        );
        assert!(
            html.contains("x=\"108\" y=\"2\""),
            "the last bar is at the right: {html}"
        );
        (reading.threshold, reading.expected, reading.learned) = (None, None, Some(3));
        let html = growth(Lang::Zh, &reading).into_string();
        assert!(
            html.contains("学习中，已有 3 天") && !html.contains("<line"),
            "{html}"
        );
    }

    #[test]
    fn a_rate_of_nothing_is_a_dash() {
        assert!(rate(Lang::En, 0, 0).into_string().contains('–'));
        assert!(rate(Lang::En, 1, 3).into_string().contains("33 % "));
    }
}
