//! Workers are told of tasks that come to queues in which nothing waited.

use std::time::Duration;

use async_nats::{Request, RequestErrorKind};

use crate::support::{Bare, Heard, Mesh, PATIENCE, TWO_CLASSES};

/// How long somebody who listens and does not answer is waited for.
const NO_ANSWER: Duration = Duration::from_millis(100);
/// Publishers in a row who are told that nobody listens, so that nobody does any more.
const TOLD: u32 = 1_000;
/// Tasks of one subscription of whoever listens.
const HEARD: u32 = 8;

/// Lines of the next wake.
async fn next(heard: &mut Heard) -> Vec<String> {
    let told = tokio::time::timeout(PATIENCE, heard.next()).await;
    let told = told.expect("workers are told");
    let text = String::from_utf8(told.payload.to_vec()).expect("it is text");
    text.lines().map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_in_a_silent_queue_is_told_of_once_and_the_next_one_again() {
    let mesh = Mesh::start(TWO_CLASSES).await;
    let bare = Bare::of(&mesh.server).await;
    let mut heard = bare.hear("fl.wake.core").await;
    for (id, class) in [("first", "pay"), ("second", "pay"), ("other", "bulk")] {
        mesh.submit(id, class, "0").await.expect("the lane takes it");
        assert_eq!(next(&mut heard).await, [format!("fl.task.core.{class}.m.0")]);
    }
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_stream_of_a_lane_is_missing_nobody_goes_on_listening() {
    let mesh = Mesh::start(TWO_CLASSES).await;
    let bare = Bare::of(&mesh.server).await;
    let mut heard = bare.hear("fl.wake.core").await;
    mesh.submit("first", "pay", "0").await.expect("the lane takes it");
    next(&mut heard).await;
    bare.jetstream.delete_stream("FL_CORE").await.expect("deleted");
    let told = async {
        let (mut in_a_row, mut unanswered) = (0, 0);
        while in_a_row < TOLD {
            let request = Request::new().payload("{}".into()).timeout(Some(NO_ANSWER));
            let answer = bare.client.send_request("fl.task.core.pay.m.0", request).await;
            match answer.map_err(|error| error.kind()) {
                Err(RequestErrorKind::NoResponders) => in_a_row += 1,
                _ => (in_a_row, unanswered) = (0, unanswered + 1),
            }
        }
        unanswered
    };
    let unanswered = tokio::time::timeout(PATIENCE, told).await;
    let unanswered = unanswered.expect("publishers are told that the stream is missing");
    // They may be heard until the lane is looked at next, and not again.
    assert!(unanswered <= HEARD, "{unanswered}");
    mesh.stop().await;
}
