//! Workers are told of tasks that come to queues in which nothing waited.

use crate::support::{Bare, Heard, Mesh, PATIENCE, TWO_CLASSES};

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
