//! What incidents are made from: rules and feeds.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

use super::shown;
use crate::core::obligation::Disposition;
use crate::desk::http::api::{Api, problem_of};
use crate::desk::http::identity::Identity;
use crate::desk::http::permission::Permission;
use crate::desk::http::problem::Problem;
use crate::desk::tallies::DAYS;

/// The rule set in use, and what became of each rule's incidents
#[utoipa::path(get, path = "/api/v1/rules", tag = "desk", operation_id = "rules",
    responses((status = 200, description = "Version and rules", body = ref("#/components/schemas/Rules"))))]
pub async fn rules(State(api): State<Api>, identity: Identity) -> Result<Response, Problem> {
    identity.require(Permission::Read)?;
    let set = api.rules();
    let tallies = api.tallies().await.map_err(problem_of)?;
    let rules: Vec<Value> = set
        .program
        .rules
        .iter()
        .map(|rule| {
            let tally = tallies.get(&rule.id).copied().unwrap_or_default();
            let verdicts = Disposition::ALL.iter().zip(tally.verdicts);
            let verdicts: BTreeMap<&str, u64> = verdicts
                .map(|(verdict, count)| (verdict.id(), count))
                .collect();
            let mut line = json!({
                "id": rule.id, "title": rule.title, "hazard": rule.hazard, "shadow": rule.shadow,
                "incidents": tally.incidents, "open": tally.open, "verdicts": verdicts,
            });
            if let Some(title) = &rule.title_zh {
                line["title_zh"] = json!(title);
            }
            if let Some(precision) = tally.precision() {
                line["precision"] = json!(precision);
            }
            line
        })
        .collect();
    let answer = json!({"version": set.version, "days": DAYS, "rules": rules});
    Ok(shown(&answer)?.into_response())
}

/// The feeds
#[utoipa::path(get, path = "/api/v1/feeds", tag = "desk", operation_id = "feeds",
    responses((status = 200, description = "As they are configured", body = ref("#/components/schemas/Feeds"))))]
pub async fn feeds(State(api): State<Api>, identity: Identity) -> Result<Response, Problem> {
    identity.require(Permission::Read)?;
    let feeds: Vec<_> = api
        .feeds()
        .iter()
        .map(|feed| json!({"id": feed.id, "topic": feed.topic, "kind": feed.kind, "reliability": feed.reliability}))
        .collect();
    Ok(shown(&json!({"feeds": feeds}))?.into_response())
}
