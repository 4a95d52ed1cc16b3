//! An explanation for people.
//!
//! Invariant: the same facts as the JSON object, in the order in which they come about.

use std::fmt::Write as _;

use crate::core::fingerprint::NEAR_BITS;
use crate::core::model::{
    CorrelateOutcome, Detection, Fingerprint, Place, RoutedDepartment, ScoreLine,
};
use crate::core::rule::growth_text;
use crate::core::tools::backtest::Refused;
use crate::core::tools::explain::{Explained, NodeKind, Tree};

use super::super::{escaped, one_line};
use super::explain_report::{Earliest, Report, Unread};

/// The whole page. Nothing of it steers the terminal, wherever it came from.
pub(super) fn text(report: &Report) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = page(report, &mut out);
    escaped(&out)
}

fn page(report: &Report, out: &mut String) -> std::fmt::Result {
    if let Some(at) = &report.position {
        let received = at
            .received
            .map_or(String::new(), |at| format!(", received {at}"));
        writeln!(
            out,
            "record      {} {}/{}{received}, after {} others",
            at.topic, at.partition, at.offset, report.history
        )?;
    }
    unread(report.unread.as_ref(), out)?;
    if let Some(why) = &report.refused {
        return writeln!(out, "not readable: {why}");
    }
    writeln!(out, "decoded     {}", report.decoded)?;
    // Lines of a report are none of the page.
    let [title, body] = report.normalised.each_ref().map(|text| one_line(text));
    if !title.is_empty() {
        writeln!(out, "normalised  title: {title}")?;
    }
    writeln!(out, "normalised  text: {body}")?;
    let terms: Vec<String> = report
        .terms
        .iter()
        .map(|m| format!("{} ({} {}–{})", m.term, m.field, m.span[0], m.span[1]))
        .collect();
    writeln!(out, "found       {}", or_nothing(&terms))?;
    place(report, out)?;
    for one in &report.rules {
        rule(one, report, out)?;
    }
    if report.rules.is_empty() {
        writeln!(
            out,
            "\nno rule fired, and none came near (--rule ID explains one)"
        )?;
    }
    for alert in &report.alerts {
        writeln!(
            out,
            "\nqueue       {} {} {}, {} points",
            alert.key,
            alert.level.id(),
            alert.headline.en,
            alert.score
        )?;
        score(&alert.reasons, out)?;
        if !alert.departments.is_empty() {
            writeln!(out, "  to        {}", duties(&alert.departments))?;
        }
    }
    if report.alerts.is_empty() && !report.detections.is_empty() {
        writeln!(
            out,
            "\nqueue       nothing: the incident is below the lowest level, or nothing changed"
        )?;
    }
    for route in report.routes.iter().filter(|route| !route.queued) {
        writeln!(
            out,
            "  {} from {} points on: {}",
            route.key,
            route.threshold,
            duties(&route.departments)
        )?;
    }
    Ok(())
}

fn unread(unread: Option<&Unread>, out: &mut String) -> std::fmt::Result {
    let Some(Unread { records, first }) = unread else {
        return Ok(());
    };
    let Refused {
        number,
        code,
        message,
        help,
    } = first;
    writeln!(
        out,
        "history     without {records} records that could not be read; the first is record {number}: {code} {message}\n  help: {help}"
    )
}

fn duties(departments: &[RoutedDepartment]) -> String {
    let all: Vec<String> = departments
        .iter()
        .map(|d| format!("{}{}", d.id, if d.required { " (required)" } else { "" }))
        .collect();
    or_nothing(&all)
}

fn or_nothing(list: &[String]) -> String {
    if list.is_empty() {
        "nothing".to_owned()
    } else {
        list.join(", ")
    }
}

fn place(report: &Report, out: &mut String) -> std::fmt::Result {
    let name = |place: &Place| match &place.name_zh {
        Some(zh) => format!("{} {zh} [{}]", place.name, place.code),
        None => format!("{} [{}]", place.name, place.code),
    };
    if let Some(place) = &report.place {
        writeln!(
            out,
            "place       {}, {}, by {}",
            name(place),
            place.tier.id(),
            report.place_by
        )?;
        if !report.ancestors.is_empty() {
            writeln!(out, "  in        {}", report.ancestors.join(", "))?;
        }
    }
    for candidate in &report.candidates {
        let because = if candidate.because.is_empty() {
            String::new()
        } else {
            format!("; {}", candidate.because.join("; "))
        };
        writeln!(
            out,
            "  candidate {} “{}…” → {}: {}{because}",
            candidate.field,
            candidate.found,
            name(&candidate.place),
            candidate.verdict
        )?;
        if !candidate.others.is_empty() {
            let others: Vec<String> = candidate.others.iter().map(name).collect();
            writeln!(out, "            or {}", others.join(", "))?;
        }
    }
    if !report.also_places.is_empty() {
        let also: Vec<String> = report.also_places.iter().map(name).collect();
        writeln!(out, "  also      {}", also.join(", "))?;
    }
    Ok(())
}

fn rule(one: &Explained, report: &Report, out: &mut String) -> std::fmt::Result {
    let state = match (one.fired, one.off) {
        (true, _) if one.shadow => "fired (shadow: it does not alert)",
        (true, _) => "fired",
        (false, true) => "is off",
        (false, false) => "did not fire",
    };
    writeln!(
        out,
        "\nrule {} {state}: {} ({}:{})",
        one.rule, one.title, one.file, one.line
    )?;
    if one.fired || report.full {
        let mut trees = Trees {
            full: report.full,
            ..Trees::default()
        };
        trees.tree(&one.condition, 1, out)?;
    }
    if let Some(needs) = &one.needs {
        writeln!(out, "  needs     {needs}")?;
    }
    if !one.consistent {
        writeln!(
            out,
            "  note      the engine disagrees with this tree: please report it"
        )?;
    }
    for (index, (detection, end)) in report.detections.iter().enumerate() {
        if detection.rule_id == one.rule && detection.wide_of.is_some() {
            writeln!(out, "  counts    {}, for growth alone", detection.key)?;
        } else if detection.rule_id == one.rule {
            let nearest = report.nearest.get(index).and_then(Option::as_ref);
            self::detection(detection, *end, nearest, report.history, out)?;
        }
    }
    Ok(())
}

fn detection(
    detection: &Detection,
    end: CorrelateOutcome,
    nearest: Option<&Earliest>,
    history: u64,
    out: &mut String,
) -> std::fmt::Result {
    writeln!(out, "  severity  {}", detection.severity)?;
    score(&detection.score, out)?;
    for line in &detection.growth {
        let (points, because, asked) = (line.points, &line.because, growth_text(line));
        writeln!(
            out,
            "    {points:>+4}  {because} (to the incident, while {asked})"
        )?;
    }
    writeln!(out, "  key       {}", detection.key)?;
    let print = match detection.report.fingerprint {
        None => "none: only free text of news, posts and hotlines is compared".to_owned(),
        Some(Fingerprint::Simhash(hash)) => {
            format!("SimHash {hash:016x}, near when ≤ {NEAR_BITS} bits differ")
        }
        Some(Fingerprint::Exact(hash)) => format!("short text, equal when {hash:016x}"),
    };
    writeln!(out, "  print     {print}")?;
    let compared = match nearest {
        Some(one) if one.near => format!(
            "{} bits differ from {}/{}: a near-duplicate",
            one.bits, one.feed, one.report
        ),
        Some(one) => format!(
            "{} bits differ from {}/{}, the nearest of this key: no near-duplicate",
            one.bits, one.feed, one.report
        ),
        None if history == 0 => {
            "nothing: no earlier records were given (--history, --topic)".to_owned()
        }
        None => format!("none of this key among {history} earlier records"),
    };
    writeln!(out, "  nearest   {compared}")?;
    writeln!(out, "  end       {}", end.id())
}

fn score(lines: &[ScoreLine], out: &mut String) -> std::fmt::Result {
    for line in lines {
        writeln!(out, "    {:>+4}  {}", line.points, line.because)?;
    }
    Ok(())
}

/// Writes condition trees.
#[derive(Default)]
struct Trees<'t> {
    /// Every part, also of what holds because nothing was found.
    full: bool,
    /// Names under which several parts were shown: the next time the name is enough.
    shown: Vec<&'t str>,
}

impl<'t> Trees<'t> {
    fn tree(&mut self, node: &'t Tree, depth: usize, out: &mut String) -> std::fmt::Result {
        let sign = if node.holds { "✓" } else { "✗" };
        let indent = "  ".repeat(depth);
        if !self.full && node.kind == NodeKind::Not && node.holds {
            let mut names = Vec::new();
            selections(node, &mut names);
            return writeln!(out, "{indent}{sign} not ({})", names.join(", "));
        }
        let (text, found) = (&node.text, found(node));
        let ([part], NodeKind::Selection | NodeKind::Condition) = (&node.parts[..], node.kind)
        else {
            writeln!(out, "{indent}{sign} {text}{found}")?;
            return self.parts(node, depth, out);
        };
        // A selection of one entry is one line.
        if part.parts.is_empty() {
            return writeln!(
                out,
                "{indent}{sign} {text}  {}{}",
                part.text,
                self::found(part)
            );
        }
        if self.shown.contains(&&**text) {
            return writeln!(out, "{indent}{sign} {text}  as above");
        }
        self.shown.push(text);
        if matches!(part.kind, NodeKind::Selection | NodeKind::Condition) {
            writeln!(out, "{indent}{sign} {text}")?;
            return self.parts(node, depth, out);
        }
        writeln!(out, "{indent}{sign} {text}  {}", part.text)?;
        self.parts(part, depth, out)
    }

    fn parts(&mut self, node: &'t Tree, depth: usize, out: &mut String) -> std::fmt::Result {
        node.parts
            .iter()
            .try_for_each(|part| self.tree(part, depth + 1, out))
    }
}

/// The terms that a node found, as its line shows them.
fn found(node: &Tree) -> String {
    let mut terms: Vec<&str> = node.found.iter().map(|m| &*m.term).collect();
    terms.dedup();
    if terms.is_empty() {
        return String::new();
    }
    format!("  → {}", terms.join(", "))
}

/// Names of the selections below a node, each once.
fn selections<'t>(node: &'t Tree, names: &mut Vec<&'t str>) {
    if matches!(node.kind, NodeKind::Selection | NodeKind::Condition) {
        if !names.contains(&&*node.text) {
            names.push(&node.text);
        }
    } else {
        node.parts.iter().for_each(|part| selections(part, names));
    }
}
