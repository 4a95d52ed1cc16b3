//! What pages ask the desk for.

use std::sync::Arc;

use uuid::Uuid;

use super::from_case::{self, Depts};
use super::page::board::{BoardView, Filter, Group};
use super::page::row::Row;
use super::page::{agenda, department, search, since};
use super::silences::mute_marks;
use super::view::{self, Dept};
use crate::core::model::{Duty, Hazard, Level, Millis, Status};
use crate::core::obligation::BoardRow;
use crate::desk::{BoardFilter, Cursor, Desk, DeskError};

/// Rows of one level that the board shows at first.
const FIRST: u32 = 50;
/// Rows that "more" adds.
const MORE: u32 = 200;
/// Rows of a department, of a list of changes.
const LISTED: u32 = 200;
/// Days over which on-time rates are counted.
pub const RATE_DAYS: u32 = 30;
/// Weeks for which a department's page shows how deadlines were kept.
const RATE_WEEKS: u32 = 26;

/// The desk's filter of a page's.
pub fn board_filter(filter: &Filter, level: Option<Level>) -> BoardFilter {
    BoardFilter {
        status: filter.status.unwrap_or(Status::Actual),
        levels: level.or(filter.level).into_iter().collect(),
        states: filter.state.into_iter().collect(),
        hazards: filter.hazard.into_iter().collect(),
        place: filter.place.as_deref().map(Into::into),
        department: filter.department.as_deref().map(Into::into),
        text: filter.text.clone(),
        ..BoardFilter::default()
    }
}

/// Open incidents by level, blue first.
pub async fn counts(desk: &Desk, filter: &Filter) -> Result<[u64; 4], DeskError> {
    desk.count_by_level(&board_filter(filter, None)).await
}

/// Lines with what mutes them now.
async fn marked(
    desk: &Desk,
    items: &[BoardRow],
    depts: &Depts,
) -> Result<Vec<Arc<Row>>, DeskError> {
    let muted = desk.muted(items).await?;
    let lines = items.iter().map(|item| {
        let mut line = from_case::row(item, depts);
        if let Some(marks) = muted.get(&item.incident) {
            line.muted = mute_marks(marks, depts);
        }
        Arc::new(line)
    });
    Ok(lines.collect())
}

fn row(item: &BoardRow, depts: &Depts) -> Arc<Row> {
    Arc::new(from_case::row(item, depts))
}

/// One level's rows after a cursor.
pub async fn group(
    desk: &Desk,
    filter: &Filter,
    level: Level,
    after: Option<&Cursor>,
    depts: &Depts,
) -> Result<Group, DeskError> {
    let limit = if after.is_some() { MORE } else { FIRST };
    let page = desk
        .board(&board_filter(filter, Some(level)), after, limit)
        .await?;
    Ok(Group {
        level,
        total: 0,
        rows: marked(desk, &page.items, depts).await?,
        next: page.next.map(|cursor| cursor.to_string()),
    })
}

/// The board.
pub async fn board(desk: &Desk, filter: Filter, depts: &Depts) -> Result<BoardView, DeskError> {
    let counts = counts(desk, &filter).await?;
    let mut groups = Vec::with_capacity(4);
    for level in Level::ALL.into_iter().rev() {
        let total = counts[level as usize];
        let mut group = if total == 0 {
            Group {
                level,
                total,
                rows: Vec::new(),
                next: None,
            }
        } else {
            group(desk, &filter, level, None, depts).await?
        };
        group.total = total;
        groups.push(group);
    }
    let exercises = BoardFilter {
        status: Status::Exercise,
        ..BoardFilter::default()
    };
    let exercises = desk.count(&exercises).await?;
    Ok(BoardView {
        groups,
        query: super::forms::query(&filter),
        filter,
        hazards: Hazard::ALL.to_vec(),
        exercises,
        seq: 0,
    })
}

/// The joint meeting's agenda.
pub async fn agenda(
    desk: &Desk,
    status: Status,
    depts: &Depts,
) -> Result<agenda::AgendaView, DeskError> {
    let listed = desk.agenda(status).await?;
    let ids: Vec<Uuid> = listed.iter().map(|item| item.incident).collect();
    let mut whys = desk.whys(&ids).await?;
    let items = listed.iter().map(|item| {
        // The reasons are the alert's, and what somebody wrote when asking is the case's.
        let why = whys.remove(&item.incident).unwrap_or_default();
        let reasons = why.reasons.iter().filter(|line| line.points != 0);
        agenda::Item {
            reasons: reasons
                .map(|line| (line.points, from_case::bilingual(line)))
                .collect(),
            asked: why.asked,
            row: row(item, depts),
        }
    });
    Ok(agenda::AgendaView {
        items: items.collect(),
        exports: [String::new(), String::new()],
    })
}

/// Every department with its open obligations and rates.
pub async fn departments(desk: &Desk, all: &[Dept]) -> Result<Vec<department::Summary>, DeskError> {
    let since = desk.now().plus(-i64::from(RATE_DAYS) * 86_400_000);
    let stats = desk.department_stats(Status::Actual, since).await?;
    let summary = |dept: &Dept| {
        let it = stats.get(&*dept.id).cloned().unwrap_or_default();
        department::Summary {
            dept: dept.clone(),
            open: it.pending,
            on_time: department::OnTime {
                acknowledged: [it.acknowledged_on_time, it.acknowledgements],
                disposed: [it.disposed_on_time, it.disposals],
            },
        }
    };
    Ok(all.iter().map(summary).collect())
}

/// One department's open obligations by deadline, and its rates.
pub async fn department(
    desk: &Desk,
    dept: Dept,
    depts: &Depts,
) -> Result<department::DepartmentView, DeskError> {
    let filter = BoardFilter {
        department: Some(Arc::clone(&dept.id)),
        pending: true,
        ..BoardFilter::default()
    };
    let page = desk.board(&filter, None, LISTED).await?;
    let total = desk.count(&filter).await?;
    let mut owed: Vec<department::Owed> = page
        .items
        .iter()
        .flat_map(|item| owes(item, &dept, depts))
        .collect();
    owed.sort_by_key(|it| it.due.map(|due| due.at));
    let summary = departments(desk, std::slice::from_ref(&dept)).await?.pop();
    let weeks = desk
        .department_weeks(Status::Actual, &dept.id, RATE_WEEKS)
        .await?;
    Ok(department::DepartmentView {
        more: total.saturating_sub(page.items.len() as u64),
        on_time: summary.map_or_else(department::OnTime::default, |summary| summary.on_time),
        owed,
        dept,
        days: RATE_DAYS,
        weeks,
    })
}

/// What the department owes one incident, or is offered by another one.
fn owes(item: &BoardRow, dept: &Dept, depts: &Depts) -> Vec<department::Owed> {
    let line = row(item, depts);
    let open = item.obligations.iter().filter(|it| it.state.is_pending());
    open.filter(|it| it.department == dept.id || it.offered_to.as_ref() == Some(&dept.id))
        .map(|it| department::Owed {
            row: Arc::clone(&line),
            lead: it.duty == Duty::Lead,
            step: it.state.into(),
            due: from_case::due_of(it),
            offered_by: (it.department != dept.id).then(|| depts.get(&it.department)),
        })
        .collect()
}

/// Closed incidents.
pub async fn closed(
    desk: &Desk,
    text: &str,
    hazard: Option<Hazard>,
    after: Option<&Cursor>,
    depts: &Depts,
) -> Result<(Vec<search::ClosedRow>, Option<Cursor>), DeskError> {
    let filter = BoardFilter {
        closed: true,
        hazards: hazard.into_iter().collect(),
        text: Some(text.to_owned()).filter(|text| !text.is_empty()),
        ..BoardFilter::default()
    };
    let page = desk.board(&filter, after, 100).await?;
    Ok((
        page.items
            .iter()
            .map(|item| closed_row(item, depts))
            .collect(),
        page.next,
    ))
}

fn closed_row(item: &BoardRow, depts: &Depts) -> search::ClosedRow {
    search::ClosedRow {
        row: row(item, depts),
        closed_at: item.closed_at,
        verdict: item.verdict.map(view::disposition),
    }
}

/// What happened since then.
pub async fn since(
    desk: &Desk,
    from: Millis,
    depts: &Depts,
) -> Result<since::SinceView, DeskError> {
    let open = BoardFilter {
        since: Some(from),
        ..BoardFilter::default()
    };
    let closed = BoardFilter {
        closed: true,
        ..open.clone()
    };
    let (open, closed) = (
        desk.board(&open, None, LISTED).await?,
        desk.board(&closed, None, LISTED).await?,
    );
    let mut out = since::SinceView {
        from,
        cut: open.next.is_some() || closed.next.is_some(),
        closed: closed
            .items
            .iter()
            .map(|item| closed_row(item, depts))
            .collect(),
        ..since::SinceView::default()
    };
    for item in &open.items {
        let line = row(item, depts);
        let late = item.obligations.iter().any(|it| {
            it.state.is_pending()
                && ((it.acknowledge_missed && it.acknowledge_by >= from)
                    || (it.dispose_missed && it.dispose_by >= from))
        });
        if late {
            out.missed.push(Arc::clone(&line));
        }
        if item.opened_at >= from {
            out.opened.push(line);
        } else {
            out.changed.push(line);
        }
    }
    Ok(out)
}
