//! Bodies in the other codec.

use serde_json::json;

use super::site::{Site, header};
use super::worker::Kind;

pub(super) async fn a_messagepack_body_is_read_and_carried_byte_for_byte(kind: Kind) {
    let site = Site::open(kind).await;
    let mut reports = site.bare.hear("fl.retry.report.>").await;
    let worker = site.worker(1).await;
    let packed = |id: &str, input: serde_json::Value| {
        let task = json!({ "task_id": id, "model": "m", "input": input, "unknown": [1] });
        rmp_serde::to_vec_named(&task).expect("it can be written")
    };
    // Without a content type the first byte tells.
    site.put(&[], packed("plain", json!(["é", 1.5, null]))).await;
    let record = site.mesh.result("plain").await.record;
    assert_eq!(record.output, json!(["é", 1.5, null]));

    for kind in ["application/msgpack", "application/x-msgpack"] {
        let id = kind.replace(['/', '.'], "_");
        let body = packed(&id, json!({ "fail_attempts": 1 }));
        site.put(&[("Content-Type", kind)], body.clone()).await;
        let report = reports.next().await;
        assert_eq!(report.payload, body);
        assert_eq!(
            header(&report.headers.expect("it has headers"), "Content-Type"),
            kind
        );
        assert_eq!(site.mesh.result(&id).await.record.attempt, 1);
    }
    site.close(worker).await;
}
