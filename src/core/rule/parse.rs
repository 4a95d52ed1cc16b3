//! Rule files → rules: the frame of a rule, and the abstract ones that others extend.
//!
//! Invariant: what cannot be read is a finding with a place; a rule with an error is marked as broken.

use std::collections::{HashMap, HashSet};

use super::ast::{
    AbstractNote, Condition, CorrelationRule, FilterNote, Rule, RuleStatus, Selection,
};
use super::condition::{self, Names};
use super::head::{id, place, status, title};
use super::inherit::{self, Bases};
use super::{block, codes, correlation, filter, prune, selection};
use crate::core::diagnostic::{Diagnostic, Gravity, SourceFile};
use crate::core::yaml::{self, At, Findings, Key, Node};

/// Keys of Sigma that say nothing to the evaluation.
pub(super) const DESCRIPTIVE: &[&str] = &[
    "author",
    "date",
    "description",
    "falsepositives",
    "fields",
    "level",
    "license",
    "logsource",
    "modified",
    "name",
    "references",
    "related",
    "scope",
    "tags",
    "taxonomy",
    "custom",
];

/// The rules of a file that extends no rule of others; findings go to `found`.
pub fn parse(source: &SourceFile, found: &mut Vec<Diagnostic>) -> Vec<Rule> {
    parse_all(std::slice::from_ref(source), found)
}

/// The rules of all files, as [`parse_set`] gives them, without those in which an error was found.
pub fn parse_all(sources: &[SourceFile], found: &mut Vec<Diagnostic>) -> Vec<Rule> {
    let mut rules = parse_set(sources, found).rules;
    rules.retain(|rule| !rule.broken);
    rules
}

/// What rule files say.
#[derive(Debug, Default)]
pub struct Parsed {
    /// In the order of the files; those that are broken among them, as far as they could be read.
    pub rules: Vec<Rule>,
    /// Likewise.
    pub correlations: Vec<CorrelationRule>,
    /// Likewise; what they say stands in the rules.
    pub filters: Vec<FilterNote>,
    /// Likewise.
    pub abstracts: Vec<AbstractNote>,
    /// What there is by ids and names, readable or not.
    pub called: HashMap<String, Called>,
}

/// What a correlation may call.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Called {
    /// By its id.
    Rule(String),
    Correlation,
    /// By its id.
    Abstract(String),
}

/// The rules of all files, in their order, each with what it extends and narrowed down by its filters, and the correlations;
/// abstract rules are checked, and only noted.
pub fn parse_set(sources: &[SourceFile], found: &mut Vec<Diagnostic>) -> Parsed {
    let mut files: Vec<(Vec<Node>, Findings<'_>)> = Vec::new();
    for source in sources {
        let mut findings = Findings::new(&source.name);
        files.push((yaml::parse(&source.text, &mut findings), findings));
    }
    let mut parsed = Parsed::default();
    let (nodes, findings): (Vec<_>, Vec<_>) = files.into_iter().unzip();
    let mut bases = Bases::new(nodes.iter().flatten());
    let extend = nodes.iter().flatten().filter_map(inherit::extends);
    let based = extend.flat_map(|of| of.items().iter().filter_map(Node::text));
    let based: HashSet<&str> = based.map(str::trim).collect();
    let (mut ids, mut filters) = (HashMap::new(), Vec::new());
    let mut extended: HashMap<String, Vec<String>> = HashMap::new();
    for ((documents, mut findings), source) in nodes.iter().zip(findings).zip(sources) {
        for node in documents {
            if node.get("filter").is_some() {
                filters.extend(filter::read(node, &source.name, &mut findings));
                continue;
            }
            known_once(node, source, &mut ids, &mut findings);
            parsed.name(node);
            if node.get("correlation").is_some() {
                let read = correlation::parse(node, &source.name, &mut findings);
                parsed.correlations.extend(read);
                continue;
            }
            if inherit::is_abstract(node) {
                let note = base(node, &source.name, &mut bases, &mut findings);
                parsed.abstracts.extend(note);
                continue;
            }
            let Ok(whole) = bases.resolve(node, &mut findings) else {
                continue;
            };
            let before = findings.list.len();
            let inherited = whole.as_ref().map(|whole| whole.at);
            let is_base = inherit::id(node).is_some_and(|id| based.contains(&*id));
            for base in whole.iter().flat_map(|whole| &whole.bases) {
                let by = extended.entry(base.clone()).or_default();
                by.extend(inherit::id(node));
            }
            let node = whole.as_ref().map_or(node, |whole| &whole.node);
            parsed.rules.extend(rule(
                node,
                &source.name,
                (inherited, is_base),
                &mut findings,
            ));
            forget_echoes(node, before, &mut findings.list);
        }
        found.append(&mut findings.list);
    }
    for note in &mut parsed.abstracts {
        note.rules = extended.remove(&note.id).unwrap_or_default();
    }
    filter::apply(&filters, &mut parsed, found);
    parsed
}

impl Parsed {
    /// Notes what a document may be called by. An id is unique; of two with one name the first is meant.
    fn name(&mut self, node: &Node) {
        let text = |key: &str| node.get(key).and_then(Node::text).map(str::trim);
        let called = match text("id") {
            _ if node.get("correlation").is_some() => Called::Correlation,
            Some(id) if inherit::is_abstract(node) => Called::Abstract(id.to_owned()),
            Some(id) => Called::Rule(id.to_owned()),
            None => return,
        };
        for name in [text("id"), text("name")].into_iter().flatten() {
            let entry = self.called.entry(name.to_owned());
            entry.or_insert_with(|| called.clone());
        }
    }
}

/// Ids of abstract rules are not those of any other: which one is extended must be plain. (Of other rules `compile` says so.)
fn known_once<'n>(
    node: &'n Node,
    source: &'n SourceFile,
    ids: &mut HashMap<&'n str, (&'n str, bool)>,
    findings: &mut Findings<'_>,
) {
    let Some(id) = node.get("id").and_then(Node::text) else {
        return;
    };
    let is_base = inherit::is_abstract(node);
    if let Some((file, was_base)) = ids.insert(id.trim(), (&source.name, is_base))
        && (is_base || was_base)
    {
        let message = format!("the id `{}` is also in {file}", id.trim());
        findings.error(codes::DUPLICATE_ID, place(node, "id"), message);
    }
}

/// Checks an abstract rule as far as it can be without the rules that extend it.
fn base<'n>(
    node: &'n Node,
    file: &str,
    bases: &mut Bases<'n>,
    findings: &mut Findings<'_>,
) -> Option<AbstractNote> {
    let (title, id) = (title(node, findings), id(node, findings));
    for (key, _) in node.map().unwrap_or_default() {
        let known = ["title", "id", "status", "detection", "tocsin"];
        if !known.contains(&&*key.text) && !DESCRIPTIVE.contains(&&*key.text) {
            let message = format!("a rule has no `{}`", key.text);
            findings.error(codes::UNKNOWN_KEY, key.at, message);
        }
    }
    let mut selections = Vec::new();
    if let Some(block) = node.get("detection") {
        let entries = findings.map_of(block, codes::WRONG_TYPE, "`detection`");
        selections = selection::parse(entries.unwrap_or_default(), findings);
    }
    sketched(node, &selections, findings);
    let mut title_zh = None;
    if let Some(block) = node.get("tocsin") {
        block::partial(block, findings);
        let text = block.get("title_zh").and_then(Node::text);
        title_zh = text.map(|text| text.trim().into());
    }
    let _ = bases.resolve(node, findings);
    Some(AbstractNote {
        file: file.to_owned(),
        at: node.at,
        id: id?.to_owned(),
        title: title?.to_owned(),
        title_zh,
        rules: Vec::new(),
    })
}

/// Checks the conditions of an abstract rule, whose selections may be those of the rules that extend it.
fn sketched(node: &Node, selections: &[Selection], findings: &mut Findings<'_>) {
    let block = |name: &str, key: &str| node.get(name).and_then(|block| block.get(key));
    let mut names = block::names(selections);
    names.open = true;
    names.conditions =
        condition::conditions(block("tocsin", "conditions"), &names.selections, findings);
    let mut used = vec![false; names.len()];
    let named = names.conditions.iter().map(|(_, value)| *value);
    for value in named.chain(block("detection", "condition")) {
        condition::parse(value, &names, &mut used, findings);
    }
}

/// Drops what conditions say, from the finding `since` on, about selections that are there and could not be read: that they
/// could not is found already.
fn forget_echoes(node: &Node, since: usize, list: &mut Vec<Diagnostic>) {
    let there = node
        .get("detection")
        .and_then(Node::map)
        .unwrap_or_default();
    let is_echo = |finding: &Diagnostic| {
        let mut quoted = finding.message.split('`');
        let word = quoted
            .nth(1)
            .filter(|_| finding.code == codes::UNKNOWN_SELECTION);
        word.is_some_and(|word| match word.split_once('*') {
            Some((start, _)) => there.iter().any(|(key, _)| key.text.starts_with(start)),
            None => there.iter().any(|(key, _)| key.text == word),
        })
    };
    let mut index = 0;
    list.retain(|finding| {
        index += 1;
        index <= since || !is_echo(finding)
    });
}

fn rule(
    node: &Node,
    file: &str,
    (inherited, is_base): (Option<At>, bool),
    findings: &mut Findings<'_>,
) -> Option<Rule> {
    let before = findings.list.len();
    let is_error = |found: &Diagnostic| found.gravity == Gravity::Error;
    let entries = findings.map_of(node, codes::WRONG_TYPE, "a rule")?;
    known_keys(node, entries, findings)?;
    let (title, id) = (title(node, findings), id(node, findings));
    let status = status(node, findings);
    let mut selections = detection(node, findings)?;
    let mut names = block::names(&selections);
    let named = node.get("tocsin").and_then(|block| block.get("conditions"));
    names.conditions = condition::conditions(named, &names.selections, findings);
    names.inherited = inherited;
    let mut used = vec![false; names.len()];
    let condition = condition(node, &names, &mut used, findings);
    let title = title.unwrap_or_default();
    let mut tocsin = match node.get("tocsin") {
        Some(block) => Some(block::tocsin(block, title, &names, &mut used, findings)?),
        None => None,
    };
    // An error was found: the rule goes on so that all others are found too, and never runs.
    let (mut condition, condition_at) = condition.unwrap_or_else(|| {
        used.fill(true);
        let all = (0..selections.len()).map(Condition::Selection);
        (Condition::And(all.collect()), place(node, "detection"))
    });
    // What no condition calls is read as well: a mistake in it is one. What only it names is not called unused: one would take out the
    // one and leave the other.
    let mut mentioned = used.clone();
    for (number, (_, value)) in names.conditions.iter().enumerate() {
        if !used[selections.len() + number] && names.inherited != Some(value.at) {
            condition::parse(value, &names, &mut mentioned, findings);
        }
    }
    // With an error in it nothing can be said: what is not used may be what a misspelt name means. Of a rule that others extend neither:
    // they may use it.
    let sound = !findings.list[before..].iter().any(is_error);
    if tocsin.is_some() && sound && !is_base {
        unused(&selections, &names, [&mentioned, &used], findings);
    }
    if let Some(at) = inherited {
        prune::unused(at, &mut selections, used, &mut condition, tocsin.as_mut());
    }
    Some(Rule {
        file: file.to_owned(),
        at: node.at,
        id: id?.into(),
        id_at: place(node, "id"),
        title: title.into(),
        status: status.unwrap_or(RuleStatus::Live),
        broken: findings.list[before..].iter().any(is_error),
        selections,
        condition,
        condition_at,
        tocsin,
    })
}

/// Keys of a rule; none when it is no rule at all.
fn known_keys(node: &Node, entries: &[(Key, Node)], findings: &mut Findings<'_>) -> Option<()> {
    // Looked up once: a file may have a million keys.
    let extended = node.get("tocsin").is_some();
    for (key, _) in entries {
        match key.text.as_str() {
            "title" | "id" | "status" | "detection" | "tocsin" => {}
            "action" => {
                findings.error(
                    codes::UNSUPPORTED,
                    key.at,
                    format!("`{}` documents are not evaluated", key.text),
                );
                return None;
            }
            known if DESCRIPTIVE.contains(&known) => {}
            // Sigma allows further keys of one's own; with `tocsin:` a slip of the pen is likelier.
            other if extended => {
                findings.error(
                    codes::UNKNOWN_KEY,
                    key.at,
                    format!("a rule has no `{other}`"),
                );
            }
            _ => {}
        }
    }
    Some(())
}

/// Warns of selections that are not `mentioned` by any condition, and of named conditions that are not `used`.
fn unused(
    selections: &[Selection],
    names: &Names<'_>,
    [mentioned, used]: [&[bool]; 2],
    findings: &mut Findings<'_>,
) {
    let mut warn = |code: &'static str, at: At, message: String| {
        if names.inherited != Some(at) {
            let finding = findings.warn(code, at, message);
            finding.help("use it or remove it");
        }
    };
    for (selection, mentioned) in selections.iter().zip(mentioned) {
        if !mentioned && !prune::near_uses(selections, &selection.name) {
            let message = format!("no condition uses `{}`", selection.name);
            warn(codes::UNUSED_SELECTION, selection.at, message);
        }
    }
    for ((name, value), used) in names.conditions.iter().zip(&used[selections.len()..]) {
        if !used {
            let message = format!("nothing uses the condition `{name}`");
            warn(codes::UNUSED_CONDITION, value.at, message);
        }
    }
}

fn detection(node: &Node, findings: &mut Findings<'_>) -> Option<Vec<Selection>> {
    let Some(block) = node.get("detection") else {
        findings.error(codes::MISSING_KEY, node.at, "`detection` is missing");
        return None;
    };
    let entries = findings.map_of(block, codes::WRONG_TYPE, "`detection`")?;
    Some(selection::parse(entries, findings))
}

/// The condition of a rule, and where it stands.
fn condition(
    node: &Node,
    names: &Names<'_>,
    used: &mut [bool],
    findings: &mut Findings<'_>,
) -> Option<(Condition, At)> {
    let block = node.get("detection")?;
    let Some(value) = block.get("condition") else {
        findings.error(codes::MISSING_KEY, block.at, "`condition` is missing");
        return None;
    };
    let read = condition::parse(value, names, used, findings)?;
    Some((read, value.at))
}
