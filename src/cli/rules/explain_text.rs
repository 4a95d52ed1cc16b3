//! An explanation for people.
//!
//! Invariant: the same facts as the JSON object, in the order in which they come about.

use std::fmt::Write as _;
use std::sync::Arc;

use serde::Serialize;

use crate::core::model::{
    Alert, CorrelateOutcome, Detection, Fingerprint, Match, Place, ScoreLine, ShadowHit,
};
use crate::core::tools::explain::{Explained, NodeKind, Tree};

/// Everything that became of one record.
#[derive(Debug, Default, Serialize)]
pub(super) struct Report {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// As decoded, masked: Tocsin JSON.
    pub decoded: serde_json::Value,
    /// Title and text as rules see them.
    pub normalised: [String; 2],
    pub place: Option<Place>,
    pub place_assumed: bool,
    pub ancestors: Vec<Arc<str>>,
    pub also_places: Vec<Place>,
    pub terms: Vec<Match>,
    pub rules: Vec<Explained>,
    pub detections: Vec<(Detection, CorrelateOutcome)>,
    pub shadow: Vec<ShadowHit>,
    pub is_copy: bool,
    pub alerts: Vec<Alert>,
    #[serde(skip)]
    pub near: usize,
    #[serde(skip)]
    pub full: bool,
}

/// The whole page.
pub(super) fn text(report: &Report) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = page(report, &mut out);
    out
}

fn page(report: &Report, out: &mut String) -> std::fmt::Result {
    if let Some(why) = &report.refused {
        return writeln!(out, "not readable: {why}");
    }
    writeln!(out, "decoded     {}", report.decoded)?;
    let [title, body] = &report.normalised;
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
        let departments: Vec<String> = alert
            .departments
            .iter()
            .map(|d| format!("{}{}", d.id, if d.required { " (required)" } else { "" }))
            .collect();
        writeln!(
            out,
            "\nqueue       {} {} {}, {} points",
            alert.key,
            alert.level.id(),
            alert.headline.en,
            alert.score
        )?;
        score(&alert.reasons, out)?;
        writeln!(out, "  to        {}", or_nothing(&departments))?;
    }
    if report.alerts.is_empty() && !report.detections.is_empty() {
        writeln!(
            out,
            "\nqueue       nothing: the incident is below the lowest level, or nothing changed"
        )?;
    }
    Ok(())
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
        let assumed = if report.place_assumed {
            ", the feed's home: the report names none"
        } else {
            ""
        };
        writeln!(
            out,
            "place       {}, {}{assumed}",
            name(place),
            place.tier.id()
        )?;
        if !report.ancestors.is_empty() {
            writeln!(out, "  in        {}", report.ancestors.join(", "))?;
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
        tree(&one.condition, 1, report.full, out)?;
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
    let of = report
        .detections
        .iter()
        .filter(|(d, _)| d.rule_id == one.rule);
    for (detection, end) in of {
        writeln!(out, "  severity  {}", detection.severity)?;
        score(&detection.score, out)?;
        writeln!(out, "  key       {}", detection.key)?;
        let print = match detection.report.fingerprint {
            None => "none: only free text of news, posts and hotlines is compared".to_owned(),
            Some(Fingerprint::Simhash(hash)) => {
                format!("SimHash {hash:016x}, near when ≤ 3 bits differ")
            }
            Some(Fingerprint::Exact(hash)) => format!("short text, equal when {hash:016x}"),
        };
        writeln!(out, "  print     {print}")?;
        writeln!(out, "  end       {}", end.id())?;
    }
    Ok(())
}

fn score(lines: &[ScoreLine], out: &mut String) -> std::fmt::Result {
    for line in lines {
        writeln!(out, "    {:>+4}  {}", line.points, line.because)?;
    }
    Ok(())
}

fn tree(node: &Tree, depth: usize, full: bool, out: &mut String) -> std::fmt::Result {
    let sign = if node.holds { "✓" } else { "✗" };
    let indent = "  ".repeat(depth);
    let terms: Vec<&str> = {
        let mut terms: Vec<&str> = node.found.iter().map(|m| &*m.term).collect();
        terms.dedup();
        terms
    };
    let found = if terms.is_empty() {
        String::new()
    } else {
        format!("  → {}", terms.join(", "))
    };
    // A selection of one entry is one line.
    if node.kind == NodeKind::Selection && node.parts.len() == 1 && node.parts[0].parts.is_empty() {
        let entry = &node.parts[0];
        let terms: Vec<&str> = entry.found.iter().map(|m| &*m.term).collect();
        let found = if terms.is_empty() {
            String::new()
        } else {
            format!("  → {}", terms.join(", "))
        };
        return writeln!(out, "{indent}{sign} {}  {}{found}", node.text, entry.text);
    }
    if !full && node.kind == NodeKind::Not && node.holds {
        let mut names = Vec::new();
        selections(node, &mut names);
        return writeln!(out, "{indent}{sign} not ({})", names.join(", "));
    }
    writeln!(out, "{indent}{sign} {}{found}", node.text)?;
    node.parts
        .iter()
        .try_for_each(|part| tree(part, depth + 1, full, out))
}

/// Names of the selections below a node, each once.
fn selections<'t>(node: &'t Tree, names: &mut Vec<&'t str>) {
    if node.kind == NodeKind::Selection {
        if !names.contains(&&*node.text) {
            names.push(&node.text);
        }
    } else {
        node.parts.iter().for_each(|part| selections(part, names));
    }
}
