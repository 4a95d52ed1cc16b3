//! Reads what a story of a test file expects of detections and incidents; the form is in `case`.
//!
//! Invariant: what the file does not state stays `None`.

use super::case::{Reader, list, strings};
use super::wanted::{WantedDetection, WantedIncident};
use crate::core::rule::codes;
use crate::core::yaml::Node;

impl Reader<'_, '_> {
    pub(super) fn detections(&mut self, node: &Node) -> Vec<WantedDetection> {
        let mut all = Vec::new();
        for item in list(node) {
            let mut one = WantedDetection {
                line: item.at.line,
                ..WantedDetection::default()
            };
            for (key, value) in item.map().unwrap_or_default() {
                let text = || value.text().unwrap_or_default().to_owned();
                match key.text.as_str() {
                    "report" => one.report = text(),
                    "rule" => one.rule = text(),
                    "severity" => one.severity = self.whole(value),
                    "hazard" => one.hazard = Some(self.hazard(value)),
                    "place" => one.place = Some(text()),
                    other => self.unknown(key.at, other),
                }
            }
            if one.report.is_empty() || one.rule.is_empty() {
                let message = "a detection needs `report` and `rule`";
                self.findings.error(codes::MISSING_KEY, item.at, message);
            }
            all.push(one);
        }
        all
    }

    pub(super) fn incidents(&mut self, node: &Node) -> Vec<WantedIncident> {
        let mut all = Vec::new();
        for item in list(node) {
            let mut one = WantedIncident {
                line: item.at.line,
                ..WantedIncident::default()
            };
            for (key, value) in item.map().unwrap_or_default() {
                match key.text.as_str() {
                    "at" => one.at = self.time(value),
                    "hazard" => one.hazard = self.hazard(value),
                    "place" => one.place = value.text().map(str::to_owned),
                    "level" => one.level = Some(self.level(value)),
                    "score" => one.score = self.whole(value),
                    "state" => one.state = value.text().map(str::to_owned),
                    "reports" => one.reports = self.whole(value),
                    "copies" => one.copies = self.whole(value),
                    "departments" => one.departments = Some(strings(value)),
                    "rules" => one.rules = Some(strings(value)),
                    "levels" => one.levels = Some(self.levels(value)),
                    other => self.unknown(key.at, other),
                }
            }
            if one.hazard.is_empty() {
                let message = "an incident needs `hazard`";
                self.findings.error(codes::MISSING_KEY, item.at, message);
            }
            all.push(one);
        }
        all
    }

    fn levels(&mut self, node: &Node) -> Vec<(i64, String)> {
        let mut levels = Vec::new();
        for item in list(node) {
            let (Some(at), Some(level)) = (item.get("at"), item.get("level")) else {
                self.wrong(item.at, "a change of level is {at: 5m, level: orange}");
                continue;
            };
            let level = self.level(level);
            levels.extend(self.time(at).map(|at| (at, level)));
        }
        levels
    }
}
