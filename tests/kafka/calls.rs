//! A report by telephone opens its incident through the whole pipeline, whatever its words are.

use std::time::Duration;

use serde_json::{Value, json};

use super::desk_api::{self, DeskApi};
use super::drills::Site;
use super::tools::{unique, until};

const LIMIT: Duration = Duration::from_secs(180);

/// Open incidents of a hazard.
fn open(api: &DeskApi, hazard: &str) -> Vec<Value> {
    let path = format!("/api/v1/incidents?hazard={hazard}");
    match api.call("GET", &path, None, None) {
        Some((200, board)) => board["incidents"].as_array().cloned().unwrap_or_default(),
        _ => Vec::new(),
    }
}

#[test]
fn a_call_opens_its_incident_whatever_its_words_are() {
    let address = desk_api::free();
    let topic = unique("calls");
    let more = format!(
        "[http]\nenabled = false\n{}[[feeds]]\nid = \"tocsin.manual\"\ntopic = \"{topic}\"\ndecoder = \"tocsin\"\n\
         kind = \"hotline\"\nreliability = 70\n",
        desk_api::settings(&address)
    );
    let site = Site::with("calls", "wall", 10, &more, |_| {});
    let api = DeskApi::new(&site, &address, "analyst");
    let _running = site.run();
    // Words that no rule knows, and words that a rule on words knows too.
    for (hazard, title) in [
        ("avalanche", "Somebody called"),
        ("fire", "雁塔区一居民楼起火"),
    ] {
        let report = json!({"title": title, "hazard": hazard, "place": "cn-610113"});
        until(LIMIT, "the report is taken", || {
            let answer = api.call("POST", "/api/v1/reports", None, Some(&report));
            answer.is_some_and(|(status, _)| status == 202)
        });
        let mut found = Vec::new();
        until(LIMIT, "its incident is open", || {
            found = open(&api, hazard);
            !found.is_empty()
        });
        assert_eq!(found.len(), 1, "{hazard}: {found:#?}\n{}", site.log());
        let row = &found[0];
        assert_eq!(row["place"]["code"], "cn-610113");
        assert_eq!(row["level"], "blue");
        assert_eq!(row["status"], "actual");
        let owed = row["obligations"].as_array().unwrap();
        assert!(!owed.is_empty(), "departments have it: {row:#}");
    }
}
