//! Asking a running process for its rule set to be read again, over HTTP: through the built binary, here `tocsin demo`.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// A demo with rules of its own, ended with the test.
struct Demo {
    child: Child,
    address: String,
    folder: tempfile::TempDir,
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn rule(id: &str) -> String {
    format!(
        "title: Everything\nid: {id}\nstatus: stable\ndetection:\n  a: {{kind: [news, post, hotline, dispatch, sensor, official]}}\n  \
         condition: a\ntocsin: {{hazard: fire, score: {{base: 30}}}}\n"
    )
}

impl Demo {
    fn start(http: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("rules")).unwrap();
        std::fs::write(folder.path().join("rules/r.yml"), rule("before")).unwrap();
        let config = folder.path().join("tocsin.toml");
        let text =
            format!("[paths]\nrules = \"rules\"\n[http]\nlisten = \"127.0.0.1:0\"\n{http}\n");
        std::fs::write(&config, text).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_tocsin"));
        crate::without_settings(&mut command);
        let mut child = command
            .args(["demo", "--speed", "20", "--config"])
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = lines.find_map(|line| {
            let line = line.unwrap();
            let rest = line.strip_prefix("http://")?;
            Some(rest.strip_suffix("/metrics")?.to_owned())
        });
        // What else it says is read and dropped, so that it never waits.
        std::thread::spawn(move || lines.for_each(drop));
        Self {
            child,
            address: address.expect("an address"),
            folder,
        }
    }

    fn rules(&self) -> PathBuf {
        self.folder.path().join("rules/r.yml")
    }

    /// Status and body.
    fn ask(&self, method: &str, path: &str, headers: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(70)))
            .unwrap();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nContent-Length: 0\r\nConnection: close\r\n{headers}\r\n",
            self.address
        )
        .unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let status = text.split(' ').nth(1).unwrap().parse().unwrap();
        let body = text.split_once("\r\n\r\n").unwrap().1.to_owned();
        (status, body)
    }

    fn reload(&self, headers: &str) -> (u16, Value) {
        let (status, body) = self.ask("POST", "/api/rules/reload", headers);
        (
            status,
            serde_json::from_str(&body).unwrap_or_else(|e| panic!("{e}: {body}")),
        )
    }

    fn metrics(&self) -> String {
        self.ask("GET", "/metrics", "").1
    }

    fn until(&self, what: &str) {
        let began = Instant::now();
        while !self.metrics().contains(what) {
            assert!(
                began.elapsed() < Duration::from_secs(60),
                "no `{what}`:\n{}",
                self.metrics()
            );
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

/// Written and exchanged, as a deployment does; the folder is hidden from the watch by its name until then.
fn exchange(path: &Path, text: &str) {
    let beside = path.with_file_name(".r.yml");
    std::fs::write(&beside, text).unwrap();
    std::fs::rename(&beside, path).unwrap();
}

#[test]
fn a_reload_is_asked_for_and_answered() {
    let demo = Demo::start("");
    let (status, reply) = demo.reload("");
    assert_eq!(
        (status, &reply["outcome"]),
        (200, &"unchanged".into()),
        "{reply}"
    );
    let first = reply["rule_set"].as_str().unwrap().to_owned();
    demo.until("rule=\"before\"");

    exchange(&demo.rules(), "title: [\n");
    let (status, reply) = demo.reload("");
    assert_eq!(
        (status, &reply["outcome"]),
        (422, &"refused".into()),
        "{reply}"
    );
    assert_eq!(reply["rule_set"], *first);
    let finding = &reply["diagnostics"][0];
    assert_eq!(
        (&finding["code"], &finding["gravity"]),
        (&"T0001".into(), &"error".into())
    );
    assert!(
        finding["file"].as_str().unwrap().ends_with("r.yml") && finding["line"].as_u64() > Some(0)
    );
    assert!(
        demo.ask("GET", "/readyz", "")
            .1
            .contains("the files are broken")
    );

    exchange(&demo.rules(), &rule("after"));
    let (status, reply) = demo.reload("");
    // The watch may have been quicker.
    let version = reply["rule_set"].as_str().unwrap();
    assert_eq!(status, 200, "{reply}");
    assert!(
        reply["outcome"] == "unchanged" || reply["before"] == *first,
        "{reply}"
    );
    assert_ne!(version, first);
    demo.until("rule=\"after\"");
    let metrics = demo.metrics();
    assert!(metrics.contains(&format!("tocsin_rule_set_info{{version=\"{version}\"}} 1")));
    for outcome in ["applied", "refused", "unchanged"] {
        let none = format!("tocsin_rule_set_reloads_total{{outcome=\"{outcome}\"}} 0");
        assert!(!metrics.contains(&none), "{none}");
    }
    assert!(!demo.ask("GET", "/readyz", "").1.contains("broken"));
    // Not by a page in a browser, not by reading.
    let (status, reply) = demo.reload("Origin: http://127.0.0.1\r\n");
    assert_eq!(status, 403, "{reply}");
    assert_eq!(demo.ask("GET", "/api/rules/reload", "").0, 405);
}

#[test]
fn with_a_token_it_is_the_token_that_counts() {
    let hash: String = Sha256::digest("a long secret")
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    let demo = Demo::start(&format!("reload_token_sha256 = \"{hash}\""));
    for wrong in ["", "Authorization: Bearer another\r\n"] {
        let (status, reply) = demo.reload(wrong);
        assert_eq!(status, 401, "{reply}");
        assert!(!reply.to_string().contains(&hash));
    }
    let (status, reply) =
        demo.reload("Authorization: Bearer a long secret\r\nOrigin: http://elsewhere.example\r\n");
    assert_eq!(
        (status, &reply["outcome"]),
        (200, &"unchanged".into()),
        "{reply}"
    );
}
