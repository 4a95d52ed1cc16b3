//! Results of cases as JUnit XML, for those who read tests elsewhere.
//!
//! Invariant: one `testsuite` per file, one `testcase` per case, in their order; characters that XML forbids are replaced.

use std::fmt::Write as _;

use super::run::{CaseResult, Failure};
use crate::core::xml::escape;

/// The whole document.
pub fn junit(results: &[CaseResult]) -> String {
    let failed = |some: &[&CaseResult]| some.iter().filter(|r| !r.failures.is_empty()).count();
    let all: Vec<&CaseResult> = results.iter().collect();
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "<testsuites name=\"tocsin rules test\" tests=\"{}\" failures=\"{}\">",
        all.len(),
        failed(&all)
    );
    let mut files: Vec<&str> = Vec::new();
    for result in results {
        if !files.contains(&&*result.file) {
            files.push(&result.file);
        }
    }
    for file in files {
        let of: Vec<&CaseResult> = results.iter().filter(|r| r.file == file).collect();
        let _ = writeln!(
            text,
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\">",
            escape(file),
            of.len(),
            failed(&of)
        );
        for result in of {
            let (name, line) = (escape(&result.name), result.line);
            let file = escape(file);
            if result.failures.is_empty() {
                let _ = writeln!(
                    text,
                    "    <testcase name=\"{name}\" classname=\"{file}\" file=\"{file}\" line=\"{line}\"/>"
                );
                continue;
            }
            let _ = writeln!(
                text,
                "    <testcase name=\"{name}\" classname=\"{file}\" file=\"{file}\" line=\"{line}\">"
            );
            let lines: Vec<String> = result.failures.iter().map(diff).collect();
            let message = escape(&result.failures[0].what);
            let _ = writeln!(
                text,
                "      <failure message=\"{message}\">{}</failure>",
                escape(&lines.join("\n"))
            );
            text.push_str("    </testcase>\n");
        }
        text.push_str("  </testsuite>\n");
    }
    text.push_str("</testsuites>\n");
    text
}

/// A difference for people: what, then what was expected and what came.
pub fn diff(failure: &Failure) -> String {
    let mut text = failure.what.clone();
    if let Some(expected) = &failure.expected {
        let _ = write!(text, "\n  - {expected}");
    }
    match &failure.got {
        Some(got) => drop(write!(text, "\n  + {got}")),
        None => text.push_str("\n  + nothing"),
    }
    text
}
