//! Alerts against their published schema.

use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;
use tocsin::core::correlate::ALERT_SCHEMA;

use super::sample::{history, run};

#[test]
fn real_alerts_fit_and_damaged_ones_do_not() {
    let schema: serde_json::Value = serde_json::from_str(ALERT_SCHEMA).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let mut runner = TestRunner::deterministic();
    let mut checked = 0;
    for _ in 0..50 {
        let events = history(60).new_tree(&mut runner).unwrap().current();
        for alert in run(&events).1 {
            let json = serde_json::to_value(&alert).unwrap();
            let errors: Vec<String> = validator
                .iter_errors(&json)
                .map(|e| e.to_string())
                .collect();
            assert_eq!(errors, Vec::<String>::new());
            checked += 1;
            for field in schema["required"].as_array().unwrap() {
                let mut damaged = json.clone();
                damaged
                    .as_object_mut()
                    .unwrap()
                    .remove(field.as_str().unwrap());
                assert!(!validator.is_valid(&damaged), "valid without {field}");
            }
            let mut damaged = json.clone();
            damaged["level"] = "purple".into();
            assert!(!validator.is_valid(&damaged));
            damaged = json;
            damaged["author"] = "somebody".into();
            assert!(
                !validator.is_valid(&damaged),
                "a field that the schema does not know"
            );
        }
    }
    assert!(checked > 100, "only {checked} alerts");
}
