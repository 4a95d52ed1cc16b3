//! Each code has a file that provokes it (`tests/golden/drills/T0000.yml`) and what is then said (`.txt`).
//!
//! `UPDATE_GOLDEN=1` writes the texts anew; read the difference before keeping it.

use std::fmt::Write as _;
use std::path::PathBuf;

use tocsin::core::diagnostic::{Diagnostic, SourceFile};
use tocsin::core::drill::{check_scenario, codes, parse_scenario};

use super::support::bundle;

fn findings(name: &str, text: &str) -> Vec<Diagnostic> {
    let file = SourceFile {
        name: name.to_owned(),
        text: text.to_owned(),
    };
    let (scenario, mut found) = parse_scenario(&file);
    if let Some(scenario) = scenario {
        found.extend(check_scenario(name, &scenario, &bundle().deployment()));
    }
    found
}

#[test]
fn every_code_of_scenarios_has_a_file_that_provokes_it() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/drills");
    for (code, meaning) in codes::ALL {
        let name = format!("{code}.yml");
        let text = std::fs::read_to_string(folder.join(&name))
            .unwrap_or_else(|e| panic!("{code} ({meaning}): {e}"));
        let found = findings(&name, &text);
        assert!(
            found.iter().any(|d| d.code == *code),
            "{code} ({meaning}) is not provoked: {found:#?}"
        );
        let mut said = String::new();
        for finding in &found {
            let _ = writeln!(
                said,
                "{finding} [{:?}, {}]",
                finding.gravity, finding.length
            );
            if let Some(help) = &finding.help {
                let _ = writeln!(said, "    {help}");
            }
        }
        let golden = folder.join(format!("{code}.txt"));
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&golden, &said).unwrap();
        }
        let kept = std::fs::read_to_string(&golden).unwrap_or_default();
        assert_eq!(kept, said, "{code}");
    }
}

/// Whatever stands in a file, reading it ends, with findings where it is no scenario.
#[test]
fn damaged_scenarios_are_findings_and_no_panic() {
    let good = include_str!("../../config/drills/building-fire-night.yml");
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (random >> 33) as usize
    };
    let characters: Vec<char> = good.chars().collect();
    for _ in 0..400 {
        let mut text = characters.clone();
        for _ in 0..=next() % 4 {
            let at = next() % text.len();
            match next() % 3 {
                0 => drop(text.remove(at)),
                1 => text.insert(at, [':', '-', '[', '{', '9', '火', '\n'][next() % 7]),
                _ => text.truncate(at.max(1)),
            }
        }
        let text: String = text.into_iter().collect();
        for finding in findings("damaged.yml", &text) {
            assert!(!finding.message.is_empty() && finding.file == "damaged.yml");
        }
    }
}
