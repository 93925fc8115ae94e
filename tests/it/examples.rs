//! The clients in `examples/`, run as their headers say.

use std::process::Output;

use serde_json::{Value, json};
use tokio::process::Command;

use crate::conformance::clients::{self, Script};
use crate::support::{Bare, Mesh, PATIENCE, Probe, TWO_CLASSES};

const CLIENTS: [fn() -> Script; 2] = [|| clients::python("submit.py"), || clients::node("submit.mjs")];

async fn run(mesh: &Mesh, script: &Script, arguments: &[&str]) -> Output {
    let child = Command::new(&script.interpreter)
        .arg(&script.path)
        .args(arguments)
        .env("NATS_URL", mesh.server.url())
        .kill_on_drop(true)
        .output();
    let ended = tokio::time::timeout(PATIENCE, child).await;
    ended.expect("it ends").expect("it runs")
}

fn record(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_in_another_language_submits_a_task_and_prints_its_record() {
    let mesh = Mesh::start(TWO_CLASSES).await;
    let bare = Bare::of(&mesh.server).await;
    let (probe, mut starts) = Probe::gated();
    mesh.worker("w", 2, probe.clone()).await;
    for (n, client) in CLIENTS.iter().enumerate() {
        let (script, id) = (client(), format!("example-{n}"));
        let arguments = [
            "m",
            r#"{"a":1}"#,
            "--class",
            "pay",
            "--lane",
            "core",
            "--task-id",
            &id,
        ];
        // The record is not there before the client waits for it.
        let waits = run(&mesh, &script, &arguments);
        let goes = async {
            assert_eq!(starts.recv().await, Some(("pay".to_owned(), id.clone())));
            probe.release(1);
        };
        let (output, ()) = tokio::join!(waits, goes);
        assert!(output.status.success(), "{output:?}");
        let record = record(&output);
        assert_eq!(
            (&record["task_id"], &record["output"]),
            (&json!(id), &json!("done"))
        );
        let stream = bare.jetstream.get_stream("FL_CORE").await.unwrap();
        assert_eq!(stream.cached_info().state.last_sequence, n as u64 + 1);

        // Again under the same id: nothing is stored, and the record that stands is found.
        let output = run(&mesh, &script, &arguments).await;
        assert!(output.status.success(), "{output:?}");
        assert_eq!(bare.stream("FL_CORE").await.last_sequence, n as u64 + 1);
    }
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_in_another_language_ends_with_1_for_a_task_that_died() {
    let mesh = Mesh::start(TWO_CLASSES).await;
    for (n, client) in CLIENTS.iter().enumerate() {
        let id = format!("dies-{n}");
        // No worker of the policy serves it.
        let output = run(
            &mesh,
            &client(),
            &["gpt 4", "1", "--class", "pay", "--task-id", &id],
        )
        .await;
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert_eq!(record(&output)["error"]["kind"], "unroutable");
    }
    mesh.stop().await;
}
