//! Good and faulty documents come one after the other while tasks flow: each faulty one is refused with its reason, and
//! no task minds.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use fairlane::broker::Broker;
use fairlane::clock;
use fairlane::config::{LivePolicy, parse_policy};
use fairlane::executor::simulate::Simulate;
use fairlane::gateway::{ApplyError, apply};
use fairlane::policy::PolicyVersion;
use fairlane::task::{Lane, State};
use fairlane::wire::{Rollout, StoredPolicy};
use futures_util::{StreamExt, stream};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::documents::{applying, times};
use crate::support::{Bare, Mesh, PATIENCE, TWO_CLASSES, connect};

/// Tasks under way at once.
const FLOW: usize = 64;

/// Documents of the two classes that are all in order.
fn good() -> impl Strategy<Value = String> {
    let rule = prop_oneof![
        Just("weighted"),
        Just("fifo"),
        Just("strict"),
        Just("edf, edf: { infeasible: serve }"),
        Just("aging"),
        Just("score"),
        Just("mlfq"),
    ];
    let terms = (1..90_u32, 1..90_u32, 1..9_u32, prop::option::of(50..500_u32));
    (rule, terms, 2..300_u32, 1..4_u32, 30_000..90_000_u32).prop_map(
        |(rule, (pay, bulk, priority, most), places, shards, timeout)| {
            let most = most.map_or("null".to_owned(), |most| most.to_string());
            format!(
                "version: 1
scheduler: {{ between: {rule} }}
lanes:
  core:   {{ concurrency: {}, timeout_ms: {timeout}, ack_wait_ms: 10000, max_priority: 9 }}
  normal: {{ concurrency: 256, timeout_ms: {timeout}, ack_wait_ms: 10000 }}
classes:
  pay:  {{ priority: {priority}, share: {pay}, max_concurrent: {most}, shards: {shards} }}
  bulk: {{ priority: 9, share: {bulk} }}
default_class: bulk
models:
  m: {{ executor: simulate, cost: {{ unit: ms, initial: {pay} }} }}
retry: {{ kind: fixed, base_ms: 1, factor: 1, max_ms: 1, jitter: none, max_attempts: 3 }}
",
                places.max(8)
            )
        },
    )
}

/// The same with one thing that is wrong.
fn faulty() -> impl Strategy<Value = String> {
    let fault = prop_oneof![
        Just(("version: 1", "version: 2")),
        Just(("share:", "shore:")),
        Just(("default_class: bulk", "default_class: nobody")),
        Just(("priority: 9", "priority: urgent")),
        Just(("executor: simulate", "executor: magic")),
        Just(("timeout_ms:", "timeout_ms: -1 #")),
        Just(("classes:", "classes: [")),
        Just(("concurrency:", "concurrency: 0 #")),
        Just(("max_attempts: 3", "max_attempts: 0")),
        Just(("between:", "between: lottery #")),
    ];
    (good(), fault).prop_map(|(document, (from, to))| document.replacen(from, to, 1))
}

/// The same documents in every run.
fn documents(count: u64) -> Vec<(String, bool)> {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let any = prop_oneof![good(), faulty()];
    let drawn = (0..count).map(|_| any.new_tree(&mut runner).expect("it can be drawn").current());
    drawn
        .map(|document| {
            let is_good = parse_policy("drawn", &document).is_ok();
            (document, is_good)
        })
        .collect()
}

/// As another program might do it that does not look: the processes themselves have to refuse it.
async fn force(broker: &Broker, document: &str) -> PolicyVersion {
    let standing = broker.rollout().await.expect("NATS answers");
    let before = standing
        .rollout
        .as_ref()
        .map_or(PolicyVersion::OWN, |rollout| rollout.stable);
    let latest = standing
        .rollout
        .as_ref()
        .map_or(PolicyVersion::OWN, |rollout| rollout.latest);
    let version = latest.next();
    let policy = StoredPolicy {
        version,
        document: document.to_owned(),
        author: "force".to_owned(),
        message: String::new(),
        at: clock::wall(),
        after: before,
        restores: None,
    };
    assert!(broker.store_policy(&policy).await.expect("NATS answers"));
    let rollout = Rollout {
        stable: version,
        latest: version,
        at: clock::wall(),
        trial: None,
        last: None,
        shadow: None,
    };
    assert!(
        broker
            .write_rollout(&rollout, standing.revision)
            .await
            .expect("NATS answers")
    );
    version
}

/// Waits until a process says of `version` that it acts on it, or why it does not.
async fn settled(live: &LivePolicy, version: PolicyVersion) -> Option<String> {
    let mut every = tokio::time::interval(Duration::from_millis(1));
    let looked = async {
        loop {
            if live.now().version == version {
                return None;
            }
            if let Some(refused) = live.refused().filter(|refused| refused.version == version) {
                return Some(refused.why.clone());
            }
            every.tick().await;
        }
    };
    tokio::time::timeout(PATIENCE, looked)
        .await
        .expect("it hears of it")
}

#[tokio::test(flavor = "multi_thread")]
async fn faulty_documents_are_refused_one_by_one_and_every_task_ends_once() {
    let mesh = Mesh::start_alone(TWO_CLASSES).await;
    mesh.broker.follow_policy(&mesh.live, &mesh.lifecycle);
    let mut following = vec![mesh.live.clone()];
    for n in 0..3 {
        let broker = connect(&mesh.server, &format!("f-{n}")).await;
        following.push(mesh.following(&broker).await);
        let _worker = mesh
            .following_worker(&format!("w-{n}"), 16, Arc::new(Simulate))
            .await;
    }
    let count = usize::try_from(times("POLICY_TASKS", 1_000)).expect("it fits");
    let (counts, ()) = tokio::join!(change(&mesh, &following), flow(&mesh, count));
    println!("{count} tasks beside documents: {counts:?}");
    let bare = Bare::of(&mesh.server).await;
    bare.until_empty("FL_CORE").await;
    assert_eq!(
        bare.stream("FL_RESULTS").await.messages,
        count as u64,
        "one record each"
    );
    assert_eq!(bare.stream("FL_DEAD").await.messages, 0);
    mesh.lifecycle.stop(PATIENCE).await;
}

/// Applies every document; how many of which kind there were.
async fn change(mesh: &Mesh, following: &[Arc<LivePolicy>]) -> BTreeMap<&'static str, u32> {
    let mut counts = BTreeMap::new();
    for (n, (document, is_good)) in documents(times("POLICY_DOCUMENTS", 40)).into_iter().enumerate() {
        let forced = n % 2 == 1;
        let kind = match (is_good, forced) {
            (true, false) => "good, applied",
            (true, true) => "good, written",
            (false, false) => "faulty, applied",
            (false, true) => "faulty, written",
        };
        *counts.entry(kind).or_default() += 1;
        if !forced && !is_good {
            let refused = apply(&mesh.broker, &applying(document))
                .await
                .expect_err("it is faulty");
            assert!(matches!(refused, ApplyError::Faults(_)), "{refused}");
            assert!(refused.to_string().contains("test.yaml:"), "{refused}");
            continue;
        }
        let version = match forced {
            true => force(&mesh.broker, &document).await,
            false => {
                let applied = apply(&mesh.broker, &applying(document)).await.expect("applied");
                PolicyVersion(applied.version)
            }
        };
        for live in following {
            let why = settled(live, version).await;
            assert_eq!(why.is_none(), is_good, "{why:?}");
            if let Some(why) = why {
                assert!(
                    why.contains(&format!("policy {version}:")),
                    "it says where: {why}"
                );
            }
        }
    }
    counts
}

/// Publishes so many tasks, a few at once, and waits for each.
async fn flow(mesh: &Mesh, count: usize) {
    let each = stream::iter(0..count).map(|n| async move {
        let (id, class) = (format!("t-{n}"), ["pay", "bulk"][n % 2]);
        let task = mesh.task(&id, Lane::Core, class);
        mesh.publish(&task, "1").await.expect("accepted");
        assert_eq!(mesh.result(&id).await.record.state, State::Completed);
    });
    each.buffer_unordered(FLOW).collect::<Vec<()>>().await;
}
