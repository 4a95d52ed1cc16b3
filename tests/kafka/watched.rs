//! Shadow rules, watched by a desk: what its page of rules says of what is on the topic of their hits.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use super::desk_api::{DeskApi, free, settings};
use super::drills::{Site, wall};
use super::tools::{read_committed, until};

const LIVE: &str = "title: Fire\nid: fire\nstatus: stable\ndetection:\n  a: {any|contains: on fire}\n  condition: a\ntocsin:\n  hazard: \
                    fire\n  score: {base: 60}\n";
const SHADOW: &str = "title: Smoke\nid: smoke\nstatus: test\ndetection:\n  a: {any|contains: [smoke, on fire]}\n  condition: a\ntocsin:\n  \
                      hazard: fire\n  score: {base: 40}\n";
const SILENT: &str = "title: Ash\nid: ash\nstatus: test\ndetection:\n  a: {any|contains: volcanic ash}\n  condition: a\ntocsin:\n  hazard: \
                      fire\n  score: {base: 40}\n";

/// The answer to a request that a browser would make; none while nobody answers.
fn browse(address: &str, request: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    let patience = Some(Duration::from_secs(20));
    stream.set_read_timeout(patience).ok()?;
    write!(stream, "{request}").ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    Some(text)
}

/// The cookie of a session.
fn log_in(address: &str, token: &str) -> Option<String> {
    let body = format!("token={token}");
    let said = browse(
        address,
        &format!(
            "POST /login HTTP/1.0\r\nHost: {address}\r\nOrigin: http://{address}\r\nContent-Type: \
             application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        ),
    )?;
    let cookie = said
        .lines()
        .find_map(|line| line.strip_prefix("set-cookie: "))?;
    Some(cookie.split(';').next()?.to_owned())
}

/// The page of rules.
fn page(address: &str, cookie: &str) -> Option<String> {
    browse(
        address,
        &format!(
            "GET /rules HTTP/1.0\r\nHost: {address}\r\nAccept: text/html\r\nAccept-Language: en\r\nCookie: {cookie}\r\n\r\n"
        ),
    )
}

/// The row of a rule on the page of rules.
fn row(address: &str, cookie: &str, rule: &str) -> Option<String> {
    let page = page(address, cookie)?;
    let from = page.find(&format!("<tr id=\"{rule}\""))?;
    let row = &page[from..];
    Some(row[..row.find("</tr>")?].to_owned())
}

/// Two reports that only the shadow rule sees, one that the live rule sees too; a later look finds what came after the first.
#[test]
fn a_desk_shows_what_shadow_rules_on_the_topic_would_have_done() {
    let address = free();
    let desk = settings(&address).replace(
        "[desk]\nenabled = true",
        "[desk]\nenabled = false\nshadow_min_days = 3",
    );
    let more = format!("[http]\nenabled = false\n{desk}[paths]\nrules = \"rules\"\n");
    let site = Site::with("watched", "wall", 10, &more, |folder| {
        let rules = folder.join("rules");
        std::fs::create_dir(&rules).expect("a folder");
        for (name, text) in [("fire", LIVE), ("smoke", SHADOW), ("ash", SILENT)] {
            std::fs::write(rules.join(format!("{name}.yml")), text).expect("a rule");
        }
    });
    let send = |id: &str, text: &str| {
        let report = json!({"id": id, "title": "", "text": text, "lat": 31.2, "lon": 121.5});
        site.send("posts", wall(), &report, &[]);
    };
    send("1", "Thick smoke over the harbour");
    send("2", "Smoke from a cellar");
    send("3", "A house is on fire");
    let running = site.run_as("run", &["run"], &[]);
    let hits = || {
        let seen = read_committed(&site.brokers, &site.names.shadow);
        let values = seen.iter().map(super::tools::Seen::json::<Value>);
        // The others are signs of life.
        values.filter(|it| it["watched"].is_null()).count()
    };
    until(Duration::from_secs(60), "the shadow rule fires", || {
        hits() == 3
    });

    let _desk = site.run_as("desk", &["desk"], &[]);
    let token = DeskApi::new(&site, &address, "analyst").token;
    let mut cookie = None;
    let began = std::time::Instant::now();
    while cookie.is_none() {
        let waited = began.elapsed();
        assert!(waited < Duration::from_secs(60), "{}", site.log_of("desk"));
        std::thread::sleep(Duration::from_millis(100));
        cookie = log_in(&address, &token);
    }
    let cookie = cookie.expect("a session");
    let mut seen = String::new();
    until(Duration::from_secs(60), "the hits are shown", || {
        seen = row(&address, &cookie, "smoke").unwrap_or_default();
        seen.contains("<td class=\"n\">3</td>")
    });
    assert!(seen.contains("Thick smoke over the harbour"), "{seen}");
    assert!(seen.contains("2 / "), "two are new: {seen}");
    assert!(seen.contains("Watched for 0.0 days only."), "{seen}");
    let bars = page(&address, &cookie).expect("a page");
    assert!(bars.contains("watched for at least 3 days"), "{bars}");
    let silent = row(&address, &cookie, "ash").expect("a row");
    assert!(
        silent.contains("<td class=\"n\">0</td>") && silent.contains("Watched for 0.0 days only."),
        "it never fired, and reports were held against it: {silent}"
    );

    // Read on, not anew: each counts once.
    send("4", "More smoke");
    until(Duration::from_secs(150), "the fourth is shown", || {
        seen = row(&address, &cookie, "smoke").unwrap_or_default();
        seen.contains("<td class=\"n\">4</td>")
    });
    drop(running);
}
