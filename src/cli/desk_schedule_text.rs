//! What `tocsin desk schedule` says in words, in English and Chinese.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::desk_schedule::{Shown, ShownDepartment, ShownLevel, ShownReceiver};
use crate::core::model::Level;
use crate::core::notify::{Language, NoticeKind, kind_word};
use crate::core::route::WorkingHours;
use crate::desk::console::view;
use crate::desk::console::words::Words as _;

/// Names of days, Monday first.
const DAYS: [(&str, &str); 7] = [
    ("Mon", "周一"),
    ("Tue", "周二"),
    ("Wed", "周三"),
    ("Thu", "周四"),
    ("Fri", "周五"),
    ("Sat", "周六"),
    ("Sun", "周日"),
];

fn say(lang: Language, en: &'static str, zh: &'static str) -> &'static str {
    match lang {
        Language::En => en,
        Language::Zh => zh,
    }
}

fn level_word(lang: Language, level: Level) -> &'static str {
    match lang {
        Language::En => level.id(),
        Language::Zh => view::level(level).zh(),
    }
}

/// Hours of work; none: around the clock.
pub(super) fn hours(hours: Option<&WorkingHours>, lang: Language) -> String {
    let Some(hours) = hours else {
        let always = "always: deadlines count day and night";
        return say(lang, always, "全天：时限昼夜连续计算").to_owned();
    };
    let next = say(lang, " next day", "（次日）");
    let clock = |minutes: u16| match minutes {
        1_441.. => format!("{:02}:{:02}{next}", minutes / 60 - 24, minutes % 60),
        _ => format!("{:02}:{:02}", minutes / 60, minutes % 60),
    };
    let day = |at: usize| say(lang, DAYS[at].0, DAYS[at].1);
    let mut runs: Vec<(usize, usize, String)> = Vec::new();
    for (day, shift) in hours.days.iter().enumerate() {
        let Some(shift) = shift else { continue };
        let times = format!("{}–{}", clock(shift.from), clock(shift.to));
        match runs.last_mut() {
            Some((_, last, same)) if *same == times && *last + 1 == day => *last = day,
            _ => runs.push((day, day, times)),
        }
    }
    let to = say(lang, "–", "至");
    let runs: Vec<String> = runs
        .into_iter()
        .map(|(first, last, times)| match (day(first), day(last)) {
            (first, last) if first == last => format!("{first} {times}"),
            (first, last) => format!("{first}{to}{last} {times}"),
        })
        .collect();
    let comma = say(lang, ", ", "，");
    let zone = hours.zone.iana_name().unwrap_or("UTC");
    let mut text = format!("{} ({zone})", runs.join(comma));
    let dates = |all: &BTreeSet<jiff::civil::Date>| {
        let all: Vec<String> = all.iter().map(ToString::to_string).collect();
        all.join(comma)
    };
    if !hours.holidays.is_empty() {
        let closed = say(lang, "; closed on ", "；休息日 ");
        let _ = write!(text, "{closed}{}", dates(&hours.holidays));
    }
    if !hours.workdays.is_empty() {
        let worked = say(lang, "; worked, too: ", "；调休上班 ");
        let _ = write!(text, "{worked}{}", dates(&hours.workdays));
    }
    text + say(
        lang,
        "; below orange deadlines count in these hours only",
        "；橙色以下的时限仅在上述时间内计算",
    )
}

/// Who reads the CAP feed, and what is in it.
pub(super) fn cap(public: bool, hours: u32, lang: Language) -> String {
    let who = match (public, lang) {
        (true, Language::En) => "everybody",
        (false, Language::En) => "whoever has a token",
        (true, Language::Zh) => "任何人",
        (false, Language::Zh) => "持有令牌者",
    };
    match lang {
        Language::En => format!(
            "GET /cap of the desk, for {who}: open incidents, and closed ones for {hours} h"
        ),
        Language::Zh => {
            format!("值班台 GET /cap，{who}可读：未结事件，及结案后 {hours} 小时内的事件")
        }
    }
}

/// Seconds in the largest unit that is whole.
fn length(seconds: u64, lang: Language) -> String {
    let (count, en, zh) = match seconds {
        0 => (0, "s", "秒"),
        s if s.is_multiple_of(86_400) => (s / 86_400, "d", "天"),
        s if s.is_multiple_of(3_600) => (s / 3_600, "h", "小时"),
        s if s.is_multiple_of(60) => (s / 60, "min", "分钟"),
        s => (s, "s", "秒"),
    };
    format!("{count} {}", say(lang, en, zh))
}

/// All of it.
pub(super) fn text(shown: &Shown, lang: Language) -> String {
    let mut out = String::new();
    for problem in &shown.problems {
        let _ = writeln!(out, "{}: {problem}", say(lang, "error", "错误"));
    }
    if !shown.enabled {
        out.push_str(say(
            lang,
            "notify.enabled = false: nothing is sent. This is what would be.\n\n",
            "notify.enabled = false：不发送任何通知。启用后如下。\n\n",
        ));
    }
    for department in &shown.departments {
        department_text(department, lang, &mut out);
    }
    for (name, receiver) in &shown.receivers {
        receiver_text(name, receiver, lang, &mut out);
    }
    let gives_up = u64::try_from(shown.gives_up_after_s / 60 * 60).unwrap_or_default();
    let (attempts, within) = (shown.attempts, length(gives_up, lang));
    let stale = shown.stale_minutes;
    let _ = match lang {
        Language::En => writeln!(
            out,
            "A message that fails is tried {attempts} times over about {within} and is then dead: `tocsin desk notifications list --state dead`.\n\
             What is older than {stale} min when it is found is not sent; what is still owed then is one reminder."
        ),
        Language::Zh => writeln!(
            out,
            "发送失败的消息在约 {within}内共尝试 {attempts} 次，之后放弃：`tocsin desk notifications list --state dead`。\n\
             发现时已超过 {stale} 分钟的事项不再发送；届时仍未办的合并为一条提醒。"
        ),
    };
    let cap = match lang {
        Language::En => shown.cap.as_ref(),
        Language::Zh => shown.cap_zh.as_ref(),
    };
    if let Some(cap) = cap {
        let _ = match lang {
            Language::En => writeln!(out, "CAP feed: {cap}."),
            Language::Zh => writeln!(out, "CAP 源：{cap}。"),
        };
    }
    out
}

fn receiver_text(name: &str, receiver: &ShownReceiver, lang: Language, out: &mut String) {
    let _ = write!(out, "{name} → {}", receiver.to.join(", "));
    if receiver.group_wait_s > 0 {
        let wait = receiver.group_wait_s;
        let _ = match lang {
            Language::En => write!(
                out,
                "; notices of one incident within {wait} s are one message"
            ),
            Language::Zh => write!(out, "；同一事件 {wait} 秒内的通知合并为一条消息"),
        };
    }
    if let Some(digest) = &receiver.digest {
        let (below, minutes) = (level_word(lang, digest.below), digest.minutes);
        let _ = match lang {
            Language::En => write!(out, "; below {below} one digest every {minutes} min"),
            Language::Zh => write!(out, "；{below}以下每 {minutes} 分钟一份汇总"),
        };
    }
    out.push('\n');
}

fn department_text(it: &ShownDepartment, lang: Language, out: &mut String) {
    let row = |out: &mut String, en: &str, zh: &str, value: &str| {
        let _ = match lang {
            Language::En => writeln!(out, "  {en:<10} {value}"),
            Language::Zh => writeln!(out, "  {zh}\u{3000}{value}"),
        };
    };
    let _ = writeln!(out, "{} · {} · {}", it.id, it.name_en, it.name_zh);
    let hours = match lang {
        Language::En => &it.hours,
        Language::Zh => &it.hours_zh,
    };
    row(out, "hours", "工时", hours);
    row(out, "offices", "层级", &it.offices.join(" → "));
    let deadlines: Vec<String> = Level::ALL
        .into_iter()
        .filter_map(|level| {
            let deadline = it.deadlines.get(level.id())?;
            let first = length(deadline.acknowledge_s, lang);
            let last = length(deadline.dispose_s, lang);
            Some(format!("{} {first} / {last}", level_word(lang, level)))
        })
        .collect();
    let which = say(lang, " (acknowledge / dispose)", "（签收 / 处置）");
    let deadlines = deadlines.join(" · ") + which;
    row(out, "deadlines", "时限", &deadlines);
    let every = say(lang, ": every event of its incidents", "：其事件的全部变更");
    row(out, "topic", "主题", &format!("{}{every}", it.topic));
    for level in &it.notified {
        level_text(level, lang, out);
    }
    out.push('\n');
}

fn level_text(level: &ShownLevel, lang: Language, out: &mut String) {
    let words = |kinds: &[NoticeKind]| {
        let words: Vec<&str> = kinds.iter().map(|kind| kind_word(*kind, lang)).collect();
        words.join(say(lang, ", ", "、")).to_lowercase()
    };
    let name = level_word(lang, level.level);
    let mut line = |at: usize, text: &str| {
        let label = if at == 0 { name } else { "" };
        let _ = match lang {
            Language::En => writeln!(out, "  {label:<10} {text}"),
            // Two wide letters; a tab stop of spaces would not line up under them.
            Language::Zh if at == 0 => writeln!(out, "  {label}\u{3000}{text}"),
            Language::Zh => writeln!(out, "  \u{3000}\u{3000}\u{3000}{text}"),
        };
    };
    if level.channels.is_empty() {
        line(
            0,
            say(lang, "nobody outside the console", "仅值班台，不另行通知"),
        );
    }
    for (at, channel) in level.channels.iter().enumerate() {
        let mut parts = Vec::new();
        if !channel.at_once.is_empty() {
            parts.push(format!(
                "{}{}",
                say(lang, "at once: ", "立即："),
                words(&channel.at_once)
            ));
        }
        if !channel.in_digest.is_empty() {
            let digest = say(lang, "in the digest: ", "汇总：");
            parts.push(format!("{digest}{}", words(&channel.in_digest)));
        }
        let joined = parts.join(say(lang, "; ", "；"));
        let mut text = format!("{}{}{joined}", channel.channel, say(lang, ", ", "，"));
        if !channel.hazards.is_empty() {
            let names: Vec<&str> = channel
                .hazards
                .iter()
                .map(|it| say(lang, it.id(), it.zh()))
                .collect();
            let _ = match lang {
                Language::En => write!(text, " (only {})", names.join(", ")),
                Language::Zh => write!(text, "（仅{}）", names.join("、")),
            };
        }
        line(at, &text);
    }
}
