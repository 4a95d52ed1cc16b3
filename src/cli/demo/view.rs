//! The terminal screen: a board drawn. Colour only repeats what signs and words say.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Cell, Gauge, Paragraph, Row as TableRow, Sparkline, Table};

use super::board::{Board, Row};
use super::words::{level_name, level_sign, outcome_name, step_name};
use crate::core::model::{CorrelateOutcome, DetectOutcome, Level};

/// Draws the board. `address` is where metrics are served, `login` opens the desk, if there are such.
pub(super) fn draw(
    frame: &mut Frame<'_>,
    board: &Board,
    address: Option<&str>,
    login: Option<&str>,
) {
    let [head, progress, counts, alerts, foot] = Layout::vertical([
        Constraint::Length(2 + u16::from(login.is_some())),
        Constraint::Length(1),
        Constraint::Length(8),
        Constraint::Min(5),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    header(frame, head, board, address, login);
    gauge(frame, progress, board);
    let [left, middle, right] = Layout::horizontal([
        Constraint::Percentage(30),
        Constraint::Percentage(30),
        Constraint::Percentage(40),
    ])
    .areas(counts);
    records(frame, left, board);
    detections(frame, middle, board);
    let [levels, rate] =
        Layout::vertical([Constraint::Length(4), Constraint::Length(4)]).areas(right);
    incidents(frame, levels, board);
    rates(frame, rate, board);
    table(frame, alerts, board);
    footer(frame, foot, board);
}

fn header(
    frame: &mut Frame<'_>,
    area: Rect,
    board: &Board,
    address: Option<&str>,
    login: Option<&str>,
) {
    let lang = board.lang;
    let bold = Style::new().add_modifier(Modifier::BOLD);
    let mut first = vec![
        Span::styled("Tocsin", bold),
        Span::raw("  "),
        Span::raw(lang.of("demonstration", "演示")),
    ];
    if let Some(address) = address {
        first.push(Span::raw(format!("   http://{address}/metrics")));
    }
    let warning = lang.of(
        "Historical and invented reports, moved to today. Nothing shown here is happening.",
        "以下均为历史或虚构信息，时间已移至今日，并非正在发生的事件。",
    );
    let mut lines = vec![
        Line::from(first),
        Line::styled(warning, Style::new().add_modifier(Modifier::ITALIC)),
    ];
    if let Some(login) = login {
        lines.push(Line::from(format!(
            "{}: {login}",
            lang.of("Desk", "值班台")
        )));
    }
    frame.render_widget(Paragraph::new(lines), area);
}

fn gauge(frame: &mut Frame<'_>, area: Rect, board: &Board) {
    let ratio = if board.total == 0 {
        0.0
    } else {
        (board.sent as f64 / board.total as f64).clamp(0.0, 1.0)
    };
    let label = format!(
        "{} / {} {}",
        board.sent,
        board.total,
        board.lang.of("records sent", "条已发送")
    );
    let gauge = Gauge::default().ratio(ratio).label(label);
    frame.render_widget(gauge, area);
}

fn counted(title: &str, rows: impl Iterator<Item = (String, u64)>, total: u64) -> Paragraph<'_> {
    let mut lines: Vec<Line<'_>> = rows
        .map(|(name, count)| {
            let pad = 14_usize.saturating_sub(Span::raw(name.as_str()).width());
            Line::from(format!("{name}{} {count:>7}", " ".repeat(pad)))
        })
        .collect();
    lines.push(Line::from(format!("{} {total:>7}", "─".repeat(14))));
    Paragraph::new(lines).block(Block::bordered().title(title))
}

fn records(frame: &mut Frame<'_>, area: Rect, board: &Board) {
    let lang = board.lang;
    let rows = DetectOutcome::ALL.iter().map(|outcome| {
        let count = board.summary.outcome(*outcome);
        (outcome_name(outcome.id(), lang).to_owned(), count)
    });
    let title = lang.of(" Records ", " 记录 ");
    frame.render_widget(counted(title, rows, board.ended()), area);
}

fn detections(frame: &mut Frame<'_>, area: Rect, board: &Board) {
    let lang = board.lang;
    let rows = CorrelateOutcome::ALL
        .iter()
        .filter(|outcome| outcome.is_detection())
        .map(|outcome| {
            let count = board.summary.detections.get(outcome.id());
            (
                outcome_name(outcome.id(), lang).to_owned(),
                count.copied().unwrap_or(0),
            )
        });
    let title = lang.of(" Detections ", " 检出 ");
    frame.render_widget(counted(title, rows, board.folded()), area);
}

fn incidents(frame: &mut Frame<'_>, area: Rect, board: &Board) {
    let lang = board.lang;
    let mut spans = Vec::new();
    for level in Level::ALL.into_iter().rev() {
        let style = Style::new().fg(colour(level)).add_modifier(Modifier::BOLD);
        spans.push(Span::styled(
            format!(
                "{} {} {}",
                level_sign(level),
                level_name(level, lang),
                board.open(level)
            ),
            style,
        ));
        spans.push(Span::raw("   "));
    }
    let second = format!(
        "{} {}   {} {}",
        lang.of("opened", "累计事件"),
        board.summary.incidents,
        lang.of("alerts", "预警"),
        board.summary.alerts
    );
    let title = lang.of(" Open incidents on the queue ", " 会商队列中的事件 ");
    let lines = vec![Line::from(spans), Line::from(second)];
    frame.render_widget(
        Paragraph::new(lines).block(Block::bordered().title(title)),
        area,
    );
}

fn rates(frame: &mut Frame<'_>, area: Rect, board: &Board) {
    let title = format!(" {} {} ", board.rate(), board.lang.of("records/s", "条/秒"));
    let data: Vec<u64> = board.rates.iter().copied().collect();
    let line = Sparkline::default()
        .data(&data)
        .block(Block::bordered().title(title));
    frame.render_widget(line, area);
}

fn table(frame: &mut Frame<'_>, area: Rect, board: &Board) {
    let lang = board.lang;
    let height = usize::from(area.height.saturating_sub(3));
    let rows = board.rows.iter().take(height).map(|row| cells(row, board));
    let widths = [
        Constraint::Length(8),
        Constraint::Length(9),
        Constraint::Length(7),
        Constraint::Length(20),
        Constraint::Length(22),
        Constraint::Length(5),
        Constraint::Min(20),
    ];
    let head = TableRow::new(vec![
        lang.of("time", "时间"),
        lang.of("level", "级别"),
        lang.of("step", "动作"),
        lang.of("hazard", "灾种"),
        lang.of("place", "地点"),
        lang.of("score", "评分"),
        lang.of("because", "依据"),
    ])
    .style(Style::new().add_modifier(Modifier::UNDERLINED));
    let title = lang.of(" Newest alerts ", " 最新预警 ");
    let table = Table::new(rows, widths)
        .header(head)
        .block(Block::bordered().title(title));
    frame.render_widget(table, area);
}

fn cells<'a>(row: &'a Row, board: &Board) -> TableRow<'a> {
    let lang = board.lang;
    let level = format!("{} {}", level_sign(row.level), level_name(row.level, lang));
    TableRow::new(vec![
        Cell::from(row.sent.as_str()),
        Cell::from(level).style(Style::new().fg(colour(row.level))),
        Cell::from(step_name(row.msg_type, row.resolved, lang)),
        Cell::from(row.hazard.as_str()),
        Cell::from(row.place.as_str()),
        Cell::from(format!("{:>4}", row.score)),
        Cell::from(row.reason.as_str()),
    ])
}

fn footer(frame: &mut Frame<'_>, area: Rect, board: &Board) {
    let lang = board.lang;
    let state = if board.done {
        lang.of("the stream has ended", "数据流已结束")
    } else if board.paused {
        lang.of("paused", "已暂停")
    } else {
        lang.of("running", "运行中")
    };
    let keys = lang.of("q quit   p pause", "q 退出   p 暂停");
    let text = format!("{keys}   ·   {state}");
    frame.render_widget(Paragraph::new(text), area);
}

fn colour(level: Level) -> Color {
    match level {
        Level::Blue => Color::LightBlue,
        Level::Yellow => Color::Yellow,
        Level::Orange => Color::LightRed,
        Level::Red => Color::Red,
    }
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::*;
    use crate::cli::demo::words::Lang;
    use crate::core::model::MsgType;

    fn screen(lang: Lang) -> String {
        let mut board = Board::new(lang, 2_800);
        board.sent = 1_400;
        board.rows.push_front(Row {
            sent: "03:04:05".to_owned(),
            level: Level::Orange,
            msg_type: MsgType::Update,
            resolved: false,
            hazard: "fire".to_owned(),
            place: "San Francisco".to_owned(),
            score: 67,
            revision: 2,
            reason: "+50 building on fire · +10 two sources".to_owned(),
        });
        let mut terminal = Terminal::new(TestBackend::new(120, 24)).unwrap();
        terminal
            .draw(|frame| draw(frame, &board, Some("127.0.0.1:9464"), None))
            .unwrap();
        terminal.backend().to_string()
    }

    #[test]
    fn reads_without_colour() {
        let english = screen(Lang::En);
        for part in [
            "◆ orange",
            "update",
            "San Francisco",
            "67",
            "+50 building on fire",
            "q quit",
            "127.0.0.1:9464/metrics",
            "1400 / 2800",
            "no match",
        ] {
            assert!(english.contains(part), "{part} in\n{english}");
        }
    }

    #[test]
    fn speaks_chinese() {
        // The test backend pads each wide character with a blank cell.
        let chinese = screen(Lang::Zh).replace(' ', "");
        for part in ["橙色", "未命中", "最新预警", "退出"] {
            assert!(chinese.contains(part), "{part} in\n{chinese}");
        }
    }
}
