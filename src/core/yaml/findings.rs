//! Findings about one file: bounded, each with a place.

use super::node::{At, Key, Node};
use crate::core::diagnostic::{Diagnostic, Gravity};

/// Code of a file that is not readable as YAML.
pub const T_SYNTAX: &str = "T0001";
/// Code of YAML that is well-formed, but beyond what is read here: alias, tag, duplicate key, depth, size.
pub const T_YAML: &str = "T0002";

/// Collects findings about one file. What is found twice at one place is said once.
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
            beyond: beyond(file, Gravity::Error),
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
            // What was not kept may be an error where all that is shown are warnings.
            let before = self.list.get(MAX_FINDINGS).map(|last| last.gravity);
            let worst = before.unwrap_or(gravity).min(gravity);
            self.list.truncate(MAX_FINDINGS);
            self.list.push(beyond(self.file, worst));
            return &mut self.beyond;
        }
        let length = at.length.max(1);
        let said = |d: &Diagnostic| {
            (d.code, d.line, d.column, d.length) == (code, at.line, at.column, length)
                && d.message == message
        };
        if let Some(index) = self.list.iter().position(said) {
            return &mut self.list[index];
        }
        let index = self.list.len();
        self.list.push(Diagnostic {
            code,
            gravity,
            file: self.file.to_owned(),
            line: at.line,
            column: at.column,
            length,
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

/// A file that is wrong everywhere is said to be once, and not a million times; as bad as the worst of what is hidden.
fn beyond(file: &str, gravity: Gravity) -> Diagnostic {
    Diagnostic {
        code: T_YAML,
        gravity,
        file: file.to_owned(),
        line: 0,
        column: 0,
        length: 1,
        message: format!("more than {MAX_FINDINGS} findings: the rest is not shown"),
        help: Some("mend these first, then check again".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Warnings that are not shown refuse no file; an error that is not shown does.
    #[test]
    fn what_is_not_shown_is_as_bad_as_the_worst_of_it() {
        let mut findings = Findings::new("f");
        let at = |line: usize| At {
            line,
            column: 1,
            length: 1,
        };
        for line in 0..2 * MAX_FINDINGS {
            findings.warn(T_SYNTAX, at(line), "x");
        }
        let last = |findings: &Findings| findings.list.last().cloned().unwrap();
        assert_eq!(findings.list.len(), MAX_FINDINGS + 1);
        assert!(last(&findings).message.contains("not shown"));
        assert_eq!(last(&findings).gravity, Gravity::Warning);
        assert!(!findings.has_errors());
        findings.error(T_SYNTAX, at(1), "y");
        findings.warn(T_SYNTAX, at(5_000), "x");
        assert_eq!(findings.list.len(), MAX_FINDINGS + 1);
        assert_eq!(last(&findings).gravity, Gravity::Error);
    }

    #[test]
    fn what_is_found_twice_at_one_place_is_said_once() {
        let mut findings = Findings::new("f");
        let at = At {
            line: 1,
            column: 2,
            length: 3,
        };
        for _ in 0..3 {
            findings.error(T_SYNTAX, at, "x").help("y");
            findings.error(T_SYNTAX, At { line: 2, ..at }, "x");
            findings.error(T_SYNTAX, at, "other");
        }
        let shown: Vec<_> = findings
            .list
            .iter()
            .map(|d| (d.line, &*d.message))
            .collect();
        assert_eq!(shown, [(1, "x"), (2, "x"), (1, "other")]);
        assert_eq!(findings.list[0].help.as_deref(), Some("y"));
    }
}
