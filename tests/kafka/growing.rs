//! The series of growth after kills: in the changelog as often as the committed detections say, and no more.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tocsin::core::growth::Series;
use tocsin::core::replay::{Committed, replay_changelog};

use super::plant::Plant;
use super::tools::read_committed;

/// What the changelog keys of series begin with.
const PREFIX: &str = "~series/";

/// The last record of every series in the changelog, by partition and key.
fn stored(plant: &Plant) -> BTreeMap<(i32, String), Vec<u8>> {
    let mut series = BTreeMap::new();
    for seen in read_committed(&plant.brokers, &plant.names.incidents) {
        let key = String::from_utf8(seen.key).expect("UTF-8");
        if !key.starts_with(PREFIX) {
            continue;
        }
        match seen.payload {
            Some(bytes) => series.insert((seen.partition, key), bytes),
            None => series.remove(&(seen.partition, key)),
        };
    }
    series
}

/// Reports of a feed whose reports are never reposts, by incident key: each id once.
fn counted_by_hand(history: &[Committed], feed: &str) -> BTreeMap<String, u32> {
    let mut ids: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for event in history {
        if let Committed::Detection(detection) = event
            && *detection.report.feed == *feed
        {
            let of_key = ids.entry(detection.key.clone()).or_default();
            of_key.insert(&detection.report.id);
        }
    }
    let counts = ids.into_iter().map(|(key, ids)| (key, ids.len() as u32));
    counts.collect()
}

/// The series are those of a fold of the committed detections, byte for byte, and hold every report of `dispatch` once.
/// Returns their number.
pub(super) fn verify_series(plant: &Plant) -> usize {
    let stored = stored(plant);
    let config = plant.correlate_config();
    let (mut expected, mut by_hand) = (BTreeMap::new(), BTreeMap::new());
    for (partition, history) in plant.histories(&plant.ledger()) {
        by_hand.extend(counted_by_hand(&history, "dispatch"));
        let log = replay_changelog(Arc::clone(&config), history);
        let series = log.into_iter().filter(|(key, _)| key.starts_with(PREFIX));
        expected.extend(series.map(|(key, bytes)| ((partition, key), bytes)));
    }
    let keys = |of: &BTreeMap<(i32, String), Vec<u8>>| of.keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&stored), keys(&expected), "keys with a series");
    let mut found = BTreeMap::new();
    for (at, bytes) in &stored {
        let series = Series::decode(bytes).expect("a series");
        assert_eq!(
            Some(&series),
            Series::decode(&expected[at]).as_ref(),
            "{at:?}"
        );
        assert_eq!(bytes, &expected[at], "bytes of {at:?}");
        let of_feed = series.feeds().iter().find(|feed| &*feed.feed == "dispatch");
        let count: u32 = of_feed.map_or(0, |feed| feed.hours.iter().map(|hour| hour.1).sum());
        if count > 0 {
            found.insert(at.1.trim_start_matches(PREFIX).to_owned(), count);
        }
    }
    assert_eq!(found, by_hand, "reports of dispatch by key");
    stored.len()
}
