//! Silences at the desk: made, confirmed, ended, and what they mute now.
//!
//! Invariant: a silence is in the store before anybody is told that there is one, and what it mutes is worked out from the store each
//! time: a restart changes nothing. One that ends while incidents are undone says so in one event.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use uuid::Uuid;

use super::service::{Desk, DeskError};
use super::store::silences::{not_over, open_at};
use super::store::{StoreError, Writing};
use crate::core::model::{Level, Millis, Status};
use crate::core::mute::{
    Ending, Limits, MAX_LISTED, Matchers, Muted, Silence, Standing, Subject, Wish, marks,
};
use crate::core::obligation::{Actor, BoardRow, Event, Refusal, Refused};
use crate::core::ruleset::RuleSet;

/// Open incidents looked at to say what a silence leaves open, the gravest first.
const SCANNED: u32 = 20_000;
/// Open incidents looked at to say what a silence covers.
const LOOKED_AT: u32 = 2_000;
/// Lines that are drawn again at once when a silence begins or ends; others with their next change.
const DRAWN: usize = 500;

/// Open incidents that a silence covers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Covered {
    /// How many were found.
    pub open: usize,
    /// There may be more: not every open incident was looked at.
    pub more: bool,
    /// The gravest of them, at most [`MAX_LISTED`].
    pub rows: Vec<BoardRow>,
}

/// A change of a silence, once it is committed.
struct Done {
    silence: Silence,
    event: Event,
    changes: Vec<super::store::Change>,
}

/// Whether rule, place and department are known. The error is the field, and what is wrong.
pub fn known_names(rules: &RuleSet, matchers: &Matchers) -> Result<(), (&'static str, String)> {
    if let Some(rule) = &matchers.rule
        && !rules.program.rules.iter().any(|it| it.id == *rule)
    {
        let message = "there is no such rule: `tocsin rules list` names them";
        return Err(("rule", message.to_owned()));
    }
    if let Some(place) = &matchers.place
        && rules.gazetteer.get(place).is_none()
    {
        return Err((
            "place",
            "there is no such place in the gazetteer".to_owned(),
        ));
    }
    if let Some(department) = &matchers.department
        && rules.routing.get(department).is_none()
    {
        return Err(("department", "there is no such department".to_owned()));
    }
    Ok(())
}

/// When it next begins or ends.
fn due(silence: &Silence, now: Millis) -> Option<Millis> {
    match silence.standing(now) {
        Standing::Pending => Some(silence.starts),
        Standing::Live => Some(silence.ends),
        Standing::Over => None,
    }
}

/// What is left of those that a silence muted, and the lines that show it.
fn left(silence: &Silence, candidates: Vec<BoardRow>) -> (Ending, Vec<BoardRow>) {
    let meant = candidates
        .into_iter()
        .filter(|row| silence.means(&Subject::of(row)));
    let rows: Vec<BoardRow> = meant.collect();
    let mut ending = Ending::default();
    for row in &rows {
        let owing: BTreeSet<&Arc<str>> = row
            .obligations
            .iter()
            .filter(|it| it.state.is_pending())
            .map(|it| &it.department)
            .filter(|id| {
                let only = silence.matchers.department.as_ref();
                only.is_none_or(|only| only == *id)
            })
            .collect();
        if owing.is_empty() {
            continue;
        }
        ending.still_open += 1;
        if ending.incidents.len() < MAX_LISTED {
            ending.incidents.push(row.incident);
        }
        for id in owing {
            *ending.departments.entry(Arc::clone(id)).or_default() += 1;
        }
    }
    (ending, rows)
}

/// Ends in one transaction with its event; `make` makes the event from what is left open.
async fn finish(
    writing: &mut Writing,
    silence: &mut Silence,
    now: Millis,
    make: impl FnOnce(&mut Silence, &Ending) -> Result<Event, Refused>,
) -> Result<Event, DeskError> {
    let began = silence.starts <= now;
    let candidates = if began {
        writing.meant_by(silence, SCANNED).await?
    } else {
        Vec::new()
    };
    let (ending, mut rows) = left(silence, candidates);
    let event = make(silence, &ending)?;
    writing.put_silence(silence, None).await?;
    let departments: Vec<String> = ending.departments.keys().map(ToString::to_string).collect();
    let key = silence.id.to_string();
    let of = (key.as_str(), silence.matchers.status);
    writing.desk_event(of, &event, &departments).await?;
    rows.truncate(DRAWN);
    writing.touch(&rows, now).await?;
    Ok(event)
}

/// Makes a silence within a transaction: the desk's, or a command's beside it.
pub async fn create(
    writing: &mut Writing,
    wish: &Wish,
    actor: &Actor,
    now: Millis,
    limits: Limits,
) -> Result<(Silence, Event), DeskError> {
    let count = writing.count_silences(wish.matchers.status).await?;
    let id = writing.new_silence_id();
    let (silence, event) = Silence::create(id, wish, actor, now, limits, count)?;
    writing.put_silence(&silence, due(&silence, now)).await?;
    let key = id.to_string();
    let of = (key.as_str(), wish.matchers.status);
    writing.desk_event(of, &event, &[]).await?;
    draw(writing, &silence, now).await?;
    Ok((silence, event))
}

/// Ends a silence before its time, within a transaction.
pub async fn end(
    writing: &mut Writing,
    id: Uuid,
    actor: &Actor,
    expected: Option<u64>,
    reason: &str,
    now: Millis,
) -> Result<(Silence, Event), DeskError> {
    let mut silence = found(writing, id, expected).await?;
    let event = finish(writing, &mut silence, now, |silence, left| {
        silence.end(actor, reason, now, left)
    })
    .await?;
    Ok((silence, event))
}

async fn found(
    writing: &mut Writing,
    id: Uuid,
    expected: Option<u64>,
) -> Result<Silence, DeskError> {
    let silence = writing.silence(id).await?.ok_or(DeskError::NoSilence(id))?;
    match expected {
        Some(expected) if expected != silence.version => Err(DeskError::Conflict {
            current: silence.version,
        }),
        _ => Ok(silence),
    }
}

/// Has the lines drawn again that a live silence changes.
async fn draw(writing: &mut Writing, silence: &Silence, now: Millis) -> Result<(), StoreError> {
    if silence.standing(now) == Standing::Live {
        let candidates = writing.meant_by(silence, SCANNED).await?;
        let (_, mut rows) = left(silence, candidates);
        rows.truncate(DRAWN);
        writing.touch(&rows, now).await?;
    }
    Ok(())
}

impl Desk {
    /// Silences that are not over, the first to end first; with `over`, those that are after them, the latest first.
    pub async fn silences(&self, over: bool) -> Result<Vec<Silence>, DeskError> {
        Ok(self.store().silences(over).await?)
    }

    /// A silence.
    pub async fn silence(&self, id: Uuid) -> Result<Silence, DeskError> {
        let found = self.store().silence(id).await?;
        found.ok_or(DeskError::NoSilence(id))
    }

    /// What a silence covers now: open incidents that it is meant for. Nothing once it is over.
    pub async fn covered(&self, silence: &Silence) -> Result<Covered, DeskError> {
        if silence.standing(self.now()) == Standing::Over {
            return Ok(Covered::default());
        }
        let mut rows = self.store().meant_by(silence, LOOKED_AT).await?;
        let more = rows.len() == LOOKED_AT as usize;
        rows.retain(|row| silence.means(&Subject::of(row)));
        let open = rows.len();
        rows.truncate(MAX_LISTED);
        Ok(Covered { open, more, rows })
    }

    /// Makes a silence.
    pub async fn create_silence(&self, actor: &Actor, wish: &Wish) -> Result<Silence, DeskError> {
        let turn = self.turn().await;
        let mut writing = self.write(&turn).await?;
        let made = create(&mut writing, wish, actor, self.now(), self.silence_limits()).await;
        if let Err(DeskError::Refused(refused)) = &made
            && refused.why == Refusal::TooMany
        {
            let status = wish.matchers.status;
            self.observed(|it| it.limit_hit(status, "silences"));
        }
        let (silence, event) = made?;
        let changes = writing.commit().await?;
        Ok(self.told(Done {
            silence,
            event,
            changes,
        }))
    }

    /// The second word about red.
    pub async fn confirm_silence(
        &self,
        id: Uuid,
        actor: &Actor,
        expected: Option<u64>,
    ) -> Result<Silence, DeskError> {
        let turn = self.turn().await;
        let mut writing = self.write(&turn).await?;
        let now = self.now();
        let mut silence = found(&mut writing, id, expected).await?;
        let event = silence.confirm_red(actor, now)?;
        writing.put_silence(&silence, due(&silence, now)).await?;
        let key = id.to_string();
        let of = (key.as_str(), silence.matchers.status);
        writing.desk_event(of, &event, &[]).await?;
        draw(&mut writing, &silence, now).await?;
        let changes = writing.commit().await?;
        Ok(self.told(Done {
            silence,
            event,
            changes,
        }))
    }

    /// Ends a silence before its time.
    pub async fn end_silence(
        &self,
        id: Uuid,
        actor: &Actor,
        expected: Option<u64>,
        reason: &str,
    ) -> Result<Silence, DeskError> {
        let turn = self.turn().await;
        let mut writing = self.write(&turn).await?;
        let ended = end(&mut writing, id, actor, expected, reason, self.now()).await;
        let (silence, event) = ended?;
        let changes = writing.commit().await?;
        Ok(self.told(Done {
            silence,
            event,
            changes,
        }))
    }

    /// Begins and ends silences whose time has come.
    pub(super) async fn tick_silences(&self) -> Result<(), DeskError> {
        loop {
            let due_at = self.store().next_silence().await?;
            if due_at.is_none_or(|due| due > self.now()) {
                return Ok(());
            }
            let turn = self.turn().await;
            let mut writing = self.write(&turn).await?;
            let now = self.now();
            let mut events = Vec::new();
            for mut silence in writing.due_silences(now).await? {
                if silence.standing(now) == Standing::Over {
                    let event = finish(&mut writing, &mut silence, now, |silence, left| {
                        Ok(silence.expire(now, left))
                    })
                    .await?;
                    events.push((silence.matchers.status, event));
                } else {
                    writing.put_silence(&silence, due(&silence, now)).await?;
                    draw(&mut writing, &silence, now).await?;
                }
            }
            let changes = writing.commit().await?;
            self.committed(&[], changes);
            for (status, event) in &events {
                self.observed(|it| it.told(*status, event));
            }
        }
    }

    fn told(&self, done: Done) -> Silence {
        self.committed(&[], done.changes);
        let status = done.silence.matchers.status;
        self.observed(|it| it.told(status, &done.event));
        done.silence
    }

    /// What mutes each of these incidents now; those that nothing mutes are left out.
    pub async fn muted(&self, rows: &[BoardRow]) -> Result<BTreeMap<Uuid, Vec<Muted>>, DeskError> {
        let open: Vec<Subject> = rows
            .iter()
            .filter(|row| row.closed_at.is_none())
            .map(Subject::of)
            .collect();
        if open.is_empty() {
            return Ok(BTreeMap::new());
        }
        let pool = self.store().pool();
        let mut connection = pool.acquire().await.map_err(StoreError::from)?;
        Ok(muted(&mut connection, &open, self.now()).await?)
    }
}

/// What mutes each of these incidents at `now`; those that nothing mutes are left out. Over a connection: also of a transaction.
pub(super) async fn muted(
    connection: &mut sqlx::AnyConnection,
    open: &[Subject],
    now: Millis,
) -> Result<BTreeMap<Uuid, Vec<Muted>>, StoreError> {
    let mut all = BTreeMap::new();
    if open.is_empty() {
        return Ok(all);
    }
    let silences = not_over(connection).await?;
    for status in Status::ALL {
        let here = || open.iter().filter(|it| it.status == status);
        let codes: BTreeSet<&str> = here()
            .filter(|it| it.level < Level::Red)
            .flat_map(|it| it.within.iter().map(|code| &**code))
            .collect();
        let codes: Vec<&str> = codes.into_iter().collect();
        let wider = open_at(connection, status, &codes).await?;
        let wider: Vec<Subject> = wider.iter().map(Subject::of).collect();
        for subject in here() {
            let found = marks(subject, &silences, &wider, now);
            if !found.is_empty() {
                all.insert(subject.incident, found);
            }
        }
    }
    Ok(all)
}
