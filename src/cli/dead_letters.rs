//! `tocsin dead-letters`: what could not be read, why, and sending it round again after a fix.

use std::borrow::Cow;
use std::io::{self, Write as _};
use std::process::ExitCode;

use serde_json::{Value, json};

use super::{FAILED, Global, escaped};
use crate::core::mask::mask;
use crate::core::model::RefusalCode;
use crate::kafka::dead_letter;
use crate::kafka::letters::{Filter, Letter, LetterId, list, replay, show};

/// Arguments of `dead-letters`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Args)]
struct Select {
    /// Of this feed only
    #[arg(long, value_name = "FEED")]
    feed: Option<String>,
    /// With this code only, such as D0004
    #[arg(long, value_name = "CODE")]
    code: Option<String>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// The newest dead letters: id, feed, position, code, message; no text
    List {
        #[command(flatten)]
        select: Select,
        /// How many, at most
        #[arg(long, default_value_t = 100, value_name = "N")]
        limit: usize,
        /// Print one JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// One dead letter, with its text masked
    Show {
        /// Id, as `list` shows it
        #[arg(value_name = "PARTITION/OFFSET")]
        id: LetterId,
        /// Write the original bytes, unmasked, and nothing else
        #[arg(long, conflicts_with = "json")]
        raw: bool,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Read dead letters again: they go to the retry topic with their original position, feed and time
    Replay {
        /// Ids, as `list` shows them
        #[arg(value_name = "PARTITION/OFFSET", required_unless_present_any = ["all", "feed", "code"])]
        ids: Vec<LetterId>,
        #[command(flatten)]
        select: Select,
        /// All of them
        #[arg(long, conflicts_with = "ids")]
        all: bool,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
}

/// Runs the command.
pub fn run(args: Args, global: &Global) -> anyhow::Result<ExitCode> {
    let settings = global.settings()?;
    let (kafka, names) = (settings.kafka_settings(), settings.topic_names());
    let mut out = io::stdout().lock();
    match args.command {
        Command::List {
            select,
            limit,
            json,
        } => {
            for letter in list(&kafka, &names, &filter(select), limit)? {
                if json {
                    writeln!(out, "{}", summary(&letter))?;
                } else {
                    writeln!(out, "{}", line(&letter))?;
                }
            }
        }
        Command::Show { id, raw, json } => {
            let letter = show(&kafka, &names, id)?;
            if raw {
                out.write_all(&letter.payload)?;
            } else if json {
                let mut shown = summary(&letter);
                shown["headers"] = headers(&letter);
                shown["value"] = Value::from(masked(&letter.payload));
                writeln!(out, "{shown:#}")?;
            } else {
                print(&mut out, &letter)?;
            }
        }
        Command::Replay {
            ids,
            select,
            all: _,
            json,
        } => {
            let done = replay(&kafka, &names, &ids, &filter(select))?;
            if json {
                writeln!(out, "{}", serde_json::to_string(&done)?)?;
            } else {
                writeln!(out, "{} sent to {}", done.replayed, names.retry)?;
                if done.cut_short > 0 {
                    writeln!(
                        out,
                        "{} not kept whole: have the source send them again",
                        done.cut_short
                    )?;
                }
                if done.foreign > 0 {
                    writeln!(out, "{} were not written by Tocsin", done.foreign)?;
                }
            }
            if done.cut_short + done.foreign > 0 {
                return Ok(ExitCode::from(FAILED));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn filter(select: Select) -> Filter {
    Filter {
        feed: select.feed,
        code: select.code,
    }
}

fn position(letter: &Letter) -> String {
    letter.origin.as_ref().map_or_else(
        || "unknown".to_owned(),
        |origin| format!("{}/{}/{}", origin.topic, origin.partition, origin.offset),
    )
}

fn line(letter: &Letter) -> String {
    let feed = letter
        .origin
        .as_ref()
        .map_or_else(|| "?".into(), |origin| escaped(&origin.feed));
    let (id, code, message) = (
        letter.id.to_string(),
        escaped(&letter.code),
        &letter.message,
    );
    format!(
        "{id:<10} {code} {feed} {} {}",
        escaped(&position(letter)),
        escaped(&mask(Cow::Borrowed(message)))
    )
}

fn help(code: &str) -> Option<&'static str> {
    RefusalCode::ALL
        .iter()
        .find(|known| known.id() == code)
        .map(|known| known.help())
}

fn summary(letter: &Letter) -> Value {
    let origin = letter.origin.as_ref();
    json!({
        "id": letter.id.to_string(),
        "feed": origin.map(|origin| &origin.feed),
        "topic": origin.map(|origin| &origin.topic),
        "partition": origin.map(|origin| origin.partition),
        "offset": origin.map(|origin| origin.offset),
        "received": origin.map(|origin| origin.received.to_string()),
        "stage": letter.stage,
        "code": letter.code,
        "message": mask(Cow::Borrowed(&letter.message)),
        "help": help(&letter.code),
        "cut_from": letter.cut_from,
    })
}

fn masked(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    escaped(&mask(unwrapped(&text).into()))
}

/// The text with characters by number (`\u5f20`, `&#24352;`) as characters, so that no mask is evaded by writing them so.
/// Nothing that JSON or XML give a meaning becomes such a character, and what is shown is still the record.
fn unwrapped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['\\', '&']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let (length, code) =
            if let Some(hex) = rest.strip_prefix("\\u").and_then(|hex| hex.get(..4)) {
                (6, u32::from_str_radix(hex, 16).ok())
            } else if let Some(number) = rest.strip_prefix("&#").and_then(number_before) {
                let code = match number.strip_prefix(['x', 'X']) {
                    Some(hex) => u32::from_str_radix(hex, 16).ok(),
                    None => number.parse().ok(),
                };
                (number.len() + 3, code)
            } else {
                (1, None)
            };
        let plain = |c: &char| !c.is_control() && !matches!(c, '"' | '\\' | '<' | '>' | '&' | '\'');
        if let Some(c) = code.and_then(char::from_u32).filter(plain) {
            out.push(c);
            rest = &rest[length..];
        } else {
            out.push_str(&rest[..1]);
            rest = &rest[1..];
        }
    }
    out.push_str(rest);
    out
}

fn headers(letter: &Letter) -> Value {
    let all = letter.borrowed_headers();
    dead_letter::original_headers(&all)
        .map(|(key, value)| (key.to_owned(), Value::from(masked(value))))
        .collect::<serde_json::Map<String, Value>>()
        .into()
}

fn print(out: &mut impl io::Write, letter: &Letter) -> io::Result<()> {
    writeln!(out, "{}", line(letter))?;
    if let Some(help) = help(&letter.code) {
        writeln!(out, "help: {help}")?;
    }
    if let Some(origin) = &letter.origin {
        writeln!(out, "received: {}", origin.received)?;
    }
    if let Some(key) = &letter.key {
        writeln!(out, "key: {}", masked(key))?;
    }
    let all = letter.borrowed_headers();
    for (name, value) in dead_letter::original_headers(&all) {
        writeln!(out, "{}: {}", escaped(name), masked(value))?;
    }
    if let Some(length) = letter.cut_from {
        writeln!(
            out,
            "(the first {} of {length} bytes)",
            letter.payload.len()
        )?;
    }
    writeln!(out, "\n{}", masked(&letter.payload))
}

/// The up to eight characters before a `;`.
fn number_before(tail: &str) -> Option<&str> {
    let end = tail.bytes().take(9).position(|byte| byte == b';')?;
    tail.get(..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_masked_however_it_is_written_and_steers_nothing() {
        for (bytes, shown) in [
            (&br#"{"t":"@\u5f20\u4e09 \u706b"}"#[..], r#"{"t":"••• 火"}"#),
            (
                br#"{"t":"\u0031380013800\u0030"}"#,
                r#"{"t":"•••••••••••"}"#,
            ),
            (
                b"<t>&#49;380013800&#x30; &lt; &#60;</t>",
                "<t>••••••••••• &lt; &#60;</t>",
            ),
            (
                br#"a \"b\" \u001b \ud83d \u12"#,
                r#"a \"b\" \u001b \ud83d \u12"#,
            ),
            (b"\x1b[2J\xc2\x9b31m", "\u{fffd}[2J\u{fffd}31m"),
        ] {
            assert_eq!(masked(bytes), shown);
        }
    }
}
