//! Live changes: what was committed in a second is drawn once per language and shared by everybody who looks.
//!
//! Invariant: a connection gets, in order, every change after the one that its page (or its last event) stands for; when too much
//! has happened it is told to read anew instead. Bounded: changes drawn per second, batches that a slow reader may be behind.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::broadcast::{self, error::RecvError};
use tokio::time::MissedTickBehavior;
use uuid::Uuid;

use super::from_case::{self, Depts};
use super::lang::Lang;
use super::page::board::Filter;
use super::page::row::{self, Row};
use super::silences::mute_marks;
use crate::core::model::{Hazard, Level, Millis, Status};
use crate::core::mute::Muted;
use crate::core::obligation::{BoardRow, CaseState};
use crate::desk::store::Line;
use crate::desk::{Change, Desk, DeskError};

/// How often changes are drawn.
const EVERY: Duration = Duration::from_secs(1);
/// Incidents drawn at a time; what is more waits for the next second.
const DRAWN: usize = 250;
/// Incidents that may wait; beyond, readers are told to read anew.
const WAITING: usize = 5_000;
/// Changes that a returning reader is given; beyond, it reads anew.
pub const CATCH_UP: u32 = 1_000;
/// Batches that a slow reader may be behind.
const BATCHES: usize = 64;

/// One incident as it is now.
#[derive(Debug)]
pub struct Drawn {
    /// Incident.
    pub id: Uuid,
    /// Version of its case.
    pub version: u64,
    /// What filters look at; none once it is closed or gone.
    open: Option<Traits>,
    /// Where its row stands: score and first report.
    place: (u8, Millis),
    /// When it opened, reopened or its level rose last.
    raised: Millis,
    /// Its row by language.
    html: [String; 2],
}

#[derive(Debug)]
struct Traits {
    status: Status,
    level: Level,
    hazard: Hazard,
    state: CaseState,
    departments: BTreeSet<Arc<str>>,
    /// Codes, each between spaces.
    places: String,
    words: String,
}

/// What changed in a second.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Every change up to this one is in it or in an earlier one.
    pub seq: i64,
    /// Too much: read anew.
    pub anew: bool,
    /// Incidents.
    pub drawn: Vec<Arc<Drawn>>,
}

/// What mutes incidents.
type Muting = BTreeMap<Uuid, Vec<Muted>>;

/// Counts by level of one filter, and of which batch.
type Counted = BTreeMap<String, (i64, [u64; 4])>;

/// Draws changes and hands them out.
#[derive(Debug)]
pub struct Hub {
    desk: Desk,
    depts: Mutex<Depts>,
    sender: broadcast::Sender<Arc<Batch>>,
    counted: Mutex<Counted>,
}

impl Hub {
    /// A hub over a desk. Nothing happens before [`Hub::run`].
    pub fn new(desk: Desk, depts: Depts) -> Self {
        Self {
            desk,
            depts: Mutex::new(depts),
            sender: broadcast::channel(BATCHES).0,
            counted: Mutex::default(),
        }
    }

    /// Batches from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<Batch>> {
        self.sender.subscribe()
    }

    /// Departments as they are named now.
    pub fn set_departments(&self, depts: Depts) {
        *self.depts.lock().unwrap_or_else(PoisonError::into_inner) = depts;
    }

    /// Follows the desk until it is gone.
    pub async fn run(self: Arc<Self>) {
        let mut changes = self.desk.subscribe();
        let mut waiting = Waiting::default();
        let mut tick = tokio::time::interval(EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                change = changes.recv() => match change {
                    Ok(change) => waiting.add(&change),
                    Err(RecvError::Lagged(_)) => waiting.lost = true,
                    Err(RecvError::Closed) => return,
                },
                _ = tick.tick() => self.flush(&mut waiting).await,
            }
        }
    }

    async fn flush(&self, waiting: &mut Waiting) {
        if std::mem::take(&mut waiting.lost) {
            let seq = self
                .desk
                .store()
                .change_range()
                .await
                .map_or(0, |range| range.1);
            *waiting = Waiting::default();
            self.send(Batch {
                seq,
                anew: true,
                drawn: Vec::new(),
            });
            return;
        }
        let (seq, ids) = waiting.take();
        if ids.is_empty() || self.sender.receiver_count() == 0 {
            return;
        }
        let drawn = self.draw(&ids).await;
        self.send(Batch {
            seq,
            anew: drawn.is_none(),
            drawn: drawn.unwrap_or_default(),
        });
    }

    fn send(&self, batch: Batch) {
        // Nobody may be looking.
        let _ = self.sender.send(Arc::new(batch));
    }

    /// Draws incidents as they are now; none when the store does not answer.
    pub async fn draw(&self, ids: &[Uuid]) -> Option<Vec<Arc<Drawn>>> {
        let depts = self
            .depts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        match self.lines(ids).await {
            Ok((lines, muted)) => {
                let now = self.desk.now();
                let drawn = lines.into_iter().map(|line| {
                    let marks = muted.get(&line.row.incident).map_or(&[][..], Vec::as_slice);
                    Arc::new(draw(line, marks, &depts, now))
                });
                Some(drawn.collect())
            }
            Err(error) => {
                tracing::warn!(%error, "changes cannot be drawn");
                None
            }
        }
    }

    /// Lines, and what mutes them.
    async fn lines(&self, ids: &[Uuid]) -> Result<(Vec<Line>, Muting), DeskError> {
        let lines = self.desk.store().lines(ids).await?;
        let rows: Vec<BoardRow> = lines.iter().map(|line| line.row.clone()).collect();
        let muted = self.desk.muted(&rows).await?;
        Ok((lines, muted))
    }

    /// What a reader missed since `seq`; none when that is too much or cannot be told.
    pub async fn missed(&self, seq: i64) -> Option<Batch> {
        let store = self.desk.store();
        let (oldest, newest) = store.change_range().await.ok()?;
        if seq > newest || (seq + 1 < oldest && oldest > 0) {
            return None;
        }
        let changes = store.changes(seq, CATCH_UP).await.ok()?;
        if changes.len() >= CATCH_UP as usize {
            return None;
        }
        let last = changes.last().map_or(seq, |change| change.seq);
        let ids: BTreeSet<Uuid> = changes.iter().map(|change| change.incident).collect();
        let ids: Vec<Uuid> = ids.into_iter().collect();
        let drawn = self.draw(&ids).await?;
        Some(Batch {
            seq: last,
            anew: false,
            drawn,
        })
    }

    /// Open incidents by level that a filter lets through, counted once per batch and filter.
    pub async fn counts(&self, filter: &Filter, key: &str, seq: i64) -> Option<[u64; 4]> {
        {
            let counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((at, counts)) = counted.get(key)
                && *at >= seq
            {
                return Some(*counts);
            }
        }
        let counts = super::query::counts(&self.desk, filter).await.ok()?;
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        counted.retain(|_, (at, _)| *at >= seq);
        counted.insert(key.to_owned(), (seq, counts));
        Some(counts)
    }
}

/// Changes that have not been drawn.
#[derive(Debug, Default)]
struct Waiting {
    order: std::collections::VecDeque<(i64, Uuid)>,
    lost: bool,
}

impl Waiting {
    fn add(&mut self, change: &Change) {
        self.order.push_back((change.seq, change.incident));
        if self.order.len() > WAITING {
            self.lost = true;
        }
    }

    /// The oldest, up to [`DRAWN`] incidents, and the number of the last change that is among them.
    fn take(&mut self) -> (i64, Vec<Uuid>) {
        let mut ids = BTreeSet::new();
        let mut seq = 0;
        while let Some((at, id)) = self.order.front().copied() {
            if ids.len() >= DRAWN && !ids.contains(&id) {
                break;
            }
            ids.insert(id);
            seq = at;
            self.order.pop_front();
        }
        (seq, ids.into_iter().collect())
    }
}

fn draw(line: Line, muted: &[Muted], depts: &Depts, now: Millis) -> Drawn {
    let mut row: Row = from_case::row(&line.row, depts);
    row.muted = mute_marks(muted, depts);
    let html = Lang::ALL.map(|lang| row::draw(lang, &row, now).into_string());
    Drawn {
        id: line.row.incident,
        version: line.row.version,
        place: (row.score, row.first_seen),
        raised: line.row.raised_at.unwrap_or(line.row.opened_at),
        open: (!line.closed).then(|| traits(line)),
        html,
    }
}

/// The same columns that the board is asked by, so that the two agree on what a filter lets through.
fn traits(line: Line) -> Traits {
    let row = line.row;
    Traits {
        status: row.status,
        level: row.level,
        hazard: row.hazard,
        state: row.state,
        departments: row
            .obligations
            .into_iter()
            .map(|it| it.department)
            .collect(),
        places: line.places,
        words: line.search,
    }
}

impl Drawn {
    /// Its row, when the filter lets it through.
    pub fn shown(&self, filter: &Filter, lang: Lang) -> Option<&str> {
        let it = self.open.as_ref()?;
        let passes = it.status == filter.status.unwrap_or(Status::Actual)
            && filter.level.is_none_or(|level| level == it.level)
            && filter.hazard.is_none_or(|hazard| hazard == it.hazard)
            && filter.state.is_none_or(|state| state == it.state)
            && filter
                .place
                .as_ref()
                .is_none_or(|place| it.places.contains(&format!(" {place} ")))
            && filter
                .department
                .as_ref()
                .is_none_or(|id| it.departments.contains(&**id))
            && filter.text.as_ref().is_none_or(|text| {
                text.split_whitespace()
                    .take(8)
                    .all(|word| it.words.contains(&word.to_lowercase()))
            });
        passes.then(|| &*self.html[lang as usize])
    }

    /// A row and where it belongs: a browser parses only what it has room for.
    fn placed(&self, html: &str) -> serde_json::Value {
        let (score, first) = self.place;
        let level = self.open.as_ref().map(|it| it.level.id());
        let actual = self
            .open
            .as_ref()
            .is_some_and(|it| it.status == Status::Actual);
        serde_json::json!({
            "id": self.id, "level": level, "actual": actual, "score": score, "first": first.0, "raised": self.raised.0, "html": html,
        })
    }
}

/// A batch as one reader of a board gets it: JSON with rows, the ids of what is no longer there, counts by level.
pub fn told(
    batch: &Batch,
    filter: &Filter,
    lang: Lang,
    counts: Option<[u64; 4]>,
    quiet: bool,
) -> String {
    let mut rows = Vec::new();
    let mut gone = Vec::new();
    for drawn in &batch.drawn {
        match drawn.shown(filter, lang) {
            Some(html) => rows.push(drawn.placed(html)),
            None => gone.push(drawn.id.to_string()),
        }
    }
    let counts = counts.map(|counts| {
        let by_id = Level::ALL.map(|level| (level.id(), counts[level as usize]));
        BTreeMap::from(by_id)
    });
    serde_json::json!({"rows": rows, "gone": gone, "counts": counts, "quiet": quiet}).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(seq: i64, incident: u128) -> Change {
        Change {
            seq,
            at: crate::core::model::Millis(0),
            incident: Uuid::from_u128(incident),
            version: 1,
            revision: 1,
            kind: "refreshed".into(),
        }
    }

    #[test]
    fn an_incident_that_changes_often_is_drawn_once_and_no_change_is_jumped_over() {
        let mut waiting = Waiting::default();
        for seq in 1..=50 {
            waiting.add(&change(seq, 7));
        }
        assert_eq!(waiting.take(), (50, vec![Uuid::from_u128(7)]));
        assert_eq!(waiting.take(), (0, Vec::new()));
        for seq in 51..=51 + DRAWN as i64 + 9 {
            waiting.add(&change(seq, seq as u128));
        }
        let (seq, ids) = waiting.take();
        assert_eq!((seq, ids.len()), (50 + DRAWN as i64, DRAWN));
        assert_eq!(waiting.take().1.len(), 10);
    }

    #[test]
    fn too_many_waiting_changes_are_given_up() {
        let mut waiting = Waiting::default();
        for seq in 0..=WAITING as i64 {
            waiting.add(&change(seq, seq as u128));
        }
        assert!(waiting.lost);
    }
}
