//! Silences: what they match, and how they are made, confirmed and ended.
//!
//! Invariant: what is refused changes nothing; a silence that is over stays over.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::decide::Subject;
use crate::core::model::{Hazard, Level, Millis, Status};
use crate::core::obligation::{
    Actor, Event, EventKind, Mark, Refusal, Refused, Role, bounded_text, needed_text,
};

/// Silences of one status that are not over.
pub const MAX_SILENCES: usize = 200;
/// Incidents that an event or an answer about a silence names; what is more is counted.
pub const MAX_LISTED: usize = 50;
/// Longest name of a rule or place.
const MAX_NAME: usize = 128;

/// What a silence is for. All that is given has to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Matchers {
    /// Actual (the default), exercise or test.
    #[serde(default)]
    pub status: Status,
    /// A rule: incidents that no other rule has found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<Arc<str>>,
    /// A hazard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hazard: Option<Hazard>,
    /// Code of a place: incidents there or within it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Arc<str>>,
    /// A department: what it would be told. Others are told as ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub department: Option<Arc<str>>,
    /// This level and lower ones: what rises above is heard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
}

impl Matchers {
    /// Whether nothing narrows it down.
    fn is_empty(&self) -> bool {
        let named = self.rule.is_some() || self.place.is_some() || self.department.is_some();
        !named && self.hazard.is_none() && self.level.is_none()
    }

    /// Whether the incident is meant, its level apart.
    fn names(&self, subject: &Subject) -> bool {
        let rule = |rule: &Arc<str>| {
            !subject.rules.is_empty() && subject.rules.iter().all(|other| other == rule)
        };
        let department = |id: &Arc<str>| subject.departments.contains(id);
        self.status == subject.status
            && self.rule.as_ref().is_none_or(rule)
            && self.hazard.is_none_or(|hazard| hazard == subject.hazard)
            && self.place.as_ref().is_none_or(|code| subject.is_in(code))
            && self.department.as_ref().is_none_or(department)
    }
}

/// Whether a silence covers red.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Red {
    /// It was not asked for.
    #[default]
    Heard,
    /// Asked for, and not confirmed: red is heard.
    Asked,
    /// Confirmed by a second account.
    Silenced {
        /// By whom and when.
        confirmed: Mark,
    },
}

/// Where a silence stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It has not begun.
    Pending,
    /// It mutes.
    Live,
    /// Its time is over, or somebody ended it.
    Over,
}

impl Standing {
    /// Identifier in JSON and addresses.
    pub fn id(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Live => "live",
            Self::Over => "over",
        }
    }
}

/// A silence that somebody wishes for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wish {
    /// What it is for.
    pub matchers: Matchers,
    /// From when; none: at once.
    pub starts: Option<Millis>,
    /// Until when.
    pub ends: Millis,
    /// Why.
    pub reason: String,
    /// Red too: a first word, which has to be confirmed.
    pub covers_red: bool,
}

/// Bounds of a silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest time from start to end, and from now to the start, milliseconds.
    pub longest_ms: i64,
}

/// A silence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    /// Its id.
    pub id: Uuid,
    /// What it is for.
    pub matchers: Matchers,
    /// From when.
    pub starts: Millis,
    /// Until when, not included.
    pub ends: Millis,
    /// Why.
    pub reason: String,
    /// Who made it.
    pub by: Actor,
    /// When.
    pub created: Millis,
    /// Whether it covers red.
    pub red: Red,
    /// Ended before its time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Mark>,
    /// 1, and one more with each change.
    pub version: u64,
}

/// What a silence leaves behind when it ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ending {
    /// Incidents that it muted and that are open and undone: the first [`MAX_LISTED`], the gravest first.
    pub incidents: Vec<Uuid>,
    /// How many there are.
    pub still_open: usize,
    /// How many of them each department owes something to.
    pub departments: BTreeMap<Arc<str>, usize>,
}

/// Whether this account may make or end a silence of a department (none: of all). An officer silences for its own department only.
pub fn permit(actor: &Actor, department: Option<&str>) -> Result<(), Refused> {
    match actor.role {
        Role::Analyst | Role::Coordinator | Role::Operator => Ok(()),
        Role::Officer if department.is_some() && department == actor.department.as_deref() => {
            Ok(())
        }
        Role::Officer => Err(Refused::new(
            Refusal::NotYours,
            "an officer silences for its own department only: name it",
        )),
        Role::ReadOnly => Err(Refused::new(
            Refusal::Role,
            "the role read_only does not silence",
        )),
    }
}

/// Whether this account may take red out of hearing: who judges incidents.
fn permit_red(actor: &Actor) -> Result<(), Refused> {
    match actor.role {
        Role::Analyst | Role::Coordinator => Ok(()),
        role => Err(Refused::new(
            Refusal::Role,
            format!("the role {} does not silence red", role.id()),
        )),
    }
}

fn bad(message: impl Into<String>) -> Refused {
    Refused::new(Refusal::BadSilence, message)
}

impl Wish {
    /// Whether it can be granted at all, whoever asks.
    fn check(&self, now: Millis, limits: Limits) -> Result<(), Refused> {
        let matchers = &self.matchers;
        if matchers.is_empty() {
            return Err(bad(
                "say what is silenced: a rule, hazard, place, department or level",
            ));
        }
        let names = [&matchers.rule, &matchers.place, &matchers.department];
        let fits = |name: &Arc<str>| (1..=MAX_NAME).contains(&name.chars().count());
        if names.into_iter().flatten().any(|name| !fits(name)) {
            return Err(bad(format!("a name has 1 to {MAX_NAME} characters")));
        }
        let starts = self.starts.unwrap_or(now);
        if self.ends <= starts || self.ends <= now {
            return Err(bad("it ends after it starts, and in the future"));
        }
        let hours = limits.longest_ms / 3_600_000;
        if self.ends.since(starts.max(now)) > limits.longest_ms {
            return Err(bad(format!("it lasts at most {hours} hours")));
        }
        if starts.since(now) > limits.longest_ms {
            return Err(bad(format!("it starts within {hours} hours")));
        }
        if self.covers_red && matchers.level.is_some_and(|level| level < Level::Red) {
            return Err(bad(
                "a silence up to a lower level cannot cover red: leave one of the two out",
            ));
        }
        if matchers.level == Some(Level::Red) && !self.covers_red {
            return Err(bad("red is heard unless that is asked for and confirmed"));
        }
        Ok(())
    }
}

impl Silence {
    /// Makes a silence. `not_over`: how many of its status there are already.
    pub fn create(
        id: Uuid,
        wish: &Wish,
        actor: &Actor,
        now: Millis,
        limits: Limits,
        not_over: usize,
    ) -> Result<(Self, Event), Refused> {
        permit(actor, wish.matchers.department.as_deref())?;
        if wish.covers_red {
            permit_red(actor)?;
        }
        let reason = needed_text(&wish.reason)?;
        wish.check(now, limits)?;
        if not_over >= MAX_SILENCES {
            let message = format!("there are {MAX_SILENCES} silences already: end one first");
            return Err(Refused::new(Refusal::TooMany, message));
        }
        let silence = Self {
            id,
            matchers: wish.matchers.clone(),
            starts: wish.starts.unwrap_or(now).max(now),
            ends: wish.ends,
            reason,
            by: actor.clone(),
            created: now,
            red: if wish.covers_red {
                Red::Asked
            } else {
                Red::Heard
            },
            ended: None,
            version: 1,
        };
        let mut event = silence.event(EventKind::SilenceCreated, now, Some(actor));
        event.reason.clone_from(&silence.reason);
        event.after = json!({
            "silence": id, "matchers": silence.matchers, "starts": silence.starts, "ends": silence.ends, "red": silence.red,
        });
        Ok((silence, event))
    }

    /// The second word: red is silenced from now on. It is another account's than the first.
    pub fn confirm_red(&mut self, actor: &Actor, now: Millis) -> Result<Event, Refused> {
        permit_red(actor)?;
        self.not_over(now)?;
        if self.red != Red::Asked {
            let message = "nobody asked that it cover red, or that is confirmed already";
            return Err(Refused::new(Refusal::NothingToDo, message));
        }
        if actor.name == self.by.name {
            let message = "whoever asked that red be silenced does not confirm it: another analyst or coordinator does";
            return Err(Refused::new(Refusal::SecondAccount, message));
        }
        let before = json!({"red": self.red});
        self.red = Red::Silenced {
            confirmed: mark(actor, now, ""),
        };
        self.version += 1;
        let mut event = self.event(EventKind::SilenceRedConfirmed, now, Some(actor));
        event.before = before;
        event.after = json!({"silence": self.id, "red": self.red});
        Ok(event)
    }

    /// Somebody ends it before its time.
    pub fn end(
        &mut self,
        actor: &Actor,
        reason: &str,
        now: Millis,
        left: &Ending,
    ) -> Result<Event, Refused> {
        permit(actor, self.matchers.department.as_deref())?;
        let reason = bounded_text(reason)?;
        self.not_over(now)?;
        self.ended = Some(mark(actor, now, &reason));
        self.version += 1;
        let mut event = self.ending(now, Some(actor), left);
        event.reason = reason;
        Ok(event)
    }

    /// Its time is over. The one notice about what it leaves open.
    pub fn expire(&mut self, now: Millis, left: &Ending) -> Event {
        self.version += 1;
        self.ending(now, None, left)
    }

    fn ending(&self, now: Millis, actor: Option<&Actor>, left: &Ending) -> Event {
        let mut event = self.event(EventKind::SilenceEnded, now, actor);
        event.before = json!({"ends": self.ends});
        event.after = json!({
            "silence": self.id, "early": actor.is_some(), "still_open": left.still_open, "incidents": left.incidents,
            "departments": left.departments,
        });
        event
    }

    fn event(&self, kind: EventKind, at: Millis, actor: Option<&Actor>) -> Event {
        Event {
            department: self.matchers.department.clone(),
            ..Event::new(kind, at, actor)
        }
    }

    fn not_over(&self, now: Millis) -> Result<(), Refused> {
        if self.standing(now) == Standing::Over {
            return Err(Refused::new(
                Refusal::NothingToDo,
                "the silence is over: make another one",
            ));
        }
        Ok(())
    }

    /// Where it stands.
    pub fn standing(&self, now: Millis) -> Standing {
        if self.ended.is_some() || self.ends <= now {
            Standing::Over
        } else if now < self.starts {
            Standing::Pending
        } else {
            Standing::Live
        }
    }

    /// Whether it is live and meant for the incident; of a department's silence, whether the department takes part.
    pub fn matches(&self, subject: &Subject, now: Millis) -> bool {
        self.standing(now) == Standing::Live && self.means(subject)
    }

    /// Whether it is meant for the incident, whatever the time.
    pub fn means(&self, subject: &Subject) -> bool {
        let level = match subject.level {
            Level::Red => matches!(self.red, Red::Silenced { .. }),
            level => self.matchers.level.is_none_or(|most| level <= most),
        };
        level && self.matchers.names(subject)
    }
}

fn mark(actor: &Actor, at: Millis, reason: &str) -> Mark {
    Mark {
        by: actor.name.clone(),
        at,
        reason: reason.to_owned(),
    }
}
