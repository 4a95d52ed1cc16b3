//! How good the shipped rules are on labelled sets that are not in this repository: `tocsin rules quality` reaches what is wanted.
//!
//! `TOCSIN_QUALITY_DATA=FOLDER cargo test --test integration quality -- --ignored --nocapture` prints its table; FOLDER holds the files
//! that `tests/data/quality.yaml` names. The command alone measures; here is only asserted.

use std::process::{Command, Output};

use serde_json::Value;

fn quality(data: &str, form: &str) -> Output {
    let sets = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/quality.yaml");
    let mut command = Command::new(env!("CARGO_BIN_EXE_tocsin"));
    crate::without_settings(&mut command);
    let args = ["rules", "quality", sets, "--data", data, form];
    command.args(args).output().unwrap()
}

#[test]
#[ignore = "needs labelled sets: TOCSIN_QUALITY_DATA"]
fn quality_of_the_packs() {
    let data = std::env::var("TOCSIN_QUALITY_DATA").expect("TOCSIN_QUALITY_DATA");
    let output = quality(&data, "--markdown");
    println!("{}", String::from_utf8_lossy(&output.stdout));
    let output = quality(&data, "--json");
    let shown: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        shown["absent"],
        serde_json::json!([]),
        "a set was not measured"
    );
    assert_eq!(shown["missed"], serde_json::json!([]));
    assert!(output.status.success());
    assert!(shown["rows"].as_array().unwrap().len() >= 20);
}

/// `--errors` writes what went wrong on the half to learn from, with the rules that fired, and nothing of the half that judges.
#[test]
fn errors_are_of_the_half_to_learn_from() {
    let folder = tempfile::tempdir().unwrap();
    let mut rows = String::new();
    for id in 0..64 {
        let (text, label) = [("今天天气真好", "on"), ("瓯海区一居民楼起火", "off")][id % 2];
        rows += &format!("{{\"id\":\"{id}\",\"text\":\"{text}\",\"label\":\"{label}\"}}\n");
    }
    std::fs::write(folder.path().join("own.jsonl"), rows).unwrap();
    let sets = folder.path().join("sets.yaml");
    std::fs::write(
        &sets,
        "sets:\n  - {name: own, file: own.jsonl, positive: {label: 'on'}, negative: {label: 'off'}}\n",
    )
    .unwrap();
    let errors = folder.path().join("errors.jsonl");
    let output = Command::new(env!("CARGO_BIN_EXE_tocsin"))
        .args(["rules", "quality", "--json", "--data"])
        .arg(folder.path())
        .arg("--errors")
        .arg(&errors)
        .arg(&sets)
        .output()
        .unwrap();
    let shown: Value = serde_json::from_slice(&output.stdout).unwrap();
    let tune = &shown["rows"][0];
    assert_eq!(tune["part"], "tune", "{shown}");
    let wrong =
        ["false_positives", "false_negatives"].map(|name| tune["counts"][name].as_u64().unwrap());
    let written = std::fs::read_to_string(&errors).unwrap();
    let written: Vec<Value> = written
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let of = |what: &str| written.iter().filter(|line| line["what"] == what).count() as u64;
    assert_eq!([of("false alarm"), of("missed")], wrong);
    assert!(
        wrong.iter().all(|count| (1..64).contains(count)),
        "{wrong:?}"
    );
    for line in &written {
        let id = line["report"]["id"].as_str().unwrap();
        let part = tocsin::core::tools::labelled::Part::of(id);
        assert_eq!((part.id(), &line["set"]), ("tune", &Value::from("own")));
        let rules = if line["what"] == "missed" {
            serde_json::json!([])
        } else {
            serde_json::json!(["zh-fire"])
        };
        assert_eq!(line["rules"], rules, "{line}");
    }
}

/// A set that the rules cannot reach is said to be missed, with exit code 1; one whose file is not there is said to be absent.
#[test]
fn what_is_not_reached_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let rows = "{\"id\":\"1\",\"text\":\"瓯海区一居民楼起火\",\"label\":\"on\"}\n{\"id\":\"2\",\"text\":\"今天天气真好\",\"label\":\"on\"}\n";
    // Both rows have to be of the part that judges.
    let ids: Vec<String> = (0..64).map(|n| n.to_string()).collect();
    let check: Vec<&String> = ids
        .iter()
        .filter(|id| tocsin::core::tools::labelled::Part::of(id).id() == "check")
        .collect();
    let rows = rows.replace("\"1\"", &format!("{:?}", check[0]));
    let rows = rows.replace("\"2\"", &format!("{:?}", check[1]));
    std::fs::write(folder.path().join("own.jsonl"), rows).unwrap();
    let sets = folder.path().join("sets.yaml");
    let run = |wanted: &str| {
        let text = format!(
            "sets:\n  - {{name: own, file: own.jsonl, source: own, positive: {{label: 'on'}}, want: {{recall: {wanted}}}}}\n  \
             - {{name: other, file: other.jsonl, source: own, positive: {{}}}}\n"
        );
        std::fs::write(&sets, text).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_tocsin"))
            .args(["rules", "quality", "--json", "--data"])
            .arg(folder.path())
            .arg(&sets)
            .output()
            .unwrap();
        let shown: Value = serde_json::from_slice(&output.stdout).unwrap();
        (output.status.code(), shown)
    };
    let (code, shown) = run("0.5");
    assert_eq!(
        (code, &shown["missed"]),
        (Some(0), &serde_json::json!([])),
        "{shown}"
    );
    assert_eq!(shown["absent"], serde_json::json!(["other"]));
    let (code, shown) = run("0.6");
    assert_eq!(
        (code, shown["missed"].as_array().map(Vec::len)),
        (Some(1), Some(1)),
        "{shown}"
    );
}
