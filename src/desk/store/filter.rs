//! What a board is narrowed down to, as a condition in SQL.
//!
//! Invariant: on PostgreSQL a filter that finds little asks the index of terms, whatever the planner believes; one that finds much walks
//! the board in its order, where a page is soon full.

use std::sync::Arc;

use sqlx::Row as _;

use super::connect::{Backend, Store, StoreError};
use super::rows::{Arg, list, query};
use crate::core::model::{Hazard, Level, Millis, Status};
use crate::core::obligation::{CaseState, Disposition, rank};

/// Words of a search that count.
const MAX_WORDS: usize = 8;
/// Incidents that are fetched one by one; where terms stand in more of them, a page is full sooner on the way down the board.
const FEW: i64 = 1_000;

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

/// A condition built part by part.
#[derive(Default)]
pub(super) struct Where {
    pub(super) parts: Vec<String>,
    pub(super) args: Vec<Arg>,
}

impl Where {
    pub(super) fn add(&mut self, part: impl FnOnce(usize) -> String, args: Vec<Arg>) {
        let from = self.args.len() + 1;
        self.parts.push(part(from));
        self.args.extend(args);
    }

    pub(super) fn one_of(&mut self, column: &str, values: Vec<Arg>) {
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
    let mut all = Where::default();
    all.add(
        |at| format!("c.status = ${at}"),
        vec![filter.status.id().into()],
    );
    // No parameter: an index over open or over closed cases alone is only used where the text says which.
    all.parts
        .push(format!("c.closed = {}", i64::from(filter.closed)));
    let levels = filter.levels.iter().map(|level| (*level as i64).into());
    all.one_of("c.level", levels.collect());
    if !filter.closed
        && let (Some(highest), Some(lowest)) =
            (filter.levels.iter().max(), filter.levels.iter().min())
    {
        // The board stands in this order: what is above is not walked through.
        let (from, to) = (rank(*highest, u8::MAX), rank(*lowest, 0));
        let bounds = vec![from.into(), to.into()];
        all.add(|at| format!("c.rank BETWEEN ${at} AND ${}", at + 1), bounds);
    }
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
    for word in words(filter) {
        let pattern = format!("%{}%", escaped(&word));
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

/// Words that have to be there, as they are stored.
fn words(filter: &BoardFilter) -> impl Iterator<Item = String> {
    let text = filter.text.iter().flat_map(|text| text.split_whitespace());
    text.take(MAX_WORDS).map(str::to_lowercase)
}

/// A text in which LIKE finds only itself.
pub(super) fn escaped(text: &str) -> String {
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
    /// The condition of a filter; where its words or its place are rare, with the few incidents that can be meant.
    pub(super) async fn condition(&self, filter: &BoardFilter) -> Result<Where, StoreError> {
        let mut all = condition(filter);
        let words: Vec<String> = words(filter).collect();
        let nothing = words.is_empty() && filter.place.is_none();
        if nothing || self.backend() == Backend::Sqlite {
            return Ok(all);
        }
        let place = filter.place.as_deref().unwrap_or_default().to_owned();
        let terms = vec![Arg::from(words.join(" ")), place.into()];
        // Materialised, it is planned as if all were wanted, and still read no further than the few.
        let sql = format!(
            "WITH found AS MATERIALIZED (SELECT 1 FROM case_terms WHERE terms @> case_terms_of($1, $2)) \
             SELECT COUNT(*) FROM (SELECT 1 FROM found LIMIT {}) AS few",
            FEW + 1
        );
        let asked = query(sql, terms.clone()).persistent(false);
        let found: i64 = asked.fetch_one(&self.pool).await?.try_get(0)?;
        if found <= FEW {
            let part = |at| {
                format!(
                    "c.incident = ANY (ARRAY(SELECT incident FROM case_terms WHERE terms @> case_terms_of(${at}, ${})))",
                    at + 1
                )
            };
            all.add(part, terms);
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_searched_for_is_no_pattern() {
        assert_eq!(escaped("5%_\\"), "5\\%\\_\\\\");
    }

    #[test]
    fn levels_bound_where_the_board_is_walked() {
        let filter = BoardFilter {
            levels: vec![Level::Yellow, Level::Orange],
            ..BoardFilter::default()
        };
        let all = condition(&filter);
        assert!(
            all.parts.contains(&"c.rank BETWEEN $4 AND $5".to_owned()),
            "{:?}",
            all.parts
        );
        for level in Level::ALL {
            let within = (1_000..=2_100).contains(&rank(level, 50));
            assert_eq!(within, filter.levels.contains(&level), "{level:?}");
        }
        let closed = BoardFilter {
            closed: true,
            ..filter
        };
        assert_eq!(
            condition(&closed).args.len(),
            3,
            "closed ones have another order"
        );
    }
}
