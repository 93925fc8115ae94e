//! Callers choose the track of a task, where they may.

use std::sync::Arc;

use fairlane::config::LivePolicy;
use fairlane::executor::simulate::Simulate;
use fairlane::gateway::{Handle, begin_trial, handle_trial};
use fairlane::task::State;
use serde_json::json;

use super::canary::{Scene, begin_held, trying};
use super::documents::version;
use crate::support::{Answered, Door, PATIENCE};

/// Waits until whoever acts on `live` knows whether a policy is on trial.
pub(super) async fn until_known(live: &LivePolicy, is_on_trial: bool) {
    let mut changes = live.changes();
    let known = async {
        while live.trial().is_some() != is_on_trial {
            changes.changed().await.expect("it follows");
        }
    };
    tokio::time::timeout(PATIENCE, known)
        .await
        .expect("it hears of it");
}

/// Sends the task `id` with this track in the header and this policy in the label.
pub(super) async fn send(door: &Door, id: &str, track: Option<&str>, label: Option<&str>) -> Answered {
    let labels = label.map_or_else(|| json!({}), |label| json!({"fl-policy": label}));
    let body = json!({"task_id": id, "model": "m", "class": "pay", "input": 1, "labels": labels});
    let mut request = door.request("POST", "/v1/tasks").body(body.to_string());
    if let Some(track) = track {
        request = request.header("Fl-Track", track);
    }
    Answered::of(request).await
}

/// Sends tasks in turn, each of which must be taken, and says under which policy each of them ran.
async fn ran<'a>(
    scene: &Scene,
    door: &Door,
    sent: &[(&'a str, Option<&'a str>, Option<&'a str>)],
) -> Vec<u64> {
    let mut policies = Vec::new();
    for (id, track, label) in sent {
        let answer = send(door, id, *track, *label).await;
        assert_eq!(answer.status, 202, "{answer:?}");
        let record = scene.mesh.result(id).await.record;
        assert_eq!(record.state, State::Completed, "{id}");
        policies.push(record.policy.unwrap_or(0));
    }
    policies
}

/// Status, field and the policies that there are, of a label that names none.
fn refused(answer: &Answered) -> (u16, String, Option<u64>, Option<u64>) {
    let problem = answer.json();
    assert_eq!(problem["field"], "labels.fl-policy", "{problem}");
    let number = |name: &str| problem[name].as_u64();
    (answer.status, answer.code(), number("holds"), number("candidate"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_chooses_by_header_or_names_a_policy_that_is_there() {
    let scene = Scene::set(Arc::new(Simulate)).await;
    let mesh = &scene.mesh;
    let door = Door::choosing_tracks(mesh, mesh.live.clone()).await;
    let unknown = |holds, candidate| (422, "out_of_range".to_owned(), Some(holds), candidate);
    assert_eq!(ran(&scene, &door, &[("a-1", None, Some("1"))]).await, [1]);
    for label in ["2", "0", "two", ""] {
        assert_eq!(
            refused(&send(&door, "a-2", None, Some(label)).await),
            unknown(1, None)
        );
    }

    begin_held(mesh, version(2), &[50, 100]).await;
    until_known(&mesh.live, true).await;
    // At first it has no workers of its own, later it has: that makes no difference to those who choose.
    for part in ["early", "late"] {
        let id = |n: u32| format!("{part}-{n}");
        let ids: Vec<String> = (0..7).map(id).collect();
        let sent = [
            (&*ids[0], Some("canary"), None),
            (&*ids[1], Some("stable"), None),
            (&*ids[2], None, Some("2")),
            (&*ids[3], None, Some("1")),
            (&*ids[4], Some("stable"), Some("2")),
            (&*ids[5], Some("canary"), Some("1")),
            (&*ids[6], Some("stable"), Some("none at all")),
        ];
        assert_eq!(ran(&scene, &door, &sent).await, [2, 1, 2, 1, 1, 2, 1], "{part}");
        scene.until_manned(2).await;
    }
    let third = send(&door, "a-3", None, Some("3")).await;
    assert_eq!(refused(&third), unknown(1, Some(2)));
    assert_eq!(
        ran(&scene, &door, &[("a-3", Some("stable"), None)]).await,
        [1],
        "what was refused has not used its name up"
    );
    assert_eq!(send(&door, "a-4", Some("best"), None).await.code(), "bad_header");
    for (track, label, field) in [
        (Some("stable"), None, "Fl-Track"),
        (None, Some("1"), "labels.fl-policy"),
    ] {
        let answer = send(&scene.door, "a-5", track, label).await;
        assert_eq!(
            (answer.status, answer.code()),
            (403, "track_not_allowed".to_owned())
        );
        assert_eq!(answer.json()["field"], field);
    }
    mesh.lifecycle.stop(PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_was_taken_back_runs_nothing_more_and_one_that_was_promoted_goes_on() {
    let scene = Scene::set(Arc::new(Simulate)).await;
    let mesh = &scene.mesh;
    let door = Door::choosing_tracks(mesh, mesh.live.clone()).await;
    begin_trial(&mesh.broker, &trying(version(2), &[50, 100]))
        .await
        .expect("it begins");
    until_known(&mesh.live, true).await;
    assert_eq!(ran(&scene, &door, &[("b-1", None, Some("2"))]).await, [2]);
    handle_trial(&mesh.broker, Handle::Abort, "test", None)
        .await
        .expect("it ends");
    until_known(&mesh.live, false).await;
    let gone = send(&door, "b-2", None, Some("2")).await;
    assert_eq!(refused(&gone), (422, "out_of_range".to_owned(), Some(1), None));
    let again = send(&door, "b-1", None, Some("2")).await;
    assert_eq!(
        (again.status, again.header("idempotency-replayed")),
        (202, "true"),
        "what was asked for before is answered as it was then"
    );
    assert_eq!(
        ran(&scene, &door, &[("b-2", Some("canary"), None)]).await,
        [1],
        "there is one track"
    );

    begin_trial(&mesh.broker, &trying(version(3), &[100]))
        .await
        .expect("it begins");
    until_known(&mesh.live, true).await;
    assert_eq!(ran(&scene, &door, &[("b-3", None, Some("3"))]).await, [3]);
    handle_trial(&mesh.broker, Handle::Promote, "test", None)
        .await
        .expect("it holds");
    until_known(&mesh.live, false).await;
    assert_eq!(ran(&scene, &door, &[("b-4", None, Some("3"))]).await, [3]);
    let before = send(&door, "b-5", None, Some("1")).await;
    assert_eq!(refused(&before), (422, "out_of_range".to_owned(), Some(3), None));
    mesh.lifecycle.stop(PATIENCE).await;
}
