//! The desk's store, as commands open it.

use std::time::Duration;

use anyhow::{Context as _, bail};

use crate::config::Settings;
use crate::desk::Store;

/// Longest wait for a database that does not answer yet.
const WAIT_STORE: Duration = Duration::from_secs(2);

/// Opens the store; one that does not answer yet is waited for.
pub(super) async fn open_store(
    settings: &Settings,
    stop: &dyn Fn() -> bool,
) -> anyhow::Result<Store> {
    loop {
        match Store::open(settings.desk.url.expose()).await {
            Ok(store) => return Ok(store),
            Err(error) if error.is_away() && !stop() => {
                tracing::warn!(%error, "the database cannot be reached yet");
                tokio::time::sleep(WAIT_STORE).await;
            }
            Err(error) => return Err(error).context("desk.url"),
        }
    }
}

/// Opens the store to read what is there: none is made where there is none, and none is brought to this version beside the desk of
/// another one that works on it.
pub(super) async fn open_existing(settings: &Settings) -> anyhow::Result<Store> {
    let url = settings.desk.url.expose();
    let found = Store::inspect(url).await.context(
        "the desk's database cannot be read: does desk.url name it, and is this the folder that it is told from?",
    )?;
    if !found.pending.is_empty() {
        bail!(
            "the desk's database (desk.url) is of an older version, migrations {:?} are pending: start the desk of this version first",
            found.pending
        );
    }
    open_store(settings, &|| true).await
}
