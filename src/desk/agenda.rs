//! The joint meeting's agenda: what is talked about, in which order, and why.

use std::collections::HashMap;

use uuid::Uuid;

use super::service::{Desk, DeskError};
use super::store::{BoardFilter, Why};
use crate::core::model::Status;
use crate::core::obligation::BoardRow;

/// Items of an agenda: a meeting that has more to talk about than this talks about nothing.
pub const MAX_AGENDA: usize = 2_000;
/// Items that are read at a time.
const PAGE: u32 = 500;

impl Desk {
    /// The joint meeting's agenda in its order.
    pub async fn agenda(&self, status: Status) -> Result<Vec<BoardRow>, DeskError> {
        let filter = BoardFilter {
            status,
            agenda: true,
            ..BoardFilter::default()
        };
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let page = self.board(&filter, after.as_ref(), PAGE).await?;
            all.extend(page.items);
            if page.next.is_none() || all.len() >= MAX_AGENDA {
                return Ok(all);
            }
            after = page.next;
        }
    }

    /// Why these incidents are talked about; of those that there are.
    pub async fn whys(&self, incidents: &[Uuid]) -> Result<HashMap<Uuid, Why>, DeskError> {
        Ok(self.store().whys(incidents).await?)
    }
}
