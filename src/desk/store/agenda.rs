//! Why incidents are on the agenda, many at once.

use std::collections::HashMap;

use serde::Deserialize;
use sqlx::Row as _;
use uuid::Uuid;

use super::connect::{Store, StoreError};
use super::rows::{list, query};
use crate::core::model::ScoreLine;
use crate::core::obligation::Mark;

/// Incidents of one statement.
const AT_A_TIME: usize = 500;

/// Why an incident is talked about.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Why {
    /// Score lines of its newest revision.
    pub reasons: Vec<ScoreLine>,
    /// What somebody wrote who asked for a meeting.
    pub asked: Option<String>,
}

/// What of a revision says why.
#[derive(Deserialize)]
struct Reasons {
    reasons: Vec<ScoreLine>,
}

/// What of a case says why.
#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    meeting: Option<Mark>,
}

impl Store {
    /// Why these incidents are talked about; of those that there are.
    pub async fn whys(&self, incidents: &[Uuid]) -> Result<HashMap<Uuid, Why>, StoreError> {
        let mut whys = HashMap::with_capacity(incidents.len());
        for chunk in incidents.chunks(AT_A_TIME) {
            let sql = format!(
                "SELECT c.incident, c.case_json, r.alert_json FROM cases c \
                 LEFT JOIN revisions r ON r.incident = c.incident AND r.revision = c.revision WHERE c.incident IN ({})",
                list(1, chunk.len())
            );
            let ids = chunk.iter().map(|id| id.to_string().into()).collect();
            let rows = query(sql, ids).persistent(false).fetch_all(&self.pool);
            for row in rows.await? {
                let (id, case): (String, String) = (row.try_get(0)?, row.try_get(1)?);
                let alert: Option<String> = row.try_get(2)?;
                // What cannot be read is told of where the case itself is asked for.
                let Ok(incident) = id.parse() else { continue };
                let asked = serde_json::from_str::<Asked>(&case).ok();
                let alert = alert.and_then(|it| serde_json::from_str::<Reasons>(&it).ok());
                let why = Why {
                    reasons: alert.map(|it| it.reasons).unwrap_or_default(),
                    asked: asked.and_then(|it| Some(it.meeting?.reason)),
                };
                whys.insert(incident, why);
            }
        }
        Ok(whys)
    }
}
