//! The worker on a real broker, with the smallest stage: nothing lost, nothing doubled, whatever happens to it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tocsin::core::model::Millis;
use tocsin::kafka::{Pool, Role, Silent, TopicNames, WorkerContext};

use super::broker::{self, Broker};
use super::counter::Counter;
use super::tools::{Random, read_committed, until, write};
use super::world::{PARTITIONS, World, settings};

/// Not a test: the body of the processes that the kill tests start.
#[test]
fn worker_process() {
    let Ok(what) = std::env::var("TOCSIN_TEST_WORKER") else {
        return;
    };
    if std::env::var("RUST_LOG").is_ok() {
        tracing_subscriber::fmt()
            .with_writer(std::io::stderr)
            .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
            .init();
    }
    let mut words = what.split(' ');
    let mut word = || words.next().expect("brokers prefix instance").to_owned();
    let (brokers, prefix, instance) = (word(), word(), word());
    let names = TopicNames::new(&prefix);
    let context = WorkerContext {
        settings: Arc::new(settings(&brokers, &prefix, &instance)),
        names: Arc::new(names.clone()),
        events: Arc::new(Silent),
        stop: Arc::new(AtomicBool::new(false)),
    };
    let pool = Pool::start(&context, Role::Correlate, 1, move |_| {
        Ok(Counter::new(&names))
    });
    pool.join().expect("a worker that goes on");
}

#[test]
fn every_record_is_processed_once() {
    let mut world = World::new(broker::shared(), "once");
    let (pool, stop) = world.start("a", 2);
    world.write(0..5_000);
    until(Duration::from_secs(60), "everything read", || {
        world.read_so_far() == 5_000
    });
    stop.store(true, Ordering::SeqCst);
    let began = std::time::Instant::now();
    pool.join().expect("an orderly end");
    assert!(
        began.elapsed() < Duration::from_secs(10),
        "{:?}",
        began.elapsed()
    );
    world.verify();
}

#[test]
fn a_restart_goes_on_where_the_last_commit_ended() {
    let mut world = World::new(broker::shared(), "restart");
    for round in 0..3 {
        let (pool, stop) = world.start("a", 1);
        world.write(round * 1_000..(round + 1) * 1_000);
        until(Duration::from_secs(60), "everything read", || {
            world.read_so_far() == world.total()
        });
        stop.store(true, Ordering::SeqCst);
        pool.join().expect("an orderly end");
    }
    world.verify();
}

#[test]
fn a_record_that_makes_the_stage_panic_is_a_dead_letter_and_the_rest_goes_on() {
    let mut world = World::new(broker::shared(), "panic");
    world.write(0..500);
    let bad = (0, &b"key"[..], &b"panic"[..]);
    write(&world.brokers, &world.names.detections, [bad]);
    world.write(500..1_000);
    let (pool, stop) = world.start("a", 1);
    until(Duration::from_secs(60), "everything read", || {
        world.read_so_far() == 1_001
    });
    stop.store(true, Ordering::SeqCst);
    pool.join().expect("an orderly end");
    let letters = read_committed(&world.brokers, &world.names.dead_letters);
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].payload.as_deref(), Some(&b"panic"[..]));
    let queue = read_committed(&world.brokers, &world.names.queue);
    assert_eq!(queue.len(), 1_000);
}

#[test]
fn an_idle_partition_advances_its_clock_once() {
    let mut world = World::new(broker::shared(), "idle");
    let context = world.context("a");
    let names = world.names.clone();
    let pool = Pool::start(&context, Role::Correlate, 1, move |_| {
        let mut counter = Counter::new(&names);
        counter.timer = Some(Millis(1));
        Ok(counter)
    });
    world.write(0..300);
    let advances = |world: &World| -> usize {
        let ledger = world.ledger();
        ledger
            .values()
            .flatten()
            .filter(|entry| entry.advanced_to.is_some())
            .count()
    };
    until(Duration::from_secs(60), "advances", || {
        advances(&world) >= PARTITIONS as usize
    });
    std::thread::sleep(Duration::from_secs(1));
    context.stop.store(true, Ordering::SeqCst);
    pool.join().expect("an orderly end");
    for entry in world.ledger().values().flatten() {
        if entry.advanced_to.is_some() {
            assert_eq!((entry.from, entry.read), (entry.to, 0), "{entry:?}");
        }
    }
    // Only where the timers of a partition fire: records that came between the first advance and the end fire again.
    assert!(
        advances(&world) <= 2 * PARTITIONS as usize,
        "{}",
        advances(&world)
    );
    world.verify();
}

#[test]
fn a_killed_worker_loses_and_doubles_nothing() {
    let broker = Broker::start();
    let mut world = World::new(&broker.address(), "kill");
    let mut random = Random(7);
    let mut a = world.spawn("a");
    let mut b = None;
    let kills = 5;
    for kill in 0..kills {
        world.write(kill * 2_000..(kill + 1) * 2_000);
        if kill == 1 {
            b = Some(world.spawn("b"));
        }
        if kill == 3 {
            b = None;
        }
        std::thread::sleep(Duration::from_millis(random.below(2_500)));
        a.kill();
        a = world.spawn("a");
    }
    world.write(kills * 2_000..(kills + 1) * 2_000);
    until(Duration::from_secs(120), "everything read", || {
        world.read_so_far() >= world.total()
    });
    drop((a, b));
    world.verify();
}
