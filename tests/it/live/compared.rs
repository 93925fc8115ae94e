//! Two policies side by side.

use std::sync::Arc;

use fairlane::executor::simulate::Simulate;
use fairlane::gateway::{Comparing, Handle, TrialStatus, Trying, begin_trial, handle_trial};
use fairlane::policy::LotBy;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::canary::{Failing, Scene, ended, trying};
use super::documents::{TIMEOUT_MS, version};
use crate::support::Mesh;

fn compared(for_ms: Option<u64>) -> Trying {
    Trying {
        by: LotBy::Task,
        compare: Some(Comparing { for_ms }),
        ..trying(version(2), &[50])
    }
}

/// What was seen of the failures of a class; none before anything was.
fn failures(status: &TrialStatus) -> Option<Value> {
    let contrasts = status.seen.as_ref()?["comparison"]["contrasts"].as_array()?;
    let mut of_pay = contrasts
        .iter()
        .filter(|contrast| contrast["figure"] == "failed" && contrast["class"] == "pay");
    of_pay
        .find(|contrast| contrast["canary_tasks"].as_u64() > Some(0))
        .cloned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_comparison_tells_both_apart_and_ends_with_nothing_changed() {
    let scene = Scene::on(Mesh::start_alone(&version(0)).await, Arc::new(Simulate)).await;
    let broker = &scene.mesh.broker;
    begin_trial(broker, &compared(None)).await.expect("it begins");
    let stop = CancellationToken::new();
    let ((all, canary), status) = tokio::join!(scene.flow(2, &stop), async {
        let is_manned = |status: &TrialStatus| {
            status
                .trial
                .as_ref()
                .is_some_and(|trial| trial.workers.len() == 2)
        };
        scene.until("half of the workers serve it", is_manned).await;
        let status = scene
            .until("both had tasks", |status| failures(status).is_some())
            .await;
        stop.cancel();
        status
    });
    assert!(canary > 0 && canary < all, "{canary} of {all}");
    assert_eq!(
        status.seen.as_ref().map(|seen| seen["ruling"].clone()),
        Some("compare".into())
    );
    let ended_by_hand = handle_trial(broker, Handle::Abort, "ops", None)
        .await
        .expect("it ends");
    assert_eq!(
        (ended(&ended_by_hand), ended_by_hand.stable),
        (Some("aborted"), 1)
    );
    assert!(
        failures(&ended_by_hand).is_some(),
        "its report stays: {ended_by_hand:?}"
    );

    begin_trial(broker, &compared(Some(1))).await.expect("it begins");
    let status = scene
        .until("it ends by itself", |status| ended(status) == Some("compared"))
        .await;
    assert_eq!((status.stable, status.trial), (1, None));
    scene.mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_comparison_under_which_tasks_fail_is_ended_at_once() {
    let scene = Scene::set(Arc::new(Failing {
        candidate_ms: TIMEOUT_MS + 2,
        of_hundred: 100,
    }))
    .await;
    begin_trial(&scene.mesh.broker, &compared(None))
        .await
        .expect("it begins");
    let stop = CancellationToken::new();
    let (_, status) = tokio::join!(scene.flow(2, &stop), async {
        let status = scene.until("it ends", |status| status.last.is_some()).await;
        stop.cancel();
        status
    });
    assert_eq!(
        (ended(&status), status.stable),
        (Some("rolled_back"), 1),
        "{status:?}"
    );
    scene.mesh.stop().await;
}

/// What lay there when it began is the one track's alone: it makes no difference.
#[tokio::test(flavor = "multi_thread")]
async fn a_comparison_that_begins_beside_a_backlog_waits_until_that_is_served() {
    let scene = Scene::on(Mesh::start_alone(&version(0)).await, Arc::new(Simulate)).await;
    let broker = &scene.mesh.broker;
    // Half of 32 slots are left to it, for some seconds.
    scene
        .mesh
        .submit_many("bulk", 2_000, r#"{"service_ms":50}"#)
        .await;
    begin_trial(broker, &compared(None)).await.expect("it begins");
    let settling = |status: &TrialStatus| status.seen.as_ref().map(|seen| seen["settling"] == true);
    let status = scene.until("it waits", |status| settling(status).is_some()).await;
    assert_eq!(settling(&status), Some(true), "{status:?}");
    let status = scene
        .until("it goes on", |status| settling(status) == Some(false))
        .await;
    let contrasts = status
        .seen
        .as_ref()
        .map(|seen| seen["comparison"]["contrasts"].clone());
    assert_eq!(
        contrasts,
        Some(Value::Array(Vec::new())),
        "none of it counts: {status:?}"
    );
    scene.mesh.stop().await;
}
