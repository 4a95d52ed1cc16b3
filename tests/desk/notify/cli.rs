//! `tocsin desk schedule`, `notifications` and `check`, through the built binary.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tocsin::core::model::Level;

use super::{fires, notifier, plan, settings};
use crate::desk::world::Site;

const DEPARTMENTS: &str = "departments:
  - id: fire
    names: {en: Fire, zh: 消防}
    duty: true
    leads: [fire]
    tiers: [county, city]
    channels: [console, \"webhook:a\", \"email:watch\"]
    hours:
      zone: Asia/Shanghai
      days: {mon-fri: \"08:30-17:30\", sat: \"09:00-12:00\"}
      holidays: [2026-10-01]
      workdays: [2026-10-10]
";

const NOTIFY: &str = "[paths]
departments = \"departments.yaml\"
[desk]
url = \"sqlite:desk.db\"
[notify]
enabled = true
[notify.smtp]
host = \"mail.example\"
from = \"tocsin@desk.example\"
[notify.webhooks.a]
url = \"https://receiver.example/a-key-in-the-path\"
secret = \"0123456789abcdef0123\"
[notify.emails.watch]
to = [\"watch@fire.example\"]
digest_minutes = 30
digest_below = \"orange\"
[[notify.routes]]
offices = [\"coordinators\"]
channels = [\"webhook:a\"]
[[notify.routes]]
from = \"yellow\"
";

fn tocsin(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tocsin"));
    crate::without_settings(&mut command);
    let config = folder.join("tocsin.toml");
    command.args(args).arg("--config").arg(config);
    command.output().unwrap()
}

fn folder(notify: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("tocsin.toml"), notify).unwrap();
    std::fs::write(folder.path().join("departments.yaml"), DEPARTMENTS).unwrap();
    folder
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn the_schedule_says_in_words_what_the_block_means() {
    let folder = folder(NOTIFY);
    let done = tocsin(folder.path(), &["desk", "schedule"]);
    assert!(done.status.success(), "{}", text(&done.stderr));
    let words = text(&done.stdout);
    for expected in [
        "fire · Fire · 消防",
        "Mon–Fri 08:30–17:30, Sat 09:00–12:00 (Asia/Shanghai); closed on 2026-10-01; worked, too: 2026-10-10",
        "county → city → coordinators",
        "blue       nobody outside the console",
        "yellow     email:watch, at once: deadline missed, escalated to you, reopened; in the digest: new task",
        "orange     email:watch, at once: new task",
        "tocsin.dept.fire",
        "email:watch → watch@fire.example; below orange one digest every 30 min",
    ] {
        assert!(words.contains(expected), "{expected}\n{words}");
    }
    assert!(
        words.contains("webhook:a → https://receiver.example/…"),
        "{words}"
    );
    let checked = tocsin(folder.path(), &["check"]);
    assert!(checked.status.success(), "{}", text(&checked.stderr));
    for secret in ["0123456789abcdef", "a-key-in-the-path"] {
        assert!(!words.contains(secret), "{words}");
        assert!(!text(&checked.stdout).contains(secret), "a secret is shown");
    }
    let done = tocsin(folder.path(), &["desk", "schedule", "--lang", "zh"]);
    let zh = String::from_utf8_lossy(&done.stdout).into_owned();
    for words in ["工时", "时限", "签收 / 处置", "层级", "主题", "新任务"] {
        assert!(zh.contains(words), "{words}: {zh}");
    }
    for words in ["hours ", "deadlines", "at once", "nobody", "tried"] {
        assert!(!zh.contains(words), "{words}: {zh}");
    }
    let done = tocsin(folder.path(), &["desk", "schedule", "--json"]);
    let shown: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(
        shown["departments"][0]["deadlines"]["red"]["acknowledge_s"],
        300
    );
    assert_eq!(
        shown["departments"][0]["notified"][0]["channels"],
        serde_json::json!([])
    );
    assert!(!text(&done.stdout).contains("0123456789abcdef"));
}

#[test]
fn what_does_not_fit_is_named_with_its_place_and_all_at_once() {
    let broken = NOTIFY
        .replace("https://receiver", "gopher://receiver")
        .replace("watch@fire.example", "nobody")
        .replace("[\"webhook:a\"]", "[\"webhook:z\"]");
    let place = folder(&broken);
    let done = tocsin(place.path(), &["check"]);
    let said = text(&done.stderr);
    assert_eq!(done.status.code(), Some(2), "{said}");
    for expected in [
        "notify.webhooks.a.url",
        "notify.emails.watch.to",
        "webhook:z",
    ] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    // A channel of a department that there is no receiver for: found by check, schedule and the desk itself.
    let missing = NOTIFY
        .replace("[notify.webhooks.a]", "[notify.webhooks.b]")
        .replace("[\"webhook:a\"]", "[\"webhook:b\"]");
    let place = folder(&missing);
    for args in [&["check"][..], &["desk", "schedule"]] {
        let done = tocsin(place.path(), args);
        let said = text(&done.stderr) + &text(&done.stdout);
        assert_eq!(done.status.code(), Some(1), "{said}");
        assert!(
            said.contains("names `webhook:a`, which is no receiver"),
            "{said}"
        );
    }
}

#[test]
fn dead_messages_are_listed_and_tried_again() {
    let folder = folder("[desk]\nurl = \"sqlite:desk.db\"\n");
    let url = format!("sqlite:{}", folder.path().join("desk.db").display());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let (desk, _clock) = super::webhook::desk(&Site { url }).await;
        let it = notifier(&settings(&[("a", "http://127.0.0.1:9/")]));
        desk.absorb_alerts(fires(2, Level::Orange)).await.unwrap();
        plan(&it, &desk).await;
        for row in super::log(&desk).await {
            let id = row.message.parse().unwrap();
            desk.store()
                .message_failed(id, "cannot connect", desk.now(), None)
                .await
                .unwrap();
        }
        desk.store().close().await;
    });
    let list = |args: &[&str]| {
        let all = [&["desk", "notifications", "list", "--json"], args].concat();
        let done = tocsin(folder.path(), &all);
        assert!(done.status.success(), "{}", text(&done.stderr));
        let rows = text(&done.stdout);
        rows.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect::<Vec<Value>>()
    };
    let dead = list(&["--state", "dead"]);
    assert_eq!(dead.len(), 2);
    assert_eq!(
        (&dead[0]["channel"], &dead[0]["reason"]),
        (&"webhook:a".into(), &"cannot connect".into())
    );
    assert!(list(&["--department", "health"]).is_empty());
    // For people, in either language; ids are the same in both.
    let lines = |lang: &str| {
        let args = ["desk", "notifications", "list", "--lang", lang];
        text(&tocsin(folder.path(), &args).stdout)
    };
    let (en, zh) = (lines("en"), lines("zh"));
    assert_eq!((en.lines().count(), zh.lines().count()), (2, 2));
    for line in en.lines() {
        let incident = line.split("  ").find(|it| it.trim().len() == 36).unwrap();
        assert!(zh.contains(incident), "{incident}: {zh}");
        for word in ["dead", "new_obligation", "orange", "cannot connect"] {
            assert!(line.contains(word), "{word}: {line}");
        }
    }
    for word in ["未送达", "新任务", "橙色", "无法连接", "webhook:a"] {
        assert_eq!(zh.matches(word).count(), 2, "{word}: {zh}");
    }
    for word in ["dead", "obligation", "orange", "connect"] {
        assert!(!zh.contains(word), "{word}: {zh}");
    }
    let none = tocsin(
        folder.path(),
        &["desk", "notifications", "retry", "--channel", "email:x"],
    );
    assert_eq!(none.status.code(), Some(1));
    let one = dead[0]["message"].as_str().unwrap();
    let done = tocsin(
        folder.path(),
        &["desk", "notifications", "retry", "--message", one, "--json"],
    );
    assert_eq!(text(&done.stdout), "{\"retried\":1}\n");
    assert_eq!(
        (
            list(&["--state", "pending"]).len(),
            list(&["--state", "dead"]).len()
        ),
        (1, 1)
    );
    let wrong = tocsin(
        folder.path(),
        &["desk", "notifications", "list", "--state", "lost"],
    );
    assert!(
        !wrong.status.success()
            && text(&wrong.stderr).contains("pending, sent, dead, muted, skipped")
    );
}
