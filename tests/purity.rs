//! The pure core stays pure, and Tocsin watches hazards, not people: both read off the code and its serialised forms.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tocsin::core::decode::Decoder;
use tocsin::core::model::{Feed, Hazard, Millis, RawRecord};

/// What the core must not touch, and why not.
const IMPURE: &[(&str, &str)] = &[
    ("SystemTime", "the clock"),
    ("Instant::now", "the clock"),
    ("Timestamp::now", "the clock"),
    ("Zoned::now", "the clock"),
    ("std::fs", "files"),
    ("std::env", "the environment"),
    ("std::net", "the network"),
    ("std::process", "processes"),
    ("std::thread", "threads"),
    ("File::open", "files"),
    ("tokio", "an async runtime"),
    ("rdkafka", "Kafka"),
    ("axum", "HTTP"),
    ("sqlx", "a database"),
    ("tracing", "logs"),
    ("log::", "logs"),
    ("prometheus", "metrics"),
    ("rand::", "randomness"),
    ("thread_rng", "randomness"),
    ("getrandom", "randomness"),
    ("new_v4", "randomness"),
    ("RandomState", "an order that differs between runs"),
    ("println!", "the terminal"),
    ("eprintln!", "the terminal"),
    ("print!", "the terminal"),
    ("dbg!", "the terminal"),
    ("unsafe ", "memory"),
    ("crate::kafka", "the shell"),
    ("crate::cli", "the shell"),
    ("crate::config", "the shell"),
    ("crate::telemetry", "the shell"),
];

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Code of a line: without comments, and without what stands in quotes. Rough, and on the strict side.
fn code_of(line: &str) -> String {
    let code = line.split("//").next().unwrap_or_default();
    code.split('"').step_by(2).collect()
}

/// Findings in a source text; unit tests at its end may do what they like.
fn impurities(source: &str) -> Vec<(usize, &'static str, &'static str)> {
    let mut found = Vec::new();
    for (number, line) in source.lines().enumerate() {
        if line.trim_start().starts_with("#[cfg(test)]") {
            break;
        }
        let code = code_of(line);
        for (word, what) in IMPURE {
            if code.contains(word) {
                found.push((number + 1, *word, *what));
            }
        }
    }
    found
}

#[test]
fn core_touches_nothing_of_the_world() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/core");
    let mut files = Vec::new();
    rust_files(&root, &mut files);
    assert!(files.len() > 20, "the core is somewhere else: {root:?}");
    let mut wrong = Vec::new();
    for path in files {
        let of_tests = path.file_stem().is_some_and(|stem| stem == "tests")
            || path.components().any(|part| part.as_os_str() == "tests");
        if of_tests {
            continue;
        }
        for (line, word, what) in impurities(&fs::read_to_string(&path).unwrap()) {
            wrong.push(format!("{}:{line}: `{word}` is {what}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_search_for_impurity_finds_it() {
    for (word, _) in IMPURE {
        let source = format!("fn f() {{\n    let x = {word};\n}}");
        assert!(
            impurities(&source).iter().any(|found| found.0 == 2),
            "{word}"
        );
    }
    assert!(impurities("// std::fs\nlet a = \"std::env\";\n#[cfg(test)]\nprintln!()").is_empty());
}

/// Words that no field of a report, detection or alert may be named by.
const PERSONS: [&str; 22] = [
    "author",
    "user",
    "handle",
    "screen_name",
    "account",
    "profile",
    "nick",
    "sender",
    "owner",
    "follower",
    "person",
    "caller",
    "reporter",
    "contact",
    "phone",
    "email",
    "gender",
    "age",
    "ethnic",
    "religion",
    "party",
    "ip_address",
];

/// Parts of names that contain such a word by chance.
const CHANCE: [&str; 3] = ["message", "coverage", "average"];

fn is_personal(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    let words: Vec<_> = key.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    PERSONS
        .iter()
        .any(|person| words.contains(person) || person.len() > 3 && key.contains(person))
        && !CHANCE.contains(&key.as_str())
}

/// Names that a source gives to fields: identifiers before a colon, and what serde renames them to.
fn field_names(source: &str) -> Vec<String> {
    let mut names = Vec::new();
    for line in source.lines() {
        let line = line.trim();
        if let Some(field) = line.strip_prefix("pub ")
            && let Some((name, _)) = field.split_once(':')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        {
            names.push(name.to_owned());
        }
        for (at, _) in line.match_indices("rename = \"") {
            let rest = &line[at + 10..];
            names.extend(rest.split('"').next().map(str::to_owned));
        }
    }
    names
}

#[test]
fn no_field_of_a_report_detection_or_alert_is_about_a_person() {
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/core/model");
    for (file, must_have) in [
        ("report.rs", "place_name"),
        ("detection.rs", "rule_id"),
        ("alert.rs", "incident_id"),
        ("place.rs", "name_zh"),
        ("ledger.rs", "v"),
    ] {
        let names = field_names(&fs::read_to_string(model.join(file)).unwrap());
        assert!(
            names.iter().any(|name| name == must_have),
            "{file} is not understood"
        );
        for name in names {
            assert!(!is_personal(&name), "{file}: `{name}` is about a person");
        }
    }
    assert!(is_personal("author_id") && is_personal("userName") && !is_personal("message"));
}

#[test]
fn a_decoded_report_has_no_author_wherever_the_record_puts_one() {
    let feed: Feed = serde_json::from_value(serde_json::json!({
        "id": "posts", "topic": "posts", "decoder": "tocsin", "kind": "post", "reliability": 40,
    }))
    .unwrap();
    let decoder = Decoder::new(Arc::new(feed)).unwrap();
    let secrets = ["Ann Example", "ann_example_1", "u-778899"];
    let record = serde_json::json!({
        "id": "1", "text": "Fire at the mill", "author": secrets[0], "user": {"name": secrets[0], "id": secrets[2]},
        "handle": secrets[1], "screen_name": secrets[1], "user_id": secrets[2],
        "fields": {"author": secrets[0], "user": secrets[2], "handle": secrets[1]},
    });
    let payload = serde_json::to_vec(&record).unwrap();
    let report = match decoder.decode(&RawRecord::new(&payload, Millis(0))) {
        Ok(report) => format!("{report:?}"),
        // A record that is refused has no report at all.
        Err(_) => return assert_refused_only_for_people(&decoder),
    };
    for secret in secrets {
        assert!(!report.contains(secret), "{secret} survives in {report}");
    }
}

/// The same record without people is a good one.
fn assert_refused_only_for_people(decoder: &Decoder) {
    let record = br#"{"id": "1", "text": "Fire at the mill"}"#;
    assert!(decoder.decode(&RawRecord::new(record, Millis(0))).is_ok());
}

#[test]
fn the_taxonomy_is_closed_and_about_hazards() {
    const NOT_A_HAZARD: [&str; 18] = [
        "protest",
        "riot",
        "demonstration",
        "crime",
        "terror",
        "suspect",
        "opinion",
        "religio",
        "ethnic",
        "politic",
        "other",
        "security",
        "unrest",
        "strike",
        "抗议",
        "示威",
        "宗教",
        "民族",
    ];
    for hazard in Hazard::ALL {
        let names = format!("{} {} {}", hazard.id(), hazard.en(), hazard.zh());
        for word in NOT_A_HAZARD {
            assert!(!names.contains(word), "{names} is no hazard: {word}");
        }
    }
    for word in NOT_A_HAZARD {
        let json = format!("\"{word}\"");
        assert!(serde_json::from_str::<Hazard>(&json).is_err(), "{word}");
    }
    assert!(serde_json::from_str::<Hazard>("\"fire\"").is_ok());
}

/// What nothing shipped is about: peoples, faiths, political opinion and office, protest, war. Places of such names are places.
const OFF_LIMITS: (&[&str], &[&str]) = (
    &[
        "抗议",
        "示威",
        "游行",
        "罢工",
        "罢课",
        "骚乱",
        "暴动",
        "选举",
        "政治",
        "政客",
        "政党",
        "党委",
        "书记",
        "总统",
        "总理",
        "议员",
        "议会",
        "人大代表",
        "政协",
        "两会",
        "外交部",
        "访华",
        "宗教",
        "佛教",
        "道教",
        "基督教",
        "天主教",
        "伊斯兰",
        "穆斯林",
        "和尚",
        "道士",
        "尼姑",
        "高僧",
        "神父",
        "牧师",
        "圣诞",
        "复活节",
        "开斋",
        "民族",
        "藏族",
        "维吾尔",
        "回族",
        "黑人",
        "犹太",
        "难民",
        "日军",
        "美军",
        "俄军",
        "抗战",
        "二战",
        "战争",
        "恐怖袭击",
        "恐袭",
        "枪击",
        "暗杀",
        "空袭",
        "造反",
        "核试",
    ],
    &[
        "protest",
        "protests",
        "protester",
        "protesters",
        "protesting",
        "riot",
        "riots",
        "rioting",
        "election",
        "elections",
        "ballot",
        "referendum",
        "political",
        "politics",
        "politician",
        "politicians",
        "senator",
        "parliament",
        "president",
        "presidential",
        "religion",
        "religious",
        "ethnic",
        "ethnicity",
        "muslim",
        "muslims",
        "islam",
        "islamic",
        "christian",
        "christians",
        "jew",
        "jews",
        "jewish",
        "hindu",
        "hindus",
        "buddhist",
        "catholic",
        "satan",
        "easter",
        "christmas",
        "xmas",
        "ramadan",
        "diwali",
        "hanukkah",
        "refugee",
        "refugees",
        "migrant",
        "migrants",
        "immigrants",
        "ceasefire",
        "airstrike",
        "airstrikes",
        "missile",
        "missiles",
        "terrorist",
        "terrorists",
        "pilgrims",
    ],
);
/// Phrases in which such a word is something else.
const HARMLESS: &[&str] = &["花车游行", "移民火星"];

#[test]
fn nothing_shipped_is_about_peoples_faiths_opinions_protest_or_war() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = vec![root.join("config/samples/reports_zh.tsv")];
    for folder in [
        "config/lexicons",
        "config/rules",
        "config/tests",
        "config/drills",
        "tests/data/sentences",
    ] {
        let before = files.len();
        shipped(&root.join(folder), &mut files);
        assert!(files.len() > before, "{folder}");
    }
    let (zh, en) = OFF_LIMITS;
    let en = regex::Regex::new(&format!(
        r"(?i)(?:^|[^a-z0-9'])({})(?:$|[^a-z0-9])",
        en.join("|")
    ))
    .unwrap();
    assert!(en.is_match("a Protest march") && !en.is_match("nor'easter"));
    let mut found = Vec::new();
    for file in files {
        for (number, line) in fs::read_to_string(&file).unwrap().lines().enumerate() {
            let rest = HARMLESS
                .iter()
                .fold(line.to_owned(), |line, phrase| line.replace(phrase, ""));
            let word = zh
                .iter()
                .find(|word| rest.contains(**word))
                .map(|word| (*word).to_owned());
            let word = word.or_else(|| Some(en.captures(&rest)?[1].to_owned()));
            found.extend(word.map(|word| format!("{}:{}: {word}", file.display(), number + 1)));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

fn shipped(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            shipped(&path, files);
        } else if path
            .extension()
            .is_some_and(|end| end == "yml" || end == "yaml")
        {
            files.push(path);
        }
    }
}
