//! `tocsin rules shadow`: counts, overlap, and the gate with every reason against.

use std::path::Path;
use std::process::{Command, Output};

use tocsin::core::diagnostic::SourceFile;
use tocsin::core::model::Millis;
use tocsin::core::rule;

const RULES: &str = "\
title: Smoke
id: smoke
status: test
detection:
  a: {any|contains: smoke}
  condition: a
tocsin:
  hazard: fire
  score: {base: 30}
";

const CASES: &str = "\
smoke:
  fires: [smoke over the harbour]
  silent: [a quiet day]
";

/// What records say of the wording of [`RULES`].
fn wording() -> String {
    let file = |text: &str| SourceFile {
        name: "smoke.yml".into(),
        text: text.into(),
    };
    let rules = rule::parse(&file(RULES), &mut Vec::new());
    let program = rule::compile(&rules, &[], &mut Vec::new());
    program.rules[0].wording.to_string()
}

fn tocsin(dir: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tocsin"));
    crate::without_settings(&mut command);
    let config = dir.join("tocsin.toml");
    command.args(["--config", config.to_str().unwrap()]);
    command.args(args).current_dir(dir).output().unwrap()
}

fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("rules")).unwrap();
    std::fs::create_dir(dir.path().join("lexicons")).unwrap();
    std::fs::write(dir.path().join("rules/smoke.yml"), RULES).unwrap();
    std::fs::write(dir.path().join("cases.yml"), CASES).unwrap();
    let text = "[paths]\nrules = \"rules\"\nlexicons = \"lexicons\"\n";
    std::fs::write(dir.path().join("tocsin.toml"), text).unwrap();
    // Twelve reports in eight days: every third is one that a live rule has found too.
    let lines: String = (0..12)
        .map(|n| {
            let covered = n % 3 == 0;
            let fired = if covered { r#"["fire"]"# } else { "[]" };
            let received = Millis(1_700_000_000_000_i64 + n * 57_600_000 * 12 / 11);
            format!(
                "{{\"v\":1,\"rule_id\":\"smoke\",\"fired\":{fired},\"covered\":{covered},\"place\":\"Harbour\",\"excerpt\":\"smoke {n}\",\
                 \"key\":\"actual/fire/p{}\",\"severity\":30,\"feed\":\"posts\",\"report_id\":\"{n}\",\"received\":\"{received}\",\
                 \"rule_set\":\"abc\",\"wording\":\"{}\"}}\n",
                n % 2,
                wording()
            )
        })
        .collect();
    std::fs::write(dir.path().join("hits.jsonl"), lines + "{\"v\":1}\n").unwrap();
    dir
}

fn json(output: &Output) -> serde_json::Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)))
}

#[test]
fn hits_are_counted_with_what_they_would_add() {
    let dir = folder();
    let shown = tocsin(
        dir.path(),
        &["rules", "shadow", "--input", "hits.jsonl", "--json"],
    );
    assert_eq!(shown.status.code(), Some(0));
    let shown = json(&shown);
    let rule = &shown["rules"][0];
    assert_eq!((&rule["hits"], &rule["new"]), (&12.into(), &8.into()));
    assert_eq!(rule["new_keys"], 2);
    assert_eq!(rule["days"], 8.0);
    assert_eq!(rule["new_per_day"], 1.0);
    assert_eq!(rule["overlap"]["fire"], 4);
    assert_eq!(rule["samples"].as_array().unwrap().len(), 3);
    assert_eq!(rule["samples"][0]["excerpt"], "smoke 1");
    assert_eq!(shown["unreadable"], 1);
    assert!(shown.get("gate").is_none());
}

#[test]
fn the_gate_opens_and_names_every_reason_to_stay_shut() {
    let dir = folder();
    let gate = |days: &str, rate: &str, more: &[&str]| {
        let args = [
            "rules",
            "shadow",
            "--input",
            "hits.jsonl",
            "--json",
            "--min-days",
            days,
        ];
        let args = [&args[..], &["--max-new-per-day", rate], more].concat();
        tocsin(dir.path(), &args)
    };
    let tests = ["--tests", "cases.yml"];
    let open = gate("7", "2", &tests);
    assert_eq!(json(&open)["gate"][0]["reasons"], serde_json::json!([]));
    assert_eq!(open.status.code(), Some(0));
    let shut = gate("14", "0.5", &[]);
    assert_eq!(shut.status.code(), Some(1));
    let reasons = json(&shut)["gate"][0]["reasons"].to_string();
    for why in [
        "watched for 8.0 days, not 14",
        "1.0 new reports a day, more than 0.5",
        "no test case",
    ] {
        assert!(reasons.contains(why), "{why}: {reasons}");
    }
    let broken = CASES.replace("a quiet day", "smoke again");
    std::fs::write(dir.path().join("cases.yml"), broken).unwrap();
    let reasons = json(&gate("7", "2", &tests))["gate"][0]["reasons"].to_string();
    assert!(
        reasons.contains("cases.yml:") && reasons.contains(" fails"),
        "{reasons}"
    );
    let unused = RULES.replace(
        "  condition: a",
        "  b: {any|contains: soot}\n  condition: a",
    );
    std::fs::write(dir.path().join("rules/smoke.yml"), unused).unwrap();
    let reasons = json(&gate("7", "2", &tests))["gate"][0]["reasons"].to_string();
    assert!(reasons.contains("lint: "), "{reasons}");
    assert_eq!(gate("7", "2", &["--rule", "nobody"]).status.code(), Some(2));
}

/// A rule that was live for long enough and added nothing may go live; one of which nothing is known may not.
#[test]
fn a_rule_that_never_fired_passes_when_it_was_watched() {
    let dir = folder();
    let gate = |hours: i64| {
        let lines: String = (0..hours)
            .map(|hour| {
                let at = Millis(1_700_000_000_000_i64 + hour * 3_600_000);
                format!(
                    "{{\"v\":1,\"rule_id\":\"smoke\",\"watched\":\"{at}\",\"rule_set\":\"abc\",\"wording\":\"{}\"}}\n",
                    wording()
                )
            })
            .collect();
        std::fs::write(dir.path().join("watched.jsonl"), lines).unwrap();
        let args = "rules shadow --input watched.jsonl --min-days 7 --max-new-per-day 2 --tests cases.yml --json";
        tocsin(dir.path(), &args.split(' ').collect::<Vec<_>>())
    };
    let open = gate(7 * 24 + 1);
    let shown = json(&open);
    assert_eq!(shown["gate"][0]["reasons"], serde_json::json!([]));
    assert_eq!(open.status.code(), Some(0));
    assert_eq!(
        (&shown["unreadable"], &shown["rules"][0]["hits"]),
        (&0.into(), &0.into())
    );
    let short = gate(3 * 24 + 1);
    let reasons = json(&short)["gate"][0]["reasons"].to_string();
    assert!(reasons.contains("watched for 3.0 days, not 7"), "{reasons}");
    assert_eq!(short.status.code(), Some(1));
    let unknown = gate(0);
    let reasons = json(&unknown)["gate"][0]["reasons"].to_string();
    assert!(reasons.contains("no report is known"), "{reasons}");
    assert_eq!(unknown.status.code(), Some(1));
}

/// 1 says that a rule may not go live; where nothing could be read, nothing was judged.
#[test]
fn hits_that_cannot_be_read_are_no_judgement() {
    let dir = folder();
    let gone = [
        "rules",
        "shadow",
        "--input",
        "gone.jsonl",
        "--min-days",
        "1",
    ];
    let output = tocsin(dir.path(), &gone);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("gone.jsonl"), "{said}");
    let other = [
        "rules",
        "shadow",
        "--input",
        "hits.jsonl",
        "--rule",
        "nobody",
    ];
    for more in [&[][..], &["--json"]] {
        let output = tocsin(dir.path(), &[&other[..], more].concat());
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("there is no rule `nobody`"), "{said}");
    }
    // One that there is may well have no hit.
    let quiet = RULES.replace("smoke", "soot");
    std::fs::write(dir.path().join("rules/soot.yml"), quiet).unwrap();
    let args = ["rules", "shadow", "--input", "hits.jsonl", "--rule", "soot"];
    let output = tocsin(dir.path(), &args);
    assert_eq!(output.status.code(), Some(0));
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(
        said.lines().next(),
        Some("nothing is known of `soot` as a shadow rule")
    );
}

/// The gate counts no day of what the rule said before it was edited; a better title is no edit.
#[test]
fn an_edited_rule_starts_anew() {
    let dir = folder();
    let gate = |rule: &str| {
        std::fs::write(dir.path().join("rules/smoke.yml"), rule).unwrap();
        let args =
            "rules shadow --input hits.jsonl --min-days 7 --max-new-per-day 2 --tests cases.yml";
        let args: Vec<&str> = args.split(' ').collect();
        let said = tocsin(dir.path(), &args);
        let shown = tocsin(dir.path(), &[&args[..], &["--json"]].concat());
        let text = String::from_utf8(said.stdout).unwrap();
        (said.status.code(), text, json(&shown))
    };
    let (code, said, _) = gate(&RULES.replace("title: Smoke", "title: Smoke or haze"));
    assert_eq!(code, Some(0), "{said}");
    let (code, said, shown) = gate(&RULES.replace("contains: smoke", "contains: [smoke, soot]"));
    assert_eq!(code, Some(1), "{said}");
    let reasons = ["no report is known to have been held against it as it is now"];
    assert_eq!(
        shown["gate"][0]["reasons"],
        serde_json::json!(reasons),
        "{said}"
    );
    assert_eq!(shown["earlier"], serde_json::json!({"smoke": 12}));
    assert!(
        said.contains("smoke: edited since 12 records were written"),
        "{said}"
    );
}
