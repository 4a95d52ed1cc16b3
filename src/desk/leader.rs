//! Which desk is the active one: takes the lease, renews it, and takes it over when its holder is gone.
//!
//! Invariant: a desk that cannot renew stops to be active before its lease ends, by its own count; and should it be late, its writes
//! are refused by their epoch. A standby takes over within [`LEASE`] and [`RENEW`] of the last renewal: eight seconds.

use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::service::Desk;
use super::store::Lease;

/// How long a lease lasts.
pub const LEASE: Duration = Duration::from_secs(6);
/// How often it is renewed, and how often a standby looks.
pub const RENEW: Duration = Duration::from_secs(2);

/// Keeps `desk` active whenever no other is, until `stop` says so; then gives the lease up.
pub async fn keep(desk: Desk, holder: String, mut stop: watch::Receiver<bool>) {
    let mut held: Option<(Lease, Instant)> = None;
    while !*stop.borrow() {
        held = step(&desk, &holder, held).await;
        tokio::select! {
            () = tokio::time::sleep(RENEW) => {}
            _ = stop.changed() => {}
        }
    }
    desk.stand_by();
    if let Some((lease, _)) = held
        && let Err(error) = desk.store().give_up_lease(&lease).await
    {
        tracing::warn!(%error, "the lease could not be given up; a standby waits for its end");
    }
}

async fn step(
    desk: &Desk,
    holder: &str,
    held: Option<(Lease, Instant)>,
) -> Option<(Lease, Instant)> {
    let asked = Instant::now();
    let Some((lease, since)) = held else {
        return match desk.lead(holder, LEASE).await {
            Ok(Some(lease)) => {
                tracing::info!(epoch = lease.epoch, "this desk is active");
                Some((lease, asked))
            }
            Ok(None) => None,
            Err(error) => {
                tracing::warn!(%error, "the lease cannot be asked for");
                None
            }
        };
    };
    match desk.store().renew_lease(&lease, LEASE).await {
        Ok(true) => Some((lease, asked)),
        Ok(false) => {
            tracing::warn!("another desk is active; this one is standing by");
            desk.stand_by();
            None
        }
        Err(error) => {
            tracing::warn!(%error, "the lease cannot be renewed");
            if since.elapsed() + RENEW < LEASE {
                return Some((lease, since));
            }
            desk.stand_by();
            None
        }
    }
}
