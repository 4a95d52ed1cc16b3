//! What the guides, runbooks and deployment files name is there: commands with their options, metrics, settings.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::{Command, CommandFactory as _};
use tocsin::core::model::GrowthField;

fn root(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Files below a folder whose name ends so.
fn below(folder: &str, ending: &str) -> Vec<PathBuf> {
    let (mut folders, mut files) = (vec![root(folder)], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_str().unwrap().ends_with(ending) {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

/// Pages that people go by, with their names.
fn guides() -> Vec<(String, String)> {
    let mut pages = below("docs", ".md");
    for page in [
        "README.md",
        "deploy/README.md",
        "dashboards/README.md",
        "config/rules/README.md",
        "deploy/compose.yaml",
        "deploy/Containerfile",
        "deploy/tocsin.service",
        "dashboards/prometheus/alerts.yml",
    ] {
        pages.push(root(page));
    }
    let all = pages.iter().map(|path| {
        let name = path.strip_prefix(root("")).unwrap().display().to_string();
        (name, read(path))
    });
    all.collect()
}

/// Pieces of code: between backticks, and lines of code blocks and comments that begin with the program.
fn pieces(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut is_block = false;
    for line in text.lines() {
        let trimmed = line.trim_start_matches(['#', ' ', '$']);
        if line.trim_start().starts_with("```") {
            is_block = !is_block;
        } else if is_block || line.starts_with('#') {
            all.push(trimmed.to_owned());
        }
        if !is_block {
            let spans = line.split('`').skip(1).step_by(2);
            all.extend(spans.map(str::to_owned));
        }
    }
    all
}

/// Walks down to the command that the words name; the rest of the words.
fn walk<'a>(top: &'a Command, words: &[&'a str]) -> (&'a Command, Vec<&'a str>) {
    let (mut at, mut words) = (top, words.to_vec());
    while let Some(next) = words.first().and_then(|word| at.find_subcommand(word)) {
        at = next;
        words.remove(0);
    }
    (at, words)
}

/// What is wrong with a command line, if anything.
fn wrong(top: &Command, line: &str) -> Option<String> {
    let line = line
        .split(['|', '>', ';', '#', '('])
        .next()
        .unwrap_or_default();
    let line = line.split(" (").next().unwrap_or_default();
    let words: Vec<&str> = line.split_whitespace().collect();
    // Options that all commands have may come first.
    let first = words
        .iter()
        .position(|word| top.find_subcommand(word).is_some());
    let words = &words[first.unwrap_or(0)..];
    let (command, rest) = walk(top, words);
    let is_word = |word: &&str| {
        word.len() > 1
            && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')
            && !word.starts_with('-')
    };
    if let Some(word) = rest.first().filter(|word| is_word(word))
        && command.has_subcommands()
    {
        return Some(format!("no command `{word}` of {}", command.get_name()));
    }
    for word in rest.iter().filter(|word| word.starts_with("--")) {
        let name = word
            .trim_start_matches('-')
            .split(['=', ',', ')', '`', '.'])
            .next()?;
        let has = |command: &Command| {
            let mut all = command.get_arguments();
            all.any(|it| it.get_long() == Some(name))
        };
        if name.is_empty() || has(command) || has(top) || name == "help" || name == "version" {
            continue;
        }
        return Some(format!("no option --{name} of {}", command.get_name()));
    }
    None
}

#[test]
fn commands_of_the_guides_exist_with_their_options() {
    let mut top = tocsin::cli::Cli::command();
    top.build();
    let (mut seen, mut faults) = (0, Vec::new());
    for (page, text) in guides() {
        for piece in pieces(&text) {
            // `new|check|run` names several.
            let Some(line) = piece.strip_prefix("tocsin ") else {
                continue;
            };
            let line = line.replace("\\|", "|");
            let (head, tail) = line.split_once(' ').unwrap_or((&line, ""));
            let lines: Vec<String> = if tail.contains('|') && !tail.contains(" |") {
                let (names, rest) = tail.split_once(' ').unwrap_or((tail, ""));
                let names = names.split('|');
                names.map(|name| format!("{head} {name} {rest}")).collect()
            } else {
                head.split('|')
                    .map(|head| format!("{head} {tail}"))
                    .collect()
            };
            for line in lines {
                seen += 1;
                if let Some(why) = wrong(&top, &line) {
                    faults.push(format!("{page}: `tocsin {line}`: {why}"));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
    assert!(seen > 100, "{seen} command lines were looked at");
    for (line, is_wrong) in [
        ("drill run x --speed 3", false),
        ("drill fly x", true),
        ("drill run x --height 3", true),
        ("fly", true),
        ("doctor --write", false),
    ] {
        assert_eq!(wrong(&top, line).is_some(), is_wrong, "{line}");
    }
}

/// Words of a text that begin so and go on with letters, digits and these.
fn words<'a>(text: &'a str, start: &str, more: &str) -> BTreeSet<&'a str> {
    let mut all = BTreeSet::new();
    let mut from = 0;
    while let Some(at) = text[from..].find(start) {
        let begin = from + at;
        let rest = &text[begin..];
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || more.contains(c);
        let end = rest.find(|c| !fits(c)).unwrap_or(rest.len());
        let before = text[..begin].chars().next_back();
        if !before.is_some_and(|c| c.is_alphanumeric() || "_/.-".contains(c)) {
            all.insert(&rest[..end]);
        }
        from = begin + end.max(1);
    }
    all
}

#[test]
fn metrics_of_the_guides_and_rules_exist() {
    let sources: Vec<String> = below("src", ".rs").iter().map(|path| read(path)).collect();
    let mut known: BTreeSet<&str> = BTreeSet::new();
    for source in &sources {
        known.extend(words(source, "tocsin_", "_"));
    }
    let recording = read(&root("dashboards/prometheus/recording.yml"));
    let recorded: BTreeSet<&str> = recording
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- record: "))
        .collect();
    let mut pages = guides();
    pages.push(("recording.yml".to_owned(), recording.clone()));
    let mut seen = 0;
    for (page, text) in &pages {
        for name in words(text, "tocsin_", "_") {
            let plain = ["_bucket", "_sum", "_count"]
                .iter()
                .find_map(|it| name.strip_suffix(it))
                .unwrap_or(name);
            assert!(
                known.contains(name) || known.contains(plain),
                "{page}: {name}"
            );
            seen += 1;
        }
        for name in words(text, "tocsin:", "_:") {
            // `tocsin:` alone is a key of rules.
            assert!(
                name == "tocsin:" || name.starts_with("tocsin:local") || recorded.contains(name),
                "{page}: {name}"
            );
        }
    }
    assert!(seen > 40, "{seen} names were looked at");
}

#[test]
fn settings_of_the_guides_exist() {
    let text = read(&root("config/tocsin.toml"));
    let (mut known, mut section) = (BTreeSet::new(), String::new());
    for line in text.lines() {
        let line = line.strip_prefix("# ").unwrap_or(line);
        let head = line.trim_matches(['[', ']']);
        let is_name = |b: u8| b.is_ascii_lowercase() || b == b'_' || b == b'.';
        if line.starts_with('[') && line.ends_with(']') && head.bytes().all(is_name) {
            head.clone_into(&mut section);
            known.insert(section.clone());
        } else if let Some((key, _)) = line.split_once(" = ")
            && key
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        {
            known.insert(format!("{section}.{key}"));
        }
    }
    let tops: BTreeSet<&str> = known
        .iter()
        .map(|key| key.split('.').next().unwrap_or_default())
        .collect();
    let mut seen = 0;
    for (page, text) in guides() {
        for span in text.split('`').skip(1).step_by(2) {
            let name = span.split(" = ").next().unwrap_or_default();
            let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_.".contains(&b);
            let top = name.split('.').next().unwrap_or_default();
            if !name.contains('.') || !name.bytes().all(fits) || !tops.contains(top) {
                continue;
            }
            // What rules ask of growth has the first word of a section in common.
            if GrowthField::parse(name).is_some() {
                continue;
            }
            assert!(known.contains(name), "{page}: `{span}` is no setting");
            seen += 1;
        }
    }
    assert!(seen > 40, "{seen} settings were looked at");
}
