//! The most telling reports and their texts.
//!
//! Invariant: text is kept for the [`MAX_EVIDENCE`] most telling members at most, cut to the limits of the model whatever a
//! detection carries.

use std::sync::Arc;

use super::config::Limits;
use super::score::Summary;
use super::state::{Incident, StLine, StValue, Text, first_chars, kind_of};
use crate::core::model::{
    Detection, Evidence, FeedKind, MAX_EVIDENCE, MAX_EXCERPT_CHARS, MAX_MATCHES, MAX_VALUE_CHARS,
    Match, ScoreLine,
};

/// Longest term kept of a match, characters.
const MAX_TERM_CHARS: usize = 100;
/// Longest link kept, bytes.
const MAX_LINK_BYTES: usize = 1_000;
/// Score lines kept of one report; the points of further ones become one line.
const MAX_LINES: usize = 24;

const TITLE: &str = "title";
const TEXT: &str = "text";

/// The text of a detection.
pub(super) fn text_of(detection: &Detection) -> Text {
    let report = &detection.report;
    let link = report
        .link
        .clone()
        .filter(|link| report.kind != FeedKind::Post && link.len() <= MAX_LINK_BYTES);
    let mut text = Text {
        title: first_chars(&report.title, MAX_EXCERPT_CHARS).to_owned(),
        excerpt: first_chars(&report.excerpt, MAX_EXCERPT_CHARS).to_owned(),
        excerpt_start: report.excerpt_start,
        link,
        matches: Vec::new(),
        lines: score_lines(&detection.score),
        values: Vec::new(),
    };
    add_matches(&mut text, detection);
    text
}

/// Adds what another rule found in the same report; its text and lines too when it is the more severe one.
pub(super) fn add_rule(text: &mut Text, detection: &Detection, more_severe: bool) {
    if more_severe {
        let before = std::mem::replace(text, text_of(detection));
        let shift = i64::from(before.excerpt_start) - i64::from(text.excerpt_start);
        for (in_excerpt, start, end, term) in before.matches {
            let shift = if in_excerpt { shift } else { 0 };
            push_span(
                text,
                in_excerpt,
                i64::from(start) + shift,
                i64::from(end) + shift,
                &term,
            );
        }
        text.values.extend(before.values);
        tidy(text);
    } else {
        add_matches(text, detection);
    }
}

fn add_matches(text: &mut Text, detection: &Detection) {
    for found in &detection.matches {
        let in_excerpt = match &*found.field {
            TITLE => false,
            TEXT => true,
            _ => {
                text.values.extend(value_of(found));
                continue;
            }
        };
        let shift = if in_excerpt {
            i64::from(text.excerpt_start)
        } else {
            0
        };
        let [start, end] = found.span.map(|at| i64::from(at) - shift);
        push_span(text, in_excerpt, start, end, &found.term);
    }
    tidy(text);
}

/// What was found in a field that the evidence does not show as such.
fn value_of(found: &Match) -> Option<StValue> {
    let value = found.value.as_ref()?;
    let shown = first_chars(value, MAX_VALUE_CHARS);
    let [start, end] = found.span;
    let within = start < end && end as usize <= shown.chars().count();
    let field = first_chars(&found.field, MAX_TERM_CHARS).into();
    let term = first_chars(&found.term, MAX_TERM_CHARS).into();
    within.then(|| StValue(field, found.span, term, shown.into()))
}

fn push_span(text: &mut Text, in_excerpt: bool, start: i64, end: i64, term: &Arc<str>) {
    let shown = if in_excerpt {
        &text.excerpt
    } else {
        &text.title
    };
    let within = start >= 0 && start < end && end <= shown.chars().count() as i64;
    let (Ok(start), Ok(end), true) = (u32::try_from(start), u32::try_from(end), within) else {
        return;
    };
    let term = match first_chars(term, MAX_TERM_CHARS) {
        short if short.len() == term.len() => Arc::clone(term),
        short => short.into(),
    };
    text.matches.push((in_excerpt, start, end, term));
}

fn tidy(text: &mut Text) {
    text.matches.sort_unstable();
    text.matches.dedup();
    text.matches.truncate(MAX_MATCHES);
    text.values.sort_unstable();
    text.values.dedup();
    text.values
        .truncate(MAX_MATCHES.saturating_sub(text.matches.len()));
}

fn score_lines(lines: &[ScoreLine]) -> Vec<StLine> {
    let mut kept: Vec<StLine> = lines.iter().take(MAX_LINES).map(StLine::from).collect();
    let rest: i32 = lines.iter().skip(MAX_LINES).map(|line| line.points).sum();
    if lines.len() > MAX_LINES {
        kept.push(StLine(
            rest,
            "further lines".into(),
            Some("其余各项".into()),
        ));
    }
    kept
}

/// Keeps the texts of the most telling members only.
pub(super) fn keep_telling(incident: &mut Incident, summary: &Summary) {
    let telling = &summary.telling[..summary.telling.len().min(MAX_EVIDENCE)];
    incident
        .texts
        .retain(|(member, _)| telling.contains(member));
}

/// The evidence of an alert.
pub(super) fn evidence(incident: &Incident, summary: &Summary, limits: &Limits) -> Vec<Evidence> {
    let most = summary
        .telling
        .iter()
        .zip(&summary.copies)
        .take(MAX_EVIDENCE);
    most.map(|(index, copies)| {
        let member = &incident.members[*index as usize];
        let text = incident
            .texts
            .iter()
            .find(|(owner, _)| owner == index)
            .map(|(_, text)| text);
        let mut rules: Vec<Arc<str>> = member
            .rules
            .iter()
            .take(limits.rules_per_report)
            .map(|(rule, _)| incident.name(*rule))
            .collect();
        rules.sort_unstable();
        Evidence {
            report_id: member.id.to_string(),
            feed: incident.name(member.feed),
            kind: kind_of(member.kind),
            source: incident.name(member.source),
            observed: member.observed,
            received: member.received,
            title: text.map(|text| text.title.clone()).unwrap_or_default(),
            excerpt: text.map(|text| text.excerpt.clone()).unwrap_or_default(),
            matches: text.map(matches).unwrap_or_default(),
            rules,
            severity: member.severity(),
            copies: *copies,
            link: text.and_then(|text| text.link.clone()),
        }
    })
    .collect()
}

fn matches(text: &Text) -> Vec<Match> {
    let shown = text
        .matches
        .iter()
        .map(|(in_excerpt, start, end, term)| Match {
            field: if *in_excerpt { TEXT } else { TITLE }.into(),
            span: [*start, *end],
            term: Arc::clone(term),
            value: None,
        });
    let values = text
        .values
        .iter()
        .map(|StValue(field, span, term, value)| Match {
            field: Arc::clone(field),
            span: *span,
            term: Arc::clone(term),
            value: Some(Arc::clone(value)),
        });
    shown.chain(values).collect()
}

#[cfg(test)]
mod tests {
    use super::super::sample::detection;
    use super::*;

    fn found(field: &str, value: Option<&str>) -> Match {
        let length = value.map_or(4, |value| value.chars().count() as u32);
        Match {
            field: field.into(),
            span: [0, length],
            term: "gte 5".into(),
            value: value.map(Into::into),
        }
    }

    #[test]
    fn what_decided_in_other_fields_is_kept_with_its_value() {
        let mut first = detection("1", 0, 40);
        first.matches = vec![found("magnitude", Some("5.5")), found("text", None)];
        let mut second = detection("1", 0, 60);
        second.matches = vec![
            found("depth_km", Some("8")),
            found("magnitude", Some("5.5")),
        ];
        for more_severe in [false, true] {
            let mut text = text_of(&first);
            add_rule(&mut text, &second, more_severe);
            let shown = matches(&text);
            let fields: Vec<&str> = shown.iter().map(|m| &*m.field).collect();
            assert_eq!(fields, ["text", "depth_km", "magnitude"]);
            assert_eq!(shown[2], first.matches[0]);
        }
    }

    #[test]
    fn values_are_bounded() {
        let mut hostile = detection("1", 0, 40);
        let long = "v".repeat(1_000);
        hostile.matches = (0..100)
            .map(|n| found(&format!("f{n}"), Some("v")))
            .chain([found("long", Some(&long)), found("none", None)])
            .collect();
        let text = text_of(&hostile);
        assert_eq!(text.values.len(), MAX_MATCHES);
        assert!(
            text.values
                .iter()
                .all(|v| &*v.0 != "long" && &*v.0 != "none")
        );
    }

    #[test]
    fn text_of_an_earlier_version_is_read() {
        let text = text_of(&detection("1", 0, 40));
        let earlier = (
            &text.title,
            &text.excerpt,
            text.excerpt_start,
            &text.link,
            &text.matches,
            &text.lines,
        );
        let bytes = rmp_serde::to_vec(&earlier).unwrap();
        assert_eq!(rmp_serde::from_slice::<Text>(&bytes).unwrap(), text);
    }
}
