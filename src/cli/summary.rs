//! The summary of a run that ends, for people; `demo` and `replay` print the same.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::core::replay::Summary;

/// Several lines; `=` where the outcomes add up, `≠` where they do not.
pub fn summary_text(summary: &Summary) -> String {
    let list = |counts: &BTreeMap<String, u64>| {
        let parts: Vec<String> = counts.iter().map(|(id, n)| format!("{id} {n}")).collect();
        parts.join(", ")
    };
    let detections: u64 = summary.detections.values().sum();
    let sign = if summary.adds_up() { "=" } else { "≠" };
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "records     {:>8}  {sign} {}",
        summary.records,
        list(&summary.outcomes)
    );
    let _ = writeln!(
        text,
        "detections  {detections:>8}  = {}",
        list(&summary.detections)
    );
    let _ = writeln!(text, "incidents   {:>8}", summary.incidents);
    let _ = writeln!(text, "alerts      {:>8}", summary.alerts);
    let _ = writeln!(text, "took        {:>8} ms", summary.elapsed_ms);
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::model::DetectOutcome;

    #[test]
    fn says_when_a_record_is_missing() {
        let mut summary = Summary::default();
        summary.record(DetectOutcome::NoMatch);
        assert!(summary_text(&summary).contains("1  = "));
        summary.records = 2;
        assert!(summary_text(&summary).contains("2  ≠ "));
    }
}
