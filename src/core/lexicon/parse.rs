//! Lexicon files → terms. The format is described in [`crate::core::rule`].

use std::collections::HashMap;
use std::sync::Arc;

use super::MAX_PATTERN;
use crate::core::diagnostic::{Diagnostic, SourceFile};
use crate::core::normalise::normalise;
use crate::core::rule::codes;
use crate::core::yaml::{self, At, Findings, Node};

/// Terms of one lexicon.
pub(super) const MAX_TERMS: usize = 500_000;
/// Contexts of one term.
pub(super) const MAX_UNLESS: usize = 64;
/// Units (characters of CJK, words elsewhere) within which a context that does not contain the term cancels a hit.
pub const UNLESS_WITHIN: u32 = 5;

/// Where a term may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Bounded on both sides, where its edges are of an alphabetic script.
    Word,
    /// Bounded on the left only.
    Prefix,
    /// Anywhere.
    Substring,
}

/// A context that cancels a hit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unless {
    /// Normalised.
    pub text: String,
    /// Whether the context contains the term: then the hit must lie inside it, else stand near it.
    pub around: bool,
}

/// One term.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct Term {
    /// As the lexicon writes it.
    pub text: Arc<str>,
    pub normalised: String,
    pub weight: u32,
    pub mode: Mode,
    pub unless: Vec<Unless>,
}

/// A named set of terms.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct Lexicon {
    pub name: Arc<str>,
    /// Language that it says to be of.
    pub lang: Option<String>,
    pub terms: Vec<Term>,
    pub file: String,
    pub at: At,
    pub name_at: At,
}

/// Defaults of a lexicon for its terms.
struct Defaults {
    mode: Mode,
    weight: u32,
    unless: Vec<String>,
}

/// The lexicons of a file; findings go to `found`.
pub fn parse(source: &SourceFile, found: &mut Vec<Diagnostic>) -> Vec<Lexicon> {
    let mut findings = Findings::new(&source.name);
    let documents = yaml::parse(&source.text, &mut findings);
    let lexicons = documents
        .iter()
        .filter_map(|node| lexicon(node, &source.name, &mut findings))
        .collect();
    found.append(&mut findings.list);
    lexicons
}

fn lexicon(node: &Node, file: &str, findings: &mut Findings<'_>) -> Option<Lexicon> {
    let entries = findings.map_of(node, codes::WRONG_TYPE, "a lexicon")?;
    let (mut name, mut lang) = (None, None);
    let mut defaults = Defaults {
        mode: Mode::Word,
        weight: 1,
        unless: vec![],
    };
    let mut terms = &[][..];
    for (key, value) in entries {
        match key.text.as_str() {
            "lexicon" => name = self::name(value, findings),
            "lang" => lang = value.text().map(str::to_owned),
            "description" | "source" | "licence" => {}
            "mode" => defaults.mode = mode(value, findings).unwrap_or(Mode::Word),
            "weight" => defaults.weight = weight(value, findings).unwrap_or(1),
            "unless" => defaults.unless = unless(value, findings),
            "terms" => terms = value.items(),
            other => {
                findings
                    .error(
                        codes::UNKNOWN_KEY,
                        key.at,
                        format!("a lexicon has no `{other}`"),
                    )
                    .help(
                        "lexicon, lang, description, source, licence, mode, weight, unless, terms",
                    );
            }
        }
    }
    if node.get("lexicon").is_none() {
        findings.error(
            codes::MISSING_KEY,
            node.at,
            "a lexicon needs its name under `lexicon`",
        );
    }
    if terms.is_empty() || terms.len() > MAX_TERMS {
        findings.error(
            codes::MISSING_KEY,
            node.at,
            format!("a lexicon needs 1 to {MAX_TERMS} `terms`"),
        );
    }
    let mut seen: HashMap<(String, Mode), ()> = HashMap::new();
    let mut read = Vec::with_capacity(terms.len());
    for node in terms.iter().take(MAX_TERMS) {
        let Some(term) = term(node, &defaults, findings) else {
            continue;
        };
        if seen
            .insert((term.normalised.clone(), term.mode), ())
            .is_some()
        {
            findings
                .warn(
                    codes::DUPLICATE_TERM,
                    node.at,
                    format!("`{}` stands here twice, as texts are normalised", term.text),
                )
                .help("remove one; width, case and traditional forms are the same term");
            continue;
        }
        read.push(term);
    }
    Some(Lexicon {
        name: name?,
        lang,
        terms: read,
        file: file.to_owned(),
        at: node.at,
        name_at: node.get("lexicon").map_or(node.at, |name| name.at),
    })
}

fn name(node: &Node, findings: &mut Findings<'_>) -> Option<Arc<str>> {
    let valid = |t: &&str| {
        !t.is_empty()
            && t.len() <= 64
            && t.bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    };
    let name = node.text().filter(valid).map(Arc::from);
    if name.is_none() {
        findings.error(
            codes::BAD_NAME,
            node.at,
            "a lexicon's name is of a–z, 0–9 and _, at most 64 characters",
        );
    }
    name
}

fn mode(node: &Node, findings: &mut Findings<'_>) -> Option<Mode> {
    match node.text() {
        Some("word") => Some(Mode::Word),
        Some("substring") => Some(Mode::Substring),
        Some("prefix") => Some(Mode::Prefix),
        _ => {
            findings.error(
                codes::BAD_VALUE,
                node.at,
                "a mode is word, prefix or substring",
            );
            None
        }
    }
}

fn weight(node: &Node, findings: &mut Findings<'_>) -> Option<u32> {
    let weight = node
        .number()
        .filter(|n| n.fract() == 0.0 && (0.0..=100.0).contains(n));
    if weight.is_none() {
        findings.error(
            codes::BAD_VALUE,
            node.at,
            "a weight is a whole number from 0 to 100",
        );
    }
    weight.map(|n| n as u32)
}

fn unless(node: &Node, findings: &mut Findings<'_>) -> Vec<String> {
    if node.items().len() > MAX_UNLESS {
        findings.error(
            codes::BAD_VALUE,
            node.at,
            format!("at most {MAX_UNLESS} contexts"),
        );
    }
    node.items()
        .iter()
        .take(MAX_UNLESS)
        .filter_map(|item| normal(item, findings).map(|(_, n)| n))
        .collect()
}

/// A term or context: as written, and normalised; refused when it is empty, too long or has control characters.
fn normal<'n>(node: &'n Node, findings: &mut Findings<'_>) -> Option<(&'n str, String)> {
    let Some(text) = node.text().filter(|_| !node.is_null()) else {
        findings.error(
            codes::WRONG_TYPE,
            node.at,
            format!("a term is text, not {}", node.kind()),
        );
        return None;
    };
    let text = text.trim();
    let normalised = normalise(text);
    let length = normalised.encode_utf16().count();
    if length == 0 || length > MAX_PATTERN || normalised.contains(char::is_control) {
        findings.error(
            codes::BAD_TERM,
            node.at,
            format!("a term has 1 to {MAX_PATTERN} visible characters"),
        );
        return None;
    }
    Some((text, normalised))
}

fn term(node: &Node, defaults: &Defaults, findings: &mut Findings<'_>) -> Option<Term> {
    let (mut mode_, mut weight_) = (defaults.mode, defaults.weight);
    let mut contexts = defaults.unless.clone();
    let (text, normalised) = if let Some(entries) = node.map() {
        for (key, value) in entries {
            match key.text.as_str() {
                "term" => {}
                "weight" => weight_ = weight(value, findings)?,
                "mode" => mode_ = mode(value, findings)?,
                "unless" => contexts.extend(unless(value, findings)),
                other => {
                    findings
                        .error(
                            codes::UNKNOWN_KEY,
                            key.at,
                            format!("a term has no `{other}`"),
                        )
                        .help("term, weight, mode, unless");
                }
            }
        }
        let Some(value) = node.get("term") else {
            findings.error(codes::MISSING_KEY, node.at, "this term has no `term`");
            return None;
        };
        normal(value, findings)?
    } else {
        normal(node, findings)?
    };
    let normalised = match normalised.strip_suffix('*') {
        Some("") | None => normalised,
        Some(stem) => {
            mode_ = Mode::Prefix;
            stem.to_owned()
        }
    };
    let unless = contexts
        .into_iter()
        .map(|text| Unless {
            around: text.contains(&normalised),
            text,
        })
        .collect();
    Some(Term {
        text: text.into(),
        normalised,
        weight: weight_,
        mode: mode_,
        unless,
    })
}
