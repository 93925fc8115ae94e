//! What the leading coordinator tells of a lane, as anybody can hear it.

use std::time::Duration;

use bytes::Bytes;
use fairlane::broker::publish::Original;
use fairlane::clock;
use fairlane::policy::Pause;
use fairlane::task::{ClassName, Lane, TenantId, fnv1a_64};
use fairlane::wire::{LaneView, QueueView, read_view};

use crate::support::{Bare, Heard, Mesh, PATIENCE, Probe, TWO_CLASSES, publish_raw};

/// Views until one says so.
async fn until(heard: &mut Heard, what: &str, is_so: impl Fn(&QueueView) -> bool) -> (LaneView, QueueView) {
    let found = async {
        loop {
            let message = heard.next().await;
            let headers = message.headers.expect("it has headers");
            assert_eq!(headers.get("Fl-Version").expect("a version").as_str(), "1");
            let view = read_view(&message.payload).expect("it can be read");
            let pay = view
                .queues
                .iter()
                .find(|queue| queue.route.class.as_str() == "pay");
            if let Some(pay) = pay.filter(|pay| is_so(pay)).cloned() {
                return (view, pay);
            }
        }
    };
    let found = tokio::time::timeout(PATIENCE, found).await;
    found.unwrap_or_else(|_| panic!("no view says: {what}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_tells_depth_limit_and_head_of_every_queue_and_what_is_held_back() {
    let yaml = TWO_CLASSES.replace("version: 1", "version: 1\nscheduler: { between: score }");
    let mesh = Mesh::start(&yaml).await;
    let bare = Bare::of(&mesh.server).await;
    let mut heard = bare.hear("fl.view.core").await;
    let (view, _) = until(&mut heard, "nothing waits", |pay| {
        pay.depth == 0 && pay.head.is_none()
    })
    .await;
    assert_eq!(view.queues.len(), 2);
    assert_eq!(view.queues.iter().map(|queue| queue.limit).sum::<u32>(), 256);

    let mut task = mesh.task("first", Lane::Core, "pay");
    task.tenant = TenantId::new("acme").expect("it is a name");
    task.facts.deadline = Some(clock::wall().plus_ms(60_000));
    task.facts.cost = Some(12.5);
    let body = r#"{"model":"m","input":1,"urgency_score":7,"business_weight":8.5}"#;
    let published = mesh
        .broker
        .publish_task(&task, &Original::new(Bytes::from(body)))
        .await;
    published.expect("the lane takes it");
    mesh.submit_many("pay", 3, "0").await;
    let (view, pay) = until(&mut heard, "four wait", |pay| pay.depth == 4).await;
    let head = pay.head.expect("it was read");
    assert_eq!(
        (head.enqueued_at, head.deadline),
        (task.enqueued_at, task.facts.deadline)
    );
    assert_eq!(head.tenant, Some(fnv1a_64(b"acme")));
    assert_eq!(
        (head.cost_ms, head.urgency, head.business_weight),
        (Some(12.5), Some(7.0), Some(8.5))
    );
    assert!(view.taken_at >= task.enqueued_at && view.taken_at.since(task.enqueued_at) < 60_000);

    let pause = Pause {
        lane: Some(Lane::Core),
        class: Some(ClassName::new("pay").expect("it is a name")),
    };
    mesh.broker
        .pause(&pause, clock::wall())
        .await
        .expect("it is noted");
    until(&mut heard, "it is held back", |pay| {
        pay.is_paused && pay.head.is_none()
    })
    .await;
    // Places go to the other class meanwhile, and it stays held back.
    let (probe, _starts) = Probe::timed(Duration::from_millis(20));
    mesh.worker("w", 256, probe).await;
    mesh.submit_many("bulk", 3000, "0").await;
    let (_, pay) = until(&mut heard, "it has few places", |pay| pay.limit < 100).await;
    assert!(pay.is_paused && pay.depth == 4 && pay.running == 0, "{pay:?}");
    mesh.broker
        .resume(&pause, clock::wall())
        .await
        .expect("it is taken back");
    for id in ["first", "pay-0", "pay-1", "pay-2"] {
        mesh.result(id).await;
    }
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_would_end_connections_ends_no_view() {
    let mesh = Mesh::start(TWO_CLASSES).await;
    let bare = Bare::of(&mesh.server).await;
    let mut heard = bare.hear("fl.view.core").await;
    publish_raw(
        &mesh.server,
        b"fl.task.core.pay.m.0",
        b"NATS/1.0\r\nA: b\rc\r\n\r\n",
        b"{}",
    );
    let (_, pay) = until(&mut heard, "it waits", |pay| pay.depth == 1 && pay.head.is_some()).await;
    let head = pay.head.expect("it was read");
    assert_eq!((head.deadline, head.urgency), (None, None));
    until(&mut heard, "views go on", |pay| pay.depth == 1).await;
    mesh.stop().await;
}
