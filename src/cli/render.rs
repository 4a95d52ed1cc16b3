//! Diagnostics for people: file, line, column, the source line with a caret, the code and the help.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use miette::{
    GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, Severity, SourceCode,
};

use crate::core::diagnostic::{Diagnostic, Gravity, SourceFile};

/// Width of a rendered diagnostic.
const WIDTH: usize = 110;
/// Longest source line that is shown, code points; of a longer one this much is.
const MAX_LINE: usize = 400;
/// Longest message or help, code points.
const MAX_MESSAGE: usize = 2000;

struct Shown<'a> {
    diagnostic: &'a Diagnostic,
    source: Option<NamedSource<Arc<str>>>,
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
            f.write_str(&one_line(&self.diagnostic.file))?;
            if self.diagnostic.line > 0 {
                write!(f, ":{}:{}", self.diagnostic.line, self.diagnostic.column)?;
            }
            f.write_str(": ")?;
        }
        f.write_str(&escaped(&cut(&self.diagnostic.message)))
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
        Some(Box::new(escaped(&cut(help))))
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
    let harmless: Vec<(&str, Arc<str>)> = sources
        .iter()
        .filter(|source| diagnostics.iter().any(|it| it.file == source.name))
        .map(|source| (source.name.as_str(), shown_lines(&source.text).into()))
        .collect();
    for diagnostic in diagnostics {
        let source = harmless
            .iter()
            .find(|(name, _)| *name == diagnostic.file && diagnostic.line > 0)
            // There is nothing to point at in the part of a line that is not shown.
            .filter(|_| diagnostic.column <= MAX_LINE);
        let shown = Shown {
            diagnostic,
            span: source.map(|(_, text)| span(text, diagnostic)),
            source: source.map(|(name, text)| NamedSource::new(one_line(name), Arc::clone(text))),
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

/// At most [`MAX_MESSAGE`] code points: what is quoted from a file may be as long as the file.
fn cut(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(MAX_MESSAGE) {
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
        None => Cow::Borrowed(text),
    }
}

/// Text from outside, harmless on a terminal: what would steer it or turn the direction of writing is replaced.
pub(crate) fn escaped(text: &str) -> String {
    let steers = |c: char| {
        c.is_control() && !matches!(c, '\n' | '\t')
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars()
        .map(|c| {
            if steers(c) {
                char::REPLACEMENT_CHARACTER
            } else {
                c
            }
        })
        .collect()
}

/// The same for what is a part of a line: it cannot begin one of its own.
pub(crate) fn one_line(text: &str) -> String {
    escaped(text).replace('\n', "\u{fffd}")
}

/// A source text with harmless lines of at most [`MAX_LINE`] code points, which stay where they are.
fn shown_lines(text: &str) -> String {
    let mut shown = String::with_capacity(text.len().min(1 << 20));
    for line in same_length(text).split_inclusive('\n') {
        match line.char_indices().nth(MAX_LINE) {
            Some((cut, c)) if c != '\n' => {
                shown.push_str(&line[..cut]);
                shown.push('…');
                shown.extend(line.ends_with('\n').then_some('\n'));
            }
            _ => shown.push_str(line),
        }
    }
    shown
}

/// The same for a text whose byte offsets are in use.
fn same_length(text: &str) -> String {
    let harmless = |c: char| match c {
        '\n' | '\t' | '\r' => c,
        '\0'..='\x1f' | '\x7f' => '?',
        '\u{80}'..='\u{9f}' => '\u{b7}',
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => char::REPLACEMENT_CHARACTER,
        other => other,
    };
    text.chars().map(harmless).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_steers_the_terminal() {
        let hostile = "a: \u{1b}[31m\u{9b}2J\u{202e}x\u{7f}\n";
        assert_eq!(same_length(hostile).len(), hostile.len());
        // A file may be called anything, too, with and without a line to show.
        for line in [1, 0] {
            let finding = Diagnostic {
                code: "T0001",
                gravity: Gravity::Error,
                file: format!("文件 {hostile}.yml"),
                line,
                column: 1,
                length: 1,
                message: hostile.to_owned(),
                help: Some(hostile.to_owned()),
            };
            let source = SourceFile {
                name: finding.file.clone(),
                text: hostile.to_owned(),
            };
            let shown = render(&[finding], &[source], false);
            assert!(
                !shown.contains(['\u{1b}', '\u{9b}', '\u{202e}', '\u{7f}']),
                "{shown:?}"
            );
            assert!(shown.contains("文件 a: "), "{shown}");
        }
    }
}
