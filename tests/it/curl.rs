//! The example client for REST, as its reader runs it.

use std::process::Command;
use std::sync::Arc;

use fairlane::executor::simulate::Simulate;
use serde_json::{Value, json};

use crate::rest::POLICY;
use crate::support::{Door, Mesh};

#[tokio::test(flavor = "multi_thread")]
async fn the_example_with_curl_submits_waits_and_prints_the_record() {
    let mesh = Mesh::start(POLICY).await;
    let door = Door::of(&mesh).await;
    mesh.worker("w", 2, Arc::new(Simulate)).await;
    for (input, code, state, output) in [
        (r#""hello""#, 0, "completed", json!("hello")),
        (
            r#"{"fail_rate":1,"fail_kind":"permanent"}"#,
            1,
            "dead",
            Value::Null,
        ),
    ] {
        let mut script = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/curl/submit.sh"));
        script.args(["m", input]).env("GATEWAY_URL", &door.url);
        let ran = tokio::task::spawn_blocking(move || script.output()).await;
        let ran = ran.expect("it ends").expect("sh and curl run");
        assert_eq!(ran.status.code(), Some(code), "{ran:?}");
        let record: Value = serde_json::from_slice(&ran.stdout).expect("JSON");
        assert_eq!((&record["state"], &record["output"]), (&json!(state), &output));
    }
    mesh.stop().await;
}
