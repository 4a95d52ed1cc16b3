//! A desk with a clock that the test moves, on either database.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tocsin::core::diagnostic::SourceFile;
use tocsin::core::model::Alert;
use tocsin::core::obligation::{Action, Actor, Disposition, Policy};
use tocsin::core::route::Routing;
use tocsin::desk::{Desk, Store, Synthetic, VirtualClock};

use super::postgres;

pub(crate) const MINUTE: i64 = 60_000;
pub(crate) const HOUR: i64 = 60 * MINUTE;

/// Where a store is, for one test on one database.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    pub(crate) url: String,
}

/// A desk and its clock.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) desk: Desk,
    pub(crate) clock: Arc<VirtualClock>,
}

/// The bundled departments.
pub(crate) fn routing() -> Arc<Routing> {
    static ROUTING: std::sync::OnceLock<Arc<Routing>> = std::sync::OnceLock::new();
    Arc::clone(ROUTING.get_or_init(read_routing))
}

fn read_routing() -> Arc<Routing> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/config/departments.yaml");
    let source = SourceFile {
        name: path.into(),
        text: std::fs::read_to_string(path).expect("departments"),
    };
    Arc::new(Routing::parse(&source).expect("a good table"))
}

pub(crate) fn policy() -> Arc<Policy> {
    Arc::new(Policy::new(routing()))
}

/// Runs a test on SQLite and on PostgreSQL, each with a database of its own.
pub(crate) fn on_both<F>(test: impl Fn(Site) -> F)
where
    F: Future<Output = ()>,
{
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite:{}", folder.path().join("desk.db").display());
    runtime.block_on(test(Site { url }));
    let server = postgres::shared();
    let url = runtime.block_on(server.database());
    runtime.block_on(test(Site { url }));
}

impl Site {
    pub(crate) async fn store(&self) -> Store {
        Store::open(&self.url).await.expect("a store")
    }

    /// An active desk whose clock stands at the time of the first alert.
    pub(crate) async fn world(&self) -> World {
        self.led(self.store().await).await
    }

    /// The same with so many incidents.
    pub(crate) async fn busy(&self, incidents: u32) -> World {
        let world = self.world().await;
        let absorbed = world.desk.absorb_alerts(alerts(incidents, 1)).await;
        assert_eq!(absorbed.expect("absorbed").opened, incidents as usize);
        world
    }

    /// The same over a store that is open.
    pub(crate) async fn led(&self, store: Store) -> World {
        let clock = Arc::new(VirtualClock::at(synthetic(1, 1).start));
        let desk = Desk::new(store, policy(), clock.clone());
        let lease = desk.lead("first", Duration::from_secs(600)).await;
        assert!(lease.expect("a lease").is_some());
        World { desk, clock }
    }
}

pub(crate) fn synthetic(incidents: u32, revisions: u32) -> Synthetic {
    Synthetic::new(incidents, revisions, routing())
}

pub(crate) fn alerts(incidents: u32, revisions: u32) -> Vec<Alert> {
    synthetic(incidents, revisions).alerts().collect()
}

pub(crate) fn coordinator() -> Actor {
    Actor::new("coordinator-1", tocsin::core::obligation::Role::Coordinator)
}

pub(crate) fn acknowledge(department: &str) -> Action {
    Action::Acknowledge {
        department: Some(department.into()),
    }
}

pub(crate) fn dispose(department: &str) -> Action {
    Action::Dispose {
        department: department.into(),
        disposition: Disposition::Confirmed,
        reason: "handled".to_owned(),
    }
}
