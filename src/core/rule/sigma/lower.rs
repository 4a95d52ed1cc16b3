//! Entries → tests: every modifier applied.

use super::fold;
use super::literals;
use super::modifier::{Kind, Modifier, kind};
use super::pattern::Pattern;
use super::syntax::{Entry, Scalar, Value};
use super::test::{Cidr, Part, Test};
use super::transform::{self, Placeholders, Problem};
use crate::core::rule::{How, Op, codes, pcre};
use crate::core::yaml::Findings;

/// Compiled size of one regular expression, bytes.
const MAX_REGEX: usize = 16 << 20;

/// What an entry asks of its field.
#[derive(Clone, Debug)]
pub struct Asked {
    /// None: every value of the event.
    pub field: Option<String>,
    /// For each value of the rule, the tests of which one must hold.
    pub values: Vec<Vec<Test>>,
    /// Whether every value must be met, not just one.
    pub all: bool,
    /// `neq`: the field is there, and what is asked does not hold.
    pub not: bool,
}

impl Asked {
    /// The answer, from whether one value of the rule is met and whether the field is there.
    pub fn holds(&self, present: bool, met: impl FnMut(&Vec<Test>) -> bool) -> bool {
        let holds = if self.all {
            self.values.iter().all(met)
        } else {
            self.values.iter().any(met)
        };
        if self.not { present && !holds } else { holds }
    }
}

/// Applies the modifiers of an entry. None after an error, or after a warning about placeholders without values.
pub fn lower(
    entry: &Entry,
    placeholders: &Placeholders,
    findings: &mut Findings<'_>,
) -> Option<Asked> {
    let has = |modifier| entry.modifiers.contains(&modifier);
    let at = entry.at.0;
    if has(Modifier::All) && entry.values.len() == 1 {
        findings
            .warn(
                codes::BAD_MODIFIERS,
                at,
                "`all` over one value says nothing",
            )
            .help("remove it, or give a list");
    }
    if entry.values.len() > 1
        && let Some(null) = entry.values.iter().find(|v| v.scalar == Scalar::Null)
    {
        findings
            .error(
                codes::WRONG_TYPE,
                null.at.0,
                "`null` cannot stand in a list of values",
            )
            .help("make a selection of its own of it");
        return None;
    }
    // Every value is read even after a failure, so that all findings come at once.
    let values: Vec<Option<Vec<Test>>> = entry
        .values
        .iter()
        .map(|value| one(value, entry, placeholders, findings))
        .collect();
    Some(Asked {
        field: entry.field.clone(),
        values: values.into_iter().collect::<Option<_>>()?,
        all: has(Modifier::All),
        not: has(Modifier::Neq),
    })
}

fn one(
    value: &Value,
    entry: &Entry,
    placeholders: &Placeholders,
    findings: &mut Findings<'_>,
) -> Option<Vec<Test>> {
    let modifiers = &entry.modifiers;
    let at = value.at.0;
    let test = match kind(modifiers) {
        Kind::Text => return texts(value, entry, placeholders, findings),
        Kind::Cidr => return networks(value, entry, placeholders, findings),
        Kind::Exists => match &value.scalar {
            Scalar::Bool(wanted) if entry.values.len() == 1 => Test::Exists(*wanted),
            _ => {
                findings.error(codes::BAD_VALUE, at, "`exists` is true or false");
                return None;
            }
        },
        Kind::Regex => {
            let has = |modifier| modifiers.contains(&modifier);
            let (regex, source) = regex(value, modifiers, findings)?;
            Test::Regex {
                regex,
                literals: literals::required(
                    &source,
                    has(Modifier::I),
                    has(Modifier::M),
                    has(Modifier::S),
                ),
            }
        }
        Kind::Compare => Test::Compare {
            op: operator(modifiers)?,
            value: number(value, findings)?,
            exact: value
                .scalar
                .text()
                .and_then(|text| text.trim().parse().ok()),
        },
        Kind::Time => Test::Time {
            part: part(modifiers)?,
            op: operator(modifiers),
            value: number(value, findings)?,
        },
        Kind::FieldRef => {
            let Scalar::Text(source) = &value.scalar else {
                findings.error(
                    codes::WRONG_TYPE,
                    at,
                    "`fieldref` takes the name of a field",
                );
                return None;
            };
            let pattern = Pattern::parse(source);
            let Some(name) = pattern.text().filter(|n| !n.is_empty()) else {
                findings.error(codes::BAD_VALUE, at, "a field name takes no wildcards");
                return None;
            };
            Test::Field {
                name: name.to_owned(),
                how: how(modifiers).unwrap_or(How::Equals),
                cased: modifiers.contains(&Modifier::Cased),
            }
        }
    };
    Some(vec![test])
}

fn how(modifiers: &[Modifier]) -> Option<How> {
    modifiers.iter().find_map(|m| match m {
        Modifier::Contains => Some(How::Contains),
        Modifier::StartsWith => Some(How::StartsWith),
        Modifier::EndsWith => Some(How::EndsWith),
        _ => None,
    })
}

fn operator(modifiers: &[Modifier]) -> Option<Op> {
    modifiers.iter().find_map(|m| match m {
        Modifier::Lt => Some(Op::Lt),
        Modifier::Lte => Some(Op::Lte),
        Modifier::Gt => Some(Op::Gt),
        Modifier::Gte => Some(Op::Gte),
        _ => None,
    })
}

fn part(modifiers: &[Modifier]) -> Option<Part> {
    modifiers.iter().find_map(|m| match m {
        Modifier::Minute => Some(Part::Minute),
        Modifier::Hour => Some(Part::Hour),
        Modifier::Day => Some(Part::Day),
        Modifier::Week => Some(Part::Week),
        Modifier::Month => Some(Part::Month),
        Modifier::Year => Some(Part::Year),
        _ => None,
    })
}

fn number(value: &Value, findings: &mut Findings<'_>) -> Option<f64> {
    let number = match &value.scalar {
        Scalar::Number(number, _) => Some(*number),
        Scalar::Text(text) => super::test::number(text),
        _ => None,
    };
    if number.is_none() {
        findings.error(codes::BAD_VALUE, value.at.0, "a comparison takes a number");
    }
    number
}

fn regex(
    value: &Value,
    modifiers: &[Modifier],
    findings: &mut Findings<'_>,
) -> Option<(regex::Regex, String)> {
    let has = |modifier| modifiers.contains(&modifier);
    let Some(source) = value.scalar.text().filter(|t| !t.is_empty()) else {
        findings.error(
            codes::EMPTY_VALUE,
            value.at.0,
            "a regular expression is text",
        );
        return None;
    };
    let source = match pcre::translate(source, has(Modifier::M)) {
        Ok(source) => source,
        Err(why) => {
            findings.error(codes::BAD_REGEX, value.at.0, why);
            return None;
        }
    };
    let built = regex::RegexBuilder::new(&source)
        .size_limit(MAX_REGEX)
        .nest_limit(128)
        .case_insensitive(has(Modifier::I))
        .multi_line(has(Modifier::M))
        .dot_matches_new_line(has(Modifier::S))
        .build();
    match built {
        Ok(regex) => Some((regex, source.into_owned())),
        Err(error) => {
            let large = matches!(error, regex::Error::CompiledTooBig(_));
            let help = if large {
                "repeat less: what is repeated counts as often as it is"
            } else {
                "look-around and back-references are not part of Sigma"
            };
            let error = error.to_string();
            let last = error.lines().last().unwrap_or_default();
            let said = last.trim_start_matches("error: ");
            findings
                .error(
                    codes::BAD_REGEX,
                    value.at.0,
                    format!("not a regular expression: {said}"),
                )
                .help(help);
            None
        }
    }
}

/// A text without `how` of keywords is looked for anywhere.
fn texts(
    value: &Value,
    entry: &Entry,
    placeholders: &Placeholders,
    findings: &mut Findings<'_>,
) -> Option<Vec<Test>> {
    let modifiers = &entry.modifiers;
    let keywords = entry.field.is_none();
    let how = how(modifiers);
    let cased = modifiers.contains(&Modifier::Cased);
    let changed = modifiers
        .iter()
        .any(|m| m.is_encoding() || matches!(m, Modifier::Expand | Modifier::Windash));
    let source = match &value.scalar {
        Scalar::Null if keywords || how.is_some() || changed || cased => {
            findings.error(
                codes::WRONG_TYPE,
                value.at.0,
                "`null` takes no modifiers and is no keyword",
            );
            return None;
        }
        Scalar::Null => return Some(vec![Test::Null]),
        Scalar::Number(number, text) if how.is_none() && !changed && !keywords => {
            return Some(vec![Test::Number {
                value: *number,
                text: text.clone(),
            }]);
        }
        other => other.text().unwrap_or_default(),
    };
    if keywords && source.is_empty() {
        findings.error(
            codes::EMPTY_VALUE,
            value.at.0,
            "an empty keyword is part of every event",
        );
        return None;
    }
    let patterns = transform::apply(source, modifiers, placeholders)
        .map_err(|problem| report(&problem, value, findings))
        .ok()?;
    let how = how.unwrap_or(if keywords { How::Contains } else { How::Equals });
    let test = |pattern: Pattern| Test::Text {
        how,
        cased,
        pattern: if cased { pattern } else { pattern.folded() },
    };
    Some(patterns.into_iter().map(test).collect())
}

fn networks(
    value: &Value,
    entry: &Entry,
    placeholders: &Placeholders,
    findings: &mut Findings<'_>,
) -> Option<Vec<Test>> {
    let source = value.scalar.text().unwrap_or_default();
    let patterns = transform::apply(source, &entry.modifiers, placeholders)
        .map_err(|problem| report(&problem, value, findings))
        .ok()?;
    let net = |pattern: &Pattern| pattern.text().and_then(Cidr::parse).map(Test::Cidr);
    let nets: Option<Vec<Test>> = patterns.iter().map(net).collect();
    if nets.is_none() {
        findings
            .error(
                codes::BAD_VALUE,
                value.at.0,
                format!("`{source}` is no network"),
            )
            .help("10.0.0.0/8, 2001:db8::/32");
    }
    nets
}

fn report(problem: &Problem, value: &Value, findings: &mut Findings<'_>) {
    let at = value.at.0;
    match problem {
        Problem::Unknown(name) => findings
            .warn(
                codes::UNKNOWN_PLACEHOLDER,
                at,
                format!("the placeholder `%{name}%` has no values: the rule is not evaluated"),
            )
            .help(format!("give them: --placeholder {name}=VALUE")),
        Problem::TooMany => findings
            .error(
                codes::BAD_ENCODING,
                at,
                format!(
                    "the value stands for more than {} others",
                    transform::MAX_VARIANTS
                ),
            )
            .help("split it, or leave `windash` out"),
        Problem::Wildcards => findings
            .error(codes::BAD_ENCODING, at, "wildcards cannot be encoded")
            .help("escape them: `\\*`, `\\?`"),
        Problem::NoText => findings
            .error(
                codes::BAD_ENCODING,
                at,
                "no text of an event has these bytes",
            )
            .help("encode them further, with base64 or base64offset"),
    }
}

/// Whether two texts are the same but for case, as values of rules and events are compared.
pub fn same(a: &str, b: &str) -> bool {
    fold::same(a, b)
}
