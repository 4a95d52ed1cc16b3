//! What is shipped for deployment, held against the tools that read it; and the commands of an operations team.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn folder(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn run(command: &mut Command) -> (bool, String) {
    let shown = format!("{command:?}");
    let done: Output = command
        .output()
        .unwrap_or_else(|error| panic!("{shown}: {error}; `tests/run --prepare` installs it"));
    let text = [done.stdout, done.stderr].concat();
    (
        done.status.success(),
        String::from_utf8_lossy(&text).into_owned(),
    )
}

fn tocsin() -> Command {
    Command::new(env!("CARGO_BIN_EXE_tocsin"))
}

#[test]
fn yaml_is_clean() {
    let (clean, said) = run(Command::new("yamllint")
        .args([
            "--strict",
            "-c",
            "deploy/.yamllint.yaml",
            "deploy",
            "dashboards/provisioning",
            "dashboards/prometheus",
        ])
        .current_dir(folder(".")));
    assert!(clean, "{said}");
}

/// Compose's own client, where it is installed, reads the file; everywhere, what it names must be there.
#[test]
fn the_compose_file_names_what_is_there() {
    let text = std::fs::read_to_string(folder("deploy/compose.yaml")).unwrap();
    let compose: serde_json::Value = serde_saphyr::from_str(&text).unwrap();
    let services = compose["services"].as_object().unwrap();
    for name in [
        "kafka",
        "postgres",
        "detect",
        "correlate",
        "desk",
        "proxy",
        "prometheus",
        "grafana",
    ] {
        assert!(services.contains_key(name), "{name}");
    }
    for (name, service) in services {
        // What `<<` merges in stands beside it for readers that do not merge.
        let own = service["security_opt"][0] == "no-new-privileges:true";
        let hardened = own || service["<<"]["security_opt"][0] == "no-new-privileges:true";
        assert!(hardened || name == "kafka", "{name}");
        for volume in service["volumes"].as_array().into_iter().flatten() {
            let source = volume.as_str().unwrap().split(':').next().unwrap();
            if source.starts_with('.') {
                let path = folder("deploy").join(source);
                assert!(path.exists(), "{name}: {source}");
            }
        }
        for port in service["ports"].as_array().into_iter().flatten() {
            assert!(
                port.as_str().unwrap().starts_with("127.0.0.1:"),
                "{name}: {port}"
            );
        }
    }
    let has_client = Command::new("docker").args(["compose", "version"]).output();
    if has_client.is_ok_and(|done| done.status.success()) {
        let (good, said) = run(Command::new("docker")
            .args(["compose", "-f", "deploy/compose.yaml", "config", "--quiet"])
            .current_dir(folder(".")));
        assert!(good, "{said}");
    } else if !crate::left_out("compose") {
        read_by_the_older_client(&text);
    }
}

/// The client of Debian's package knows everything but the name of the project.
fn read_by_the_older_client(text: &str) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("compose.yaml");
    let lines = text.lines().filter(|line| !line.starts_with("name:"));
    let text: Vec<&str> = lines.collect();
    let read = |text: &str| {
        std::fs::write(&file, text).unwrap();
        run(Command::new("docker-compose")
            .arg("-f")
            .arg(&file)
            .arg("--project-directory")
            .arg(folder("deploy"))
            .args(["config", "--quiet"]))
    };
    let text = text.join("\n");
    let (good, said) = read(&text);
    assert!(good, "{said}");
    let (good, _) = read(&text.replace("service_healthy", "service_in_good_health"));
    assert!(!good, "it reads what it is given");
}

#[test]
fn the_proxy_reads_its_configuration() {
    if crate::left_out("caddy") {
        return;
    }
    let (good, said) = run(Command::new("caddy")
        .args(["validate", "--adapter", "caddyfile", "--config"])
        .arg(folder("deploy/Caddyfile")));
    assert!(good, "{said}");
}

#[test]
fn the_configurations_are_read_by_what_they_are_for() {
    let key = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(key.path(), "a drill key of a test, no secret\n").unwrap();
    let (good, said) = run(tocsin()
        .args(["--config", "deploy/tocsin.toml", "check"])
        .env("TOCSIN__DRILLS__KEY_FILE", key.path())
        .current_dir(folder(".")));
    assert!(good, "{said}");
    let dir = tempfile::tempdir().unwrap();
    for file in [
        "deploy/prometheus.yml",
        "dashboards/prometheus/recording.yml",
        "dashboards/prometheus/alerts.yml",
    ] {
        let name = Path::new(file).file_name().unwrap();
        std::fs::copy(folder(file), dir.path().join(name)).unwrap();
    }
    let (good, said) = run(Command::new("promtool")
        .args(["check", "config", "prometheus.yml"])
        .current_dir(dir.path()));
    assert!(good, "{said}");
}

#[test]
fn the_unit_is_valid_and_hardened() {
    if crate::left_out("systemd") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let unit = std::fs::read_to_string(folder("deploy/tocsin.service")).unwrap();
    // verify looks whether the program is there.
    let unit = unit.replace("/usr/local/bin/tocsin", env!("CARGO_BIN_EXE_tocsin"));
    let path = dir.path().join("tocsin.service");
    std::fs::write(&path, unit).unwrap();
    let (good, said) = run(Command::new("systemd-analyze").arg("verify").arg(&path));
    assert!(good && said.is_empty(), "{said}");
    let (good, said) = run(Command::new("systemd-analyze")
        .args(["security", "--offline=true", "--threshold=20", "--no-pager"])
        .arg(&path));
    assert!(good, "{said}");
}

#[test]
fn the_image_is_built_in_stages_and_runs_as_nobody() {
    let text = std::fs::read_to_string(folder("deploy/Containerfile")).unwrap();
    assert_eq!(
        text.lines()
            .filter(|line| line.starts_with("FROM "))
            .count(),
        2
    );
    let last = &text[text.rfind("FROM ").unwrap()..];
    for line in [
        "USER 10001:10001",
        "HEALTHCHECK ",
        "ENTRYPOINT [\"tocsin\"]",
    ] {
        assert!(last.contains(line), "{line}");
    }
    // What is copied is there, and every bench of the manifest has its stand-in.
    for line in text
        .lines()
        .filter(|line| line.starts_with("COPY ") && !line.contains("--from"))
    {
        for source in line
            .split(' ')
            .skip(1)
            .filter(|word| !word.starts_with("./"))
        {
            assert!(folder(source).exists(), "{line}");
        }
    }
    let manifest = std::fs::read_to_string(folder("Cargo.toml")).unwrap();
    for bench in manifest.split("[[bench]]").skip(1) {
        let name = bench.split('"').nth(1).unwrap();
        assert!(text.contains(name), "the image leaves out the bench {name}");
    }
}

#[test]
fn the_container_file_is_free_of_findings() {
    if crate::left_out("hadolint") {
        return;
    }
    let linter = folder("tests/.cache/hadolint/bin/hadolint");
    let (good, said) = run(Command::new(&linter).arg(folder("deploy/Containerfile")));
    assert!(good && said.is_empty(), "{said}");
    let text = std::fs::read_to_string(folder("deploy/Containerfile")).unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text.replace("USER 10001:10001", "USER root")).unwrap();
    let (good, said) = run(Command::new(&linter).arg(file.path()));
    assert!(
        !good && said.contains("DL3002"),
        "it reads what it is given: {said}"
    );
}

/// What the compiler embeds is in the image's build, which has no more than is copied into it.
#[test]
fn the_image_has_every_file_that_is_embedded() {
    let image = std::fs::read_to_string(folder("deploy/Containerfile")).unwrap();
    let mut seen = 0;
    let mut folders = vec![folder("src")];
    while let Some(path) = folders.pop() {
        for entry in std::fs::read_dir(path).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let Ok(text) = std::fs::read_to_string(&path) else {
                continue;
            };
            // Unit tests are not in the image's build.
            let text = text.split("#[cfg(test)]").next().unwrap_or_default();
            for part in text
                .split("include_str!(\"")
                .skip(1)
                .chain(text.split("include_bytes!(\"").skip(1))
            {
                let file = path.parent().unwrap().join(part.split('"').next().unwrap());
                let file = file
                    .canonicalize()
                    .unwrap_or_else(|e| panic!("{}: {e}", file.display()));
                let inside = file
                    .strip_prefix(folder(".").canonicalize().unwrap())
                    .unwrap()
                    .to_owned();
                let top = inside
                    .components()
                    .next()
                    .unwrap()
                    .as_os_str()
                    .to_str()
                    .unwrap()
                    .to_owned();
                assert!(
                    image.contains(&format!("COPY {top} ./{top}")),
                    "{}",
                    inside.display()
                );
                seen += 1;
            }
        }
    }
    assert!(seen > 10, "{seen}");
}

#[test]
fn doctor_says_what_is_wrong_and_what_to_do() {
    let done = tocsin()
        .args(["doctor", "--json"])
        .env("TOCSIN__KAFKA__BROKERS", "127.0.0.1:1")
        .output()
        .unwrap();
    assert_eq!(done.status.code(), Some(1));
    let shown: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(shown["ok"], false);
    let findings = shown["findings"].as_array().unwrap();
    let of = |about: &str| findings.iter().find(|one| one["about"] == about).unwrap();
    assert_eq!(of("broker")["state"], "failed");
    assert_eq!(of("drills")["state"], "warning");
    assert!(of("drills")["help"].as_str().unwrap().contains("drill key"));
    assert_eq!(of("rules")["state"], "ok");
    let alive = tocsin()
        .args(["doctor", "--alive"])
        .env("TOCSIN__HTTP__LISTEN", "127.0.0.1:1")
        .output()
        .unwrap();
    assert_eq!(alive.status.code(), Some(1), "nobody listens there");
}

fn doctor_of_the_desk(url: &str, enabled: bool) -> (Vec<serde_json::Value>, String) {
    let done = tocsin()
        .args(["doctor", "--json"])
        .env("TOCSIN__KAFKA__BROKERS", "127.0.0.1:1")
        .env("TOCSIN__DESK__URL", url)
        .env("TOCSIN__DESK__ENABLED", enabled.to_string())
        .output()
        .unwrap();
    let text = String::from_utf8(done.stdout).unwrap();
    let shown: serde_json::Value = serde_json::from_str(&text).unwrap();
    let findings = shown["findings"].as_array().unwrap().iter();
    let desk = findings.filter(|one| one["about"] == "desk").cloned();
    (desk.collect(), text)
}

#[test]
fn doctor_looks_at_the_store_of_the_desk_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("desk.db");
    let url = format!("sqlite:{}", file.display());
    let (found, _) = doctor_of_the_desk(&url, false);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0]["what"].as_str().unwrap().contains("no desk here"));
    assert!(!file.exists(), "a look makes no database");

    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = tocsin::desk::Store::open(&url).await.unwrap();
        store.close().await;
    });
    let (found, _) = doctor_of_the_desk(&url, true);
    let states: Vec<&str> = found
        .iter()
        .map(|it| it["state"].as_str().unwrap())
        .collect();
    assert_eq!(states, ["ok", "ok", "warning"], "{found:#?}");
    assert!(
        found[1]["what"]
            .as_str()
            .unwrap()
            .contains("of this version")
    );
    assert!(found[2]["help"].as_str().unwrap().contains("tocsin desk"));

    let wrong = dir.path().join("letter.db");
    std::fs::write(
        &wrong,
        "Dear reader, this is no database at all.\n".repeat(50),
    )
    .unwrap();
    let (found, _) = doctor_of_the_desk(&format!("sqlite:{}", wrong.display()), true);
    assert_eq!(found[0]["state"], "failed", "{found:#?}");
    assert!(!found[0]["help"].as_str().unwrap().is_empty());

    let (found, text) = doctor_of_the_desk("postgres://u:open-sesame@127.0.0.1:1/d", true);
    assert_eq!(found[0]["state"], "failed", "{found:#?}");
    assert!(
        found[0]["help"]
            .as_str()
            .unwrap()
            .contains("start the database")
    );
    assert!(!text.contains("open-sesame"), "{text}");
}

/// Who asks a store that is not there for a month, or whether its trail is whole, learns that, and not that nothing happened.
#[test]
fn commands_that_read_make_no_database() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("desk.db");
    let url = format!("sqlite:{}", file.display());
    let all: [&[&str]; 3] = [
        &["assess", "--month", "2026-10"],
        &["desk", "audit", "verify"],
        &["desk", "notifications", "list"],
    ];
    for args in all {
        let (good, said) = run(tocsin().args(args).env("TOCSIN__DESK__URL", &url));
        assert!(!good && said.contains("desk.url"), "{args:?}: {said}");
        assert!(!file.exists(), "{args:?}");
    }
}

#[test]
fn completions_and_manual_pages_know_every_command() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let (good, text) = run(tocsin().args(["completions", shell]));
        assert!(
            good && text.contains("dead-letters") && text.contains("drill"),
            "{shell}"
        );
    }
    let dir = tempfile::tempdir().unwrap();
    let (good, said) = run(tocsin().args(["man", "--out"]).arg(dir.path()));
    assert!(good, "{said}");
    for page in [
        "tocsin.1",
        "tocsin-run.1",
        "tocsin-drill-run.1",
        "tocsin-rules-test.1",
    ] {
        let text = std::fs::read_to_string(dir.path().join(page))
            .unwrap_or_else(|e| panic!("{page}: {e}"));
        assert!(text.contains(".SH NAME"), "{page}");
    }
}

#[test]
fn every_link_of_the_guides_leads_somewhere() {
    for page in [
        "docs/operations.md",
        "docs/runbooks.md",
        "docs/drills.md",
        "deploy/README.md",
        "dashboards/README.md",
    ] {
        let path = folder(page);
        let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{page}: {e}"));
        for link in text.split("](").skip(1) {
            let target = link.split(')').next().unwrap();
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let file = path.parent().unwrap().join(if file.is_empty() {
                path.file_name().unwrap().to_str().unwrap()
            } else {
                file
            });
            assert!(file.exists(), "{page}: {target}");
            if !anchor.is_empty() {
                let text = std::fs::read_to_string(&file).unwrap().to_lowercase();
                let heads = text.lines().filter(|line| line.starts_with('#'));
                let slugs = heads.map(|line| {
                    line.trim_start_matches('#')
                        .trim()
                        .replace(' ', "-")
                        .replace([',', '.', '`'], "")
                });
                assert!(
                    slugs.into_iter().any(|slug| slug == anchor),
                    "{page}: {target}"
                );
            }
        }
    }
}
