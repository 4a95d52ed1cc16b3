//! The shipped scenarios: free of findings, reproducible, in both languages, and passing their own expectations in rehearsal.

use std::collections::BTreeSet;

use tocsin::config::Bundled;
use tocsin::core::drill::{Verdict, What, encode, schedule};

use super::support::{START, bundle};

/// Name and text of every shipped scenario.
pub(crate) fn shipped() -> Vec<(String, String)> {
    let names = Bundled::list("drills/").into_iter();
    let all: Vec<_> = names
        .map(|name| (name.clone(), Bundled::text(&name).expect("text")))
        .collect();
    assert_eq!(all.len(), 6, "six are promised");
    all
}

#[test]
fn shipped_scenarios_pass_their_own_expectations() {
    for (name, text) in shipped() {
        let scenario = bundle().scenario(&name, &text);
        for seed in 1..=5 {
            let (report, _) = bundle().rehearse(&scenario, seed);
            let json = serde_json::to_string_pretty(&report.outcomes).unwrap();
            let (odd, heard) = (&report.unexpected, &report.heard);
            assert!(
                report.passed,
                "{name}, seed {seed}: {json}\n{odd:#?}\n{heard:#?}"
            );
            for check in report.outcomes.iter().flat_map(|one| &one.checks) {
                // Nobody acknowledges or disposes of anything in a rehearsal.
                let by_people =
                    matches!(check.what, What::Acknowledge { .. } | What::Dispose { .. });
                let wanted = if by_people {
                    Verdict::Unmeasured
                } else {
                    Verdict::Met
                };
                assert_eq!(check.verdict, wanted, "{name}: {check:?}");
            }
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_records_and_another_one_others() {
    for (name, text) in shipped() {
        let scenario = bundle().scenario(&name, &text);
        let here = bundle().deployment();
        let records = |seed| -> Vec<Vec<u8>> {
            let all = schedule(&scenario, &here, seed, "exercise-1");
            let bytes = all
                .iter()
                .map(|one| encode(&one.feed, &one.report, START.plus(one.at)));
            bytes.collect::<Result<_, _>>().unwrap()
        };
        assert_eq!(records(7), records(7), "{name}");
        assert_ne!(records(7), records(8), "{name}");
        let all = schedule(&scenario, &here, 7, "exercise-1");
        let ids: BTreeSet<&str> = all.iter().map(|one| &*one.report.id).collect();
        assert_eq!(ids.len(), all.len(), "{name}: ids are unique");
        assert!(all.windows(2).all(|w| w[0].at <= w[1].at), "{name}");
        for lang in ["zh", "en"] {
            let spoken = all
                .iter()
                .any(|one| one.report.lang.as_deref() == Some(lang));
            assert!(spoken, "{name} is not in {lang}");
        }
        let texts: BTreeSet<&str> = all.iter().map(|one| &*one.report.text).collect();
        assert!(texts.len() >= 15, "{name}: {} wordings", texts.len());
    }
}
