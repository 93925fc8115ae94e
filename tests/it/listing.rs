//! `task ls` finds tasks wherever they are, and goes on where it ended.

use fairlane::task::Lane;
use serde_json::Value;

use crate::support::{Bare, Mesh, PATIENCE, TWO_CLASSES, cli};

async fn task(mesh: &Mesh, arguments: &[&str]) -> (Option<i32>, Value) {
    cli::run_at(&mesh.server, &[&["task"], arguments].concat()).await
}

/// Ids and states of a list, and where it goes on.
async fn listed(mesh: &Mesh, arguments: &[&str]) -> (Vec<(String, String)>, Option<String>) {
    let (code, told) = task(mesh, &[&["ls"], arguments].concat()).await;
    assert_eq!(code, Some(0), "{told}");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let tasks = told["tasks"].as_array().expect("a list").iter();
    let tasks = tasks.map(|task| (text(&task["task_id"]), text(&task["state"])));
    (tasks.collect(), told["cursor"].as_str().map(str::to_owned))
}

/// One task in each state that there is.
async fn one_of_each() -> Mesh {
    let mesh = Mesh::start(&TWO_CLASSES.replace("ack_wait_ms: 1000", "ack_wait_ms: 60000")).await;
    mesh.done_failed_and_again().await;
    let bare = Bare::of(&mesh.server).await;
    mesh.submit("runs", "pay", r#"{"hang_rate":1}"#)
        .await
        .expect("accepted");
    bare.until_delivered("FL_CORE", "pay=m=0").await;
    let waits = mesh.task("waits", Lane::Normal, "bulk");
    mesh.publish(&waits, "1").await.expect("accepted");
    mesh
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_are_listed_wherever_they_are_and_page_by_page() {
    let mesh = one_of_each().await;
    let all = [
        ("runs", "running"),
        ("waits", "queued"),
        ("again", "retrying"),
        ("done", "completed"),
        ("failed", "dead"),
    ]
    .map(|(id, state)| (id.to_owned(), state.to_owned()));
    assert_eq!(listed(&mesh, &[]).await, (all.to_vec(), None));

    let (mut paged, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let mut arguments = vec!["--limit", "2"];
        if let Some(cursor) = &cursor {
            arguments.extend(["--cursor", cursor.as_str()]);
        }
        let (tasks, next) = listed(&mesh, &arguments).await;
        paged.extend(tasks);
        let Some(next) = next else { break };
        cursor = Some(next);
    }
    assert_eq!(paged, all);

    for (arguments, found) in [
        (
            &["--state", "dead", "--state", "queued"][..],
            &["waits", "failed"][..],
        ),
        (&["--class", "bulk"], &["waits"]),
        (&["--lane", "core"], &["runs"]),
        (&["--older-than", "1h"], &[]),
        (&["--newer-than", "1h", "--state", "completed"], &["done"]),
    ] {
        let (tasks, _) = listed(&mesh, arguments).await;
        let ids: Vec<&str> = tasks.iter().map(|(id, _)| id.as_str()).collect();
        assert_eq!(ids, found, "{arguments:?}");
    }
    assert_eq!(task(&mesh, &["ls", "--cursor", "odd"]).await.0, Some(2));
    mesh.lifecycle.stop(PATIENCE).await;
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_came_straight_to_its_lane_is_shown_in_every_state() {
    let mesh = one_of_each().await;
    for (id, state) in [
        ("runs", "running"),
        ("waits", "queued"),
        ("again", "retrying"),
        ("done", "completed"),
        ("failed", "dead"),
    ] {
        let (code, told) = task(&mesh, &["get", id]).await;
        assert_eq!((code, told["state"].as_str()), (Some(0), Some(state)), "{told}");
    }
    assert_eq!(task(&mesh, &["get", "nowhere"]).await.0, Some(4));
    mesh.lifecycle.stop(PATIENCE).await;
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_came_straight_to_its_lane_is_cancelled_in_every_state() {
    let mesh = one_of_each().await;
    let bare = Bare::of(&mesh.server).await;
    // The one that runs last: its slot takes the one that waits.
    for id in ["waits", "again", "runs"] {
        let (code, told) = task(&mesh, &["cancel", id]).await;
        assert_eq!(
            (code, told["state"].as_str()),
            (Some(0), Some("cancelled")),
            "{id}: {told}"
        );
        assert_eq!(mesh.result(id).await.record.state.as_str(), "cancelled");
        assert_eq!(
            task(&mesh, &["cancel", id]).await.0,
            Some(0),
            "twice is no mistake"
        );
    }
    // What ran was told to stop, so its slot and its lane are free.
    for stream in ["FL_CORE", "FL_NORMAL", "FL_RETRY"] {
        bare.until_empty(stream).await;
    }
    for (id, exit) in [("done", 3), ("failed", 3), ("nowhere", 4)] {
        assert_eq!(task(&mesh, &["cancel", id]).await.0, Some(exit), "{id}");
    }
    mesh.stop().await;
}
