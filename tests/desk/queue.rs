//! The whole desk on a real Apache Kafka: queue in, decisions out, a database that goes away, a standby that takes over.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use tocsin::config::Settings;
use tocsin::core::model::Alert;
use tocsin::desk::{
    BoardFilter, Desk, DeskError, DeskMetrics, RunOptions, Running, Store, WallClock,
};
use tocsin::kafka::topics::{create, desk_plan, plan};
use tocsin::kafka::{KafkaSettings, client, dump::dump};
use tocsin::telemetry::Health;

use super::postgres::Server;
use super::world::{acknowledge, alerts, coordinator, policy, routing};
use crate::kafka::broker;

const PARTITIONS: u32 = 3;

/// A prefix of its own on the shared broker.
struct Queue {
    kafka: KafkaSettings,
    settings: Settings,
}

impl Queue {
    async fn new(name: &str) -> Self {
        let prefix = format!("desk.{name}.{}.", std::process::id());
        let kafka = KafkaSettings::new(broker::shared(), prefix.trim_end_matches('.'), "test");
        let mut settings = Settings::bundled().expect("settings");
        settings.topics.prefix = prefix;
        settings.topics.other_partitions = PARTITIONS;
        settings.topics.partitions = 1;
        let departments: Vec<Arc<str>> = routing().all().iter().map(|it| it.id.clone()).collect();
        let mut plans = plan(&settings.topics, &[] as &[tocsin::core::model::Feed]);
        plans.extend(desk_plan(&settings.topics, &departments));
        let made = create(&kafka, &plans, 1).await.expect("topics");
        assert!(made.iter().all(|topic| topic.error.is_none()), "{made:?}");
        Self { kafka, settings }
    }

    fn topic(&self) -> String {
        self.settings.topics.joint_meeting()
    }

    fn send(&self, alerts: &[Alert]) {
        let producer: BaseProducer = client::base(&self.kafka)
            .set("partitioner", "murmur2_random")
            .create()
            .expect("a producer");
        for alert in alerts {
            let (key, text) = (
                alert.incident_id.to_string(),
                serde_json::to_vec(alert).expect("json"),
            );
            let topic = self.topic();
            let record = BaseRecord::to(&topic).key(&key).payload(&text);
            producer
                .send(record)
                .map_err(|(error, _)| error)
                .expect("sent");
        }
        producer.flush(Duration::from_secs(20)).expect("flushed");
    }

    fn start(&self, desk: &Desk, holder: &str, health: &Arc<Health>) -> Running {
        let metrics = DeskMetrics::new(&prometheus::Registry::new(), []).expect("metrics");
        let options = RunOptions {
            notifier: None,
            kafka: self.kafka.clone(),
            queue: self.topic(),
            prefix: self.settings.topics.prefix.clone(),
            holder: holder.to_owned(),
            excerpts_ms: 86_400_000 * 365 * 10,
            cap_ms: 86_400_000,
            health: health.clone(),
            metrics,
        };
        Running::start(desk, options).expect("running")
    }
}

async fn desk(url: &str) -> Desk {
    Desk::new(
        Store::open(url).await.expect("a store"),
        policy(),
        Arc::new(WallClock),
    )
}

async fn until(what: &str, seconds: u64, done: impl AsyncFn() -> bool) {
    let began = Instant::now();
    while !done().await {
        assert!(
            began.elapsed() < Duration::from_secs(seconds),
            "not within {seconds} s: {what}"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn open(desk: &Desk) -> u64 {
    desk.count(&BoardFilter::default())
        .await
        .unwrap_or_default()
}

fn on_runtime(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(test);
}

#[test]
fn a_database_that_goes_away_loses_nothing() {
    on_runtime(async {
        let server = tokio::task::spawn_blocking(Server::start)
            .await
            .expect("a server");
        let url = server.database().await;
        let queue = Queue::new("away").await;
        let (desk, health) = (desk(&url).await, Arc::new(Health::default()));
        let all = alerts(60, 2);
        queue.send(&all[..60]);
        let running = queue.start(&desk, "first", &health);
        until("the first half on the board", 60, async || {
            open(&desk).await == 60
        })
        .await;
        until("ready", 20, async || health.report().0).await;
        tokio::task::block_in_place(|| server.stop());
        queue.send(&all[60..]);
        until("unready", 20, async || !health.report().0).await;
        let incident = all[0].incident_id;
        let lead = all[0].departments[0].id.to_string();
        let refused = desk
            .act(incident, &coordinator(), None, &acknowledge(&lead))
            .await;
        assert!(
            matches!(refused, Err(DeskError::Unavailable(_))),
            "{refused:?}"
        );
        tokio::time::sleep(Duration::from_secs(20)).await;
        tokio::task::block_in_place(|| server.run());
        until("ready again", 60, async || health.report().0).await;
        until("the second half", 60, async || {
            let case = desk.case(all[119].incident_id).await;
            case.is_ok_and(|case| case.alert.revision == 2)
        })
        .await;
        assert_eq!(open(&desk).await, 60);
        desk.act(incident, &coordinator(), None, &acknowledge(&lead))
            .await
            .expect("acts again");
        until("an empty outbox", 60, async || {
            desk.store().backlog().await.is_ok_and(|it| it.0 == 0)
        })
        .await;
        running.stop().await;
        let verified = desk.store().verify_audit(|_| {}).await.expect("verified");
        assert_eq!(verified.faults, []);
        let mut seen = std::collections::BTreeSet::new();
        let decisions = queue.settings.topics.decisions();
        dump(&queue.kafka, &decisions, |_, payload| {
            let record: serde_json::Value = serde_json::from_slice(payload).expect("json");
            seen.insert(record["seq"].as_i64().expect("a number"));
        })
        .expect("read");
        let wanted: std::collections::BTreeSet<i64> = (1..=verified.rows as i64).collect();
        assert_eq!(seen, wanted, "every event was published, and nothing else");
        let mut mine = 0;
        let topic = queue.settings.topics.department(&lead);
        dump(&queue.kafka, &topic, |key, _| {
            mine += usize::from(key == Some(incident.to_string().as_bytes()));
        })
        .expect("read");
        assert!(mine >= 2, "its obligation and its acknowledgement: {mine}");
        let offsets = desk.store().offsets(&queue.topic()).await.expect("offsets");
        assert_eq!(
            offsets.values().sum::<i64>(),
            120,
            "one step for every record"
        );
    });
}

#[test]
fn a_standby_takes_over_within_ten_seconds_and_a_rebuild_keeps_decisions() {
    on_runtime(async {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite:{}", folder.path().join("desk.db").display());
        let queue = Queue::new("standby").await;
        let (first, second) = (desk(&url).await, desk(&url).await);
        let health = Arc::new(Health::default());
        let all = alerts(20, 2);
        queue.send(&all);
        // One that is killed renews nothing: a lease of the usual length, taken once.
        let lease = first
            .lead("first", tocsin::desk::leader::LEASE)
            .await
            .expect("a store");
        assert!(lease.is_some());
        let began = Instant::now();
        let running = queue.start(&second, "second", &health);
        until("the standby is active", 10, async || second.is_active()).await;
        assert!(
            began.elapsed() >= Duration::from_secs(4),
            "not before the lease ended"
        );
        until("the queue on the board", 30, async || {
            open(&second).await == 20
        })
        .await;
        let (id, lead) = (all[3].incident_id, all[3].departments[0].id.to_string());
        second
            .act(id, &coordinator(), None, &acknowledge(&lead))
            .await
            .expect("acts");
        running.stop().await;
        // What the machine said is damaged; what people did is not.
        let pool = second.store().pool();
        for sql in [
            "UPDATE revisions SET alert_json = '{}' WHERE revision = 2",
            "DELETE FROM cases WHERE incident IN (SELECT incident FROM cases WHERE version = 1 LIMIT 5)",
        ] {
            sqlx::query(sql).execute(pool).await.expect("damage");
        }
        let third = desk(&url).await;
        third
            .lead("third", Duration::from_secs(60))
            .await
            .expect("a store")
            .expect("the lease");
        assert!(third.case(id).await.is_err(), "damaged");
        let before = all[0].sent.plus(-1);
        let again: Vec<Arc<Alert>> = all.iter().cloned().map(Arc::new).collect();
        let done = third.rebuild(again.clone(), before).await.expect("rebuilt");
        assert_eq!(
            (done.alerts, done.opened, done.restored),
            (40, 5, 20),
            "{done:?}"
        );
        let case = third.case(id).await.expect("a case");
        assert_eq!(case.alert.revision, 2);
        let own = case.own(&lead).expect("an obligation");
        assert_eq!(
            own.acknowledged.as_ref().expect("kept").by,
            coordinator().name
        );
        assert_eq!(open(&third).await, 20);
        let twice = third.rebuild(again, before).await.expect("rebuilt");
        assert_eq!((twice.opened, twice.restored), (0, 0), "{twice:?}");
        // Text past its time goes, and does not come back.
        let later = all[39].sent.plus(1);
        third.retain(later).await.expect("retained");
        let kept = third.revisions(id).await.expect("revisions");
        assert!(
            kept.iter()
                .all(|alert| alert.evidence.iter().all(|it| it.excerpt.is_empty()))
        );
        assert!(
            kept.iter()
                .all(|alert| alert.counts.reports > 0 && !alert.evidence.is_empty())
        );
        let all = all.into_iter().map(Arc::new).collect();
        assert_eq!(
            third.rebuild(all, later).await.expect("rebuilt").restored,
            0
        );
    });
}
