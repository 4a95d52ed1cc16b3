//! Property: however deliveries are repeated, reordered and cut into batches, the desk ends up the same.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use tocsin::core::model::{Alert, Level, RoutedDepartment};
use tocsin::core::obligation::Case;
use tocsin::desk::{Desk, VirtualClock};

use super::world::{policy, routing, synthetic};

/// Revisions of three incidents: levels and departments change at random.
fn histories() -> impl Strategy<Value = Vec<Alert>> {
    let revision = (0_usize..4, any::<bool>(), 1_u32..6);
    prop::collection::vec(prop::collection::vec(revision, 1..6), 3).prop_map(|incidents| {
        let mut all = Vec::new();
        for (number, revisions) in incidents.into_iter().enumerate() {
            for (at, (level, material, sources)) in revisions.into_iter().enumerate() {
                let mut alert = synthetic(3, 9).alert(number as u32, at as u32 + 1);
                alert.level = Level::ALL[level];
                // As correlate has it: departments follow the level, and a change of either is material.
                alert.departments = departments(&alert);
                let same = all.last().is_some_and(|last: &Alert| {
                    last.incident_id == alert.incident_id
                        && last.level == alert.level
                        && last.departments == alert.departments
                });
                alert.material = material || !same;
                alert.counts.sources = sources;
                all.push(alert);
            }
        }
        all
    })
}

fn departments(alert: &Alert) -> Vec<RoutedDepartment> {
    routing().departments(alert.hazard, alert.level, &[])
}

/// What has to be equal: the machine's view, and obligations in any order.
type Seen = BTreeMap<uuid::Uuid, (u32, Level, BTreeMap<String, (bool, i64, i64)>, bool)>;

fn seen(cases: &[Case]) -> Seen {
    cases
        .iter()
        .map(|case| {
            let owed = case.obligations.iter().map(|it| {
                let value = (it.required, it.acknowledge_by.0, it.dispose_by.0);
                (it.department.to_string(), value)
            });
            let value = (
                case.alert.revision,
                case.alert.level,
                owed.collect(),
                case.agenda_since.is_some(),
            );
            (case.incident, value)
        })
        .collect()
}

async fn outcome(batches: &[Vec<Alert>]) -> Seen {
    let clock = Arc::new(VirtualClock::at(synthetic(1, 1).start));
    let desk = Desk::in_memory(policy(), clock).await.unwrap();
    let mut incidents = std::collections::BTreeSet::new();
    for batch in batches {
        incidents.extend(batch.iter().map(|alert| alert.incident_id));
        desk.absorb_alerts(batch.clone()).await.unwrap();
    }
    let mut cases = Vec::new();
    for id in incidents {
        cases.push(desk.case(id).await.unwrap());
    }
    assert!(
        desk.store()
            .verify_audit(|_| {})
            .await
            .unwrap()
            .faults
            .is_empty()
    );
    seen(&cases)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn repeated_and_reordered_deliveries_change_nothing(
        all in histories(),
        order in prop::collection::vec(any::<prop::sample::Index>(), 0..30),
        cuts in prop::collection::vec(1_usize..5, 1..20),
        shuffle in any::<u64>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let straight = runtime.block_on(outcome(std::slice::from_ref(&all)));
        let mut mixed: Vec<Alert> = all.clone();
        let mut state = shuffle | 1;
        for at in (1..mixed.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            mixed.swap(at, (state >> 33) as usize % (at + 1));
        }
        mixed.extend(order.iter().map(|at| at.get(&all).clone()));
        let (mut batches, mut rest, mut cut) = (Vec::new(), &mixed[..], cuts.iter().cycle());
        while !rest.is_empty() {
            let size = (*cut.next().unwrap()).min(rest.len());
            batches.push(rest[..size].to_vec());
            rest = &rest[size..];
        }
        prop_assert_eq!(runtime.block_on(outcome(&batches)), straight);
    }
}
