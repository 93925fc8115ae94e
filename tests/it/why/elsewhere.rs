//! Tasks that wait elsewhere, or have ended.

use std::sync::Arc;

use fairlane::clock;
use fairlane::executor::simulate::Simulate;
use fairlane::policy::{Cause, Level, Outlook, Standing};
use fairlane::task::EpochMs;
use fairlane::wire::{OverloadNote, parse_rfc3339, to_rfc3339};
use serde_json::{Value, json};

use super::scene::{POLICY, Scene, kinds, started};
use crate::support::{Door, Mesh, PATIENCE, Probe, cli};

#[tokio::test(flavor = "multi_thread")]
async fn a_blocked_task_names_its_parents_and_has_a_place_once_it_is_queued() {
    let scene = Scene::new().await;
    let (probe, mut starts) = Probe::gated();
    for id in ["a", "f-1", "f-2"] {
        scene.submit(id, "bulk", json!({})).await;
    }
    scene.submit("child", "bulk", json!({"depends_on": ["a"]})).await;
    let told = scene.why("child").await;
    assert_eq!(
        (&told["state"], kinds(&told)),
        (&json!("blocked"), vec!["depends_on"])
    );
    assert_eq!(
        told["reasons"][0]["open"],
        json!([{"task_id": "a", "state": "queued"}])
    );
    scene.mesh.worker("w", 1, probe.clone()).await;
    assert_eq!(started(&mut starts).await, "a");
    assert_eq!(
        scene.why("child").await["reasons"][0]["open"][0]["state"],
        "running"
    );
    probe.release(1);
    assert_eq!(started(&mut starts).await, "f-1");
    scene.bare.first("FL_EVENTS", "fl.event.*.child.release").await;
    // It is behind f-2, on its second hop, and nothing but its message says where.
    let told = scene.why("child").await;
    assert_eq!(
        (&told["state"], &told["position"]),
        (&json!("queued"), &json!({"before": 1, "exact": true}))
    );
    probe.release(9);
    scene.mesh.result("child").await;
    scene.mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timer_says_when_it_ends_and_a_retry_what_failed() {
    let mut scene = Scene::new().await;
    let at = clock::wall().plus_ms(3_600_000);
    scene
        .submit("later", "pay", json!({"run_at": to_rfc3339(at)}))
        .await;
    scene.mesh.worker("w", 1, Arc::new(Simulate)).await;
    let told = scene.until("later", "due").await;
    assert_eq!(told["state"], "scheduled");
    assert_eq!(told["reasons"][0]["at"], to_rfc3339(at));
    let from = parse_rfc3339(told["starts"]["from"].as_str().expect("a time")).expect("a time");
    assert!(from >= at && from.since(at) < 1_000, "{told}");
    scene
        .submit(
            "again",
            "pay",
            json!({"input": {"fail_rate": 1, "service_ms": 1}}),
        )
        .await;
    scene.bare.first("FL_EVENTS", "fl.event.*.again.retry").await;
    let told = scene.until("again", "due").await;
    let reason = &told["reasons"][0];
    assert_eq!(
        (&told["state"], &reason["attempt"]),
        (&json!("retrying"), &json!(1))
    );
    assert_eq!(reason["error"]["kind"], "retryable");
    scene.mesh.stop().await;
}

/// A backlog, on level 2.
fn note(now: EpochMs) -> OverloadNote {
    let outlook = Outlook {
        backlog: 100,
        drain_per_s: Some(10.0),
    };
    OverloadNote {
        standing: Standing {
            level: Level::Archive,
            cause: Cause::Backlog,
            since: now,
        },
        core: outlook,
        normal: outlook,
        archived: 3,
        is_retry_full: None,
        at: now,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_overload_put_aside_says_so_and_that_nobody_leads() {
    let mesh = Mesh::start(POLICY).await;
    mesh.coordinator.stop(PATIENCE).await;
    let revision = mesh.broker.overload().await.expect("the level is read").revision;
    let written = mesh.broker.write_overload(&note(clock::wall()), revision).await;
    assert!(written.expect("it is written").is_some());
    let door = Door::of(&mesh).await;
    let put_aside = async {
        for n in 0.. {
            let body = json!({"task_id": format!("t-{n}"), "model": "m", "class": "bulk", "input": 1});
            if door.post(body.to_string()).await.json()["state"] == "archived" {
                return format!("t-{n}");
            }
        }
        unreachable!("it goes on")
    };
    let id = tokio::time::timeout(PATIENCE, put_aside)
        .await
        .expect("the gateway hears");
    let told = door.get(&format!("/v1/tasks/{id}/why")).await.json();
    assert_eq!(kinds(&told), ["no_leader", "overload"]);
    let overload = &told["reasons"][1];
    assert_eq!(
        (&told["state"], &overload["level"], &overload["archived"]),
        (&json!("archived"), &json!(2), &json!(3))
    );
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_ended_says_how_at_every_door_and_what_nobody_knows_is_a_404() {
    let scene = Scene::new().await;
    scene.mesh.worker("w", 1, Arc::new(Simulate)).await;
    scene.submit("done", "pay", json!({})).await;
    let fails = json!({"input": {"fail_rate": 1, "fail_kind": "permanent"}});
    scene.submit("failed", "pay", fails).await;
    scene.mesh.result("done").await;
    scene.mesh.dead_letter("failed").await;
    let policy = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(policy.path(), POLICY).expect("it is written");
    let policy = policy.path().to_str().expect("text");
    for (id, reason) in [("done", Value::Null), ("failed", json!("permanent"))] {
        let told = scene.why(id).await;
        assert_eq!(kinds(&told), ["ended"]);
        let ended = &told["reasons"][0];
        assert_eq!((&ended["reason"], &told["starts"]), (&reason, &Value::Null));
        assert_eq!(ended["attempt"], u32::from(id == "failed"));
        let name = json!({ "task_id": id }).to_string();
        let asked = scene.bare.client.request("fl.why", name.into()).await;
        let over_nats: Value = serde_json::from_slice(&asked.expect("an answer").payload).expect("JSON");
        let (code, by_hand) = cli::run_at(&scene.mesh.server, &["task", "why", id, "--policy", policy]).await;
        assert_eq!(code, Some(0));
        for other in [&over_nats, &by_hand] {
            assert_eq!((&other["state"], kinds(other)), (&told["state"], vec!["ended"]));
        }
    }
    let unknown = scene.door.get("/v1/tasks/nobody/why").await;
    assert_eq!(
        (unknown.status, &unknown.json()["code"]),
        (404, &json!("unknown_task"))
    );
    let (code, _) = cli::run_at(&scene.mesh.server, &["task", "why", "nobody", "--policy", policy]).await;
    assert_eq!(code, Some(4));
    scene.mesh.stop().await;
}
