//! Why a rule fired on a report, and why another did not.
//!
//! Each entry of a rule's selections is made a rule of its own (a probe) and run by the same engine on the same record; the
//! rest of the tree follows from its `and`, `or` and `not`.
//!
//! Invariant: what is said of a rule as a whole is the engine's own answer; where the tree worked out from the probes differed
//! from it, the explanation would say so (`consistent`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;

use super::describe::item_text;
use crate::core::detect::{DetectEngine, DetectOutput};
use crate::core::diagnostic::SourceFile;
use crate::core::lexicon::{self, Lexicon};
use crate::core::model::{Feed, Match, Position, RawRecord};
use crate::core::route::Routing;
use crate::core::rule::{self, Condition, Group, Rule, RuleStatus, Selection};
use crate::core::ruleset::RuleSet;

/// A part of a condition and whether it holds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Tree {
    /// `and`, `or`, `not`, a selection's name, or an entry as the rule asks it.
    pub text: String,
    /// What it is.
    pub kind: NodeKind,
    /// Whether it holds for this report.
    pub holds: bool,
    /// What it found, for entries.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub found: Vec<Match>,
    /// Its parts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Tree>,
}

/// What a node of a tree is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum NodeKind {
    And,
    Or,
    Not,
    Selection,
    Entry,
    /// One of `tocsin.conditions`, over what it says.
    Condition,
}

/// What a rule made of a report.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct Explained {
    pub rule: Arc<str>,
    pub title: Arc<str>,
    pub file: String,
    pub line: usize,
    pub fired: bool,
    /// `status: test`: it would not alert.
    pub shadow: bool,
    /// `status: deprecated` or `unsupported`: it is not evaluated.
    pub off: bool,
    pub condition: Tree,
    /// What would have to be otherwise for it to fire; none when it fired.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub needs: Option<String>,
    /// Whether tree and engine agree.
    pub consistent: bool,
}

/// The rules of a set, taken apart.
pub struct Explainer {
    rules: Vec<Rule>,
    probes: DetectEngine,
    /// By rule and selection: number of its first probe.
    first: Vec<Vec<usize>>,
}

impl Explainer {
    /// Takes the rules apart. The sources are those from which `set` was compiled.
    pub fn new(
        rules: &[SourceFile],
        lexicons: &[SourceFile],
        set: &RuleSet,
        feed: &Arc<Feed>,
    ) -> Result<Self, String> {
        // Findings were shown when the set was compiled.
        let mut found = Vec::new();
        let rules = rule::parse_all(rules, &mut found);
        let lexicons: Vec<Lexicon> = lexicons
            .iter()
            .flat_map(|file| lexicon::parse(file, &mut found))
            .collect();
        let rules: Vec<Rule> = rules
            .into_iter()
            .filter(|rule| rule.tocsin.is_some())
            .collect();
        let (mut all, mut first) = (Vec::new(), Vec::new());
        for rule in &rules {
            let mut of = Vec::new();
            for selection in &rule.selections {
                of.push(all.len());
                add_probes(rule, &selection.group, &mut all);
            }
            first.push(of);
        }
        let program = rule::compile(&all, &lexicons, &mut found);
        let probes = RuleSet {
            version: "probes".into(),
            program,
            gazetteer: Arc::clone(&set.gazetteer),
            routing: Arc::new(Routing::default()),
            warnings: Vec::new(),
        };
        let probes = DetectEngine::new(Arc::new(probes), std::slice::from_ref(feed))?;
        Ok(Self {
            rules,
            probes,
            first,
        })
    }

    /// Ids of the rules, in the order of their files.
    pub fn ids(&self) -> impl Iterator<Item = &Arc<str>> {
        self.rules.iter().map(|rule| &rule.id)
    }

    /// What every rule made of a record. `fired`: the rules that did, by the engine's own word.
    pub fn explain(
        &mut self,
        record: &RawRecord<'_>,
        fired: &BTreeSet<Arc<str>>,
    ) -> Vec<Explained> {
        let mut out = DetectOutput::default();
        // A drill's label or the age of a report changes nothing about what its text says.
        self.probes
            .process(0, record, &Position::default(), &mut out);
        let hits: BTreeMap<usize, Vec<Match>> = out
            .detections
            .into_iter()
            .filter_map(|hit| Some((hit.rule_id.strip_prefix(PROBE)?.parse().ok()?, hit.matches)))
            .collect();
        let rules = self.rules.iter().zip(&self.first);
        rules
            .map(|(rule, first)| {
                let selections: Vec<Tree> = rule
                    .selections
                    .iter()
                    .zip(first)
                    .map(|(selection, first)| selection_tree(selection, *first, &hits))
                    .collect();
                let condition = condition_tree(&rule.condition, &selections);
                let off = rule.status == RuleStatus::Off;
                let fired = fired.contains(&rule.id);
                Explained {
                    rule: Arc::clone(&rule.id),
                    title: Arc::clone(&rule.title),
                    file: rule.file.clone(),
                    line: rule.at.line,
                    fired,
                    shadow: rule.status == RuleStatus::Shadow,
                    off,
                    needs: (!condition.holds).then(|| needs(&condition, true)),
                    consistent: off || condition.holds == fired,
                    condition,
                }
            })
            .collect()
    }
}

const PROBE: &str = "probe-";

fn add_probes(rule: &Rule, group: &Group, all: &mut Vec<Rule>) {
    match group {
        Group::All(parts) | Group::Any(parts) => {
            parts.iter().for_each(|part| add_probes(rule, part, all));
        }
        Group::Item(item) => {
            let mut probe = rule.clone();
            probe.id = format!("{PROBE}{}", all.len()).into();
            probe.status = RuleStatus::Live;
            probe.condition = Condition::Selection(probe.selections.len());
            probe.selections.push(Selection {
                name: "probe".to_owned(),
                at: item.at,
                group: Group::Item(item.clone()),
            });
            if let Some(tocsin) = &mut probe.tocsin {
                tocsin.add.clear();
                tocsin.departments.clear();
                tocsin.replaces = None;
            }
            all.push(probe);
        }
    }
}

fn selection_tree(selection: &Selection, first: usize, hits: &BTreeMap<usize, Vec<Match>>) -> Tree {
    let mut next = first;
    let part = group_tree(&selection.group, &mut next, hits);
    Tree {
        text: selection.name.clone(),
        kind: NodeKind::Selection,
        holds: part.holds,
        found: Vec::new(),
        parts: vec![part],
    }
}

fn group_tree(group: &Group, next: &mut usize, hits: &BTreeMap<usize, Vec<Match>>) -> Tree {
    let (kind, text, parts) = match group {
        Group::Item(item) => {
            let found = hits.get(next);
            *next += 1;
            return Tree {
                text: item_text(item),
                kind: NodeKind::Entry,
                holds: found.is_some(),
                found: found.cloned().unwrap_or_default(),
                parts: Vec::new(),
            };
        }
        Group::All(parts) => (NodeKind::And, "and", parts),
        Group::Any(parts) => (NodeKind::Or, "or", parts),
    };
    let mut parts: Vec<Tree> = parts
        .iter()
        .map(|part| group_tree(part, next, hits))
        .collect();
    if parts.len() == 1 {
        return parts.remove(0);
    }
    joined(kind, text, parts)
}

fn joined(kind: NodeKind, text: &str, parts: Vec<Tree>) -> Tree {
    let holds = match kind {
        NodeKind::And => parts.iter().all(|part| part.holds),
        _ => parts.iter().any(|part| part.holds),
    };
    Tree {
        text: text.to_owned(),
        kind,
        holds,
        found: Vec::new(),
        parts,
    }
}

fn condition_tree(condition: &Condition, selections: &[Tree]) -> Tree {
    let parts = |parts: &[Condition]| {
        parts
            .iter()
            .map(|p| condition_tree(p, selections))
            .collect()
    };
    match condition {
        Condition::And(all) => joined(NodeKind::And, "and", parts(all)),
        Condition::Or(any) => joined(NodeKind::Or, "or", parts(any)),
        Condition::Not(part) => {
            let part = condition_tree(part, selections);
            Tree {
                text: "not".to_owned(),
                kind: NodeKind::Not,
                holds: !part.holds,
                found: Vec::new(),
                parts: vec![part],
            }
        }
        Condition::Selection(index) => selections[*index].clone(),
        Condition::Named(name, part) => {
            let part = condition_tree(part, selections);
            Tree {
                text: name.to_string(),
                kind: NodeKind::Condition,
                holds: part.holds,
                found: Vec::new(),
                parts: vec![part],
            }
        }
    }
}

/// What of a tree would have to be otherwise for it to come out as `wanted`, in words.
fn needs(tree: &Tree, wanted: bool) -> String {
    let wrong: Vec<&Tree> = tree
        .parts
        .iter()
        .filter(|part| part.holds != wanted)
        .collect();
    let all = matches!(
        (tree.kind, wanted),
        (NodeKind::And, true) | (NodeKind::Or, false)
    );
    match tree.kind {
        NodeKind::Selection | NodeKind::Entry if wanted => format!("`{}` to hold", tree.text),
        NodeKind::Selection | NodeKind::Entry => {
            let mut terms: Vec<&str> = Vec::new();
            collect_terms(tree, &mut terms);
            let because = if terms.is_empty() {
                String::new()
            } else {
                format!(", which found {}", terms.join(", "))
            };
            format!("`{}` not to hold{because}", tree.text)
        }
        NodeKind::Not => needs(&tree.parts[0], !wanted),
        NodeKind::Condition => needs(&tree.parts[0], wanted),
        NodeKind::And | NodeKind::Or => {
            let parts: Vec<String> = wrong.iter().map(|part| needs(part, wanted)).collect();
            match parts.len() {
                1 => parts.concat(),
                _ if all => parts.join("; and "),
                _ => format!("either of ({})", parts.join(" | ")),
            }
        }
    }
}

fn collect_terms<'t>(tree: &'t Tree, terms: &mut Vec<&'t str>) {
    for found in &tree.found {
        if !terms.contains(&&*found.term) && terms.len() < 8 {
            terms.push(&found.term);
        }
    }
    tree.parts
        .iter()
        .for_each(|part| collect_terms(part, terms));
}

/// Everything that any entry of these rules found, sorted.
pub fn terms_of(explained: &[Explained]) -> Vec<Match> {
    fn walk(tree: &Tree, all: &mut BTreeSet<Match>) {
        all.extend(tree.found.iter().cloned());
        tree.parts.iter().for_each(|part| walk(part, all));
    }
    let mut all = BTreeSet::new();
    explained
        .iter()
        .for_each(|one| walk(&one.condition, &mut all));
    all.into_iter().collect()
}

/// Whether an entry that stands under no `not` found a term of the text: a rule that was near to firing.
pub fn is_near(explained: &Explained) -> bool {
    fn walk(tree: &Tree, positive: bool) -> bool {
        (positive
            && tree
                .found
                .iter()
                .any(|m| matches!(&*m.field, "title" | "text")))
            || tree
                .parts
                .iter()
                .any(|part| walk(part, positive != (tree.kind == NodeKind::Not)))
    }
    !explained.fired && !explained.off && walk(&explained.condition, true)
}
