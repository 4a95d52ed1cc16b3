//! The part of a story that is about the desk: what departments do, and what is expected of obligations, missed deadlines and
//! escalations. The form is in `case`.
//!
//! Invariant: what the file does not state is `None` and is not compared.

use super::case::{Reader, list, strings};
use super::convert::json;
use crate::core::obligation::{Action, Actor, ObligationState, Office, Role};
use crate::core::rule::codes;
use crate::core::yaml::Node;

/// Name of whoever acts in a case.
const ACTOR: &str = "case";
/// What can be missed.
const MISSED: [&str; 2] = ["acknowledge", "dispose"];

/// Which incident of a case is meant; none: any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Incident {
    pub hazard: Option<String>,
    pub place: Option<String>,
}

impl Incident {
    /// Whether an incident of this hazard and place is meant.
    pub fn is(&self, hazard: &str, place: &str) -> bool {
        let fits = |wanted: &Option<String>, got| wanted.as_ref().is_none_or(|one| one == got);
        fits(&self.hazard, hazard) && fits(&self.place, place)
    }
}

/// Somebody does something to every incident that is meant.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct Act {
    pub line: usize,
    /// Milliseconds after the start.
    pub at: i64,
    pub on: Incident,
    pub actor: Actor,
    pub action: Action,
}

/// An expected obligation.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(missing_docs)]
pub struct WantedObligation {
    pub line: usize,
    pub at: Option<i64>,
    pub of: Incident,
    pub department: String,
    pub office: Option<String>,
    pub duty: Option<String>,
    pub required: Option<bool>,
    pub state: Option<String>,
    pub acknowledge_by: Option<i64>,
    pub dispose_by: Option<i64>,
}

/// An expected missed deadline, or, with `to`, the escalation of one.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(missing_docs)]
pub struct WantedDeadline {
    pub line: usize,
    pub at: Option<i64>,
    pub of: Incident,
    pub department: String,
    /// Whose deadline it was.
    pub office: Option<String>,
    /// `acknowledge` or `dispose`.
    pub missed: Option<String>,
    /// The office that is called.
    pub to: Option<String>,
}

/// What a story says about the desk.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(missing_docs)]
pub struct Meeting {
    pub actions: Vec<Act>,
    pub departments: Option<Vec<WantedObligation>>,
    pub deadlines: Option<Vec<WantedDeadline>>,
    pub escalations: Option<Vec<WantedDeadline>>,
    /// Departments whose obligations are compared; empty: all.
    pub only: Vec<String>,
    pub until: Option<i64>,
}

impl Meeting {
    /// Whether nothing of the desk is compared.
    pub fn expects_nothing(&self) -> bool {
        self.departments.is_none() && self.deadlines.is_none() && self.escalations.is_none()
    }

    fn missed(&self) -> impl Iterator<Item = &WantedDeadline> {
        let escalations = self.escalations.iter().flatten();
        self.deadlines.iter().flatten().chain(escalations)
    }

    /// Every time that it names, in milliseconds after the start.
    pub fn times(&self) -> impl Iterator<Item = i64> {
        let owed = self.departments.iter().flatten().filter_map(|one| one.at);
        let missed = self.missed().filter_map(|one| one.at);
        let acts = self.actions.iter().map(|act| act.at);
        acts.chain(owed).chain(missed).chain(self.until)
    }

    /// Every place that it names, with its line.
    pub fn places(&self) -> impl Iterator<Item = (usize, &str)> {
        let owed = self.departments.iter().flatten();
        let owed = owed.map(|one| (one.line, &one.of));
        let missed = self.missed().map(|one| (one.line, &one.of));
        let acts = self.actions.iter().map(|act| (act.line, &act.on));
        let all = acts.chain(owed).chain(missed);
        all.filter_map(|(line, of)| Some((line, of.place.as_deref()?)))
    }

    /// Every department that it names, with its line; those of `only` with that of the case.
    pub fn departments_named(&self, line: usize) -> impl Iterator<Item = (usize, &str)> {
        let owed = self.departments.iter().flatten();
        let owed = owed.map(|one| (one.line, &*one.department));
        let missed = self.missed().map(|one| (one.line, &*one.department));
        let only = self.only.iter().map(move |one| (line, &**one));
        let acts = self.actions.iter();
        let acts = acts.filter_map(|act| Some((act.line, &**act.action.department()?)));
        acts.chain(owed).chain(missed).chain(only)
    }
}

impl Reader<'_, '_> {
    /// Reads one key of a story; false when it is not about the desk.
    pub(super) fn meeting(&mut self, key: &str, node: &Node, into: &mut Meeting) -> bool {
        match key {
            "actions" => into.actions = list(node).iter().filter_map(|it| self.act(it)).collect(),
            "departments" => {
                let owed = list(node).iter().map(|it| self.obligation(it));
                into.departments = Some(owed.collect());
            }
            "deadlines" => into.deadlines = Some(self.deadlines(node, false)),
            "escalations" => into.escalations = Some(self.deadlines(node, true)),
            "only" => into.only = strings(node),
            "until" => into.until = self.time(node),
            _ => return false,
        }
        true
    }

    /// The keys `at`, `on` and `by`; the rest is an action as the API has it.
    fn act(&mut self, node: &Node) -> Option<Act> {
        let mut value = json(node);
        let Some(members) = value.as_object_mut() else {
            self.wrong(
                node.at,
                "an action is {at: 5m, action: acknowledge, department: fire}",
            );
            return None;
        };
        for own in ["at", "on", "by"] {
            members.remove(own);
        }
        let action: Action = match serde_json::from_value(value) {
            Ok(action) => action,
            Err(error) => {
                let message = format!("not an action: {error}");
                self.findings.error(codes::BAD_VALUE, node.at, message);
                return None;
            }
        };
        let Some(at) = node.get("at") else {
            let message = "an action needs `at`";
            self.findings.error(codes::MISSING_KEY, node.at, message);
            return None;
        };
        let mut on = Incident::default();
        for (key, value) in node.get("on").and_then(Node::map).unwrap_or_default() {
            if !self.incident(&key.text, value, &mut on) {
                self.unknown(key.at, &key.text);
            }
        }
        let by = node.get("by").map(|by| (by, by.text().unwrap_or_default()));
        let actor = match (by.map(|(_, by)| Role::from_id(by)), action.department()) {
            (None | Some(Some(Role::Officer)), Some(department)) => {
                Actor::officer(ACTOR, department)
            }
            (None, None) => Actor::new(ACTOR, Role::Coordinator),
            (Some(Some(role)), _) => Actor::new(ACTOR, role),
            (Some(None), _) => {
                let at = by.map_or(node.at, |(by, _)| by.at);
                let roles: Vec<&str> = Role::ALL.iter().map(|role| role.id()).collect();
                let message = format!("`by` is one of: {}", roles.join(", "));
                self.findings.error(codes::BAD_VALUE, at, message);
                return None;
            }
        };
        Some(Act {
            line: node.at.line,
            at: self.time(at)?,
            on,
            actor,
            action,
        })
    }

    /// `hazard` and `place`; false when the key is another.
    fn incident(&mut self, key: &str, value: &Node, into: &mut Incident) -> bool {
        match key {
            "hazard" => into.hazard = Some(self.hazard(value)),
            "place" => into.place = value.text().map(str::to_owned),
            _ => return false,
        }
        true
    }

    /// One of a closed list of words.
    fn word(&mut self, node: &Node, words: &[&str]) -> String {
        let text = node.text().unwrap_or_default();
        if !words.contains(&text) {
            let message = format!("one of: {}", words.join(", "));
            self.findings.error(codes::BAD_VALUE, node.at, message);
        }
        text.to_owned()
    }

    fn office(&mut self, node: &Node) -> String {
        let offices: Vec<&str> = Office::ALL.iter().map(|office| office.id()).collect();
        self.word(node, &offices)
    }

    fn obligation(&mut self, node: &Node) -> WantedObligation {
        let mut one = WantedObligation {
            line: node.at.line,
            ..WantedObligation::default()
        };
        for (key, value) in node.map().unwrap_or_default() {
            match key.text.as_str() {
                "at" => one.at = self.time(value),
                "department" => {
                    value
                        .text()
                        .unwrap_or_default()
                        .clone_into(&mut one.department);
                }
                "office" => one.office = Some(self.office(value)),
                "duty" => one.duty = Some(self.word(value, &["lead", "support"])),
                "required" => {
                    one.required = value.bool();
                    if one.required.is_none() {
                        self.wrong(value.at, "`true` or `false`");
                    }
                }
                "state" => {
                    let states = ObligationState::ALL.iter().map(|state| state.id());
                    one.state = Some(self.word(value, &states.collect::<Vec<_>>()));
                }
                "acknowledge_by" => one.acknowledge_by = self.time(value),
                "dispose_by" => one.dispose_by = self.time(value),
                other if self.incident(other, value, &mut one.of) => {}
                other => self.unknown(key.at, other),
            }
        }
        self.has_department(node, &one.department);
        one
    }

    fn has_department(&mut self, node: &Node, department: &str) {
        if department.is_empty() {
            let message = "this needs `department`";
            self.findings.error(codes::MISSING_KEY, node.at, message);
        }
    }

    /// Missed deadlines, or the escalations of them.
    fn deadlines(&mut self, node: &Node, escalated: bool) -> Vec<WantedDeadline> {
        let mut all = Vec::new();
        for item in list(node) {
            let mut one = WantedDeadline {
                line: item.at.line,
                ..WantedDeadline::default()
            };
            for (key, value) in item.map().unwrap_or_default() {
                match (key.text.as_str(), escalated) {
                    ("at", _) => one.at = self.time(value),
                    ("department", _) => {
                        value
                            .text()
                            .unwrap_or_default()
                            .clone_into(&mut one.department);
                    }
                    ("missed", _) => one.missed = Some(self.word(value, &MISSED)),
                    ("office", false) | ("from", true) => one.office = Some(self.office(value)),
                    ("to", true) => one.to = Some(self.office(value)),
                    (other, _) if self.incident(other, value, &mut one.of) => {}
                    (other, _) => self.unknown(key.at, other),
                }
            }
            self.has_department(item, &one.department);
            all.push(one);
        }
        all
    }
}
