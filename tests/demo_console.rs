//! `tocsin demo` and its console: the address that it prints opens a board with what the stream brought.

use std::io::{BufRead as _, BufReader, Lines, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// A demo, ended with the test.
struct Demo(Child);

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A demo with these settings at this speed, and what it prints.
fn started(
    folder: &tempfile::TempDir,
    settings: &str,
    speed: u32,
) -> (Demo, Lines<BufReader<ChildStdout>>) {
    let config = folder.path().join("tocsin.toml");
    std::fs::write(&config, settings).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_tocsin"));
    crate::without_settings(&mut command);
    let child = command
        .args([
            "demo",
            "--speed",
            &speed.to_string(),
            "--lang",
            "en",
            "--config",
        ])
        .arg(&config)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut demo = Demo(child);
    let lines = BufReader::new(demo.0.stdout.take().unwrap()).lines();
    (demo, lines)
}

/// What a browser is answered: head and body.
fn browse(address: &str, path: &str, cookie: &str, language: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).expect("the console listens");
    let patience = Some(Duration::from_secs(30));
    stream.set_read_timeout(patience).unwrap();
    write!(
        stream,
        "GET {path} HTTP/1.0\r\nHost: {address}\r\nAccept: text/html\r\nAccept-Language: {language}\r\nCookie: {cookie}\r\n\r\n"
    )
    .unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").expect("an answer");
    (head.to_owned(), body.to_owned())
}

/// SIGHUP reads the rule set again, as in `run`, and does not end the demo.
#[test]
fn the_demo_reads_its_rules_again_on_sighup() {
    let folder = tempfile::tempdir().unwrap();
    let text = "[http]\nlisten = \"127.0.0.1:0\"\n[desk.http]\nlisten = \"127.0.0.1:0\"\n";
    let (mut demo, mut lines) = started(&folder, text, 1);
    let address = lines.find_map(|line| {
        let line = line.unwrap();
        let address = line.strip_prefix("http://")?.strip_suffix("/metrics")?;
        Some(address.to_owned())
    });
    let address = address.expect("it prints where the metrics are");
    std::thread::spawn(move || lines.for_each(drop));
    let pid = demo.0.id().to_string();
    let told = Command::new("kill").args(["-HUP", &pid]).status();
    assert!(told.unwrap().success());
    let began = Instant::now();
    loop {
        assert_eq!(demo.0.try_wait().unwrap(), None, "it goes on");
        let (_, metrics) = browse(&address, "/metrics", "", "en");
        let read = "tocsin_rule_set_reloads_total{outcome=\"unchanged\"} 1";
        if metrics.contains(read) {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "{metrics}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn the_demo_opens_with_the_console_and_prints_its_address() {
    let folder = tempfile::tempdir().unwrap();
    let text = "[http]\nenabled = false\n[desk.http]\nlisten = \"127.0.0.1:0\"\n";
    let (_demo, mut lines) = started(&folder, text, 20);
    let login =
        lines.find_map(|line| Some(line.unwrap().strip_prefix("desk: http://")?.to_owned()));
    let login = login.expect("it prints where the desk is");
    // Nobody else reads what it prints.
    std::thread::spawn(move || lines.for_each(drop));
    let (address, path) = login.split_once('/').expect("an address and a path");
    let (head, _) = browse(address, &format!("/{path}"), "", "en");
    let cookie = head
        .lines()
        .find_map(|line| line.strip_prefix("set-cookie: "))
        .unwrap_or_else(|| panic!("a session begins: {head}"));
    let cookie = cookie.split(';').next().unwrap();

    let began = Instant::now();
    loop {
        let (head, board) = browse(address, "/", cookie, "en");
        assert!(head.contains(" 200 "), "{head}");
        if board.contains("href=\"/incidents/") {
            break;
        }
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "no incident: {board}"
        );
        std::thread::sleep(Duration::from_millis(200));
    }
    for page in [
        "/agenda",
        "/departments",
        "/rules",
        "/feeds",
        "/audit",
        "/silences",
    ] {
        let (head, body) = browse(address, page, cookie, "zh");
        assert!(
            head.contains(" 200 ") && body.contains("lang=\"zh"),
            "{page}: {head}"
        );
    }
    // What is not there is said on a page, in the reader's language.
    for (page, status) in [
        ("/incidents/nope", " 400 "),
        ("/incidents/00000000-0000-0000-0000-000000000000", " 404 "),
        ("/departments/nowhere", " 404 "),
        ("/nowhere", " 404 "),
    ] {
        let (head, body) = browse(address, page, cookie, "zh");
        assert!(
            head.contains(status) && body.contains("操作未成功"),
            "{page}: {head}\n{body}"
        );
    }
}
