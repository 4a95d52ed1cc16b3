//! A report as Markdown.

use std::fmt::Write as _;

use super::compare::Comparison;
use super::phrases::{Words, span};
use super::report::Report;
use super::words::Lang;

/// The report, with the run before it where there is one.
pub fn markdown(report: &Report, before: Option<&Comparison>, lang: Lang) -> String {
    let words = Words::new(report, lang);
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = head(&mut text, report, words);
    let _ = outcomes(&mut text, report, words);
    let _ = departments(&mut text, report, words);
    let _ = surprises(&mut text, report, words);
    if let Some(before) = before {
        let _ = comparison(&mut text, before, words);
    }
    let _ = timeline(&mut text, report, words);
    text
}

/// Text in a table's cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
        .replace(['\n', '\r'], " ")
        .replace('<', "&lt;")
}

fn head(text: &mut String, report: &Report, words: Words<'_>) -> std::fmt::Result {
    let title = cell(words.both(&report.title));
    writeln!(text, "# {}: {title}\n", words.of("Exercise", "演练"))?;
    let run = &report.run;
    for (name, value) in [
        (words.of("exercise", "演练编号"), run.exercise.clone()),
        (words.of("result", "结果"), words.result(report)),
        (words.of("began", "开始"), run.started.to_string()),
        (words.of("followed until", "跟踪至"), run.ended.to_string()),
        (words.of("seed", "随机种子"), run.seed.to_string()),
        (words.of("speed", "倍速"), run.speed.to_string()),
        (
            words.of("simulated reports", "模拟报告"),
            format!(
                "{} ({} {}, {} {})",
                report.sent,
                report.noise,
                words.of("noise", "噪声"),
                report.detected,
                words.of("detected", "被检出")
            ),
        ),
    ] {
        writeln!(text, "- {name}: {value}")?;
    }
    if run.stopped {
        writeln!(
            text,
            "- **{}**",
            words.of("stopped before its end", "提前中止")
        )?;
    }
    Ok(())
}

fn outcomes(text: &mut String, report: &Report, words: Words<'_>) -> std::fmt::Result {
    writeln!(
        text,
        "\n## {}\n",
        words.of("Expected incidents", "预期事件")
    )?;
    writeln!(
        text,
        "| {} | {} | {} | {} | {} |\n|---|---|---|---|---|",
        words.of("incident", "事件"),
        words.of("what", "指标"),
        words.of("target", "目标"),
        words.of("took", "用时"),
        words.of("result", "结果")
    )?;
    for outcome in &report.outcomes {
        let place = outcome.place.as_ref().map(|place| words.both(place));
        let hazard = words.of(outcome.hazard.en(), outcome.hazard.zh());
        let name = format!("{}: {hazard}, {}", outcome.name, place.unwrap_or("–"));
        for check in &outcome.checks {
            writeln!(
                text,
                "| {} | {} | {} | {} | {} |",
                cell(&name),
                cell(&words.what(&check.what)),
                span(check.target_ms),
                span(check.took_ms),
                words.verdict(check.verdict)
            )?;
        }
    }
    Ok(())
}

fn departments(text: &mut String, report: &Report, words: Words<'_>) -> std::fmt::Result {
    if report.departments.is_empty() {
        return Ok(());
    }
    writeln!(text, "\n## {}\n", words.of("Departments", "部门"))?;
    writeln!(
        text,
        "| {} | {} | {} | {} | {} |\n|---|---|---|---|---|",
        words.of("department", "部门"),
        words.of("incidents", "事件"),
        words.of("acknowledged (median, longest)", "签收（中位、最长）"),
        words.of("disposed of (median, longest)", "处置（中位、最长）"),
        words.of("escalated", "升级")
    )?;
    for one in &report.departments {
        let deeds = |deeds: &super::report::Deeds| {
            format!(
                "{} ({}, {})",
                deeds.count,
                span(deeds.median_ms),
                span(deeds.longest_ms)
            )
        };
        writeln!(
            text,
            "| {} | {} | {} | {} | {} |",
            cell(words.department(&one.id)),
            one.incidents,
            deeds(&one.acknowledged),
            deeds(&one.disposed),
            one.escalated
        )?;
    }
    Ok(())
}

fn surprises(text: &mut String, report: &Report, words: Words<'_>) -> std::fmt::Result {
    writeln!(text, "\n## {}\n", words.of("Unexpected", "意外"))?;
    if report.unexpected.is_empty() && report.heard.is_empty() {
        return writeln!(text, "{}", words.of("Nothing.", "无。"));
    }
    for one in &report.unexpected {
        writeln!(
            text,
            "- {}: {} ({})",
            span(Some(one.after_ms)),
            cell(words.both(&one.headline)),
            words.level(one.level)
        )?;
    }
    for one in &report.heard {
        let says = words.of("noise that a rule fired on", "规则命中的噪声");
        writeln!(
            text,
            "- {says}: {} ({})",
            cell(&one.report),
            cell(&one.rule)
        )?;
    }
    Ok(())
}

fn comparison(text: &mut String, before: &Comparison, words: Words<'_>) -> std::fmt::Result {
    writeln!(
        text,
        "\n## {} {} ({})\n",
        words.of("Compared with", "与上次比较："),
        cell(&before.exercise),
        words.passed(before.passed)
    )?;
    writeln!(
        text,
        "| {} | {} | {} | {} |\n|---|---|---|---|",
        words.of("incident", "事件"),
        words.of("what", "指标"),
        words.of("before", "上次"),
        words.of("now", "本次")
    )?;
    for change in &before.changes {
        let shown = |ms, verdict| format!("{} ({})", span(ms), words.verdict(verdict));
        writeln!(
            text,
            "| {} | {} | {} | {} |",
            cell(&change.name),
            cell(&words.what(&change.what)),
            shown(change.before_ms, change.before),
            shown(change.now_ms, change.now)
        )?;
    }
    Ok(())
}

fn timeline(text: &mut String, report: &Report, words: Words<'_>) -> std::fmt::Result {
    writeln!(text, "\n## {}\n", words.of("Timeline", "时间线"))?;
    for moment in &report.timeline {
        let hazard = words.of(moment.hazard.en(), moment.hazard.zh());
        let what = match (&moment.deed, moment.level) {
            (Some((department, deed)), _) => {
                format!("{} {}", words.deed(*deed), words.department(department))
            }
            (None, Some(level)) if !moment.ended => words.level(level).to_owned(),
            _ => words.of("ended", "结束").to_owned(),
        };
        writeln!(
            text,
            "- {}: {hazard}, {}",
            span(Some(moment.after_ms)),
            cell(&what)
        )?;
    }
    Ok(())
}
