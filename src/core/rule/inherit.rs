//! `extends`: what a rule takes over from others, so that packs do not repeat themselves.
//!
//! Invariant: a rule with `extends` is the rule that one would write by copying its bases in, the bases of a base first, each
//! once, and then the rule's own keys over them. A finding about what was copied is placed at the `extends` that brought it,
//! for the copy may come from another file. Bounded: [`MAX_BASES`] and [`MAX_COPIED`]; bases in a circle are an error.

use std::collections::HashMap;

use super::codes;
use super::score::MAX_ADDITIONS;
use crate::core::yaml::{At, Data, Findings, Key, Node};

/// Bases of one rule, with theirs.
pub(super) const MAX_BASES: usize = 16;
/// Nodes that all rules of a set copy from bases.
const MAX_COPIED: usize = 4_000_000;

/// The documents of a set, found by their ids.
pub(super) struct Bases<'n> {
    by_id: HashMap<&'n str, &'n Node>,
    copied: usize,
}

/// A rule with its bases copied in.
pub(super) struct Whole {
    pub node: Node,
    /// Where it says `extends`: the place of everything copied.
    pub at: At,
    /// Ids of the bases, theirs too.
    pub bases: Vec<String>,
}

impl<'n> Bases<'n> {
    /// Of several documents with one id the first is the base: that there are several is an error of its own.
    pub(super) fn new(documents: impl Iterator<Item = &'n Node>) -> Self {
        let mut by_id = HashMap::new();
        for node in documents {
            if let Some(id) = node.get("id").and_then(Node::text) {
                by_id.entry(id.trim()).or_insert(node);
            }
        }
        Self { by_id, copied: 0 }
    }

    /// The rule with its bases copied in; `Ok(None)` where it has none, `Err` where what it names cannot be taken over.
    pub(super) fn resolve(
        &mut self,
        node: &'n Node,
        findings: &mut Findings<'_>,
    ) -> Result<Option<Whole>, ()> {
        let Some(extends) = extends(node) else {
            return Ok(None);
        };
        let mut bases = Vec::new();
        let mut path = vec![node];
        self.collect(node, extends.at, &mut path, &mut bases, findings)?;
        let mut whole = Node::new(node.at, Data::Map(Vec::new()));
        for base in &bases {
            let copy = self.copy(base, extends.at, findings)?;
            merge(&mut whole, copy, &[]);
        }
        merge(&mut whole, node.clone(), &[]);
        Ok(Some(Whole {
            node: whole,
            at: extends.at,
            bases: bases.into_iter().filter_map(id).collect(),
        }))
    }

    /// Adds the bases of a rule, theirs before them, each once.
    fn collect(
        &self,
        node: &'n Node,
        at: At,
        path: &mut Vec<&'n Node>,
        bases: &mut Vec<&'n Node>,
        findings: &mut Findings<'_>,
    ) -> Result<(), ()> {
        let Some(extends) = extends(node) else {
            return Ok(());
        };
        for item in extends.items() {
            // What a base of a base says stands in another file: the rule's own `extends` is the place to look.
            let at = if path.len() == 1 { item.at } else { at };
            let Some(id) = item.text().map(str::trim).filter(|id| !id.is_empty()) else {
                findings.error(
                    codes::WRONG_TYPE,
                    at,
                    "`extends` is a rule's id, or a list of them",
                );
                return Err(());
            };
            let Some(base) = self.by_id.get(id).copied() else {
                findings.error(
                    codes::BAD_BASE,
                    at,
                    format!("there is no rule `{id}` to extend"),
                );
                return Err(());
            };
            if path.iter().any(|other| std::ptr::eq(*other, base)) {
                findings
                    .error(
                        codes::BAD_BASE,
                        at,
                        format!("`{id}` extends itself in the end"),
                    )
                    .help("put what both need into an abstract rule that extends neither");
                return Err(());
            }
            if bases.iter().any(|other| std::ptr::eq(*other, base)) {
                continue;
            }
            if path.len() > MAX_BASES {
                too_many(at, findings);
                return Err(());
            }
            path.push(base);
            self.collect(base, at, path, bases, findings)?;
            path.pop();
            if bases.len() == MAX_BASES {
                too_many(at, findings);
                return Err(());
            }
            bases.push(base);
        }
        Ok(())
    }

    /// The parts of a base that are taken over, all placed at `at`.
    fn copy(&mut self, base: &Node, at: At, findings: &mut Findings<'_>) -> Result<Node, ()> {
        let mut entries = Vec::new();
        for name in ["detection", "tocsin"] {
            if let Some(block) = base.get(name) {
                let text = name.to_owned();
                entries.push((Key { text, at }, self.placed(block, at)));
            }
        }
        if let Some((
            _,
            Node {
                data: Data::Map(keys),
                ..
            },
        )) = entries.iter_mut().find(|(key, _)| key.text == "tocsin")
        {
            keys.retain(|(key, _)| !OWN.contains(&key.text.as_str()));
        }
        if self.copied > MAX_COPIED {
            let message = format!("the rules copy more than {MAX_COPIED} values from others");
            findings.error(codes::BAD_BASE, at, message);
            return Err(());
        }
        let data = Data::Map(entries);
        Ok(Node::new(at, data))
    }

    fn placed(&mut self, node: &Node, at: At) -> Node {
        self.copied += 1;
        let data = match &node.data {
            _ if self.copied > MAX_COPIED => Data::List(Vec::new()),
            Data::Scalar { .. } => node.data.clone(),
            Data::List(items) => Data::List(items.iter().map(|i| self.placed(i, at)).collect()),
            Data::Map(entries) => {
                let entry = |(key, value): &(Key, Node)| {
                    let text = key.text.clone();
                    (Key { text, at }, self.placed(value, at))
                };
                Data::Map(entries.iter().map(entry).collect())
            }
        };
        Node::new(at, data)
    }
}

/// Keys of `tocsin:` that are about the base itself.
const OWN: &[&str] = &["abstract", "extends", "replaces", "title_zh"];

/// Keys of `tocsin:` that say the same.
pub(super) const SAME: [[&str; 2]; 2] = [["tier", "group_by"], ["quiet", "window"]];

/// The bases that a rule names.
pub(super) fn extends(node: &Node) -> Option<&Node> {
    node.get("tocsin")?.get("extends")
}

/// The id of a document that has one.
pub(super) fn id(node: &Node) -> Option<String> {
    Some(node.get("id")?.text()?.trim().to_owned())
}

/// Whether a rule is there only to be extended.
pub(super) fn is_abstract(node: &Node) -> bool {
    let mark = node.get("tocsin").and_then(|block| block.get("abstract"));
    mark.and_then(Node::bool) == Some(true)
}

fn too_many(at: At, findings: &mut Findings<'_>) {
    let message = format!("a rule has more than {MAX_BASES} bases, with theirs");
    findings.error(codes::BAD_BASE, at, message);
}

/// Puts `over` on `under`: of maps that are blocks of a rule key by key, of `score.add` the lines after those already there,
/// of all else in its place.
fn merge(under: &mut Node, over: Node, path: &[&str]) {
    let Data::Map(keys) = over.data else {
        *under = over;
        return;
    };
    let Data::Map(entries) = &mut under.data else {
        under.at = over.at;
        under.data = Data::Map(keys);
        return;
    };
    under.at = over.at;
    if path == ["tocsin"] {
        // Of two words for one thing the later one counts.
        for pair in SAME {
            let says = |word: &&str| keys.iter().any(|(key, _)| key.text == **word);
            if pair.iter().any(says) {
                entries.retain(|(key, _)| !pair.contains(&&*key.text));
            }
        }
    }
    for (key, value) in keys {
        let below: Vec<&str> = path.iter().copied().chain([&*key.text]).collect();
        let there = entries.iter_mut().find(|(other, _)| other.text == key.text);
        match (there, &below[..]) {
            (Some((_, under)), ["detection" | "tocsin"] | ["tocsin", "score" | "conditions"])
                if under.map().is_some() =>
            {
                merge(under, value, &below);
            }
            (Some((_, under)), ["tocsin", "score", "add"]) => append(under, value),
            (Some(entry), _) => *entry = (key, value),
            (None, _) => entries.push((key, value)),
        }
    }
}

fn append(under: &mut Node, over: Node) {
    let mut items = under.items().to_vec();
    let room = (MAX_ADDITIONS + 1).saturating_sub(items.len());
    items.extend(over.items().iter().take(room).cloned());
    *under = Node::new(over.at, Data::List(items));
}
