//! A mesh, a gateway, and the question.

use serde_json::{Value, json};

use crate::support::{Bare, Door, Heard, Mesh, PATIENCE, Starts};

pub(super) const POLICY: &str = "
version: 1
lanes:
  core:   { concurrency: 64, timeout_ms: 60000, ack_wait_ms: 3000, max_priority: 2 }
  normal: { concurrency: 64, timeout_ms: 60000, ack_wait_ms: 3000 }
classes:
  pay:  { priority: 1, share: 60 }
  auth: { priority: 2, share: 20 }
  one:  { priority: 2, share: 10, max_concurrent: 1 }
  bulk: { priority: 5, share: 10 }
default_class: bulk
models:
  m: { executor: simulate, cost: { unit: ms, initial: 50 } }
retry: { kind: fixed, base_ms: 600000, jitter: none, max_attempts: 2 }
keys: { lease_s: 5 }
";

/// A mesh with a gateway, and what tells of each look of the leading coordinator.
pub(super) struct Scene {
    pub(super) mesh: Mesh,
    pub(super) door: Door,
    pub(super) bare: Bare,
    pub(super) looks: Heard,
}

impl Scene {
    pub(super) async fn new() -> Self {
        Self::under(POLICY).await
    }

    pub(super) async fn under(policy: &str) -> Self {
        let mesh = Mesh::start(policy).await;
        let door = Door::of(&mesh).await;
        let bare = Bare::of(&mesh.server).await;
        let looks = bare.hear("fl.view.core").await;
        Self {
            mesh,
            door,
            bare,
            looks,
        }
    }

    pub(super) async fn submit(&self, id: &str, class: &str, more: Value) {
        let mut body = json!({"task_id": id, "model": "m", "class": class, "input": 1});
        let own = body.as_object_mut().expect("an object");
        own.extend(more.as_object().cloned().unwrap_or_default());
        let answer = self.door.post(body.to_string()).await;
        assert_eq!(answer.status, 202, "{answer:?}");
    }

    pub(super) async fn why(&self, id: &str) -> Value {
        let answer = self.door.get(&format!("/v1/tasks/{id}/why")).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        println!("{}", answer.json()["answer"].as_str().expect("a line"));
        answer.json()
    }

    /// Asks again, once for each look of the leader, until the first reason is of that kind: workers say once a second
    /// what they do.
    pub(super) async fn until(&mut self, id: &str, kind: &str) -> Value {
        loop {
            let told = self.why(id).await;
            if told["reasons"][0]["kind"] == kind {
                return told;
            }
            self.looks.next().await;
        }
    }
}

/// The kinds of what was told, in order.
pub(super) fn kinds(told: &Value) -> Vec<&str> {
    let reasons = told["reasons"].as_array().expect("reasons");
    let kind = |reason: &Value| reason["kind"].as_str().map(str::len);
    assert!(reasons.iter().all(|reason| kind(reason) > Some(0)));
    reasons
        .iter()
        .filter_map(|reason| reason["kind"].as_str())
        .collect()
}

/// The next task that starts.
pub(super) async fn started(starts: &mut Starts) -> String {
    let next = tokio::time::timeout(PATIENCE, starts.recv()).await;
    next.expect("something starts").expect("the probe is there").1
}
