//! The server goes and comes back between two changes.

use std::path::Path;
use std::sync::Arc;

use fairlane::dev::Server;
use fairlane::executor::simulate::Simulate;
use fairlane::gateway::{TrialStatus, apply, begin_trial};
use fairlane::policy::PolicyVersion;

use tokio_util::sync::CancellationToken;

use super::canary::{Scene, ended, trying};
use super::documents::{applying, version};
use crate::support::{Mesh, PATIENCE, TWO_CLASSES, connect, keeping};

/// At the same place, with what it has stored.
async fn restarted(mut mesh: Mesh, store: &Path) -> Mesh {
    let (_, port) = mesh.server.url().rsplit_once(':').expect("it has a port");
    let port = port.parse().expect("a number");
    mesh.server.stop().await;
    mesh.server = Server::start(keeping(store, Some(port)))
        .await
        .expect("it starts");
    mesh
}

#[tokio::test(flavor = "multi_thread")]
async fn who_follows_goes_on_after_the_server_was_away_and_hears_of_what_came_meanwhile() {
    let store = tempfile::tempdir().expect("there is a place for temporary files");
    let server = Server::start(keeping(store.path(), None))
        .await
        .expect("it starts");
    let mesh = Mesh::on(server, TWO_CLASSES).await;
    let worker = mesh.following_worker("w", 1, Arc::new(Simulate)).await;
    let mut acting = worker.acting();
    apply(&mesh.broker, &applying(version(1))).await.expect("applied");
    acting
        .wait_for(|v| *v == PolicyVersion(1))
        .await
        .expect("it runs");

    let mesh = restarted(mesh, store.path()).await;
    // Applied by one who came later: whoever was cut off hears of it once it is back.
    let other = connect(&mesh.server, "other").await;
    apply(&other, &applying(version(2))).await.expect("applied");
    acting
        .wait_for(|v| *v == PolicyVersion(2))
        .await
        .expect("it runs");
    mesh.submit("after", "pay", "1").await.expect("accepted");
    assert_eq!(mesh.result("after").await.record.policy, Some(2));
    mesh.lifecycle.stop(PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollout_goes_on_where_it_was_when_the_server_is_back() {
    let store = tempfile::tempdir().expect("there is a place for temporary files");
    let server = Server::start(keeping(store.path(), None))
        .await
        .expect("it starts");
    let mut scene = Scene::on(Mesh::on(server, &version(0)).await, Arc::new(Simulate)).await;
    begin_trial(&scene.mesh.broker, &trying(version(2), &[30, 100]))
        .await
        .expect("it begins");
    let is_manned = |status: &TrialStatus| {
        let trial = status.trial.as_ref();
        trial.is_some_and(|trial| trial.candidate == 2 && !trial.workers.is_empty())
    };
    let before = scene.until("it has workers", is_manned).await;
    scene.mesh = restarted(scene.mesh, store.path()).await;
    scene.until_it_takes().await;
    let stop = CancellationToken::new();
    let ((all, canary), status) = tokio::join!(scene.flow(2, &stop), async {
        let status = scene.until("it ends", |status| status.last.is_some()).await;
        stop.cancel();
        status
    });
    assert_eq!(before.stable, 1);
    assert_eq!(
        (ended(&status), status.stable),
        (Some("promoted"), 2),
        "{status:?}"
    );
    assert!(canary > 0, "{canary} of {all} tasks ran under the candidate");
    scene.mesh.lifecycle.stop(PATIENCE).await;
}
