//! Dashboards and rules: well-formed, what the builder writes, and every expression executed by a real Prometheus on a live run.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("dashboards")
}

pub(crate) fn pages() -> Vec<(String, Value)> {
    let mut all = Vec::new();
    for page in ["analysts", "departments", "operations", "drills"] {
        let path = folder().join(format!("grafana/{page}.json"));
        let text = std::fs::read_to_string(&path).unwrap();
        all.push((page.to_owned(), serde_json::from_str(&text).unwrap()));
    }
    all
}

/// Title, description and expressions of every panel, by page.
fn panels() -> Vec<(String, Value)> {
    let mut all = Vec::new();
    for (page, page_json) in pages() {
        for panel in page_json["panels"].as_array().unwrap() {
            if panel["type"] != "row" {
                all.push((page.clone(), panel.clone()));
            }
        }
    }
    assert!(all.len() > 40, "{}", all.len());
    all
}

fn expressions(panel: &Value) -> Vec<String> {
    let targets = panel["targets"].as_array().unwrap().iter();
    targets
        .map(|it| it["expr"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn every_panel_says_what_it_shows_in_both_languages() {
    for (page, panel) in panels() {
        let title = panel["title"].as_str().unwrap();
        let (en, zh) = title
            .split_once(" / ")
            .unwrap_or_else(|| panic!("{page}: {title}"));
        assert!(en.is_ascii() && !zh.is_ascii(), "{page}: {title}");
        let description = panel["description"].as_str().unwrap_or_default();
        assert!(description.len() > 20, "{page}: {title}");
        assert!(!expressions(&panel).is_empty(), "{page}: {title}");
        assert!(panel["links"][0]["url"] == "${console}", "{page}: {title}");
    }
}

/// The builders of Grafana's SDK give the very files, so the files have the form that Grafana imports.
#[test]
fn pages_are_what_the_builder_writes() {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/.cache/grafana/bin/python");
    if !python.exists() {
        // As `tests/run --prepare` does.
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let venv = root.join("tests/.cache/grafana");
        let made = Command::new("python3")
            .args(["-m", "venv"])
            .arg(&venv)
            .status();
        assert!(
            made.is_ok_and(|made| made.success()),
            "python3-venv is needed"
        );
        let install = Command::new(venv.join("bin/pip"))
            .args(["-q", "install", "-r"])
            .arg(root.join("dashboards/requirements.txt"))
            .status();
        assert!(
            install.is_ok_and(|it| it.success()),
            "the builders cannot be fetched"
        );
    }
    let script = folder().join("build.py");
    let done = Command::new(python)
        .arg(script)
        .arg("--check")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.status.success(), "{said}");
}

#[test]
fn rules_pass_their_unit_tests() {
    let rules = folder().join("prometheus");
    for args in [
        &["check", "rules", "recording.yml", "alerts.yml"][..],
        &["test", "rules", "tests.yml", "weeks.yml"],
    ] {
        let done = Command::new("promtool")
            .args(args)
            .current_dir(&rules)
            .output();
        let done = done.expect("promtool: `tests/run --prepare` installs it");
        let said = format!(
            "{}{}",
            String::from_utf8_lossy(&done.stdout),
            String::from_utf8_lossy(&done.stderr)
        );
        assert!(done.status.success(), "{said}");
    }
}

fn rules(file: &str) -> Vec<BTreeMap<String, Value>> {
    let text = std::fs::read_to_string(folder().join("prometheus").join(file)).unwrap();
    let all: Value = serde_saphyr::from_str(&text).unwrap();
    let groups = all["groups"].as_array().unwrap().iter();
    groups
        .flat_map(|group| group["rules"].as_array().unwrap().clone())
        .map(|rule| serde_json::from_value(rule).unwrap())
        .collect()
}

#[test]
fn every_alert_rule_has_a_runbook_a_test_and_both_languages() {
    let runbooks = include_str!("../docs/runbooks.md");
    let tests = [
        include_str!("../dashboards/prometheus/tests.yml"),
        include_str!("../dashboards/prometheus/weeks.yml"),
    ]
    .concat();
    let recorded: BTreeSet<String> = rules("recording.yml")
        .iter()
        .map(|rule| rule["record"].as_str().unwrap().to_owned())
        .collect();
    for rule in rules("alerts.yml") {
        let name = rule["alert"].as_str().unwrap();
        let anchor = name.to_lowercase();
        assert!(runbooks.contains(&format!("\n## {anchor}\n")), "{name}");
        assert_eq!(
            rule["annotations"]["runbook_url"],
            format!("{{{{ $externalLabels.console }}}}runbooks#{anchor}")
        );
        assert!(
            tests.contains(&format!("alertname=\"{name}\"")),
            "{name} has no test"
        );
        assert!(
            !rule["annotations"]["summary_zh"]
                .as_str()
                .unwrap()
                .is_ascii(),
            "{name}"
        );
        let expression = rule["expr"].as_str().unwrap();
        let series = expression.split([' ', '{']).next().unwrap();
        assert!(
            series == "up" || recorded.contains(series),
            "{name}: {series}"
        );
    }
}

/// A Prometheus that scrapes one address.
pub(crate) struct Prometheus {
    child: Child,
    address: String,
    _dir: tempfile::TempDir,
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Prometheus {
    /// `console`: where links in alerts lead.
    pub(crate) fn start(target: &str, console: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for file in ["recording.yml", "alerts.yml"] {
            let text = std::fs::read_to_string(folder().join("prometheus").join(file)).unwrap();
            // Evaluated as often as it scrapes here, so that the test need not wait.
            let text = text.replace("interval: 30s", "interval: 1s");
            std::fs::write(dir.path().join(file), text).unwrap();
        }
        let config = format!(
            "global: {{scrape_interval: 1s, evaluation_interval: 1s, external_labels: {{console: '{console}'}}}}\nrule_files: [recording.yml, alerts.yml]\nscrape_configs:\n  \
             - job_name: tocsin\n    static_configs: [{{targets: ['{target}']}}]\n"
        );
        std::fs::write(dir.path().join("prometheus.yml"), config).unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let address = format!("127.0.0.1:{port}");
        let log = std::fs::File::create(dir.path().join("log")).unwrap();
        let child = Command::new("prometheus")
            .arg(format!("--web.listen-address={address}"))
            .arg("--config.file=prometheus.yml")
            .arg("--storage.tsdb.path=data")
            .current_dir(dir.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("prometheus: `tests/run --prepare` installs it");
        let prometheus = Self {
            child,
            address,
            _dir: dir,
        };
        let began = Instant::now();
        while prometheus
            .get("/-/ready", &[])
            .is_none_or(|(status, _)| status != 200)
        {
            assert!(
                began.elapsed() < Duration::from_secs(30),
                "prometheus does not start"
            );
            std::thread::sleep(Duration::from_millis(100));
        }
        prometheus
    }

    fn get(&self, path: &str, query: &[(&str, &str)]) -> Option<(u16, String)> {
        use std::io::{Read as _, Write as _};
        let mut target = path.to_owned();
        for (nth, (name, value)) in query.iter().enumerate() {
            target.push(if nth == 0 { '?' } else { '&' });
            target.push_str(name);
            target.push('=');
            for byte in value.bytes() {
                if byte.is_ascii_alphanumeric() {
                    target.push(char::from(byte));
                } else {
                    target.push_str(&format!("%{byte:02X}"));
                }
            }
        }
        let mut stream = std::net::TcpStream::connect(&self.address).ok()?;
        write!(
            stream,
            "GET {target} HTTP/1.0\r\nHost: {}\r\n\r\n",
            self.address
        )
        .ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).ok()?;
        let status = text.split(' ').nth(1)?.parse().ok()?;
        let body = text.split_once("\r\n\r\n")?.1.to_owned();
        Some((status, body))
    }

    /// The links of the alerts that are pending or firing now.
    pub(crate) fn runbooks(&self) -> BTreeSet<String> {
        let (_, body) = self.get("/api/v1/alerts", &[]).expect("an answer");
        let answer: Value = serde_json::from_str(&body).expect("JSON");
        let alerts = answer["data"]["alerts"].as_array().expect("alerts").iter();
        let links = alerts.map(|it| it["annotations"]["runbook_url"].as_str().expect("a link"));
        links.map(str::to_owned).collect()
    }

    /// The samples of an expression. The error is Prometheus' own: it does not parse.
    fn query(&self, expression: &str) -> Result<Vec<Value>, String> {
        let (status, body) = self
            .get("/api/v1/query", &[("query", expression)])
            .ok_or("no answer")?;
        let answer: Value = serde_json::from_str(&body).map_err(|error| error.to_string())?;
        if status != 200 {
            return Err(format!("{status}: {}", answer["error"]));
        }
        Ok(answer["data"]["result"]
            .as_array()
            .cloned()
            .unwrap_or_default())
    }

    /// The values that a page offers for a variable, asked for as Grafana does. The error is Prometheus' own.
    fn values(&self, label: &str, metric: &str) -> Result<Vec<Value>, String> {
        let path = format!("/api/v1/label/{label}/values");
        let (status, body) = self.get(&path, &[("match[]", metric)]).ok_or("no answer")?;
        let answer: Value = serde_json::from_str(&body).map_err(|error| error.to_string())?;
        if status != 200 {
            return Err(format!("{status}: {}", answer["error"]));
        }
        Ok(answer["data"].as_array().cloned().unwrap_or_default())
    }

    /// Waits until every expression of every panel and every recording rule has returned data, every variable of every page has a
    /// value, and every alert rule is one that Prometheus evaluates without an error.
    pub(crate) fn executes_everything(&self, within: Duration) {
        let mut left: Vec<(String, String)> = Vec::new();
        for (page, panel) in panels() {
            for expression in expressions(&panel) {
                let name = format!("{page}: {}", panel["title"].as_str().unwrap());
                left.push((name, filled(&expression)));
            }
        }
        for rule in rules("recording.yml") {
            let name = rule["record"].as_str().unwrap();
            left.push((format!("recorded {name}"), name.to_owned()));
            left.push((
                format!("rule {name}"),
                rule["expr"].as_str().unwrap().to_owned(),
            ));
        }
        for rule in rules("alerts.yml") {
            let expression = rule["expr"].as_str().unwrap();
            self.query(expression)
                .unwrap_or_else(|why| panic!("{expression}: {why}"));
        }
        let mut unfilled = variables();
        let began = Instant::now();
        while !left.is_empty() || !unfilled.is_empty() {
            unfilled.retain(|(name, label, metric)| {
                let found = self.values(label, metric);
                let found = found.unwrap_or_else(|why| panic!("{name}: {metric}: {why}"));
                found.is_empty()
            });
            left.retain(|(name, expression)| {
                let found = self.query(expression);
                let found = found.unwrap_or_else(|why| panic!("{name}: {expression}: {why}"));
                let is_number = |it: &Value| it["value"][1].as_str() != Some("NaN");
                !found.iter().any(is_number)
            });
            let names = left.iter().map(|(name, _)| name);
            let names: Vec<_> = names.chain(unfilled.iter().map(|it| &it.0)).collect();
            assert!(
                began.elapsed() < within,
                "no data in {within:?}: {names:#?}"
            );
            std::thread::sleep(Duration::from_secs(1));
        }
        let (_, body) = self.get("/api/v1/rules", &[]).expect("an answer");
        assert!(!body.contains("\"health\":\"err\""), "{body}");
    }
}

/// What fills the variables of the pages: page and variable, label, and the metric that is asked for its values.
fn variables() -> Vec<(String, String, String)> {
    let mut all = Vec::new();
    for (page, json) in pages() {
        for variable in json["templating"]["list"].as_array().unwrap() {
            if variable["type"] != "query" {
                continue;
            }
            let name = format!("{page}: ${}", variable["name"].as_str().unwrap());
            let query = &variable["query"];
            let query = query.as_str().or_else(|| query["query"].as_str());
            let query = query.unwrap_or_else(|| panic!("{name} asks for nothing"));
            let inner = query.strip_prefix("label_values(");
            let inner = inner.and_then(|rest| rest.strip_suffix(')'));
            let (metric, label) = inner
                .and_then(|inner| inner.rsplit_once(", "))
                .unwrap_or_else(|| panic!("{name}: {query}"));
            all.push((name, label.to_owned(), metric.to_owned()));
        }
    }
    assert!(all.len() >= 6, "{all:?}");
    all
}

/// Variables as a page with everything chosen fills them; shorter ranges, so that the test need not wait.
fn filled(expression: &str) -> String {
    let mut text = expression.to_owned();
    for variable in ["feed", "hazard", "department", "stage"] {
        text = text.replace(&format!("${variable}"), ".*");
    }
    assert!(!text.contains('$'), "{text}");
    text
}
