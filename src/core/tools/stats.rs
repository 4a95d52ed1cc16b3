//! A rule set in numbers: how many rules of which hazard and language, how many terms, what costs, and how well it is tested.
//!
//! Invariant: counted is what files mean, after what rules extend; everything is sorted. A rule is of the languages that its
//! lexicons say, else of the scripts of its own words; without either it looks at fields alone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;

use super::case::{Case, Wanted};
use super::lint::visit;
use crate::core::diagnostic::SourceFile;
use crate::core::lexicon::{self, Lexicon};
use crate::core::rule::{self, CorrelationRule, Rule, RuleStatus, Test};

/// Rules by status.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct Count {
    pub all: u64,
    pub live: u64,
    pub shadow: u64,
    pub off: u64,
}

impl Count {
    fn add(&mut self, status: RuleStatus) {
        self.all += 1;
        match status {
            RuleStatus::Live => self.live += 1,
            RuleStatus::Shadow => self.shadow += 1,
            RuleStatus::Off => self.off += 1,
        }
    }
}

/// Rules of one hazard.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct OfHazard {
    #[serde(flatten)]
    pub rules: Count,
    /// By language; a rule of two counts in both.
    pub languages: BTreeMap<String, u64>,
}

/// One lexicon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct OfLexicon {
    pub lexicon: String,
    pub lang: Option<String>,
    pub terms: u64,
    /// Terms with contexts that cancel them.
    pub guarded: u64,
    /// Rules that ask for it.
    pub rules: u64,
}

/// A rule that costs more than a term's hit now and then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct Costly {
    pub rule: String,
    pub because: String,
}

/// Cases of one rule or correlation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct OfRule {
    pub rule: String,
    /// Reports on which it has to fire, in either form of cases.
    pub fires: u64,
    /// Reports on which it has to be silent.
    pub silent: u64,
    /// Stories that name it.
    pub stories: u64,
}

/// The rule set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct Stats {
    pub rules: Count,
    pub correlations: Count,
    /// Documents that narrow rules down.
    pub filters: u64,
    /// Rules that others extend and that never fire themselves.
    pub abstracts: u64,
    pub hazards: BTreeMap<String, OfHazard>,
    /// Rules by language; a rule of two counts in both, one of none under `-`.
    pub languages: BTreeMap<String, u64>,
    /// Distinct terms of all lexicons, as texts are normalised.
    pub terms: u64,
    /// Distinct words that stand in rules themselves.
    pub words: u64,
    pub lexicons: Vec<OfLexicon>,
    pub costly: Vec<Costly>,
    /// Of every live and every shadow rule.
    pub cases: Vec<OfRule>,
}

/// Counts what files that compile mean; without cases, `cases` is empty.
pub fn stats(rules: &[SourceFile], lexicons: &[SourceFile], cases: &[Case]) -> Stats {
    // Findings were shown when the set was compiled.
    let mut found = Vec::new();
    let parsed = rule::parse_set(rules, &mut found);
    let lexicons: Vec<Lexicon> = lexicons
        .iter()
        .flat_map(|file| lexicon::parse(file, &mut found))
        .collect();
    let mut stats = Stats::default();
    let langs: BTreeMap<&str, Option<&str>> = lexicons
        .iter()
        .map(|lexicon| (&*lexicon.name, lexicon.lang.as_deref()))
        .collect();
    for rule in &parsed.rules {
        count(rule, &langs, &mut stats);
    }
    for rule in &parsed.correlations {
        stats.correlations.add(rule.status);
    }
    stats.filters = parsed.filters.len() as u64;
    stats.abstracts = parsed.abstracts.len() as u64;
    stats.lexicons = lexicons
        .iter()
        .map(|lexicon| of_lexicon(lexicon, &parsed.rules))
        .collect();
    stats.lexicons.sort_by(|a, b| a.lexicon.cmp(&b.lexicon));
    let terms = lexicons.iter().flat_map(|lexicon| &lexicon.terms);
    stats.terms = distinct(terms.map(|term| term.normalised.as_str()));
    let words: Vec<Arc<str>> = parsed.rules.iter().flat_map(words).collect();
    stats.words = distinct(words.iter().map(|word| &**word));
    let program = rule::compile(&parsed.rules, &lexicons, &mut found);
    for number in &program.always {
        let id = &program.rules[*number as usize].id;
        let rule = parsed.rules.iter().find(|rule| rule.id == *id);
        stats.costly.extend(rule.map(costly));
    }
    stats.costly.sort_by(|a, b| a.rule.cmp(&b.rule));
    if !cases.is_empty() {
        stats.cases = tested(&parsed.rules, &parsed.correlations, cases);
    }
    stats
}

fn distinct<'t>(texts: impl Iterator<Item = &'t str>) -> u64 {
    texts.collect::<BTreeSet<&str>>().len() as u64
}

fn count(rule: &Rule, langs: &BTreeMap<&str, Option<&str>>, stats: &mut Stats) {
    stats.rules.add(rule.status);
    let mut of = languages(rule, langs);
    if of.is_empty() {
        of.insert("-".to_owned());
    }
    for language in &of {
        *stats.languages.entry(language.clone()).or_default() += 1;
    }
    let hazard = rule.tocsin.as_ref().map_or("-", |t| t.hazard.id());
    let row = stats.hazards.entry(hazard.to_owned()).or_default();
    row.rules.add(rule.status);
    for language in of {
        *row.languages.entry(language).or_default() += 1;
    }
}

fn languages(rule: &Rule, langs: &BTreeMap<&str, Option<&str>>) -> BTreeSet<String> {
    let mut said = BTreeSet::new();
    for selection in &rule.selections {
        visit(&selection.group, &mut |item| {
            if let Test::Lexicon { names, .. } = &item.test {
                let of = names
                    .iter()
                    .filter_map(|(name, _)| langs.get(&**name)?.as_deref());
                said.extend(of.map(str::to_owned));
            }
        });
    }
    if said.is_empty() {
        said.extend(
            words(rule)
                .iter()
                .filter_map(|word| script(word))
                .map(str::to_owned),
        );
    }
    said
}

/// The language that a word's script stands for here.
fn script(word: &str) -> Option<&'static str> {
    let is_han = |c: char| ('\u{3400}'..='\u{9fff}').contains(&c);
    if word.chars().any(is_han) {
        Some("zh")
    } else if word.chars().any(char::is_alphabetic) {
        Some("en")
    } else {
        None
    }
}

/// What a rule itself looks for in title and text.
fn words(rule: &Rule) -> Vec<Arc<str>> {
    let mut words = Vec::new();
    for selection in &rule.selections {
        visit(&selection.group, &mut |item| {
            let text = matches!(item.field.as_deref(), None | Some("any" | "title" | "text"));
            match &item.test {
                Test::Text { values, .. } if text => {
                    words.extend(values.iter().filter(|v| !v.null).map(|v| v.source.clone()));
                }
                Test::Regex { values, .. } if text => {
                    words.extend(values.iter().map(|(source, _)| source.clone()));
                }
                _ => {}
            }
        });
    }
    words
}

fn of_lexicon(lexicon: &Lexicon, rules: &[Rule]) -> OfLexicon {
    let asks = |rule: &&Rule| {
        let mut asks = false;
        for selection in &rule.selections {
            visit(&selection.group, &mut |item| {
                if let Test::Lexicon { names, .. } = &item.test {
                    asks |= names.iter().any(|(name, _)| **name == *lexicon.name);
                }
            });
        }
        asks
    };
    let guarded = lexicon.terms.iter().filter(|term| !term.unless.is_empty());
    OfLexicon {
        lexicon: lexicon.name.to_string(),
        lang: lexicon.lang.clone(),
        terms: lexicon.terms.len() as u64,
        guarded: guarded.count() as u64,
        rules: rules.iter().filter(asks).count() as u64,
    }
}

fn costly(rule: &Rule) -> Costly {
    let mut expressions = 0;
    for selection in &rule.selections {
        visit(&selection.group, &mut |item| {
            if let Test::Regex { values, .. } = &item.test {
                expressions += values.len();
            }
        });
    }
    let with = match expressions {
        0 => String::new(),
        1 => ", with a regular expression".to_owned(),
        n => format!(", with {n} regular expressions"),
    };
    Costly {
        rule: rule.id.to_string(),
        because: format!(
            "no term and no field announces it: it is evaluated on every report{with}"
        ),
    }
}

fn tested(rules: &[Rule], correlations: &[CorrelationRule], cases: &[Case]) -> Vec<OfRule> {
    let on = rules
        .iter()
        .filter(|rule| rule.status != RuleStatus::Off && rule.tocsin.is_some())
        .map(|rule| &rule.id);
    let correlated = correlations
        .iter()
        .filter(|rule| rule.status != RuleStatus::Off)
        .map(|rule| &rule.correlation.id);
    let mut rows: BTreeMap<&str, OfRule> = on
        .chain(correlated)
        .map(|id| {
            let rule = id.to_string();
            (
                &**id,
                OfRule {
                    rule,
                    ..OfRule::default()
                },
            )
        })
        .collect();
    for case in cases {
        match &case.wanted {
            Wanted::Fires { rule, fires } => {
                if let Some(row) = rows.get_mut(&**rule) {
                    row.fires += u64::from(*fires);
                    row.silent += u64::from(!fires);
                }
            }
            Wanted::Story {
                rules,
                detections,
                incidents,
                ..
            } => {
                let detected = detections.iter().flatten().map(|one| &*one.rule);
                for rule in detected.clone() {
                    if let Some(row) = rows.get_mut(rule) {
                        row.fires += 1;
                    }
                }
                let listed = incidents.iter().flatten();
                let listed = listed.filter_map(|one| one.rules.as_ref()).flatten();
                let named = rules.iter().map(|rule| &**rule).chain(detected);
                let named: BTreeSet<&str> = named.chain(listed.map(|rule| &**rule)).collect();
                for rule in named {
                    if let Some(row) = rows.get_mut(rule) {
                        row.stories += 1;
                    }
                }
            }
        }
    }
    rows.into_values().collect()
}
