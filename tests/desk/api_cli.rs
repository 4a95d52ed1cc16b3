//! `tocsin token`, and what the service refuses to do: through the built binary.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use super::secret_of;

fn tocsin(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tocsin"));
    crate::without_settings(&mut command);
    let config = folder.join("tocsin.toml");
    command
        .args(args)
        .arg("--config")
        .arg(config)
        .output()
        .unwrap()
}

fn folder(text: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("tocsin.toml"), text).unwrap();
    folder
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn a_token_is_made_shown_once_listed_and_revoked() {
    let folder = folder("[desk]\nurl = \"sqlite:desk.db\"\n");
    let at = folder.path();
    let made = tocsin(
        at,
        &[
            "token",
            "create",
            "--role",
            "officer",
            "--department",
            "fire",
            "--name",
            "fire desk",
            "--days",
            "7",
        ],
    );
    assert!(made.status.success(), "{}", err(&made));
    let text = out(&made);
    let token = text.trim();
    // Alone on standard output, to be piped on.
    assert!(
        token.starts_with("tocsin_") && !token.contains(char::is_whitespace),
        "{text}"
    );
    assert!(!err(&made).contains(token));

    let list = tocsin(at, &["token", "list", "--json"]);
    let listed: Vec<Value> = out(&list)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(listed.len(), 1);
    assert_eq!(
        (
            &listed[0]["name"],
            &listed[0]["role"],
            &listed[0]["department"]
        ),
        (&"fire desk".into(), &"officer".into(), &"fire".into())
    );
    assert_eq!(listed[0]["standing"], "live");
    let secret = secret_of(token);
    assert!(!out(&list).contains(secret));
    assert!(out(&tocsin(at, &["token", "list"])).contains("fire desk"));

    // Nothing of the text is on the disk.
    for file in std::fs::read_dir(at).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(
            !bytes
                .windows(secret.len())
                .any(|window| window == secret.as_bytes())
        );
    }
    let gone = tocsin(at, &["token", "revoke", "fire desk", "--json"]);
    assert!(gone.status.success(), "{}", err(&gone));
    assert_eq!(out(&tocsin(at, &["token", "list", "--json"])), "");
    let all = tocsin(at, &["token", "list", "--all", "--json"]);
    assert!(out(&all).contains("\"standing\":\"revoked\""));
}

#[test]
fn a_wish_that_cannot_be_is_wrong_usage_with_its_fix() {
    let folder = folder("[desk]\nurl = \"sqlite:desk.db\"\n");
    for (args, fix) in [
        (&["--role", "officer", "--name", "x"][..], "name it"),
        (
            &["--role", "officer", "--department", "nobody", "--name", "x"],
            "routing table",
        ),
        (&["--role", "boss", "--name", "x"], "roles are"),
        (&["--role", "analyst", "--name", "=x"], "letters"),
        (
            &["--role", "analyst", "--name", "x", "--days", "0"],
            "1 to 400",
        ),
    ] {
        let output = tocsin(folder.path(), &[&["token", "create"], args].concat());
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(err(&output).contains(fix), "{args:?}: {}", err(&output));
    }
    let none = tocsin(folder.path(), &["token", "revoke", "nobody"]);
    assert_eq!(none.status.code(), Some(2));
}

#[test]
fn beyond_loopback_the_desk_does_not_start_in_the_clear() {
    let folder = folder(
        "[desk]\nurl = \"sqlite:desk.db\"\n[desk.http]\nlisten = \"0.0.0.0:0\"\n[http]\nlisten = \"127.0.0.1:0\"\n",
    );
    let output = tocsin(folder.path(), &["desk", "run"]);
    assert_eq!(output.status.code(), Some(1));
    let why = err(&output);
    for fix in [
        "desk.http.tls_terminated_by",
        "desk.http.external_url",
        "tocsin token create",
    ] {
        assert!(why.contains(fix), "{why}");
    }
}
