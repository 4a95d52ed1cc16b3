//! Text → nodes, one event of the parser after the other.

use rustc_hash::FxHashSet;
use saphyr_parser::{Event, Parser, ScalarStyle, Span};

use super::findings::{Findings, T_SYNTAX, T_YAML};
use super::node::{At, Data, Key, Lines, Node};

/// Largest file, bytes.
pub const MAX_BYTES: usize = 16 << 20;
/// Deepest nesting of lists and maps.
pub const MAX_DEPTH: usize = 32;
/// Nodes of one file.
pub const MAX_NODES: usize = 2_000_000;

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

/// A file by its lines.
struct Source<'t> {
    text: &'t str,
    /// Where lines begin; filled when first needed.
    starts: Vec<usize>,
}

impl<'t> Source<'t> {
    fn new(text: &'t str) -> Self {
        let starts = Vec::new();
        Self { text, starts }
    }

    /// What the file has of a scalar over several lines; none of others.
    fn of(&mut self, span: Span, style: ScalarStyle) -> Option<Box<Lines>> {
        let (line, end) = (span.start.line(), span.end.line());
        if line == end {
            return None;
        }
        if self.starts.is_empty() {
            let feeds = memchr::memchr_iter(b'\n', self.text.as_bytes());
            self.starts = std::iter::once(0).chain(feeds.map(|at| at + 1)).collect();
        }
        let mut column = span.start.col();
        match style {
            // The parser's place is that of the contents.
            ScalarStyle::Literal | ScalarStyle::Folded => column = 0,
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => column += 1,
            ScalarStyle::Plain => {}
        }
        let from = *self.starts.get(line.checked_sub(1)?)?;
        let to = self.starts.get(end).copied().unwrap_or(self.text.len());
        let whole = self.text.get(from..to)?;
        let (skipped, _) = whole.char_indices().nth(column)?;
        let at = At {
            line,
            column: column + 1,
            length: 1,
        };
        Some(Box::new(Lines {
            from: at,
            text: whole.get(skipped..)?.to_owned(),
        }))
    }
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
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lines = Source::new(text);
    for event in Parser::new_from_str(text) {
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
                    lines: lines.of(span, style),
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
            Event::SequenceEnd | Event::MappingEnd => stack.pop().map(|open| {
                let data = if open.is_map {
                    Data::Map(open.map)
                } else {
                    Data::List(open.list)
                };
                Node::new(open.at, data)
            }),
            Event::Alias(_) => {
                findings
                    .error(T_YAML, at(span), "aliases are not read")
                    .help("write the value out");
                let data = Data::Scalar {
                    text: String::new(),
                    plain: true,
                };
                Some(Node::new(at(span), data))
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
    use crate::core::diagnostic::Diagnostic;
    use crate::core::yaml::MAX_FINDINGS;

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
