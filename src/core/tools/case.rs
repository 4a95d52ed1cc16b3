//! Test files of rules: reports on a virtual clock, and what must come of them.
//!
//! Two forms, told apart by their top-level keys. The short one says on which single reports a rule fires:
//!
//! ```yaml
//! zh-fire:
//!   fires: [瓯海区一居民楼起火, {title: 居民楼起火, kind: news}]    # a text, or the members of a Tocsin JSON record
//!   silent: [公司年会气氛火爆]
//! ```
//!
//! The long one tells a story:
//!
//! ```yaml
//! tests:
//!   - name: a fire with casualties rises to orange
//!     feed: {kind: news, reliability: 60, home: cn-31}   # of reports that name none; default: a post, reliability 50
//!     feeds: {calls: {kind: dispatch, reliability: 75}}  # further ones, by the name that a report gives as `feed`
//!     rules: [zh-fire]                # detections of other rules are not compared; default: all are
//!     reports:
//!       - {at: 0s, id: a, text: 浦东新区一仓库起火}
//!       - {at: 5m, id: b, feed: calls, text: 浦东新区仓库火灾，2人死亡}
//!     detections:                     # every one that comes; what is not stated of one is not compared
//!       - {report: a, rule: zh-fire, severity: 45, hazard: fire, place: cn-310115}
//!     incidents:                      # every one on the queue at that time (default: after the last report)
//!       - {at: 10m, hazard: fire, place: cn-310115, level: orange, score: 62, state: active, reports: 2, copies: 0,
//!          departments: [fire, health], rules: [fire, many-fires],     # those that fired, correlations among them
//!          levels: [{at: 0s, level: yellow}, {at: 5m, level: orange}]}
//!     # What becomes of it at the desk, whose clock is the same; deadlines are those of departments.yaml.
//!     actions:                        # what departments do meanwhile, in the words of the API; default: nothing
//!       - {at: 8m, action: acknowledge, department: fire}
//!       - {at: 9m, action: waive, department: health, reason: nobody is hurt, by: coordinator, on: {hazard: fire}}
//!     departments:                    # every obligation at that time (default: the end), those added by escalation apart
//!       - {at: 5m, hazard: fire, department: fire, duty: lead, required: true, office: township, state: open,
//!          acknowledge_by: 10m, dispose_by: 8h5m}
//!     deadlines:                      # every one that was missed by the end
//!       - {at: 15m, hazard: fire, place: cn-310115, department: emergency_management, office: county, missed: acknowledge}
//!     escalations:                    # every call of a next office by the end
//!       - {at: 15m, department: emergency_management, from: county, to: city, missed: acknowledge}
//!     only: [fire, emergency_management]   # obligations of other departments are not compared; default: all are
//!     until: 1h                       # the end; default: the latest time in the test
//! ```
//!
//! Invariant: what is not understood is a coded finding; a case that checks nothing is one too.

use serde_json::Value;

use super::convert::{duration, json};
pub use super::meeting_case::{Act, Incident, Meeting, WantedDeadline, WantedObligation};
pub use super::wanted::{Case, Input, Wanted, WantedDetection, WantedIncident};
use crate::core::diagnostic::{Diagnostic, SourceFile};
use crate::core::model::{DecoderKind, Feed, FeedKind, Hazard, Level};
use crate::core::rule::codes;
use crate::core::yaml::{self, At, Data, Findings, Key, Node};

/// Longest virtual time of a case: a year.
const MAX_MS: i64 = 366 * 86_400_000;

/// The cases of a file; findings go to `found`.
pub fn parse(source: &SourceFile, found: &mut Vec<Diagnostic>) -> Vec<Case> {
    let mut findings = Findings::new(&source.name);
    let mut cases = Vec::new();
    for document in yaml::parse(&source.text, &mut findings) {
        let Some(entries) = document.map() else {
            wrong(&mut findings, document.at, "a test file is a map");
            continue;
        };
        for (key, node) in entries {
            let mut reader = Reader {
                file: &source.name,
                findings: &mut findings,
            };
            if key.text == "tests" {
                cases.extend(node.items().iter().filter_map(|node| reader.story(node)));
            } else {
                reader.short(key, node, &mut cases);
            }
        }
    }
    found.append(&mut findings.list);
    cases
}

fn wrong(findings: &mut Findings<'_>, at: At, message: impl Into<String>) {
    findings.error(codes::WRONG_TYPE, at, message);
}

/// The feed of reports that name none: a post, so that nothing is proved by where it comes from.
pub(super) fn plain_feed(id: &str) -> Feed {
    Feed {
        id: id.into(),
        topic: id.to_owned(),
        decoder: DecoderKind::Tocsin,
        kind: FeedKind::Post,
        reliability: 50,
        home: None,
        trust_status: true,
        publisher: true,
        max_age_s: None,
        usual_gap_s: None,
        lang: None,
        time_zone: None,
        mapping: None,
    }
}

/// Reads the parts of a case; findings go to `findings`.
pub(super) struct Reader<'a, 'f> {
    file: &'a str,
    pub(super) findings: &'a mut Findings<'f>,
}

impl Reader<'_, '_> {
    pub(super) fn wrong(&mut self, at: At, message: impl Into<String>) {
        wrong(self.findings, at, message);
    }

    pub(super) fn unknown(&mut self, at: At, key: &str) {
        let message = format!("`{key}` means nothing here");
        self.findings.error(codes::UNKNOWN_KEY, at, message);
    }

    fn short(&mut self, name: &Key, node: &Node, cases: &mut Vec<Case>) {
        let rule = &*name.text;
        let Some(entries) = node.map() else {
            return self.wrong(node.at, format!("`{rule}` has `fires` and `silent`"));
        };
        for (key, list) in entries {
            let fires = match key.text.as_str() {
                "fires" => true,
                "silent" => false,
                other => {
                    self.unknown(key.at, other);
                    continue;
                }
            };
            for item in list.items() {
                let Some(record) = self.record(item, "case") else {
                    continue;
                };
                let verb = if fires { "fires on" } else { "is silent on" };
                let text = record["text"].as_str().or(record["title"].as_str());
                let text: String = text.unwrap_or("a report").chars().take(60).collect();
                cases.push(Case {
                    file: self.file.to_owned(),
                    line: item.at.line,
                    name: format!("{rule} {verb} {text}"),
                    feeds: vec![plain_feed("cases")],
                    inputs: vec![Input { at: 0, record }],
                    wanted: Wanted::Fires {
                        rule: rule.to_owned(),
                        fires,
                    },
                    named: vec![(rule.to_owned(), name.at)],
                });
            }
        }
    }

    /// A text, or the members of a record.
    fn record(&mut self, node: &Node, id: &str) -> Option<Value> {
        let mut record = match &node.data {
            Data::Scalar { text, .. } => serde_json::json!({ "text": text }),
            Data::Map(_) => json(node),
            Data::List(_) => {
                self.wrong(node.at, "a report is a text or a map, not a list");
                return None;
            }
        };
        let members = record.as_object_mut()?;
        members.remove("at");
        match members.get("id") {
            None => drop(members.insert("id".to_owned(), id.into())),
            Some(Value::String(_)) => {}
            Some(other) => {
                let id = other.to_string();
                members.insert("id".to_owned(), id.into());
            }
        }
        Some(record)
    }

    fn story(&mut self, node: &Node) -> Option<Case> {
        let Some(entries) = node.map() else {
            self.wrong(node.at, "a test is a map");
            return None;
        };
        let mut case = Case {
            file: self.file.to_owned(),
            line: node.at.line,
            name: String::new(),
            feeds: vec![plain_feed("cases")],
            inputs: Vec::new(),
            wanted: Wanted::Fires {
                rule: String::new(),
                fires: true,
            },
            named: Vec::new(),
        };
        named(node, &mut case.named);
        let (mut rules, mut detections, mut incidents) = (Vec::new(), None, None);
        let mut meeting = Meeting::default();
        for (key, value) in entries {
            match key.text.as_str() {
                "name" => value.text().unwrap_or_default().clone_into(&mut case.name),
                "feed" => case.feeds[0] = self.feed("cases", value),
                "feeds" => {
                    for (id, feed) in value.map().unwrap_or_default() {
                        let feed = self.feed(&id.text, feed);
                        case.feeds.push(feed);
                    }
                }
                "rules" => rules = strings(value),
                "reports" => case.inputs = self.inputs(value),
                "detections" => detections = Some(self.detections(value)),
                "incidents" => incidents = Some(self.incidents(value)),
                _ if self.meeting(&key.text, value, &mut meeting) => {}
                other => self.unknown(key.at, other),
            }
        }
        case.wanted = Wanted::Story {
            rules,
            detections,
            incidents,
            meeting,
        };
        let Some(missing) = missing(&case) else {
            return Some(case);
        };
        let message = format!("the test has no `{missing}`");
        self.findings.error(codes::MISSING_KEY, node.at, message);
        None
    }

    fn feed(&mut self, id: &str, node: &Node) -> Feed {
        let mut value = serde_json::json!({"id": id, "topic": id, "decoder": "tocsin", "kind": "post",
            "reliability": 50, "trust_status": true, "publisher": true});
        if let (Some(all), Value::Object(own)) = (value.as_object_mut(), json(node)) {
            all.extend(own);
        }
        serde_json::from_value(value).unwrap_or_else(|error| {
            let message = format!("not a feed: {error}");
            self.findings.error(codes::BAD_VALUE, node.at, message);
            plain_feed(id)
        })
    }

    fn inputs(&mut self, node: &Node) -> Vec<Input> {
        let mut inputs: Vec<Input> = Vec::new();
        for (number, item) in node.items().iter().enumerate() {
            let Some(record) = self.record(item, &format!("r{}", number + 1)) else {
                continue;
            };
            let before = inputs.last().map_or(0, |input| input.at);
            let at = item.get("at").map_or(Some(before), |at| self.time(at));
            inputs.extend(at.map(|at| Input { at, record }));
        }
        inputs.sort_by_key(|input| input.at);
        inputs
    }

    pub(super) fn time(&mut self, node: &Node) -> Option<i64> {
        let at = node.text().and_then(duration).filter(|at| *at <= MAX_MS);
        if at.is_none() {
            let message = "a time after the start, such as 90s, 5m or 1h30m, up to 366d";
            self.findings.error(codes::BAD_VALUE, node.at, message);
        }
        at
    }

    pub(super) fn whole(&mut self, node: &Node) -> Option<i64> {
        let number = node.text().and_then(|text| text.parse().ok());
        if number.is_none() {
            self.wrong(node.at, "a whole number");
        }
        number
    }

    pub(super) fn hazard(&mut self, node: &Node) -> String {
        let id = node.text().unwrap_or_default();
        if !Hazard::ALL.iter().any(|hazard| hazard.id() == id) {
            let message = format!("`{id}` is no hazard of the taxonomy");
            self.findings.error(codes::UNKNOWN_HAZARD, node.at, message);
        }
        id.to_owned()
    }

    pub(super) fn level(&mut self, node: &Node) -> String {
        let id = node.text().unwrap_or_default();
        if !Level::ALL.iter().any(|level| level.id() == id) {
            let message = "a level is blue, yellow, orange or red";
            self.findings.error(codes::BAD_VALUE, node.at, message);
        }
        id.to_owned()
    }
}

/// Keys of a test under which names of rules, places and departments stand.
const NAMES: &[&str] = &[
    "department",
    "departments",
    "home",
    "only",
    "place",
    "rule",
    "rules",
];

/// Adds these names, with their places, in the order of the file.
fn named(node: &Node, to: &mut Vec<(String, At)>) {
    match &node.data {
        Data::Map(entries) => {
            for (key, value) in entries {
                if NAMES.contains(&&*key.text) {
                    let texts = value.items().iter();
                    to.extend(texts.filter_map(|item| Some((item.text()?.to_owned(), item.at))));
                }
                named(value, to);
            }
        }
        Data::List(items) => items.iter().for_each(|item| named(item, to)),
        Data::Scalar { .. } => {}
    }
}

/// What a story lacks to be one that can be run and can fail.
fn missing(case: &Case) -> Option<&'static str> {
    let Wanted::Story {
        detections,
        incidents,
        meeting,
        ..
    } = &case.wanted
    else {
        return None;
    };
    if case.name.is_empty() {
        Some("name")
    } else if case.inputs.is_empty() {
        Some("reports")
    } else if detections.is_none() && incidents.is_none() && meeting.expects_nothing() {
        Some("detections`, `incidents`, `departments`, `deadlines` or `escalations")
    } else {
        None
    }
}

pub(super) fn list(node: &Node) -> &[Node] {
    if node.is_null() { &[] } else { node.items() }
}

pub(super) fn strings(node: &Node) -> Vec<String> {
    let texts = list(node).iter().filter_map(Node::text);
    texts.map(str::to_owned).collect()
}
