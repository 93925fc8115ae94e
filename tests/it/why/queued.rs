//! Tasks on their lane: their place, and what binds.

use std::sync::Arc;

use fairlane::clock;
use fairlane::executor::simulate::Simulate;
use fairlane::policy::Pause;
use fairlane::task::ClassName;
use fairlane::wire::parse_rfc3339;
use serde_json::{Value, json};

use super::scene::{POLICY, Scene, kinds, started};
use crate::support::{Bare, Mesh, Probe, cli};

#[tokio::test(flavor = "multi_thread")]
async fn a_queued_task_knows_its_place_and_who_is_served_beside_it() {
    let mut scene = Scene::new().await;
    let (probe, mut starts) = Probe::gated();
    scene.mesh.worker("w", 1, probe.clone()).await;
    scene.submit("p-0", "pay", json!({})).await;
    assert_eq!(started(&mut starts).await, "p-0");
    for n in 1..10 {
        scene.submit(&format!("p-{n}"), "pay", json!({})).await;
    }
    for n in 0..3 {
        scene.submit(&format!("a-{n}"), "auth", json!({})).await;
    }
    let told = scene.until("p-6", "slots_busy").await;
    assert_eq!(told["position"], json!({"before": 5, "exact": true}));
    assert_eq!(kinds(&told), ["slots_busy", "behind", "other_queues"]);
    assert_eq!(
        told["queue"],
        json!({"waiting": 9, "out": 1, "limit": told["queue"]["limit"], "paused": false})
    );
    let between = &told["between"];
    assert_eq!(
        (&between["rule"], &between["part"]),
        (&json!("weighted"), &json!(0.75))
    );
    let other = &between["others"][0];
    assert_eq!(
        (&other["class"], &other["waiting"], &other["order"]),
        (&json!("auth"), &json!(3), &json!("beside"))
    );
    // What is cancelled is before nobody.
    assert_eq!(scene.door.delete("p-2").await.status, 200);
    assert_eq!(scene.why("p-6").await["position"]["before"], 4);
    assert_eq!(scene.why("p-1").await["position"]["before"], 0);
    let runs = scene.why("p-0").await;
    assert_eq!(
        (&runs["state"], kinds(&runs)),
        (&json!("running"), vec!["running"])
    );
    assert_eq!((&runs["starts"], &runs["position"]), (&Value::Null, &Value::Null));
    probe.release(20);
    scene.mesh.result("p-9").await;
    scene.mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_delivers_or_runs_says_so_first_and_nobody_knows_when_it_starts() {
    let mut scene = Scene::new().await;
    scene.submit("t", "pay", json!({})).await;
    let told = scene.why("t").await;
    assert_eq!(kinds(&told), ["no_worker"]);
    assert_eq!(told["reasons"][0]["why"], "nobody");
    assert_eq!(told["starts"]["unknown"], "somebody");
    let pause = Pause {
        lane: None,
        class: Some(ClassName::new("pay").expect("a class")),
    };
    scene
        .mesh
        .broker
        .pause(&pause, clock::wall())
        .await
        .expect("it is paused");
    scene.mesh.worker("w", 1, Arc::new(Simulate)).await;
    scene.submit("u", "pay", json!({})).await;
    let told = scene.until("u", "paused").await;
    assert!(told["reasons"][0]["since"].is_string(), "{told}");
    assert_eq!(told["starts"]["unknown"], "somebody");
    scene
        .mesh
        .broker
        .resume(&pause, clock::wall())
        .await
        .expect("it goes on");
    scene.mesh.result("u").await;
    scene.mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_class_at_its_limit_and_a_key_that_is_held_are_named() {
    let mut scene = Scene::new().await;
    let (probe, mut starts) = Probe::gated();
    scene.mesh.worker("w", 8, probe.clone()).await;
    scene.submit("o-0", "one", json!({})).await;
    assert_eq!(started(&mut starts).await, "o-0");
    for n in 1..3 {
        scene.submit(&format!("o-{n}"), "one", json!({})).await;
    }
    let told = scene.until("o-2", "class_limit").await;
    assert_eq!(
        (&told["reasons"][0]["out"], &told["reasons"][0]["max"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(told["position"], json!({"before": 1, "exact": true}));

    let key = json!({"concurrency_key": "gpu"});
    scene.submit("k-0", "pay", key.clone()).await;
    assert_eq!(started(&mut starts).await, "k-0");
    scene.submit("k-1", "pay", key).await;
    scene.bare.first("FL_HELD", "fl.held.k-1").await;
    let told = scene.until("k-1", "concurrency_key").await;
    let holder = &told["reasons"][0]["holders"][0];
    assert_eq!(
        (&told["state"], &holder["task_id"], &holder["worker"]),
        (&json!("blocked"), &json!("k-0"), &json!("w"))
    );
    let until = parse_rfc3339(holder["until"].as_str().expect("a time")).expect("a time");
    assert!(
        until > clock::wall(),
        "the lease is renewed as long as k-0 runs: {told}"
    );
    assert_eq!(told["starts"]["unknown"], "tasks");
    probe.release(20);
    for id in ["o-2", "k-1"] {
        scene.mesh.result(id).await;
    }
    scene.mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_came_straight_to_its_lane_is_found_by_hand() {
    let mesh = Mesh::start(POLICY).await;
    mesh.submit_many("pay", 12, "1").await;
    let bare = Bare::of(&mesh.server).await;
    bare.task(r#"{"task_id":"last","model":"m","input":1}"#).await;
    let policy = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(policy.path(), POLICY).expect("it is written");
    let policy = policy.path().to_str().expect("text");
    let (code, told) = cli::run_at(&mesh.server, &["task", "why", "last", "--policy", policy]).await;
    assert_eq!(code, Some(0));
    assert_eq!(
        (&told["position"], kinds(&told)),
        (&json!({"before": 12, "exact": true}), vec!["no_worker", "behind"])
    );
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_rule_will_move_up_says_when_and_what_ran_out_of_time_is_not_moved() {
    let rule = "version: 1\nscheduler: { between: mlfq, mlfq: { boost_ms: 60000 } }";
    let yaml = POLICY.replace("version: 1", rule);
    let scene = Scene::under(&yaml).await;
    scene.submit("t", "bulk", json!({})).await;
    let told = scene.why("t").await;
    assert_eq!(kinds(&told), ["no_worker", "lift"]);
    let lift = &told["reasons"][1];
    let at = parse_rfc3339(lift["at"].as_str().expect("a time")).expect("a time");
    assert!(
        at > clock::wall() && at <= clock::wall().plus_ms(60_000),
        "{lift}"
    );
    assert_eq!(lift["rule"], "mlfq");
    scene.submit("u", "pay", json!({})).await;
    let told = scene.why("u").await;
    assert!(!kinds(&told).contains(&"lift"), "it is on core: {told}");

    let history = [(
        "Fl-History",
        r#"[{"n":1,"hop":0,"worker":"w","start":1,"ms":9,"kind":"timeout","error":"late"}]"#,
    )];
    let body = r#"{"task_id":"late","model":"m","input":1}"#;
    let sent = scene.bare.publish("fl.task.normal.auth.m.0", &history, body);
    sent.await.expect("the lane takes it");
    let policy = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(policy.path(), &yaml).expect("it is written");
    let policy = policy.path().to_str().expect("text");
    let arguments = ["task", "why", "late", "--policy", policy];
    let (code, told) = cli::run_at(&scene.mesh.server, &arguments).await;
    assert_eq!((code, &told["lane"]), (Some(0), &json!("normal")));
    assert!(!kinds(&told).contains(&"lift"), "{told}");
    scene.mesh.stop().await;
}
