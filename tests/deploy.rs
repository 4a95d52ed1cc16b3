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
    for name in ["kafka", "detect", "correlate", "prometheus", "grafana"] {
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
    }
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
