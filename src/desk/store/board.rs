//! The board: open or closed cases in their order, filtered, page by page.
//!
//! Invariant: pages follow a key, not a count, so that what slides in between neither repeats nor hides a line.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use sqlx::Row as _;

use super::connect::{Store, StoreError};
use super::rows::{Arg, list, query};
use crate::core::model::{Hazard, Level, Millis, Status};
use crate::core::obligation::{BoardRow, CaseState, Disposition, rank};

/// Lines of one page, at most.
const MAX_PAGE: u32 = 500;

/// What a board shows. The default: everything open and actual.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BoardFilter {
    /// Actual (the default), exercise or test: never two of them together.
    pub status: Status,
    /// Closed cases instead of open ones, latest closed first.
    pub closed: bool,
    /// Only of these levels; empty: all.
    pub levels: Vec<Level>,
    /// Only of these states; empty: all.
    pub states: Vec<CaseState>,
    /// Only of these hazards; empty: all.
    pub hazards: Vec<Hazard>,
    /// Code of a place: incidents there or below.
    pub place: Option<Arc<str>>,
    /// A department with a part in it.
    pub department: Option<Arc<str>>,
    /// With `department`: it still owes something.
    pub pending: bool,
    /// Only what is on the agenda.
    pub agenda: bool,
    /// Words that have to be in title, hazard or place.
    pub text: Option<String>,
    /// Something happened to it at or after then.
    pub since: Option<Millis>,
    /// With `closed`: the verdict.
    pub verdict: Option<Disposition>,
}

/// Where the next page begins. As text `rank.opened_at.incident`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    first: i64,
    second: i64,
    incident: String,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.first, self.second, self.incident)
    }
}

impl FromStr for Cursor {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.splitn(3, '.');
        let mut number = || parts.next().and_then(|part| part.parse().ok()).ok_or(());
        let (first, second) = (number()?, number()?);
        let incident: uuid::Uuid = parts.next().and_then(|id| id.parse().ok()).ok_or(())?;
        Ok(Self {
            first,
            second,
            incident: incident.to_string(),
        })
    }
}

/// Lines, and where to go on.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T> {
    /// In order.
    pub items: Vec<T>,
    /// None: this was the last page.
    pub next: Option<Cursor>,
}

/// A condition built part by part.
struct Where {
    parts: Vec<String>,
    args: Vec<Arg>,
}

impl Where {
    fn add(&mut self, part: impl FnOnce(usize) -> String, args: Vec<Arg>) {
        let from = self.args.len() + 1;
        self.parts.push(part(from));
        self.args.extend(args);
    }

    fn one_of(&mut self, column: &str, values: Vec<Arg>) {
        if !values.is_empty() {
            let count = values.len();
            self.add(
                |from| format!("{column} IN ({})", list(from, count)),
                values,
            );
        }
    }
}

fn condition(filter: &BoardFilter) -> Where {
    let mut all = Where {
        parts: Vec::new(),
        args: Vec::new(),
    };
    all.add(
        |at| format!("c.status = ${at}"),
        vec![filter.status.id().into()],
    );
    all.add(|at| format!("c.closed = ${at}"), vec![filter.closed.into()]);
    let levels = filter.levels.iter().map(|level| (*level as i64).into());
    all.one_of("c.level", levels.collect());
    let states = filter.states.iter().map(|state| state.id().into());
    all.one_of("c.state", states.collect());
    let hazards = filter.hazards.iter().map(|hazard| hazard.id().into());
    all.one_of("c.hazard", hazards.collect());
    if let Some(place) = &filter.place {
        let pattern = format!("% {} %", escaped(place));
        all.add(
            |at| format!("c.places LIKE ${at} ESCAPE '\\'"),
            vec![pattern.into()],
        );
    }
    if let Some(department) = &filter.department {
        let pending = if filter.pending {
            " AND o.pending = 1"
        } else {
            ""
        };
        let part = |at| {
            format!(
                "EXISTS (SELECT 1 FROM obligations o WHERE o.incident = c.incident AND o.department = ${at}{pending})"
            )
        };
        all.add(part, vec![(&**department).into()]);
    }
    if filter.agenda {
        all.parts.push("c.agenda_at IS NOT NULL".to_owned());
    }
    for word in filter
        .text
        .iter()
        .flat_map(|text| text.split_whitespace())
        .take(8)
    {
        let pattern = format!("%{}%", escaped(&word.to_lowercase()));
        all.add(
            |at| format!("c.search LIKE ${at} ESCAPE '\\'"),
            vec![pattern.into()],
        );
    }
    if let Some(since) = filter.since {
        all.add(|at| format!("c.updated_at >= ${at}"), vec![since.0.into()]);
    }
    if let Some(verdict) = filter.verdict {
        all.add(|at| format!("c.verdict = ${at}"), vec![verdict.id().into()]);
    }
    all
}

/// A text in which LIKE finds only itself.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '%' | '_' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

impl Store {
    /// One page of the board. Open cases: highest level first, then score, then age; closed ones: latest first.
    pub async fn board(
        &self,
        filter: &BoardFilter,
        after: Option<&Cursor>,
        limit: u32,
    ) -> Result<Page<BoardRow>, StoreError> {
        let limit = limit.clamp(1, MAX_PAGE);
        let mut all = condition(filter);
        let keys = if filter.closed {
            "-c.closed_at, c.rank, c.incident"
        } else {
            "c.rank, c.opened_at, c.incident"
        };
        if let Some(cursor) = after {
            let part = |at| format!("({keys}) > (${at}, ${}, ${})", at + 1, at + 2);
            let args = vec![
                cursor.first.into(),
                cursor.second.into(),
                cursor.incident.clone().into(),
            ];
            all.add(part, args);
        }
        let sql = format!(
            "SELECT c.row_json FROM cases c WHERE {} ORDER BY {keys} LIMIT ${}",
            all.parts.join(" AND "),
            all.args.len() + 1
        );
        all.args.push(i64::from(limit + 1).into());
        let rows = query(sql, all.args).fetch_all(&self.pool).await?;
        let mut items = Vec::with_capacity(rows.len());
        for row in rows.iter().take(limit as usize) {
            items.push(line_of(&row.try_get::<String, _>(0)?)?);
        }
        let more = rows.len() > limit as usize;
        let next = items.last().filter(|_| more).map(|row| cursor(row, filter));
        Ok(Page { items, next })
    }

    /// How many lines a filter finds.
    pub async fn count(&self, filter: &BoardFilter) -> Result<u64, StoreError> {
        let all = condition(filter);
        let sql = format!(
            "SELECT COUNT(*) FROM cases c WHERE {}",
            all.parts.join(" AND ")
        );
        let row = query(sql, all.args).fetch_one(&self.pool).await?;
        let count: i64 = row.try_get(0)?;
        Ok(u64::try_from(count).unwrap_or_default())
    }
}

fn cursor(row: &BoardRow, filter: &BoardFilter) -> Cursor {
    let rank = rank(row.level, row.score);
    let (first, second) = if filter.closed {
        (-row.closed_at.unwrap_or_default().0, rank)
    } else {
        (rank, row.opened_at.0)
    };
    Cursor {
        first,
        second,
        incident: row.incident.to_string(),
    }
}

fn line_of(text: &str) -> Result<BoardRow, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::Stored {
        what: "line",
        of: text.chars().skip(13).take(36).collect(),
        why: error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_are_text_and_only_well_formed_ones_are_read() {
        let cursor = Cursor {
            first: -5,
            second: 7,
            incident: uuid::Uuid::from_u128(3).to_string(),
        };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        for text in [
            "",
            "1",
            "1.2",
            "1.2.x",
            "a.2.00000000-0000-0000-0000-000000000003",
        ] {
            assert_eq!(text.parse::<Cursor>(), Err(()), "{text}");
        }
    }

    #[test]
    fn what_is_searched_for_is_no_pattern() {
        assert_eq!(escaped("5%_\\"), "5\\%\\_\\\\");
    }
}
