//! Nodes with their places.

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
    /// Of a scalar over several lines.
    pub lines: Option<Box<Lines>>,
}

/// A scalar as the file has it: how far into its lines a word stands cannot be counted in its text.
#[derive(Clone, Debug, PartialEq)]
pub struct Lines {
    /// Place of the first character of `text`.
    pub from: At,
    /// From there to the end of the scalar's last line.
    pub text: String,
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
    /// A node that is no scalar over several lines.
    pub fn new(at: At, data: Data) -> Self {
        Self {
            at,
            data,
            lines: None,
        }
    }

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
