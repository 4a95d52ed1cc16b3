//! What the README and docs/operating.md say, held against the program.

use std::path::Path;
use std::process::Command;

use tocsin::core::model::RefusalCode;

const README: &str = include_str!("../README.md");
const OPERATING: &str = include_str!("../docs/operating.md");

fn tocsin(folder: &Path, args: &[&str]) -> (bool, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_tocsin"))
        .args(args)
        .current_dir(folder)
        .output()
        .unwrap();
    (
        output.status.success(),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

/// The README's configuration for an office's own Kafka.
fn configuration() -> &'static str {
    let start = README.find("```toml\n").unwrap() + "```toml\n".len();
    &README[start..start + README[start..].find("```").unwrap()]
}

#[test]
fn the_configuration_of_the_readme_loads_and_its_feed_detects() {
    let folder = tempfile::tempdir().unwrap();
    let password = folder.path().join("kafka-password");
    std::fs::write(&password, "secret\n").unwrap();
    let text = configuration().replace("/run/secrets/kafka-password", password.to_str().unwrap());
    std::fs::write(folder.path().join("tocsin.toml"), &text).unwrap();
    let (good, _, errors) = tocsin(folder.path(), &["check", "--config", "tocsin.toml"]);
    assert!(good, "{errors}");

    let row = concat!(
        r#"{"call_number":"F1","received":"2026-01-02T03:04:05Z","call_type":"Structure Fire","#,
        r#""street_block":"200 block of Harbour Street","alarms":3,"lat":37.78,"lon":-122.41}"#
    );
    std::fs::write(folder.path().join("rows.jsonl"), row).unwrap();
    let (good, reports, errors) = tocsin(
        folder.path(),
        &["decode", "--feed", "tocsin.toml", "rows.jsonl"],
    );
    assert!(good, "{errors}");
    std::fs::write(folder.path().join("reports.jsonl"), reports).unwrap();
    let (good, summary, errors) = tocsin(
        folder.path(),
        &[
            "replay",
            "--config",
            "tocsin.toml",
            "--input",
            "reports.jsonl",
            "--alerts",
            "alerts.jsonl",
            "--json",
        ],
    );
    assert!(good, "{errors}");
    let summary: serde_json::Value = serde_json::from_str(&summary).unwrap();
    assert_eq!(summary["outcomes"]["detected"], 1, "{summary} {errors}");
    let alerts = std::fs::read_to_string(folder.path().join("alerts.jsonl")).unwrap();
    let alert: serde_json::Value = serde_json::from_str(alerts.lines().next().unwrap()).unwrap();
    assert_eq!(alert["hazard"], "fire");
    assert_eq!(alert["level"], "orange");
}

#[test]
fn every_command_is_in_the_readme_and_every_command_of_the_readme_exists() {
    let (_, help, _) = tocsin(Path::new("."), &["--help"]);
    let commands = help
        .split("Commands:")
        .nth(1)
        .unwrap()
        .split("Options:")
        .next()
        .unwrap();
    for line in commands
        .lines()
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
    {
        let name = line.split_whitespace().next().unwrap();
        if name != "help" {
            assert!(
                README.contains(&format!("| `tocsin {name}")),
                "`tocsin {name}` is not in README.md"
            );
        }
    }
    for row in README
        .lines()
        .filter_map(|line| line.strip_prefix("| `tocsin "))
    {
        let usage = row.split('`').next().unwrap().replace("\\|", " ");
        let command: Vec<&str> = usage
            .split_whitespace()
            .take_while(|word| !word.starts_with('-'))
            .take(if usage.starts_with("rules") { 2 } else { 1 })
            .collect();
        let (good, _, errors) = tocsin(Path::new("."), &[command.as_slice(), &["--help"]].concat());
        assert!(good, "{command:?}: {errors}");
    }
}

#[test]
fn every_dead_letter_code_is_explained_as_the_program_explains_it() {
    let rows: Vec<&str> = OPERATING
        .lines()
        .filter(|line| line.starts_with("| D0"))
        .collect();
    let told: Vec<String> = RefusalCode::ALL
        .iter()
        .map(|code| format!("| {} | {} |", code.id(), code.help()))
        .collect();
    assert_eq!(rows, told);
}

#[test]
fn the_reasons_of_the_alert_in_the_readme_add_up() {
    let start = README.find("```json\n").unwrap() + "```json\n".len();
    let text = README[start..start + README[start..].find("```").unwrap()].to_owned();
    let alert: serde_json::Value = serde_json::from_str(&text).unwrap();
    let sum: i64 = alert["reasons"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["points"].as_i64().unwrap())
        .sum();
    assert_eq!(alert["score"], sum);
}

/// Pictures are taken by the tests: of the console by `desk::console::browser`, of the report of a drill that departments answered by
/// `kafka::desk_drills`.
#[test]
fn every_picture_of_the_readme_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pictures = 0;
    for part in README.split("![").skip(1) {
        let path = part.split("](").nth(1).unwrap().split(')').next().unwrap();
        let bytes =
            std::fs::read(root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
        if path.ends_with(".png") {
            assert!(
                bytes.starts_with(b"\x89PNG") && bytes.len() > 20_000,
                "{path}"
            );
            pictures += 1;
        }
    }
    assert!(pictures >= 3, "console and drill report");
}
