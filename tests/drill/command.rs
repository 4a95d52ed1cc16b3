//! The commands that need no Kafka.

use std::process::{Command, Stdio};

fn tocsin(args: &[&str]) -> (Option<i32>, String, String) {
    let done = Command::new(env!("CARGO_BIN_EXE_tocsin"))
        .args(args)
        .stdin(Stdio::null())
        .output()
        .expect("run tocsin");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (done.status.code(), text(&done.stdout), text(&done.stderr))
}

#[test]
fn a_new_scenario_passes_its_check() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("school fire.yml");
    let file = file.to_str().unwrap();
    assert_eq!(tocsin(&["drill", "new", file]).0, Some(0));
    let (code, _, said) = tocsin(&["drill", "new", file]);
    assert_eq!(code, Some(1), "it is not overwritten: {said}");
    assert!(said.contains("name another one"), "what to do: {said}");
    let (code, out, said) = tocsin(&["drill", "check", file, "--json"]);
    assert_eq!(code, Some(0), "{out} {said}");
    let shown: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(shown["ok"], true);
    assert_eq!(shown["reports"][0]["scenario"], "school-fire");
}

#[test]
fn a_new_scenario_starts_from_another_one_and_is_found_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("scenarios/ours.yml");
    std::fs::create_dir(own.parent().unwrap()).unwrap();
    let file = own.to_str().unwrap();
    let (code, _, said) = tocsin(&["drill", "new", file, "--from", "gas-leak-school"]);
    assert_eq!(code, Some(0), "{said}");
    let text = std::fs::read_to_string(&own).unwrap();
    assert!(
        text.contains("\nid: ours\n") && text.contains("Gas leak"),
        "{text}"
    );
    let done = Command::new(env!("CARGO_BIN_EXE_tocsin"))
        .args(["drill", "check", "ours"])
        .env("TOCSIN_DRILL_RUNS", folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(
        done.status.success(),
        "the folder of scenarios is looked in: {said}"
    );
    let (code, _, said) = tocsin(&["drill", "new", "-", "--from", "nowhere"]);
    assert_eq!(code, Some(1));
    assert!(said.contains("gas-leak-school"), "which there are: {said}");
    let (code, _, said) = tocsin(&["drill", "new", "-", "--id", "Ours"]);
    assert_eq!(code, Some(1));
    assert!(said.contains("a–z"), "{said}");
}

#[test]
fn a_wrong_scenario_is_shown_with_every_finding() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("wrong.yml");
    std::fs::write(&file, "id: Wrong\ntitle: x\nlast: 5\nscript: [{step: a}]\n").unwrap();
    let (code, _, said) = tocsin(&["drill", "check", file.to_str().unwrap()]);
    assert_eq!(code, Some(2), "{said}");
    for found in ["T0302", "T0303", "T0304", "`last` is no key"] {
        assert!(said.contains(found), "{found}: {said}");
    }
}

#[test]
fn a_dry_run_prints_records_and_needs_neither_key_nor_kafka() {
    let (code, out, said) = tocsin(&[
        "drill",
        "run",
        "gas-leak-school",
        "--dry-run",
        "--exercise",
        "try-1",
    ]);
    assert_eq!(code, Some(0), "{said}");
    let lines: Vec<serde_json::Value> = out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(lines.len() > 40);
    assert_eq!(lines[0]["report"], "try-1-00001");
    assert_eq!(lines[0]["topic"], "feed.hotline-zh");
    let value = lines[0]["value"].as_str().unwrap();
    let value: serde_json::Value = serde_json::from_str(value).unwrap();
    assert_eq!(value["status"], "exercise");
}

#[test]
fn a_run_without_a_key_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let runs = folder.path().to_str().unwrap();
    let (code, _, said) = tocsin(&["drill", "run", "gas-leak-school", "--runs", runs]);
    assert_eq!(code, Some(1));
    assert!(said.contains("tocsin drill key"), "{said}");
}

#[test]
fn a_key_is_long_private_and_signs() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key");
    assert_eq!(
        tocsin(&["drill", "key", "--out", key.to_str().unwrap()]).0,
        Some(0)
    );
    let text = std::fs::read_to_string(&key).unwrap();
    assert_eq!(text.trim().len(), 64);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(&key).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let body = folder.path().join("body.json");
    std::fs::write(&body, r#"{"id": "r-1", "text": "Fire at the mill"}"#).unwrap();
    let done = Command::new(env!("CARGO_BIN_EXE_tocsin"))
        .args([
            "drill",
            "sign",
            "--exercise",
            "e-1",
            "--feed",
            "posts",
            "--report-id",
            "r-1",
            "--json",
        ])
        .arg(&body)
        .env("TOCSIN__DRILLS__KEY_FILE", &key)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.status.success(), "{said}");
    let shown: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
    let drill = tocsin::core::detect::DrillKey::new(text.trim().as_bytes()).unwrap();
    let bytes = std::fs::read(&body).unwrap();
    assert_eq!(
        shown["ce_exercisemac"],
        drill.mac("e-1", "posts", "r-1", &bytes)
    );
    assert_eq!(shown["ce_exerciseid"], "e-1");
}

#[test]
fn reports_call_departments_by_their_names() {
    for (lang, name) in [
        ("en", "acknowledged by Utilities"),
        ("zh", "签收：公用事业"),
    ] {
        let (code, out, said) = tocsin(&["drill", "check", "gas-leak-school", "--report", lang]);
        assert_eq!(code, Some(0), "{said}");
        assert!(out.contains(name), "{name}: {out}");
        assert!(!out.contains("utilities"), "an id is for programs: {out}");
    }
}
