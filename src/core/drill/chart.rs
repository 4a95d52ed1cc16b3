//! The chart of a drill: arrivals as bars, levels of incidents as bands, deeds as marks. Inline SVG, without scripts.

use std::collections::BTreeMap;

use maud::{Markup, html};
use uuid::Uuid;

use super::phrases::{Words, span};
use super::report::{Moment, Report};
use crate::core::model::Level;

const WIDTH: i64 = 960;
const LEFT: i64 = 150;
const BARS: i64 = 90;
const BAND: i64 = 26;
/// Incidents drawn; the report lists all.
const MAX_BANDS: usize = 30;

fn colour(level: Level) -> &'static str {
    match level {
        Level::Blue => "#3b76c4",
        Level::Yellow => "#e0b400",
        Level::Orange => "#e07b00",
        Level::Red => "#c62828",
    }
}

/// The chart.
pub(super) fn chart(report: &Report, words: Words<'_>) -> Markup {
    let length = report.length_ms();
    let x = |ms: i64| LEFT + ms.clamp(0, length).saturating_mul(WIDTH - LEFT - 10) / length;
    let mut bands: BTreeMap<Uuid, Vec<&Moment>> = BTreeMap::new();
    for moment in &report.timeline {
        bands.entry(moment.incident).or_default().push(moment);
    }
    let mut bands: Vec<(i64, Vec<&Moment>)> = bands
        .into_values()
        .map(|moments| (moments.first().map_or(0, |m| m.after_ms), moments))
        .collect();
    bands.sort_by_key(|(first, _)| *first);
    bands.truncate(MAX_BANDS);
    let height = BARS + 24 + BAND * bands.len() as i64 + 24;
    let most = i64::from(report.arrivals.iter().copied().max().unwrap_or(0).max(1));
    let bins = report.arrivals.len().max(1) as i64;
    let label = words.of(
        "Simulated reports, levels of incidents and deeds over time",
        "模拟报告、事件级别与处置的时间线",
    );
    html! {
        svg viewBox=(format!("0 0 {WIDTH} {height}")) role="img" aria-label=(label) {
            text x="4" y="16" class="small" { (words.of("reports", "报告")) " ≤ " (most) }
            @for (nth, count) in report.arrivals.iter().enumerate() {
                @let from = x(length * nth as i64 / bins);
                @let to = x(length * (nth as i64 + 1) / bins);
                @let tall = i64::from(*count) * (BARS - 10) / most;
                @if *count > 0 {
                    rect x=(from) y=(BARS - tall) width=((to - from - 1).max(1)) height=(tall.max(1)) fill="#8a94a6" {
                        title { (count) }
                    }
                }
            }
            line x1=(LEFT) y1=(BARS) x2=(WIDTH - 10) y2=(BARS) stroke="#8a94a6" {}
            @for (nth, (_, moments)) in bands.iter().enumerate() {
                (band(moments, BARS + 20 + BAND * nth as i64, length, &x, words))
            }
            @for quarter in 0..=4_i64 {
                @let at = length * quarter / 4;
                text x=(x(at)) y=(height - 6) class="small" text-anchor=(if quarter == 4 { "end" } else { "middle" }) {
                    (span(Some(at)))
                }
            }
        }
    }
}

fn band(
    moments: &[&Moment],
    y: i64,
    length: i64,
    x: &impl Fn(i64) -> i64,
    words: Words<'_>,
) -> Markup {
    let levels: Vec<&&Moment> = moments.iter().filter(|m| m.deed.is_none()).collect();
    let hazard = moments
        .first()
        .map_or("", |m| words.of(m.hazard.en(), m.hazard.zh()));
    html! {
        text x="4" y=(y + 13) class="small" { (hazard) }
        @for (nth, moment) in levels.iter().enumerate() {
            @if let (Some(level), false) = (moment.level, moment.ended) {
                @let from = x(moment.after_ms);
                @let to = x(levels.get(nth + 1).map_or(length, |next| next.after_ms));
                rect x=(from) y=(y) width=((to - from).max(2)) height="16" fill=(colour(level)) {
                    title { (words.level(level)) ", " (span(Some(moment.after_ms))) }
                }
            }
        }
        @for moment in moments.iter().filter(|m| m.deed.is_some()) {
            @if let Some((department, deed)) = &moment.deed {
                circle cx=(x(moment.after_ms)) cy=(y + 8) r="4" fill="#fff" stroke="#111" {
                    title { (department) ": " (words.deed(*deed)) ", " (span(Some(moment.after_ms))) }
                }
            }
        }
    }
}
