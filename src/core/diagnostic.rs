//! Diagnostics of rule, lexicon, place and department files: all errors at once, each with a stable code and a place.

use std::fmt;

/// Constants of stable codes, and `ALL`: every code with what it says, in order. A code never changes its meaning; a retired
/// one is not reused. docs/codes.md lists them, held against the code by a test.
macro_rules! codes {
    ($($name:ident $id:literal $doc:literal)*) => {
        $(#[doc = $doc] pub const $name: &str = $id;)*

        /// Every code with what it says, in order.
        pub const ALL: &[(&str, &str)] = &[$(($id, $doc),)*];
    };
}
pub(crate) use codes;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gravity {
    /// The rule set does not load.
    Error,
    /// It loads; somebody should look.
    Warning,
}

/// One finding. Positions are 1-based; columns count Unicode code points.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Stable code, `T0001` …; listed in `core::rule::codes`.
    pub code: &'static str,
    /// Error or warning.
    pub gravity: Gravity,
    /// File as the operator knows it.
    pub file: String,
    /// 1-based; 0 when the finding is about the whole file.
    pub line: usize,
    /// 1-based, code points.
    pub column: usize,
    /// Code points to underline.
    pub length: usize,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}:{}:{}: {} {}",
            self.file, self.line, self.column, self.code, self.message
        )
    }
}

/// A file as the shell read it: the core reads none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceFile {
    /// Path or embedded name, for diagnostics and the version hash.
    pub name: String,
    /// Contents.
    pub text: String,
}
