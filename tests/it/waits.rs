//! Tasks that wait for longer than their class allows: moved to another lane, or ended.

use std::sync::Arc;

use fairlane::broker::publish::{Fenced, Original};
use fairlane::broker::sweep::Consumed;
use fairlane::executor::simulate::Simulate;
use fairlane::task::{BlockedOn, EventKind, Lane, State, Task, TaskId};
use fairlane::wire::{Blocked, Held, ResultRecord};
use serde_json::{Value, json};

use crate::support::{Bare, Mesh, PATIENCE};

/// Three classes whose tasks may wait for a second.
const POLICY: &str = "
version: 1
lanes:
  core:   { concurrency: 64, timeout_ms: 60000, ack_wait_ms: 1000, max_priority: 9 }
  normal: { concurrency: 64, timeout_ms: 60000, ack_wait_ms: 1000 }
classes:
  up:   { priority: 1, share: 1, max_wait_ms: 1000, on_max_wait: promote }
  down: { priority: 2, share: 1, max_wait_ms: 1000, on_max_wait: demote }
  out:  { priority: 3, share: 1, max_wait_ms: 1000, on_max_wait: expire }
default_class: up
models:
  m: { executor: simulate }
";

async fn kinds(mesh: &Mesh, id: &str) -> Vec<EventKind> {
    let id = TaskId::new(id).expect("a task id");
    let events = mesh.broker.events(&id).await.expect("the server answers");
    events.iter().map(|event| event.record.kind).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_waits_for_too_long_goes_where_its_class_says() {
    let mesh = Mesh::start(POLICY).await;
    for (id, lane) in [("up", Lane::Normal), ("down", Lane::Core), ("out", Lane::Core)] {
        let task = mesh.task(id, lane, id);
        mesh.publish(&task, "7").await.expect("accepted");
    }
    let bare = Bare::of(&mesh.server).await;
    for (id, stream, subject) in [
        ("up", "FL_CORE", "fl.task.core.up.m.0"),
        ("down", "FL_NORMAL", "fl.task.normal.down.m.0"),
    ] {
        bare.first("FL_EVENTS", &format!("fl.event.*.{id}.*")).await;
        let stream = bare.jetstream.get_stream(stream).await.expect("it exists");
        let moved = stream.get_last_raw_message_by_subject(subject).await;
        let headers = moved.expect("it is there").headers;
        assert_eq!(headers.get("Fl-Hop").expect("a hop").as_str(), "1", "{subject}");
        assert!(headers.get("Fl-Moved-From").is_none(), "the safe copy's own");
    }
    let record = mesh.result("out").await.record;
    assert_eq!((record.state, record.hop), (State::Expired, 0));
    // They can go no further, so they wait on; each is executed once, with its body as it came.
    mesh.worker("w", 4, Arc::new(Simulate)).await;
    for id in ["up", "down"] {
        let record = mesh.result(id).await.record;
        assert_eq!(
            (record.state, record.output, record.hop),
            (State::Completed, json!(7), 1),
            "{id}"
        );
    }
    for stream in ["FL_CORE", "FL_NORMAL"] {
        bare.until_empty(stream).await;
    }
    assert_eq!(bare.stream("FL_HELD").await.messages, 0);
    for (id, kind) in [
        ("up", EventKind::Promote),
        ("down", EventKind::Demote),
        ("out", EventKind::Expire),
    ] {
        bare.first("FL_EVENTS", &format!("fl.event.*.{id}.{kind}")).await;
        assert_eq!(kinds(&mesh, id).await, [kind], "{id}");
    }
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_is_held_back_waits_as_long_as_it_is() {
    let mesh = Mesh::start(POLICY).await;
    let pause = fairlane::policy::Pause {
        lane: Some(Lane::Core),
        class: None,
    };
    mesh.broker
        .pause(&pause, fairlane::clock::wall())
        .await
        .expect("paused");
    mesh.publish(&mesh.task("out", Lane::Core, "out"), "1")
        .await
        .expect("accepted");
    // One behind it that nobody holds back has waited for as long when it goes.
    mesh.publish(&mesh.task("other", Lane::Normal, "out"), "1")
        .await
        .expect("accepted");
    assert_eq!(mesh.result("other").await.record.state, State::Expired);
    let bare = Bare::of(&mesh.server).await;
    assert_eq!(bare.stream("FL_CORE").await.messages, 1);
    let resumed = fairlane::clock::wall();
    mesh.broker.resume(&pause, resumed).await.expect("resumed");
    let ended = mesh.result("out").await;
    assert_eq!(ended.record.state, State::Expired);
    assert!(
        ended.stored_at.since(resumed) >= 1_000,
        "it counts from when it was let go"
    );
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lies_aside_gives_way_to_a_later_hop_and_to_no_earlier_one() {
    let mesh = Mesh::start(POLICY).await;
    mesh.coordinator.stop(PATIENCE).await;
    let broker = &mesh.broker;
    let body = Original::new(r#"{"model":"m","input":1}"#.into());
    let at_hop = |hop| Task {
        hop,
        ..mesh.task("t", Lane::Normal, "up")
    };
    let aside = |hop| Blocked {
        task: at_hop(hop),
        history: Vec::new(),
        on: BlockedOn::Key,
    };
    let moved = |hop| Held {
        task: at_hop(hop),
        history: Vec::new(),
        lane: Lane::Normal,
        sequence: 1,
    };
    let waits_at = async || {
        let found = broker.aside(&at_hop(0).id).await.expect("read");
        found.map(|found| found.blocked.task.hop)
    };
    broker.put_aside(&aside(2), &body).await.expect("stored");
    broker.put_aside(&aside(1), &body).await.expect("answered");
    assert_eq!(waits_at().await, Some(2));
    // A move of what was put aside meanwhile, and of an earlier copy.
    for hop in [3, 2] {
        let copy = broker.hold_copy(&moved(hop), &body).await.expect("answered");
        assert_eq!((copy, waits_at().await), (None, Some(2)), "{hop}");
    }
    broker.put_aside(&aside(4), &body).await.expect("stored");
    assert_eq!(waits_at().await, Some(4));
    let copy = broker.hold_copy(&moved(6), &body).await.expect("answered");
    assert!(copy.is_some() && waits_at().await.is_none());
    broker.put_aside(&aside(5), &body).await.expect("answered");
    assert_eq!(waits_at().await, None, "it is moved as a later hop");
    // It has come to where it was moved to, and is put aside there before its copy is let go.
    broker.put_aside(&aside(6), &body).await.expect("stored");
    assert_eq!(waits_at().await, Some(6));
    mesh.stop().await;
}

/// What three parties do to one task, each in its own order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Hold,
    TakeOff,
    Publish,
    LetGo,
    Cancel,
    RemoveCancelled,
    /// A worker that had taken it before it was moved.
    Complete,
    Ack,
}

const PROMOTION: &[Step] = &[Step::Hold, Step::TakeOff, Step::Publish, Step::LetGo];
const CANCEL: &[Step] = &[Step::Cancel, Step::RemoveCancelled];
const COMPLETION: &[Step] = &[Step::Complete, Step::Ack];

/// Every order in which the parties can come about, each keeping its own.
fn interleavings(parties: [&[Step]; 3]) -> Vec<Vec<Step>> {
    if parties.iter().all(|party| party.is_empty()) {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for (at, party) in parties.iter().enumerate() {
        if let Some((first, rest)) = party.split_first() {
            let mut left = parties;
            left[at] = rest;
            for mut tail in interleavings(left) {
                tail.insert(0, *first);
                all.push(tail);
            }
        }
    }
    all
}

fn record(task: &Task, state: State) -> ResultRecord {
    ResultRecord {
        policy: None,
        task_id: task.id.clone(),
        state,
        hop: task.hop,
        attempt: 0,
        class: task.class.clone(),
        tenant: task.tenant.clone(),
        worker: "w".to_owned(),
        queued_ms: 0,
        exec_ms: 0,
        output: Value::Null,
        usage: json!({}),
        error: None,
    }
}

/// Takes the steps; the state that was decided.
async fn race(mesh: &Mesh, id: &str, steps: &[Step]) -> State {
    let (broker, task) = (&mesh.broker, mesh.task(id, Lane::Normal, "up"));
    let body = Original::new(r#"{"model":"m","input":1}"#.into());
    let published = broker.publish_task(&task, &body).await.expect("accepted");
    let fairlane::broker::publish::Published::Stored(sequence) = published else {
        panic!("{published:?}")
    };
    let held = Held {
        task: Task {
            lane: Lane::Core,
            hop: 1,
            ..task.clone()
        },
        history: Vec::new(),
        lane: Lane::Normal,
        sequence,
    };
    let (mut copy, mut decided) = (0, None);
    for step in steps {
        match step {
            Step::Hold => {
                let held = broker.hold_copy(&held, &body).await.expect("held");
                copy = held.expect("nothing lies aside");
            }
            Step::TakeOff | Step::RemoveCancelled | Step::Ack => {
                broker
                    .remove(Consumed::Lane(Lane::Normal), sequence)
                    .await
                    .expect("gone");
            }
            Step::Publish => {
                broker
                    .publish_hop(&held.task, &body, &[])
                    .await
                    .expect("published");
            }
            Step::LetGo => broker.release(copy).await.expect("released"),
            Step::Cancel | Step::Complete => {
                let state = if *step == Step::Cancel {
                    State::Cancelled
                } else {
                    State::Completed
                };
                let fenced = broker
                    .publish_result(&record(&task, state), 0)
                    .await
                    .expect("answered");
                assert_eq!(matches!(fenced, Fenced::First(_)), decided.is_none(), "{steps:?}");
                decided.get_or_insert(state);
            }
        }
    }
    decided.expect("somebody decides")
}

#[tokio::test(flavor = "multi_thread")]
async fn promotion_cancel_and_completion_leave_one_state_in_whatever_order_they_come() {
    let mesh = Mesh::start(POLICY).await;
    let all = interleavings([PROMOTION, CANCEL, COMPLETION]);
    assert_eq!(all.len(), 420);
    let mut expected = Vec::new();
    for (n, steps) in all.iter().enumerate() {
        expected.push(race(&mesh, &format!("t-{n}"), steps).await);
    }
    let bare = Bare::of(&mesh.server).await;
    mesh.worker("w", 4, Arc::new(Simulate)).await;
    bare.until_empty("FL_CORE").await;
    bare.until_empty("FL_NORMAL").await;
    assert_eq!(bare.stream("FL_RESULTS").await.last_sequence, all.len() as u64);
    for (n, state) in expected.into_iter().enumerate() {
        let steps = &all[n];
        assert_eq!(
            mesh.result(&format!("t-{n}")).await.record.state,
            state,
            "{steps:?}"
        );
    }
    mesh.stop().await;
}

/// The rule moves up what waits for a second, onto a core lane that may run two.
const BOOSTED: &str = "
version: 1
scheduler: { between: mlfq, mlfq: { boost_ms: 1000 } }
lanes:
  core:   { concurrency: 2, timeout_ms: 60000, ack_wait_ms: 1000, max_priority: 1 }
  normal: { concurrency: 2, timeout_ms: 60000, ack_wait_ms: 1000 }
classes:
  bulk: { priority: 5, share: 1 }
default_class: bulk
models:
  m: { executor: simulate }
";

#[tokio::test(flavor = "multi_thread")]
async fn under_mlfq_no_more_is_moved_up_than_core_has_room_for() {
    let mesh = Mesh::start(BOOSTED).await;
    let bare = Bare::of(&mesh.server).await;
    for n in 0..4 {
        let task = mesh.task(&format!("t-{n}"), Lane::Normal, "bulk");
        mesh.publish(&task, "7").await.expect("accepted");
    }
    for n in 0..2 {
        bare.first("FL_EVENTS", &format!("fl.event.*.t-{n}.promote"))
            .await;
    }
    // The oldest went up, and fill core: the others wait on, however long.
    let lanes = ["FL_CORE", "FL_NORMAL"];
    let mut waiting = Vec::new();
    for lane in lanes {
        waiting.push(bare.stream(lane).await.messages);
    }
    assert_eq!(waiting, [2, 2]);
    // Whoever takes them meanwhile, and one is cancelled: each ends once.
    let (policy, id) = (&mesh.policy, TaskId::new("t-3").expect("a task id"));
    assert_eq!(policy.scheduler.between.as_str(), "mlfq");
    let off = record(&mesh.task("t-3", Lane::Normal, "bulk"), State::Cancelled);
    let fenced = mesh.broker.publish_result(&off, 0).await.expect("answered");
    assert!(matches!(fenced, Fenced::First(_)));
    mesh.broker.publish_cancel(&id).await.expect("told");
    mesh.worker("w", 2, Arc::new(Simulate)).await;
    for (n, state) in [
        State::Completed,
        State::Completed,
        State::Completed,
        State::Cancelled,
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(mesh.result(&format!("t-{n}")).await.record.state, state, "{n}");
    }
    for lane in lanes {
        bare.until_empty(lane).await;
    }
    assert_eq!(bare.stream("FL_RESULTS").await.last_sequence, 4);
    assert_eq!(bare.stream("FL_HELD").await.messages, 0);
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn under_aging_a_task_goes_up_when_it_passes_a_newcomer_of_core() {
    // 1 + exp(2 · wait) passes 7 + 1 after a second.
    let yaml = "
version: 1
scheduler: { between: aging }
lanes:
  core:   { concurrency: 8, timeout_ms: 60000, ack_wait_ms: 1000, max_priority: 1 }
  normal: { concurrency: 8, timeout_ms: 60000, ack_wait_ms: 1000 }
classes:
  pay:  { priority: 1, share: 7 }
  bulk: { priority: 5, share: 1, aging: { alpha: 2 } }
default_class: bulk
models:
  m: { executor: simulate }
";
    let mesh = Mesh::start(yaml).await;
    let bare = Bare::of(&mesh.server).await;
    let task = mesh.task("t", Lane::Normal, "bulk");
    mesh.publish(&task, "7").await.expect("accepted");
    bare.first("FL_EVENTS", "fl.event.*.t.promote").await;
    mesh.worker("w", 1, Arc::new(Simulate)).await;
    let record = mesh.result("t").await.record;
    assert_eq!((record.state, record.hop), (State::Completed, 1));
    bare.until_empty("FL_CORE").await;
    assert_eq!(kinds(&mesh, "t").await, [EventKind::Promote]);
    mesh.stop().await;
}
