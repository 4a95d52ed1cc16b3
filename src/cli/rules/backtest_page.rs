//! What a backtest found as one HTML page: charts, lists, two languages.
//!
//! Invariant: the page asks for nothing outside of itself and runs no script (its own policy forbids both); all text of reports and
//! rules is escaped by `maud`.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::backtest_text::{Measured, Shown, Unit};
use super::charts::{Row, STYLE, bars, both, intervals, lines, matrix};
use crate::core::model::{Level, Millis};
use crate::core::tools::backtest::{Change, Difference, Incident, Side};
use crate::core::tools::quality::Share;

/// Rows of a list; the JSON output has all.
const LISTED: usize = 500;
/// Rules with bars of their own.
const RULES: usize = 40;
/// Points of the lines over time.
const BINS: i64 = 60;

const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// Titles of rules in both languages, by their ids.
pub(super) type Titles<'t> = HashMap<&'t str, (&'t str, &'t str)>;

/// The page; `lang` is the language in which it opens.
pub(super) fn page(shown: &Shown, sides: &[&Side], titles: &Titles<'_>, lang: &str) -> String {
    let zh = lang == "zh";
    let page = html! {
        (DOCTYPE)
        html lang=(lang) {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width";
                title { "Tocsin backtest · 回测: " (shown.corpus) }
                style { (STYLE) }
            }
            body {
                input.lang type="radio" name="lang" id="en" checked[!zh];
                input.lang type="radio" name="lang" id="zh" checked[zh];
                main {
                    div.switch { label for="en" { "English" } label for="zh" { "中文" } }
                    (head(shown))
                    (levels(shown))
                    (over_time(sides))
                    @if !shown.quality.is_empty() { (quality(shown)) }
                    (rules(shown, titles))
                    @if let Some(difference) = &shown.difference {
                        (differences(difference, sides))
                    } @else if let Some(side) = sides.first() {
                        (most_severe(side))
                    }
                }
            }
        }
    };
    page.into_string()
}

fn head(shown: &Shown) -> Markup {
    html! {
        h1 { (both("Backtest of ", "回测：")) (shown.corpus) }
        table {
            thead {
                tr {
                    th {} th { (both("rules", "规则")) } th { (both("version", "版本")) } th { (both("records", "记录")) }
                    th { (both("unreadable", "无法读取")) } th { (both("with a detection", "有检出")) }
                    th { (both("incidents on the queue", "入队事件")) }
                }
            }
            tbody {
                @for (set, totals) in shown.sets.iter().zip([Some(&shown.a), shown.b.as_ref()]) {
                    @if let Some(totals) = totals {
                        tr {
                            td { span class={ "key " (set.side.to_lowercase()) } {} (set.side) }
                            td { (set.from) } td { code { (set.version) } }
                            td.n { (totals.records) } td.n { (totals.refused) } td.n { (totals.detected) }
                            td.n { (totals.incidents) }
                        }
                    }
                }
            }
        }
        (refused(shown))
        @if let Some(difference) = &shown.difference {
            p {
                @if difference.is_empty() {
                    (both("The two do not differ on this corpus.", "两套规则在此语料上没有差别。"))
                } @else {
                    (both("Records on which only one fires: ", "仅一方检出的记录："))
                    "A " (difference.records.0) ", B " (difference.records.1)
                }
            }
        }
    }
}

/// What no rule saw, with the first record of it.
fn refused(shown: &Shown) -> Markup {
    let unit = match shown.unit {
        Unit::Line => both("the first is line ", "首条在第 "),
        Unit::Record => both("the first is record ", "首条为第 "),
    };
    let after = match shown.unit {
        Unit::Line => both(": ", " 行："),
        Unit::Record => both(": ", " 条记录："),
    };
    html! {
        @for (name, count, first) in shown.refused() {
            p {
                (name) (both("Records that could not be read: ", "无法读取的记录：")) (count)
                (both(", neither found nor missed; ", "，不计入检出或漏报；"))
                (unit) (first.number) (after)
                code { (first.code) } " " (first.message) ". " (first.help)
            }
        }
    }
}

fn level_zh(level: Level) -> &'static str {
    match level {
        Level::Blue => "蓝色",
        Level::Yellow => "黄色",
        Level::Orange => "橙色",
        Level::Red => "红色",
    }
}

fn levels(shown: &Shown) -> Markup {
    let rows: Vec<Row> = Level::ALL
        .into_iter()
        .rev()
        .map(|level| {
            let totals = std::iter::once(&shown.a).chain(&shown.b);
            Row {
                name: (level.id().to_owned(), level_zh(level).to_owned()),
                title: (level.id().to_owned(), level_zh(level).to_owned()),
                values: totals
                    .map(|t| t.levels.get(level.id()).copied().unwrap_or(0))
                    .collect(),
            }
        })
        .collect();
    html! {
        h2 { (both("Incidents by highest level", "事件（按最高级别）")) }
        (bars(&rows))
    }
}

fn over_time(sides: &[&Side]) -> Markup {
    let times = || {
        sides
            .iter()
            .flat_map(|side| side.incidents())
            .map(|i| i.first_seen)
    };
    let (Some(first), Some(last)) = (times().min(), times().max()) else {
        return html! {};
    };
    let width = (last.since(first) / BINS + 1).max(1);
    let bins = (last.since(first) / width + 1).clamp(1, BINS + 1);
    let series: Vec<Vec<u64>> = sides
        .iter()
        .map(|side| {
            let mut counts = vec![0; bins as usize];
            for incident in side.incidents() {
                let bin = incident.first_seen.since(first) / width;
                if let Some(count) = counts.get_mut(bin as usize) {
                    *count += 1;
                }
            }
            counts
        })
        .collect();
    html! {
        h2 { (both("Incidents by the time of their first report", "事件（按首报时间）")) }
        (lines(&series, [&first.to_string(), &last.to_string()]))
    }
}

fn quality(shown: &Shown) -> Markup {
    let of = |pick: fn(&Measured) -> Option<Share>| shown.quality.iter().map(pick).collect();
    let rows = [
        (("precision", "精确率"), of(|m| m.precision)),
        (("recall", "召回率"), of(|m| m.recall)),
        (("F1", "F1"), of(|m| m.f1)),
    ];
    html! {
        h2 { (both("On labelled records, with 95 % intervals (Wilson)", "带标注记录上的表现（95 % 威尔逊区间）")) }
        (intervals(&rows))
        table {
            thead {
                tr {
                    th {} th { (both("hit", "命中")) } th { (both("false alarm", "误报")) }
                    th { (both("missed", "漏报")) } th { (both("rightly silent", "正确静默")) }
                }
            }
            tbody {
                @for one in &shown.quality {
                    tr {
                        td { (one.side) } td.n { (one.counts.true_positives) } td.n { (one.counts.false_positives) }
                        td.n { (one.counts.false_negatives) } td.n { (one.counts.true_negatives) }
                    }
                }
            }
        }
    }
}

fn rules(shown: &Shown, titles: &Titles<'_>) -> Markup {
    let totals: Vec<_> = std::iter::once(&shown.a).chain(&shown.b).collect();
    let ids: BTreeSet<_> = totals
        .iter()
        .flat_map(|totals| totals.rules.keys())
        .collect();
    let mut rows: Vec<Row> = ids
        .into_iter()
        .map(|id| Row {
            name: (id.to_string(), id.to_string()),
            title: titles
                .get(&**id)
                .map_or_else(Default::default, |(en, zh)| ((*en).into(), (*zh).into())),
            values: totals
                .iter()
                .map(|totals| totals.rules.get(id).copied().unwrap_or(0))
                .collect(),
        })
        .collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.values.iter().copied().max()));
    let rest = rows.split_off(rows.len().min(RULES));
    html! {
        h2 { (both("Detections per rule", "各规则检出数")) }
        (bars(&rows))
        @if !rest.is_empty() {
            details {
                summary { (both("the other rules: ", "其余规则：")) (rest.len()) }
                table {
                    tbody {
                        @for row in &rest {
                            tr { td { (row.name.0) } td { (both(&row.title.0, &row.title.1)) } @for value in &row.values { td.n { (value) } } }
                        }
                    }
                }
            }
        }
    }
}

/// Levels from A to B, none among them.
fn moved(difference: &Difference, sides: &[&Side]) -> Vec<Vec<u64>> {
    let place = |level: Level| level as usize + 1;
    let mut counts = vec![vec![0; Level::ALL.len() + 1]; Level::ALL.len() + 1];
    for one in &difference.only_a {
        counts[place(one.level)][0] += 1;
    }
    for one in &difference.only_b {
        counts[0][place(one.level)] += 1;
    }
    let mut same: BTreeMap<Level, u64> = BTreeMap::new();
    for one in sides.first().into_iter().flat_map(|side| side.incidents()) {
        *same.entry(one.level).or_default() += 1;
    }
    for one in &difference.only_a {
        same.entry(one.level)
            .and_modify(|n| *n = n.saturating_sub(1));
    }
    for change in &difference.levels {
        counts[place(change.a)][place(change.b)] += 1;
        same.entry(change.a)
            .and_modify(|n| *n = n.saturating_sub(1));
    }
    for (level, n) in same {
        counts[place(level)][place(level)] += n;
    }
    counts
}

fn differences(difference: &Difference, sides: &[&Side]) -> Markup {
    let names: Vec<(&str, &str)> = std::iter::once(("none", "无"))
        .chain(
            Level::ALL
                .into_iter()
                .map(|level| (level.id(), level_zh(level))),
        )
        .collect();
    html! {
        h2 { (both("From A to B: incidents by level", "从 A 到 B：事件级别变化")) }
        (matrix(&names, &moved(difference, sides)))
        h2 { (both("Level changes: ", "级别变化：")) (difference.levels.len()) }
        (changes(&difference.levels))
        h2 { (both("Incidents only in A: ", "仅 A 有的事件：")) (difference.only_a.len()) }
        (incidents(difference.only_a.iter()))
        h2 { (both("Incidents only in B: ", "仅 B 有的事件：")) (difference.only_b.len()) }
        (incidents(difference.only_b.iter()))
    }
}

fn most_severe(side: &Side) -> Markup {
    let mut all: Vec<&Incident> = side.incidents().collect();
    all.sort_by(|a, b| (b.score, &a.key, a.first_seen).cmp(&(a.score, &b.key, b.first_seen)));
    html! {
        h2 { (both("Incidents, the most severe first", "事件（最严重者在前）")) }
        (incidents(all.into_iter()))
    }
}

fn level(level: Level) -> Markup {
    html! { span class=(level.id()) { (both(level.id(), level_zh(level))) } }
}

fn cut(all: usize) -> Markup {
    html! {
        @if all > LISTED {
            p.quiet { (both("The list is cut; --json has all: ", "列表已截断，--json 有全部：")) (all) }
        }
    }
}

fn time(at: Millis) -> Markup {
    html! { time { (at) } }
}

fn incidents<'i>(all: impl ExactSizeIterator<Item = &'i Incident>) -> Markup {
    let count = all.len();
    if count == 0 {
        return html! {};
    }
    html! {
        table {
            thead {
                tr {
                    th { (both("level", "级别")) } th { (both("score", "分值")) } th { (both("first report", "首报")) }
                    th { (both("incident", "事件")) } th { (both("reports", "报告")) }
                }
            }
            tbody {
                @for one in all.take(LISTED) {
                    tr {
                        td { (level(one.level)) } td.n { (one.score) } td { (time(one.first_seen)) }
                        td { (both(&one.headline, &one.headline_zh)) br; code.quiet { (one.key) } }
                        td.n { (one.reports) }
                    }
                }
            }
        }
        (cut(count))
    }
}

fn changes(all: &[Change]) -> Markup {
    if all.is_empty() {
        return PreEscaped(String::new());
    }
    html! {
        table {
            thead {
                tr {
                    th { "A" } th { "B" } th { (both("first report", "首报")) } th { (both("incident", "事件")) }
                }
            }
            tbody {
                @for one in all.iter().take(LISTED) {
                    tr {
                        td { (level(one.a)) } td { (level(one.b)) } td { (time(one.first_seen)) }
                        td { (both(&one.headline, &one.headline_zh)) br; code.quiet { (one.key) } }
                    }
                }
            }
        }
        (cut(all.len()))
    }
}
