//! `tocsin baseline measure`: the table in the documentation is what the command prints.

use std::process::Command;

fn measure(args: &[&str]) -> String {
    let out = Command::new(env!("CARGO_BIN_EXE_tocsin"))
        .args(["baseline", "measure"])
        .args(args)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{told}");
    String::from_utf8(out.stdout).unwrap()
}

#[test]
fn the_documentation_has_the_table_of_the_command() {
    let table = measure(&[]);
    let page = include_str!("../../docs/growth.md");
    assert_eq!(table.lines().count(), 2 + 3 * 7);
    for line in table.lines() {
        assert!(
            page.contains(line),
            "not in docs/growth.md: {line}\n{table}"
        );
    }
}

#[test]
fn an_archive_is_measured_with_outbreaks_put_in() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut lines = String::new();
    for day in 1..=28 {
        for month in 1..=12 {
            for n in 0..5 + (day * month) % 4 {
                let group = if n == 0 { "rare" } else { "often" };
                lines += &format!(
                    "{{\"time\":\"2024-{month:02}-{day:02} 0{n}:00:00\",\"type\":\"{group}\"}}\n"
                );
            }
        }
    }
    std::fs::write(file.path(), lines).unwrap();
    let input = format!("{}:time:type", file.path().display());
    let text = measure(&["--json", "--input", &input]);
    let of_file: Vec<serde_json::Value> = text
        .lines()
        .skip(3 * 7)
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(of_file.len(), 7);
    for line in &of_file {
        assert!(line["outbreaks"].as_u64().unwrap() >= 8, "{line}");
        assert!(line["sensitivity"].as_f64().unwrap() > 0.2, "{line}");
    }
}
