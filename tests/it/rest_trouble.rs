//! REST where not the caller is wrong: the exact words for what is missing, broken or too slow.

use expect_test::expect;
use nix::sys::signal::Signal;

use crate::rest::POLICY;
use crate::support::{Bare, Door, Mesh, process};

const TASK: &str = r#"{"task_id":"t","model":"m","input":1}"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_does_not_answer_leaves_it_open_and_the_same_again_settles_it() {
    let mesh = Mesh::start(POLICY).await;
    let (door, bare) = (Door::of(&mesh).await, Bare::of(&mesh.server).await);
    process::send(mesh.server.pid(), Signal::SIGSTOP);
    let answered = door.post(TASK).await;
    process::send(mesh.server.pid(), Signal::SIGCONT);
    assert_eq!(answered.header("retry-after"), "1");
    expect![[r#"
        503 application/problem+json {"type":"about:blank","title":"Service Unavailable","status":503,"code":"unconfirmed","detail":"NATS did not answer in time, so the task may or may not be accepted; submit the same again, which is safe under a task_id or an Idempotency-Key"}
    "#]].assert_eq(&answered.told());
    assert_eq!(door.post(TASK).await.status, 202);
    assert_eq!(bare.stream("FL_NORMAL").await.messages, 1);
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_stream_and_a_broken_record_are_told_apart_from_a_silent_server() {
    let mesh = Mesh::start(POLICY).await;
    let (door, bare) = (Door::of(&mesh).await, Bare::of(&mesh.server).await);
    bare.publish("fl.result.broken", &[], "no record").await.unwrap();
    let mut told = door.get("/v1/tasks/broken/result").await.told();
    bare.jetstream.delete_stream("FL_NORMAL").await.unwrap();
    told += &door.post(TASK).await.told();
    expect![[r#"
        500 application/problem+json {"type":"about:blank","title":"Internal Server Error","status":500,"code":"record_unreadable","detail":"what is stored for this task cannot be read; whoever wrote it broke the protocol"}
        503 application/problem+json {"type":"about:blank","title":"Service Unavailable","status":503,"code":"not_set_up","detail":"the mesh's streams are missing; run `fairlane streams apply`; nothing was accepted"}
    "#]].assert_eq(&told);
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_that_wait_are_bounded_and_those_that_do_not_are_answered() {
    let mesh = Mesh::start(POLICY).await;
    let door = Door::of(&mesh).await;
    door.post(TASK).await;
    let path = "/v1/tasks/t/result?wait=60";
    // As many as there is room for, and one more: the one that is answered at once is refused.
    let mut waiting: Vec<_> = (0..3).map(|_| Box::pin(door.get(path))).collect();
    let (refused, at, _) = futures_util::future::select_all(&mut waiting).await;
    drop(waiting.remove(at));
    expect![[r#"
        503 application/problem+json {"type":"about:blank","title":"Service Unavailable","status":503,"code":"too_many_waiting","detail":"too many callers wait for results here; ask again without wait, or later"}
    "#]].assert_eq(&refused.told());
    assert_eq!(door.get("/v1/tasks/t/result").await.status, 202);
    assert_eq!(door.delete("t").await.status, 200);
    for answered in futures_util::future::join_all(waiting).await {
        assert_eq!(answered.status, 200, "{answered:?}");
    }
    mesh.stop().await;
}
