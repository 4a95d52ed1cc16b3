//! YAML as a tree of positioned nodes: what rule, lexicon and department files are read from.
//!
//! Invariant: bounded (size, depth, nodes), never recursive while reading, and nothing in a file is dropped: aliases, tags
//! and duplicate keys are findings.

use rustc_hash::FxHashSet;
use saphyr_parser::{Event, Parser, ScalarStyle, Span};

use super::diagnostic::{Diagnostic, Gravity};

/// Largest file, bytes.
pub const MAX_BYTES: usize = 16 << 20;
/// Deepest nesting of lists and maps.
pub const MAX_DEPTH: usize = 32;
/// Nodes of one file.
pub const MAX_NODES: usize = 2_000_000;

/// Where a node stands: 1-based line and column, length in code points.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct At {
    pub line: usize,
    pub column: usize,
    pub length: usize,
}

/// A node with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Place of its first character.
    pub at: At,
    /// Contents.
    pub data: Data,
}

/// What a node is.
#[derive(Clone, Debug, PartialEq)]
pub enum Data {
    /// A scalar; `plain` when not quoted, so that `yes`, `5` and `null` can be told from their quoted forms.
    #[allow(missing_docs)]
    Scalar { text: String, plain: bool },
    /// A list.
    List(Vec<Node>),
    /// A map in the order of the file; keys are unique scalars.
    Map(Vec<(Key, Node)>),
}

/// A key of a map.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Key {
    pub text: String,
    pub at: At,
}

impl Node {
    /// The scalar's text.
    pub fn text(&self) -> Option<&str> {
        match &self.data {
            Data::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// `null`, `~` or nothing, unquoted.
    pub fn is_null(&self) -> bool {
        matches!(&self.data, Data::Scalar { text, plain: true } if matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"))
    }

    /// An unquoted `true` or `false`.
    pub fn bool(&self) -> Option<bool> {
        match &self.data {
            Data::Scalar { text, plain: true } => match text.as_str() {
                "true" | "True" | "TRUE" => Some(true),
                "false" | "False" | "FALSE" => Some(false),
                _ => None,
            },
            _ => None,
        }
    }

    /// A finite number, quoted or not.
    pub fn number(&self) -> Option<f64> {
        self.text()?
            .trim()
            .parse()
            .ok()
            .filter(|n: &f64| n.is_finite())
    }

    /// The entries of a map.
    pub fn map(&self) -> Option<&[(Key, Node)]> {
        match &self.data {
            Data::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// The list, or the node itself as a list of one.
    pub fn items(&self) -> &[Node] {
        match &self.data {
            Data::List(items) => items,
            _ => std::slice::from_ref(self),
        }
    }

    /// The value under `key`.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.map()?
            .iter()
            .find(|(k, _)| k.text == key)
            .map(|(_, value)| value)
    }

    /// What the node is, for messages.
    pub fn kind(&self) -> &'static str {
        match &self.data {
            Data::Scalar { .. } if self.is_null() => "nothing",
            Data::Scalar { .. } => "a value",
            Data::List(_) => "a list",
            Data::Map(_) => "a map",
        }
    }
}

/// Collects findings about one file.
#[derive(Debug)]
pub struct Findings<'a> {
    file: &'a str,
    /// Findings so far.
    pub list: Vec<Diagnostic>,
    /// Where a finding goes that is not kept.
    beyond: Diagnostic,
}

/// Findings about one file; of more than these the last says so.
pub const MAX_FINDINGS: usize = 500;

impl<'a> Findings<'a> {
    /// For the file of that name.
    pub fn new(file: &'a str) -> Self {
        Self {
            file,
            list: Vec::new(),
            beyond: beyond(file),
        }
    }

    /// Adds an error; the help can be set on what is returned.
    pub fn error(
        &mut self,
        code: &'static str,
        at: At,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        self.add(code, Gravity::Error, at, message.into())
    }

    /// The entries of a node that has to be a map, or an error that names it.
    pub fn map_of<'n>(
        &mut self,
        node: &'n Node,
        code: &'static str,
        what: &str,
    ) -> Option<&'n [(Key, Node)]> {
        let entries = node.map();
        if entries.is_none() {
            let kind = node.kind();
            self.error(code, node.at, format!("{what} is a map, not {kind}"));
        }
        entries
    }

    /// Adds a warning.
    pub fn warn(
        &mut self,
        code: &'static str,
        at: At,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        self.add(code, Gravity::Warning, at, message.into())
    }

    fn add(
        &mut self,
        code: &'static str,
        gravity: Gravity,
        at: At,
        message: String,
    ) -> &mut Diagnostic {
        if self.list.len() >= MAX_FINDINGS {
            self.list.truncate(MAX_FINDINGS);
            self.list.push(beyond(self.file));
            return &mut self.beyond;
        }
        let index = self.list.len();
        self.list.push(Diagnostic {
            code,
            gravity,
            file: self.file.to_owned(),
            line: at.line,
            column: at.column,
            length: at.length.max(1),
            message,
            help: None,
        });
        &mut self.list[index]
    }

    /// Whether any finding is an error.
    pub fn has_errors(&self) -> bool {
        self.list.iter().any(|d| d.gravity == Gravity::Error)
    }
}

impl Diagnostic {
    /// Sets what to do about it.
    pub fn help(&mut self, help: impl Into<String>) {
        self.help = Some(help.into());
    }
}

/// A file that is wrong everywhere is said to be once, and not a million times. It may hide errors, so it is one.
fn beyond(file: &str) -> Diagnostic {
    Diagnostic {
        code: T_YAML,
        gravity: Gravity::Error,
        file: file.to_owned(),
        line: 0,
        column: 0,
        length: 1,
        message: format!("more than {MAX_FINDINGS} findings: the rest is not shown"),
        help: Some("mend these first, then check again".to_owned()),
    }
}

/// Code of a file that is not readable as YAML.
pub const T_SYNTAX: &str = "T0001";
/// Code of YAML that is well-formed, but beyond what is read here: alias, tag, duplicate key, depth, size.
pub const T_YAML: &str = "T0002";

fn at(span: Span) -> At {
    At {
        line: span.start.line(),
        column: span.start.col() + 1,
        length: span
            .end
            .index()
            .saturating_sub(span.start.index())
            .clamp(1, 200),
    }
}

/// A list or map that is not closed yet.
struct Open {
    at: At,
    list: Vec<Node>,
    map: Vec<(Key, Node)>,
    key: Option<Key>,
    is_map: bool,
    /// The keys of a map with more than [`FEW_KEYS`].
    known: FxHashSet<String>,
}

/// Keys up to which looking at each is cheapest.
const FEW_KEYS: usize = 16;

impl Open {
    /// Whether the map has the key already.
    fn has(&mut self, key: &str) -> bool {
        if self.map.len() <= FEW_KEYS {
            return self.map.iter().any(|(known, _)| known.text == key);
        }
        if self.known.is_empty() {
            self.known = self.map.iter().map(|(key, _)| key.text.clone()).collect();
        }
        !self.known.insert(key.to_owned())
    }
}

/// The documents of a file; after an error, those before it.
pub fn parse(text: &str, findings: &mut Findings<'_>) -> Vec<Node> {
    let mut documents = Vec::new();
    if text.len() > MAX_BYTES {
        findings.error(
            T_YAML,
            At::default(),
            format!("the file has more than {} MiB", MAX_BYTES >> 20),
        );
        return documents;
    }
    if let Some(at) = lone_return(text) {
        let help = "end lines with a line feed, or with carriage return and line feed";
        findings
            .error(T_YAML, at, "a carriage return without a line feed")
            .help(help);
        return documents;
    }
    let mut stack: Vec<Open> = Vec::new();
    let mut nodes = 0usize;
    for event in Parser::new_from_str(text.strip_prefix('\u{feff}').unwrap_or(text)) {
        let (event, span) = match event {
            Ok(event) => event,
            Err(error) => {
                let at = At {
                    line: error.marker().line(),
                    column: error.marker().col() + 1,
                    length: 1,
                };
                findings.error(
                    T_SYNTAX,
                    at,
                    format!("not well-formed YAML: {}", error.info()),
                );
                return documents;
            }
        };
        nodes += 1;
        if nodes > MAX_NODES || stack.len() > MAX_DEPTH {
            findings.error(
                T_YAML,
                at(span),
                format!("more than {MAX_DEPTH} levels or {MAX_NODES} values in one file"),
            );
            return documents;
        }
        let node = match event {
            Event::Scalar(text, style, _, tag) => {
                if tag.is_some() {
                    findings
                        .error(T_YAML, at(span), "tags are not read")
                        .help("remove the tag; quote the value instead");
                }
                Some(Node {
                    at: at(span),
                    data: Data::Scalar {
                        text: text.into_owned(),
                        plain: style == ScalarStyle::Plain,
                    },
                })
            }
            Event::SequenceStart(..) | Event::MappingStart(..) => {
                let is_map = matches!(event, Event::MappingStart(..));
                stack.push(Open {
                    at: at(span),
                    list: vec![],
                    map: vec![],
                    key: None,
                    is_map,
                    known: FxHashSet::default(),
                });
                None
            }
            Event::SequenceEnd | Event::MappingEnd => stack.pop().map(|open| Node {
                at: open.at,
                data: if open.is_map {
                    Data::Map(open.map)
                } else {
                    Data::List(open.list)
                },
            }),
            Event::Alias(_) => {
                findings
                    .error(T_YAML, at(span), "aliases are not read")
                    .help("write the value out");
                Some(Node {
                    at: at(span),
                    data: Data::Scalar {
                        text: String::new(),
                        plain: true,
                    },
                })
            }
            _ => None,
        };
        if let Some(node) = node {
            attach(node, &mut stack, &mut documents, findings);
        }
    }
    documents
}

/// Where a carriage return stands alone. To YAML that is the end of a line, to everything that shows one it is none.
fn lone_return(text: &str) -> Option<At> {
    let bytes = text.as_bytes();
    let found = memchr::memchr_iter(b'\r', bytes).find(|at| bytes.get(at + 1) != Some(&b'\n'))?;
    let before = &text[..found];
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    Some(At {
        line: before.matches('\n').count() + 1,
        column: before[start..].chars().count() + 1,
        length: 1,
    })
}

fn attach(node: Node, stack: &mut [Open], documents: &mut Vec<Node>, findings: &mut Findings<'_>) {
    let Some(open) = stack.last_mut() else {
        if !node.is_null() {
            documents.push(node);
        }
        return;
    };
    if !open.is_map {
        open.list.push(node);
        return;
    }
    if let Some(key) = open.key.take() {
        open.map.push((key, node));
    } else {
        let Data::Scalar { text, .. } = node.data else {
            findings.error(T_YAML, node.at, "a key must be a plain value");
            open.key = Some(Key {
                text: String::new(),
                at: node.at,
            });
            return;
        };
        if open.has(&text) {
            findings
                .error(
                    T_YAML,
                    node.at,
                    format!("the key `{text}` stands here twice"),
                )
                .help("merge the two into one list");
        }
        open.key = Some(Key { text, at: node.at });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Vec<Node>, Vec<Diagnostic>) {
        let mut findings = Findings::new("f.yml");
        let nodes = parse(text, &mut findings);
        (nodes, findings.list)
    }

    #[test]
    fn documents_positions_and_styles() {
        let (nodes, found) = read("a: 5\nb: ['5', ~]\n---\n火: 锅\n");
        assert!(found.is_empty());
        assert_eq!(nodes.len(), 2);
        let b = nodes[0].get("b").unwrap();
        assert_eq!((b.at.line, b.at.column), (2, 4));
        assert!(b.items()[1].is_null());
        assert_eq!(
            b.items()[0].data,
            Data::Scalar {
                text: "5".into(),
                plain: false
            }
        );
        assert_eq!(
            nodes[1].get("火").unwrap().at,
            At {
                line: 4,
                column: 4,
                length: 1
            }
        );
    }

    #[test]
    fn what_is_not_read_is_found() {
        for (text, code) in [
            ("a: [1", T_SYNTAX),
            ("a: 1\na: 2", T_YAML),
            ("a: &x 1\nb: *x", T_YAML),
            ("a: !!str 1", T_YAML),
            ("? [a]\n: 1", T_YAML),
            ("a: 1\rb: 2", T_YAML),
        ] {
            let (_, found) = read(text);
            assert_eq!(found.first().map(|d| d.code), Some(code), "{text}");
        }
        let keys: String = (0..200_000)
            .map(|n| format!("k{n}: 1\nk{n}: 2\n"))
            .collect();
        let (_, found) = read(&keys);
        assert_eq!(found.len(), MAX_FINDINGS + 1);
        assert!(found.iter().all(|d| d.code == T_YAML));
        // Whoever notices first, the parser or the builder: it ends with a finding, not with the stack.
        assert!(!read(&"[".repeat(100_000)).1.is_empty());
        assert!(!read(&"- ".repeat(100_000)).1.is_empty());
    }
}
