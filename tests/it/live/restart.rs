//! The server goes and comes back between two changes.

use std::sync::Arc;

use fairlane::dev::Server;
use fairlane::executor::simulate::Simulate;
use fairlane::gateway::apply;
use fairlane::policy::PolicyVersion;

use super::documents::{applying, version};
use crate::support::{Mesh, PATIENCE, TWO_CLASSES, connect, keeping};

#[tokio::test(flavor = "multi_thread")]
async fn who_follows_goes_on_after_the_server_was_away_and_hears_of_what_came_meanwhile() {
    let store = tempfile::tempdir().expect("there is a place for temporary files");
    let server = Server::start(keeping(store.path(), None))
        .await
        .expect("it starts");
    let mut mesh = Mesh::on(server, TWO_CLASSES).await;
    let worker = mesh.following_worker("w", 1, Arc::new(Simulate)).await;
    let mut acting = worker.acting();
    apply(&mesh.broker, &applying(version(1))).await.expect("applied");
    acting
        .wait_for(|v| *v == PolicyVersion(1))
        .await
        .expect("it runs");

    let (_, port) = mesh.server.url().rsplit_once(':').expect("it has a port");
    let port = port.parse().expect("a number");
    mesh.server.stop().await;
    mesh.server = Server::start(keeping(store.path(), Some(port)))
        .await
        .expect("it starts");
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
