//! Many rows in one statement, for both databases.

use sqlx::any::AnyArguments;
use sqlx::query::Query;
use sqlx::{Any, AssertSqlSafe};

use super::connect::StoreError;

/// Parameters of one statement, well below what either database allows.
const MAX_PARAMETERS: usize = 4_000;

/// A value.
#[derive(Clone, Debug)]
pub(super) enum Arg {
    Int(i64),
    Text(String),
    MaybeInt(Option<i64>),
    MaybeText(Option<String>),
}

impl From<i64> for Arg {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<bool> for Arg {
    fn from(value: bool) -> Self {
        Self::Int(i64::from(value))
    }
}

impl From<&str> for Arg {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Arg {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<Option<i64>> for Arg {
    fn from(value: Option<i64>) -> Self {
        Self::MaybeInt(value)
    }
}

impl From<Option<String>> for Arg {
    fn from(value: Option<String>) -> Self {
        Self::MaybeText(value)
    }
}

pub(super) type Bound<'q> = Query<'q, Any, AnyArguments>;

pub(super) fn bind(query: Bound<'_>, arg: Arg) -> Bound<'_> {
    match arg {
        Arg::Int(value) => query.bind(value),
        Arg::Text(value) => query.bind(value),
        Arg::MaybeInt(value) => query.bind(value),
        Arg::MaybeText(value) => query.bind(value),
    }
}

/// A query with its parameters, `$1` to `$n`.
pub(super) fn query(sql: String, args: Vec<Arg>) -> Bound<'static> {
    args.into_iter().fold(sqlx::query(AssertSqlSafe(sql)), bind)
}

/// `($1,$2),($3,$4)` for so many rows.
fn placeholders(rows: usize, columns: usize) -> String {
    let mut text = String::with_capacity(rows * columns * 6);
    for row in 0..rows {
        text.push_str(if row == 0 { "(" } else { ",(" });
        for column in 0..columns {
            if column > 0 {
                text.push(',');
            }
            text.push_str(&format!("${}", row * columns + column + 1));
        }
        text.push(')');
    }
    text
}

/// Runs `before VALUES (…),(…) after` over all rows, in as few statements as parameters allow.
pub(super) async fn many(
    connection: &mut sqlx::AnyConnection,
    before: &str,
    rows: Vec<Vec<Arg>>,
    after: &str,
) -> Result<(), StoreError> {
    let Some(columns) = rows.first().map(Vec::len) else {
        return Ok(());
    };
    let most = (MAX_PARAMETERS / columns.max(1)).max(1);
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        let chunk: Vec<Vec<Arg>> = rows.by_ref().take(most).collect();
        let sql = format!(
            "{before} VALUES {} {after}",
            placeholders(chunk.len(), columns)
        );
        // A statement of full length comes again and is worth keeping; others are not.
        let keep = chunk.len() == most || chunk.len() == 1;
        let args = chunk.into_iter().flatten().collect();
        query(sql, args)
            .persistent(keep)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// `$from` to `$(from + count − 1)`, comma-separated.
pub(super) fn list(from: usize, count: usize) -> String {
    (from..from + count)
        .map(|number| format!("${number}"))
        .collect::<Vec<_>>()
        .join(",")
}
