//! `tocsin assess`: a month of every department, from the desk's store.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::ops::Range;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::assess_page::{Assessment, Part, csv, html_page, table};
use super::desk_store::open_existing;
use super::drill::LangArg;
use super::{Global, Misused};
use crate::config::load_routing;
use crate::core::model::{Bilingual, Millis, Status};
use crate::core::obligation::Assessed;
use crate::core::route::Routing;
use crate::telemetry::{init_logs, wall_clock};

/// Arguments of `assess`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which month
    #[arg(long, value_name = "YYYY-MM")]
    month: String,
    /// In which time zone a month begins and ends, an IANA name
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    time_zone: String,
    /// Only this department
    #[arg(long, value_name = "ID")]
    department: Option<String>,
    /// How
    #[arg(long, value_enum, default_value = "table", conflicts_with = "json")]
    format: Format,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Language
    #[arg(long, value_enum, default_value = "en")]
    lang: LangArg,
    /// Write it to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For a terminal
    Table,
    /// For a spreadsheet: no cell of it is a formula
    Csv,
    /// One page that needs nothing else
    Html,
}

/// Runs the command.
pub fn run(args: &Args, global: &Global) -> anyhow::Result<ExitCode> {
    let zone = TimeZone::get(&args.time_zone).map_err(|error| {
        let why = format!("--time-zone: {error}; give an IANA name such as Asia/Shanghai");
        Misused(why)
    })?;
    let period = month(&args.month, &zone)?;
    let settings = global.settings()?;
    init_logs(&settings.log);
    let routing = load_routing(&settings.paths)?;
    if let Some(id) = &args.department
        && routing.get(id).is_none()
    {
        let why = format!("the routing table knows no department `{id}`");
        return Err(Misused(why).into());
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let month = runtime.block_on(async {
        let store = open_existing(&settings).await?;
        let mut parts = Vec::new();
        for status in [Status::Actual, Status::Exercise] {
            let found = store.assessment(status, period.clone()).await?;
            let departments = rows(&routing, found, args.department.as_deref());
            parts.push(Part {
                status,
                departments,
            });
        }
        store.close().await;
        anyhow::Ok(Assessment {
            month: args.month.clone(),
            time_zone: args.time_zone.clone(),
            from: period.start,
            to: period.end,
            complete: period.end <= wall_clock(),
            parts,
        })
    })?;
    let lang = args.lang.into();
    let text = match args.format {
        _ if args.json => serde_json::to_string_pretty(&month)? + "\n",
        Format::Table => table(&month, lang),
        Format::Csv => csv(&month, lang)?,
        Format::Html => html_page(&month, lang),
    };
    match &args.out {
        Some(path) => std::fs::write(path, text).with_context(|| format!("{}", path.display()))?,
        None => std::io::stdout().lock().write_all(text.as_bytes())?,
    }
    Ok(ExitCode::SUCCESS)
}

/// From the first instant of a month to the first of the next.
fn month(text: &str, zone: &TimeZone) -> anyhow::Result<Range<Millis>> {
    let wrong = || {
        Misused(format!(
            "--month `{text}`: written as YYYY-MM, such as 2026-10"
        ))
    };
    let (year, number) = text.split_once('-').ok_or_else(wrong)?;
    let digits = |part: &str, count: usize| {
        part.len() == count && part.bytes().all(|it| it.is_ascii_digit())
    };
    if !digits(year, 4) || !digits(number, 2) {
        return Err(wrong().into());
    }
    let number: i8 = number.parse().map_err(|_| wrong())?;
    let first = Date::new(year.parse().map_err(|_| wrong())?, number, 1).map_err(|_| wrong())?;
    let next = first
        .checked_add(jiff::Span::new().months(1))
        .map_err(|_| wrong())?;
    let instant = |date: Date| -> anyhow::Result<Millis> {
        let at = zone.to_timestamp(date.to_datetime(jiff::civil::Time::midnight()));
        Ok(Millis(at.map_err(|_| wrong())?.as_millisecond()))
    };
    Ok(instant(first)?..instant(next)?)
}

/// Departments of the table, in its order, and then others that had a part.
fn rows(
    routing: &Routing,
    mut found: BTreeMap<Arc<str>, Assessed>,
    only: Option<&str>,
) -> Vec<(Arc<str>, Bilingual, Assessed)> {
    let mut rows = Vec::new();
    for department in routing.all() {
        let figures = found.remove(&department.id).unwrap_or_default();
        let names = department.names.clone();
        rows.push((Arc::clone(&department.id), names, figures));
    }
    for (id, figures) in found {
        let name = Bilingual {
            en: id.to_string(),
            zh: id.to_string(),
        };
        rows.push((id, name, figures));
    }
    rows.retain(|(id, ..)| only.is_none_or(|only| **id == *only));
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_is_that_of_its_time_zone() {
        let utc = month("2026-02", &TimeZone::UTC).unwrap();
        assert_eq!(utc, Millis(1_769_904_000_000)..Millis(1_772_323_200_000));
        let zone = TimeZone::get("Asia/Shanghai").unwrap();
        let shanghai = month("2026-12", &zone).unwrap();
        let eight = 8 * 3_600_000;
        assert_eq!(shanghai.start, Millis(1_796_083_200_000 - eight));
        assert_eq!(shanghai.end, Millis(1_798_761_600_000 - eight));
    }

    #[test]
    fn what_is_no_month_is_refused() {
        for text in [
            "2026-13",
            "2026-00",
            "2026-1",
            "202610",
            "2026-10-01",
            "x-10",
            "+026-10",
            "",
        ] {
            assert!(month(text, &TimeZone::UTC).is_err(), "{text}");
        }
    }
}
