//! Trouble that is not a crash: a slow broker, records deleted before they were read, offsets that are gone, letters that
//! no topic takes.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, AlterConfig, ResourceSpecifier};
use rdkafka::client::DefaultClientContext;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use tocsin::kafka::{Pool, Role, WorkerContext, WorkerEvents};

use super::broker;
use super::counter::Counter;
use super::plant::{Plant, Sent};
use super::tools::{Random, read_committed, until, wait, write};
use super::world::World;

fn admin(brokers: &str) -> AdminClient<DefaultClientContext> {
    ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .create()
        .expect("an admin client")
}

/// What workers report of losses and new beginnings.
#[derive(Default)]
struct Reports {
    lost: AtomicI64,
    restarts: Mutex<Vec<String>>,
}

impl WorkerEvents for Reports {
    fn lost(&self, _role: Role, _topic: &str, _partition: i32, records: i64) {
        self.lost.fetch_add(records, Ordering::SeqCst);
    }

    fn restarted(&self, _role: Role, _worker: u32, why: &str) {
        self.restarts.lock().expect("reports").push(why.to_owned());
    }
}

fn start(
    world: &World,
    change: impl FnOnce(&mut tocsin::kafka::KafkaSettings),
    prepare: impl Fn(&mut Counter) + Send + Sync + 'static,
) -> (Pool, Arc<AtomicBool>, Arc<Reports>) {
    let mut context: WorkerContext = world.context("a");
    let mut settings = (*context.settings).clone();
    change(&mut settings);
    let reports = Arc::new(Reports::default());
    context.settings = Arc::new(settings);
    context.events = reports.clone();
    let names = world.names.clone();
    let pool = Pool::start(&context, Role::Correlate, 1, move |_| {
        let mut counter = Counter::new(&names);
        prepare(&mut counter);
        Ok(counter)
    });
    (pool, context.stop, reports)
}

#[test]
fn a_transaction_that_the_broker_ended_for_its_time_is_no_other_process() {
    let mut world = World::new(broker::shared(), "slow");
    world.write(0..200);
    write(
        &world.brokers,
        &world.names.detections,
        [(0, &b"key"[..], &b"slow"[..])],
    );
    world.write(200..400);
    // More often than fences are tolerated.
    let slow = Arc::new(AtomicU32::new(7));
    let timeout = Duration::from_secs(2);
    let (pool, stop, reports) = start(
        &world,
        |settings| settings.transaction_timeout = timeout,
        move |counter| counter.slow = Some((slow.clone(), timeout + Duration::from_secs(2))),
    );
    until(Duration::from_secs(120), "everything read", || {
        assert!(!pool.is_finished(), "the worker goes on");
        world.read_so_far() == 401
    });
    stop.store(true, Ordering::SeqCst);
    pool.join().expect("an orderly end");
    let restarts = reports.restarts.lock().expect("reports");
    assert!(
        restarts
            .iter()
            .any(|why| why.contains("transaction_timeout_ms")),
        "{restarts:?}"
    );
    assert_eq!(
        read_committed(&world.brokers, &world.names.queue).len(),
        401
    );
}

#[test]
fn records_deleted_before_they_were_read_are_reported_and_not_skipped_silently() {
    const RECORDS: i64 = 3_000;
    let world = World::new(broker::shared(), "deleted");
    let payload = vec![b'x'; 10_000];
    let batch = |from: i64, to: i64| {
        let records = (from..to).map(|_| (0, &b"key"[..], &payload[..]));
        write(&world.brokers, &world.names.detections, records);
    };
    batch(0, 10);
    let gate = Arc::new(AtomicBool::new(false));
    let closed = gate.clone();
    let (pool, stop, reports) = start(
        &world,
        |settings| settings.prefetch_kib = 1_024,
        move |counter| counter.gate = Some(closed.clone()),
    );
    // The worker waits at its first record, with little fetched ahead.
    std::thread::sleep(Duration::from_secs(3));
    batch(10, RECORDS);
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(&world.names.detections, 0, Offset::Offset(RECORDS - 100))
        .expect("offset");
    wait(admin(&world.brokers).delete_records(&list, &AdminOptions::new()))
        .expect("delete records");
    gate.store(true, Ordering::SeqCst);
    let lost = || reports.lost.load(Ordering::SeqCst);
    until(Duration::from_secs(60), "the rest is read", || {
        assert!(!pool.is_finished(), "the worker goes on");
        let ledger = world.ledger();
        let entries = ledger.values().flatten();
        entries.map(|entry| entry.to).max() == Some(RECORDS)
    });
    stop.store(true, Ordering::SeqCst);
    pool.join().expect("an orderly end");
    assert!(lost() > 0, "the loss is reported");
    assert_eq!(world.read_so_far() as i64 + lost(), RECORDS);
}

#[test]
fn state_without_a_committed_offset_is_refused_until_it_is_accepted() {
    let mut world = World::new(broker::shared(), "forgotten");
    world.write(0..300);
    let (pool, stop) = world.start("a", 1);
    until(Duration::from_secs(60), "everything read", || {
        world.read_so_far() == 300
    });
    stop.store(true, Ordering::SeqCst);
    pool.join().expect("an orderly end");
    let group = format!("{}.correlate", world.prefix);
    let deleted = wait(admin(&world.brokers).delete_groups(&[&group], &AdminOptions::new()));
    assert!(deleted.expect("delete groups").iter().all(Result::is_ok));

    let (pool, _stop) = world.start("a", 1);
    let why = pool.join().expect_err("refused").to_string();
    for part in [
        &*group,
        &*world.names.incidents,
        "--accept-missing-offsets",
        "--reset-offsets",
    ] {
        assert!(why.contains(part), "{part}: {why}");
    }
    assert_eq!(world.read_so_far(), 300, "nothing was read twice");

    let (pool, stop, _) = start(
        &world,
        |settings| settings.accept_missing_offsets = true,
        |_| {},
    );
    until(Duration::from_secs(60), "read again, as asked", || {
        world.read_so_far() == 600
    });
    stop.store(true, Ordering::SeqCst);
    pool.join().expect("an orderly end");
}

#[test]
fn a_letter_too_large_for_its_topic_is_cut_and_the_rest_goes_on() {
    let mut plant = Plant::new(broker::shared(), "letters", "transaction_max_ms = 50");
    let mut running = plant.run("a", 1);
    let good = |n: u32| {
        format!(r#"{{"id":"good-{n}","text":"Warehouse {n} on fire","lat":-10.2,"lon":-120.{n}}}"#)
    };
    let sent = |payload: Vec<u8>| Sent {
        feed: 0,
        partition: 0,
        at: tocsin::telemetry::wall_clock().0,
        payload,
    };
    plant.send(vec![sent(good(0).into_bytes())]);
    until(Duration::from_secs(60), "the first is read", || {
        plant.is_done()
    });
    // What does not compress: topics measure what they store.
    let mut random = Random(5);
    let large: Vec<u8> = (0..5 << 20).map(|_| random.below(256) as u8).collect();
    // The topic is changed while the worker runs: at its start it would refuse to.
    for (n, (limit, kept)) in [("1000000", 192 << 10), ("100000", 0)]
        .into_iter()
        .enumerate()
    {
        let topic = ResourceSpecifier::Topic(&plant.names.dead_letters);
        let change = AlterConfig::new(topic).set("max.message.bytes", limit);
        wait(admin(&plant.brokers).alter_configs([&change], &AdminOptions::new())).expect("alter");
        let n = n as u32;
        plant.send(vec![
            sent(good(10 * n + 1).into_bytes()),
            sent(large.clone()),
            sent(b"small and bad".to_vec()),
            sent(good(10 * n + 2).into_bytes()),
        ]);
        let began = std::time::Instant::now();
        while !plant.is_done() {
            running.assert_alive();
            let slow = began.elapsed() > Duration::from_secs(60);
            assert!(!slow, "limit {limit}:\n{}", running.tail());
            std::thread::sleep(Duration::from_millis(100));
        }
        // All letters of a feed lie in one partition, in order.
        let letters = read_committed(&plant.brokers, &plant.names.dead_letters);
        let new: Vec<_> = letters.into_iter().skip(2 * n as usize).collect();
        assert_eq!(new.len(), 2);
        let large = new
            .iter()
            .find(|l| l.headers.contains_key("tocsin-length"))
            .expect("cut");
        assert_eq!(
            large.headers["tocsin-length"],
            (5 << 20).to_string().as_bytes()
        );
        assert_eq!(large.payload.as_deref().unwrap_or_default().len(), kept);
        let small = new
            .iter()
            .find(|l| !l.headers.contains_key("tocsin-length"))
            .expect("whole");
        assert_eq!(small.payload.as_deref(), Some(&b"small and bad"[..]));
    }
    running.stop();
    assert_eq!(
        read_committed(&plant.brokers, &plant.names.detections).len(),
        5
    );
}
