//! The board: open or closed cases in their order, filtered, page by page.
//!
//! Invariant: pages follow a key, not a count, so that what slides in between neither repeats nor hides a line.

use std::fmt;
use std::str::FromStr;

use sqlx::Row as _;
use uuid::Uuid;

use super::connect::{Store, StoreError};
use super::filter::BoardFilter;
use super::rows::{list, query};
use crate::core::model::Level;
use crate::core::obligation::{BoardRow, rank};

/// Lines of one page, at most.
const MAX_PAGE: u32 = 500;

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

/// A line with what a filter looks at.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// The line.
    pub row: BoardRow,
    /// Nothing is owed any more.
    pub closed: bool,
    /// Codes of its places and theirs, each between spaces.
    pub places: String,
    /// Lower-case words that a search finds it by.
    pub search: String,
}

/// Lines, and where to go on.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T> {
    /// In order.
    pub items: Vec<T>,
    /// None: this was the last page.
    pub next: Option<Cursor>,
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
        let mut all = self.condition(filter).await?;
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
        // Planned for what is asked for: the plan for a place with a thousand incidents is not the one for a place with three.
        let asked = query(sql, all.args).persistent(false);
        let rows = asked.fetch_all(&self.pool).await?;
        let mut items = Vec::with_capacity(rows.len());
        for row in rows.iter().take(limit as usize) {
            items.push(line_of(&row.try_get::<String, _>(0)?)?);
        }
        let more = rows.len() > limit as usize;
        let next = items.last().filter(|_| more).map(|row| cursor(row, filter));
        Ok(Page { items, next })
    }

    /// The lines of these incidents, of those that there are.
    pub async fn lines(&self, incidents: &[Uuid]) -> Result<Vec<Line>, StoreError> {
        let mut lines = Vec::with_capacity(incidents.len());
        for chunk in incidents.chunks(MAX_PAGE as usize) {
            let sql = format!(
                "SELECT c.row_json, c.closed, c.places, c.search FROM cases c WHERE c.incident IN ({}) ORDER BY c.incident",
                list(1, chunk.len())
            );
            let ids = chunk.iter().map(|id| id.to_string().into()).collect();
            let asked = query(sql, ids).persistent(false);
            for row in asked.fetch_all(&self.pool).await? {
                lines.push(Line {
                    row: line_of(&row.try_get::<String, _>(0)?)?,
                    closed: row.try_get::<i64, _>(1)? != 0,
                    places: row.try_get(2)?,
                    search: row.try_get(3)?,
                });
            }
        }
        Ok(lines)
    }

    /// How many lines a filter finds.
    pub async fn count(&self, filter: &BoardFilter) -> Result<u64, StoreError> {
        Ok(self.count_by_level(filter).await?.iter().sum())
    }

    /// How many lines of each level a filter finds, blue first.
    pub async fn count_by_level(&self, filter: &BoardFilter) -> Result<[u64; 4], StoreError> {
        let all = self.condition(filter).await?;
        let sql = format!(
            "SELECT c.level, COUNT(*) FROM cases c WHERE {} GROUP BY c.level",
            all.parts.join(" AND ")
        );
        let mut counts = [0; Level::ALL.len()];
        let asked = query(sql, all.args).persistent(false);
        for row in asked.fetch_all(&self.pool).await? {
            let (level, count): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
            let slot = usize::try_from(level)
                .ok()
                .and_then(|at| counts.get_mut(at));
            if let Some(slot) = slot {
                *slot = u64::try_from(count).unwrap_or_default();
            }
        }
        Ok(counts)
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

pub(super) fn line_of(text: &str) -> Result<BoardRow, StoreError> {
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
}
