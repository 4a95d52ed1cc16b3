//! What forms and addresses say, read into actions and filters; refusals in the reader's language.
//!
//! Invariant: a field that makes no sense is an error with a message, never a guess; a form that asks for nothing changes nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use uuid::Uuid;

use super::lang::Lang;
use super::page::board::Filter;
use super::page::incident::Draft;
use super::words::Msg;
use crate::core::model::{Hazard, Level, Status};
use crate::core::obligation::{Action, Case, CaseState, Disposition, Field, Refusal, Refused};
use crate::core::place::Gazetteer;

/// Longest filter text, characters.
const MAX_FILTER: usize = 200;

/// Fields of a form.
#[derive(Clone, Debug, Default)]
pub struct Fields(pub BTreeMap<String, String>);

impl Fields {
    /// A field's trimmed text; empty when it is not there.
    pub fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", |value| value.trim())
    }

    fn owned(&self, name: &str) -> String {
        self.get(name).to_owned()
    }

    fn department(&self) -> Result<Arc<str>, Msg> {
        match self.get("department") {
            "" => Err(Msg::BadForm),
            id => Ok(id.into()),
        }
    }

    fn disposition(&self) -> Result<Disposition, Msg> {
        Disposition::from_id(self.get("disposition")).ok_or(Msg::FindingMissing)
    }

    /// The version that the reader saw.
    pub fn version(&self) -> Option<u64> {
        self.get("version").parse().ok()
    }

    /// What was typed, to show it again.
    pub fn draft(&self) -> Draft {
        let text = match self.get("reason") {
            "" => self.get("text"),
            reason => reason,
        };
        Draft {
            action: self.owned("action"),
            department: self.owned("department"),
            text: text.to_owned(),
        }
    }

    /// The actions that a form of an incident's page asks for, in order.
    pub fn actions(&self, case: &Case, gazetteer: &Gazetteer) -> Result<Vec<Action>, Msg> {
        let reason = || self.owned("reason");
        let one = match self.get("action") {
            "acknowledge" => Action::Acknowledge {
                department: self.department().ok(),
            },
            "start" => Action::Start {
                department: self.department()?,
            },
            "dispose" => Action::Dispose {
                department: self.department()?,
                disposition: self.disposition()?,
                reason: reason(),
            },
            "transfer" => Action::Transfer {
                department: self.department()?,
                to: self.get("to").into(),
                reason: reason(),
            },
            "accept" => Action::Accept {
                department: self.department()?,
            },
            "decline" => Action::Decline {
                department: self.department()?,
                reason: reason(),
            },
            "waive" => Action::Waive {
                department: self.department()?,
                reason: reason(),
            },
            "note" => Action::Note {
                text: self.owned("text"),
            },
            "watch" => Action::Watch,
            "unwatch" => Action::Unwatch,
            "assess" => Action::Assess {
                disposition: self.disposition()?,
                reason: reason(),
            },
            "duplicate" => Action::Duplicate {
                of: uuid_in(self.get("of")).ok_or(Msg::NoIncidentId)?,
                reason: reason(),
            },
            "meeting" => Action::Meeting { reason: reason() },
            "reopen" => Action::Reopen { reason: reason() },
            "uncorrect" => Action::Uncorrect {
                field: Field::from_id(self.get("field")).ok_or(Msg::BadForm)?,
                reason: reason(),
            },
            "correct" => return self.corrections(case, gazetteer),
            _ => return Err(Msg::BadForm),
        };
        Ok(vec![one])
    }

    /// Corrections of what differs from what counts now; a field set back to the machine's value takes its correction back.
    fn corrections(&self, case: &Case, gazetteer: &Gazetteer) -> Result<Vec<Action>, Msg> {
        let overlays = &case.overlays;
        let hazard = match self.get("hazard") {
            "" => None,
            id => Some(id.parse::<Hazard>().map_err(|_| Msg::BadForm)?),
        };
        let level = match self.get("level") {
            "" => None,
            id => Some(level(id).ok_or(Msg::BadForm)?),
        };
        let place = match self.get("place") {
            "" => None,
            text => Some(gazetteer.named(text, 1).pop().ok_or(Msg::NoSuchPlace)?),
        };
        let set_back = [
            (Field::Hazard, hazard.is_none() && overlays.hazard.is_some()),
            (Field::Level, level.is_none() && overlays.level.is_some()),
            (Field::Place, place.is_none() && overlays.place.is_some()),
        ];
        let hazard = hazard.filter(|hazard| *hazard != case.hazard());
        let level = level.filter(|level| *level != case.level());
        let place = place.filter(|place| place.code != case.place().code);
        let mut all = Vec::new();
        if hazard.is_some() || level.is_some() || place.is_some() {
            all.push(Action::Correct {
                hazard,
                place,
                level,
                reason: self.owned("reason"),
            });
        }
        all.extend(
            set_back
                .into_iter()
                .filter(|(_, is)| *is)
                .map(|(field, _)| Action::Uncorrect {
                    field,
                    reason: self.owned("reason"),
                }),
        );
        if all.is_empty() {
            return Err(Msg::NothingToCorrect);
        }
        Ok(all)
    }
}

/// The first incident id in a text: people paste addresses.
fn uuid_in(text: &str) -> Option<Uuid> {
    const LENGTH: usize = 36;
    let bytes = text.as_bytes();
    (0..bytes.len().saturating_sub(LENGTH - 1))
        .filter_map(|at| text.get(at..at + LENGTH))
        .find_map(|part| part.parse().ok())
}

/// A level by its id.
pub fn level(id: &str) -> Option<Level> {
    Level::ALL.into_iter().find(|level| level.id() == id)
}

/// The filter that a board's address states; what it does not know it leaves out.
pub fn filter(fields: &Fields) -> Filter {
    let some = |name: &str| Some(fields.get(name)).filter(|text| !text.is_empty());
    let short = |text: &str| text.chars().take(MAX_FILTER).collect::<String>();
    Filter {
        status: some("status").and_then(|id| Status::ALL.into_iter().find(|it| it.id() == id)),
        level: some("level").and_then(level),
        hazard: some("hazard").and_then(|id| id.parse().ok()),
        place: some("place").map(short),
        department: some("department").map(short),
        state: some("state").and_then(CaseState::from_id),
        text: some("q").map(short),
    }
}

/// The address part of a filter, without what is not set.
pub fn query(filter: &Filter) -> String {
    let status = filter.status.filter(|status| *status != Status::Actual);
    let parts = [
        ("status", status.map(|it| it.id().to_owned())),
        ("level", filter.level.map(|it| it.id().to_owned())),
        ("hazard", filter.hazard.map(|it| it.id().to_owned())),
        ("place", filter.place.clone()),
        ("department", filter.department.clone()),
        ("state", filter.state.map(|it| it.id().to_owned())),
        ("q", filter.text.clone()),
    ];
    let set = parts
        .into_iter()
        .filter_map(|(name, value)| Some(format!("{name}={}", encoded(&value?))));
    set.collect::<Vec<_>>().join("&")
}

/// Percent-encoding of everything that is not unreserved (RFC 3986, 2.3).
pub fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// Why an action was refused, in the reader's language; the detail of the core is English.
pub fn refused(lang: Lang, refused: &Refused) -> String {
    if lang == Lang::En {
        return refused.message.clone();
    }
    let msg = match refused.why {
        Refusal::Role => Msg::RefusedRole,
        Refusal::NotYours => Msg::RefusedNotYours,
        Refusal::NoObligation => Msg::RefusedNoObligation,
        Refusal::NotPending => Msg::RefusedNotPending,
        Refusal::Closed => Msg::RefusedClosed,
        Refusal::NotClosed => Msg::RefusedNotClosed,
        Refusal::UnknownDepartment => Msg::RefusedUnknownDepartment,
        Refusal::BadTransfer => Msg::RefusedBadTransfer,
        Refusal::NotOffered => Msg::RefusedNotOffered,
        Refusal::LeadStays => Msg::RefusedLeadStays,
        Refusal::ReasonMissing => Msg::RefusedReasonMissing,
        Refusal::TooLong => Msg::RefusedTooLong,
        Refusal::TooMany => Msg::RefusedTooMany,
        Refusal::NothingToDo => Msg::RefusedNothingToDo,
        Refusal::BadDuplicate => Msg::RefusedBadDuplicate,
        Refusal::BadSilence => Msg::RefusedBadSilence,
        Refusal::SecondAccount => Msg::RedSecondAccount,
    };
    lang.t(msg).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(text: &str) -> Fields {
        let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
        Fields(pairs.map(|(k, v)| (k.to_owned(), v.to_owned())).collect())
    }

    #[test]
    fn a_filter_and_its_address_are_the_same() {
        let asked = filter(&fields(
            "status=exercise&level=red&hazard=fire&state=new&q=雁塔 & x&place=cn-61",
        ));
        assert_eq!(asked.text.as_deref(), Some("雁塔"));
        let address = query(&asked);
        assert_eq!(
            address,
            "status=exercise&level=red&hazard=fire&place=cn-61&state=new&q=%E9%9B%81%E5%A1%94"
        );
        assert_eq!(
            filter(&fields("status=actual&level=purple&hazard=riot")),
            Filter {
                status: Some(Status::Actual),
                ..Filter::default()
            }
        );
        assert_eq!(query(&filter(&fields("status=actual"))), "");
    }

    #[test]
    fn an_incident_is_found_in_a_pasted_address() {
        let id = "0f6b4c1e-30a6-5b0a-8f0e-0a9a4b0d9c11";
        for text in [
            id.to_owned(),
            format!("https://desk.example/incidents/{id}#x"),
            format!("见 {id}。"),
        ] {
            assert_eq!(uuid_in(&text), Some(id.parse().unwrap()), "{text}");
        }
        assert_eq!(uuid_in("0f6b4c1e"), None);
    }
}
