//! Configuration: precedence, unknown keys, bounds, secrets, and a file that documents every setting.

use std::collections::BTreeMap;
use std::path::PathBuf;

use tocsin::config::{Bundled, ConfigErrors, LoadOptions, Settings, codes};

/// A configuration file in a folder of its own.
fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tocsin.toml");
    std::fs::write(&path, text).unwrap();
    (folder, path)
}

fn environment(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn refused(text: &str, pairs: &[(&str, &str)]) -> ConfigErrors {
    let (_folder, path) = file(text);
    let options = LoadOptions::new(Some(path)).with_environment(environment(pairs));
    Settings::load(&options).expect_err("has to be refused")
}

#[test]
fn file_then_environment_then_flags() {
    let text = "[kafka]\ngroup = \"file\"\ninstance = \"file\"\nworkers = 2\n";
    let (_folder, path) = file(text);
    let mut options = LoadOptions::new(Some(path)).with_environment(environment(&[
        ("TOCSIN__KAFKA__INSTANCE", "environment"),
        ("TOCSIN__KAFKA__WORKERS", "3"),
        ("TOCSIN__KAFKA__SECURITY__VERIFY_HOSTNAME", "false"),
        ("UNRELATED__KAFKA__GROUP", "never"),
    ]));
    options.set("kafka.workers", "--workers", 4_i64);
    let settings = Settings::load(&options).unwrap();
    assert_eq!(settings.kafka.group, "file");
    assert_eq!(settings.kafka.instance, "environment");
    assert_eq!(settings.kafka.workers, 4);
    assert!(!settings.kafka.security.verify_hostname);
    assert_eq!(settings.kafka.brokers, "localhost:9092");
}

/// None of these asserts a time: what reads a file again for each of its lines does not end.
#[test]
fn files_that_are_large_on_purpose_are_read_once() {
    let keys: String = (0..100_000).map(|n| format!("k{n}=1\n")).collect();
    let errors = refused(&keys, &[]);
    assert_eq!(errors.diagnostics.len(), 1);
    assert!(errors.diagnostics[0].message.contains("4096 settings"));
    let errors = refused(&"a=1\n".repeat(250_000), &[]);
    assert_eq!(errors.diagnostics.len(), 100);
    let errors = refused(&" ".repeat(2 << 20), &[]);
    assert_eq!(errors.diagnostics[0].code, codes::UNREADABLE);
}

#[test]
fn every_unknown_key_and_wrong_type_is_named_with_its_place() {
    let errors = refused(
        "nonsense = 1\n[kafka]\nworkers = \"many\"\n[level]\n  reddish = 3\n",
        &[("TOCSIN__LOG__COLOUR", "yes")],
    );
    let mut found: Vec<_> = errors
        .diagnostics
        .iter()
        .map(|it| (it.line, it.column, it.code))
        .collect();
    found.sort_unstable();
    assert_eq!(
        found,
        [
            (0, 0, codes::UNKNOWN_KEY),
            (1, 1, codes::UNKNOWN_KEY),
            (3, 1, codes::BAD_VALUE),
            (5, 3, codes::UNKNOWN_KEY),
        ]
    );
    let environment = errors.diagnostics.iter().find(|it| it.line == 0).unwrap();
    assert!(environment.message.contains("TOCSIN__LOG__COLOUR"));
}

#[test]
fn bounds_and_conflicts_are_named_where_the_value_was_set() {
    let errors = refused(
        "[level]\norange = 30\n[http]\nlisten = \"0.0.0.0:9464\"\n[kafka.security]\nusername = \"u\"\n",
        &[("TOCSIN__KAFKA__WORKERS", "0")],
    );
    let text = errors.to_string();
    for part in [
        "environment TOCSIN__KAFKA__WORKERS:0:0: C0005 kafka.workers: 0 is not within 1–256",
        "tocsin.toml:2:1: C0006 level.orange",
        "tocsin.toml:4:1: C0006 http.listen",
        "kafka.security.protocol",
    ] {
        assert!(text.contains(part), "{part}\n--\n{text}");
    }
    assert_eq!(errors.diagnostics.len(), 4, "{text}");
}

#[test]
fn remote_metrics_have_to_be_allowed() {
    let (_folder, path) = file("[http]\nlisten = \"0.0.0.0:9464\"\nallow_remote_metrics = true\n");
    assert!(Settings::load(&LoadOptions::new(Some(path))).is_ok());
}

#[test]
fn the_token_of_reloads_is_a_hash_that_is_not_shown() {
    let hash = "0f".repeat(32);
    let (_folder, path) = file(&format!("[http]\nreload_token_sha256 = \"{hash}\"\n"));
    let settings = Settings::load(&LoadOptions::new(Some(path))).unwrap();
    assert_eq!(settings.http.reload_token(), Some([0x0f; 32]));
    assert!(!toml::to_string(&settings).unwrap().contains(&hash));
    for wrong in ["a token", &hash[1..], &format!("{}+f", &hash[2..])] {
        let (_folder, path) = file(&format!("[http]\nreload_token_sha256 = \"{wrong}\"\n"));
        let errors = Settings::load(&LoadOptions::new(Some(path))).unwrap_err();
        let found = &errors.diagnostics[0];
        assert_eq!(found.code, codes::BAD_VALUE);
        assert!(found.message.contains("64 hexadecimal digits") && !found.message.contains(wrong));
    }
}

#[test]
fn secrets_are_read_from_files_and_never_shown() {
    let (folder, path) = file(
        "[kafka.security]\nprotocol = \"sasl_ssl\"\nmechanism = \"PLAIN\"\nusername = \"u\"\npassword_file = \"pw\"\n",
    );
    std::fs::write(folder.path().join("pw"), "hunter2\n").unwrap();
    let settings = Settings::load(&LoadOptions::new(Some(path))).unwrap();
    let password = settings.kafka.security.password.as_ref().unwrap();
    assert_eq!(password.expose(), "hunter2");
    for shown in [
        format!("{settings:?}"),
        toml::to_string(&settings).unwrap(),
        serde_json::to_string(&settings).unwrap(),
    ] {
        assert!(!shown.contains("hunter2"));
        assert!(shown.contains("********"));
    }
}

#[test]
fn a_password_of_digits_keeps_its_zeros() {
    let (_folder, path) = file(
        "[kafka.security]\nprotocol = \"sasl_ssl\"\nmechanism = \"PLAIN\"\nusername = \"u\"\n",
    );
    let options = LoadOptions::new(Some(path))
        .with_environment(environment(&[("TOCSIN__KAFKA__SECURITY__PASSWORD", "007")]));
    let settings = Settings::load(&options).unwrap();
    let password = settings.kafka.security.password.as_ref().unwrap();
    assert_eq!(password.expose(), "007");
}

#[test]
fn librdkafka_properties_keep_their_dots_and_may_not_break_promises() {
    let (_folder, path) = file("[kafka.properties]\n\"client.rack\" = \"room-2\"\n");
    let settings = Settings::load(&LoadOptions::new(Some(path))).unwrap();
    assert_eq!(settings.kafka.properties["client.rack"], "room-2");
    let errors = refused("[kafka.properties]\n\"transactional.id\" = \"x\"\n", &[]);
    assert_eq!(errors.diagnostics[0].code, codes::CONFLICT);
}

#[test]
fn feeds_are_checked_one_by_one() {
    let feed = |id: &str, rest: &str| {
        format!(
            "[[feeds]]\nid = \"{id}\"\ntopic = \"t.{id}\"\ndecoder = \"tocsin\"\nkind = \"news\"\nreliability = 50\n{rest}"
        )
    };
    let text = [
        feed("a", ""),
        feed("a", ""),
        feed("B!", ""),
        feed("c", "reliabilty = 3\n"),
        feed("d", ""),
    ]
    .concat();
    let errors = refused(&text, &[]);
    let text = errors.to_string();
    for part in ["`a`", "topic `t.a`", "`B!`", "unknown field `reliabilty`"] {
        assert!(text.contains(part), "{part}\n--\n{text}");
    }
    assert!(!text.contains("feed `d`"), "{text}");
}

/// What stands where the feeds should is one mistake, not one for every key below it.
#[test]
fn a_table_in_place_of_the_feeds_is_one_error() {
    let text = "[feeds.posts]\nkind = \"post\"\ntopic = \"t.posts\"\ndecoder = \"tocsin\"\n";
    let errors = refused(text, &[]);
    let messages: Vec<&str> = errors.diagnostics.iter().map(|d| &*d.message).collect();
    assert_eq!(
        messages,
        ["`feeds` has to be an array of tables: [[feeds]]"]
    );
}

/// Every key that a serialised settings value has stands in the bundled file, commented or not.
#[test]
fn the_bundled_file_documents_every_setting() {
    let documented = Bundled::text("tocsin.toml").unwrap();
    let keys: Vec<&str> = documented
        .lines()
        .filter_map(|line| line.trim_start_matches(['#', ' ']).split_once(" = "))
        .map(|(key, _)| key)
        .collect();
    let settings = Settings::bundled().unwrap();
    let value = serde_json::to_value(&settings).unwrap();
    let mut missing = Vec::new();
    for (section, fields) in value.as_object().unwrap() {
        for (key, field) in fields.as_object().into_iter().flatten() {
            if !field.is_object() && !keys.contains(&key.as_str()) {
                missing.push(format!("{section}.{key}"));
            }
        }
    }
    assert_eq!(missing, Vec::<String>::new());
    for optional in [
        "mechanism",
        "username",
        "password",
        "password_file",
        "ca_file",
        "feeds",
        "exposure",
    ] {
        assert!(keys.contains(&optional), "{optional}");
    }
}

#[test]
fn bundled_feeds_are_read_when_none_is_stated() {
    let settings = Settings::bundled().unwrap();
    for id in ["news-zh", tocsin::desk::http::routes::reports::FEED] {
        assert!(settings.feeds.iter().any(|feed| &*feed.id == id), "{id}");
    }
}
