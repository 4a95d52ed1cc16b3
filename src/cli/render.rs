//! Diagnostics for people: file, line, column, the source line with a caret, the code and the help.

use std::fmt;

use miette::{
    GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, Severity, SourceCode,
};

use crate::core::diagnostic::{Diagnostic, Gravity, SourceFile};

/// Width of a rendered diagnostic.
const WIDTH: usize = 110;

struct Shown<'a> {
    diagnostic: &'a Diagnostic,
    source: Option<NamedSource<String>>,
    span: Option<LabeledSpan>,
}

impl fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.diagnostic, f)
    }
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without a source line to point at, the message itself names the file.
        if self.span.is_none() {
            write!(f, "{}", self.diagnostic.file)?;
            if self.diagnostic.line > 0 {
                write!(f, ":{}:{}", self.diagnostic.line, self.diagnostic.column)?;
            }
            f.write_str(": ")?;
        }
        f.write_str(&escaped(&self.diagnostic.message))
    }
}

impl std::error::Error for Shown<'_> {}

impl miette::Diagnostic for Shown<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.diagnostic.code))
    }

    fn severity(&self) -> Option<Severity> {
        Some(match self.diagnostic.gravity {
            Gravity::Error => Severity::Error,
            Gravity::Warning => Severity::Warning,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        let help = self.diagnostic.help.as_deref()?;
        Some(Box::new(escaped(help)))
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(|source| source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let span = self.span.clone()?;
        Some(Box::new(std::iter::once(span)))
    }
}

/// All diagnostics, rendered one after the other, each with its source line where the text is at hand.
pub fn render(diagnostics: &[Diagnostic], sources: &[SourceFile], colour: bool) -> String {
    let theme = if colour {
        GraphicalTheme::unicode()
    } else {
        GraphicalTheme::unicode_nocolor()
    };
    let handler = GraphicalReportHandler::new_themed(theme)
        .with_width(WIDTH)
        .with_links(false);
    let mut text = String::new();
    for diagnostic in diagnostics {
        let source = sources
            .iter()
            .find(|source| source.name == diagnostic.file && diagnostic.line > 0);
        let shown = Shown {
            diagnostic,
            span: source.map(|source| span(&source.text, diagnostic)),
            source: source.map(|source| NamedSource::new(&source.name, source.text.clone())),
        };
        if !text.is_empty() {
            text.push('\n');
        }
        // Writing to a string fails only if a Display does; what was written so far still helps.
        let _ = handler.render_report(&mut text, &shown);
    }
    text
}

/// Line and column (code points) → byte span.
fn span(text: &str, diagnostic: &Diagnostic) -> LabeledSpan {
    let line_start = text
        .split_inclusive('\n')
        .take(diagnostic.line.saturating_sub(1))
        .map(str::len)
        .sum::<usize>();
    let line = text.get(line_start..).unwrap_or("");
    let offset = |chars: usize| {
        line.char_indices()
            .nth(chars)
            .map_or(line.len(), |(at, _)| at)
    };
    let start = offset(diagnostic.column.saturating_sub(1));
    let end = offset(diagnostic.column.saturating_sub(1) + diagnostic.length);
    LabeledSpan::at(
        line_start + start..line_start + end.max(start),
        "here".to_owned(),
    )
}

/// Text from files and environments, harmless on a terminal.
fn escaped(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_control() && c != '\n' {
                '\u{fffd}'
            } else {
                c
            }
        })
        .collect()
}
