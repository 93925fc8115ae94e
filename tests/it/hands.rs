//! Tenants whose tasks are dealt to some of a class's shards, through a real gateway.

use std::collections::BTreeMap;
use std::sync::Arc;

use fairlane::executor::simulate::Simulate;
use fairlane::task::{Lane, Shard, State, TenantId};
use serde_json::json;

use crate::support::{Door, Mesh};

const POLICY: &str = "
version: 1
lanes:
  core:   { concurrency: 64, timeout_ms: 30000, ack_wait_ms: 3000, max_priority: 1 }
  normal: { concurrency: 64, timeout_ms: 30000, ack_wait_ms: 3000 }
classes:
  bulk: { priority: 5, share: 40, shards: 4, hand: 2 }
default_class: bulk
models:
  m: { executor: simulate }
";

const FLOOD: usize = 12;
const FEW: usize = 4;

fn hand(tenant: &str) -> Vec<Shard> {
    Shard::hand(&TenantId::new(tenant).expect("a tenant"), 4, 2)
}

/// A tenant whose own shard is one of the heavy one's, and whose other card is not.
fn light(heavy: &[Shard]) -> String {
    let mut names = (0..).map(|n| format!("light-{n}"));
    let is_beside = |name: &String| {
        let own = hand(name);
        heavy.contains(&own[0]) && !heavy.contains(&own[1])
    };
    names.find(is_beside).expect("there are names enough")
}

async fn submit(door: &Door, tenant: &str, count: usize) {
    for n in 0..count {
        let body = json!({"task_id": format!("t-{n}"), "tenant": tenant, "model": "m", "input": 1});
        let answer = door.post(body.to_string()).await;
        assert_eq!(answer.status, 202, "{answer:?}");
    }
}

/// Tasks that wait, by shard.
async fn waiting(mesh: &Mesh) -> BTreeMap<Shard, usize> {
    let subjects = mesh
        .broker
        .lane_subjects(Lane::Normal)
        .await
        .expect("they are read");
    let of = |(subject, count): (String, usize)| {
        let shard = subject.rsplit('.').next().expect("a token");
        (shard.parse().expect("a shard"), count)
    };
    subjects.into_iter().map(of).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_fills_the_hand_of_its_tenant_and_another_goes_to_its_free_shard() {
    let mesh = Mesh::start(POLICY).await;
    let door = Door::of(&mesh).await;
    let heavy = hand("heavy");
    submit(&door, "heavy", FLOOD).await;
    let flooded = waiting(&mesh).await;
    // A look at the lane may miss a task that is being published.
    let is_dealt = |shard: &Shard| flooded.get(shard).is_some_and(|count| *count >= FLOOD / 3);
    assert!(heavy.iter().all(is_dealt), "{heavy:?}: {flooded:?}");
    assert_eq!(flooded.values().sum::<usize>(), FLOOD, "{heavy:?}: {flooded:?}");

    let light = light(&heavy);
    submit(&door, &light, FEW).await;
    let free = hand(&light)[1];
    assert_eq!(waiting(&mesh).await.get(&free), Some(&FEW), "{light}");
    mesh.worker("w", 2, Arc::new(Simulate)).await;
    for (tenant, count) in [("heavy", FLOOD), (light.as_str(), FEW)] {
        for n in 0..count {
            let asked = door.request("GET", &format!("/v1/tasks/t-{n}/result?wait=30"));
            let answer = crate::support::Answered::of(asked.header("Fl-Tenant", tenant)).await;
            assert_eq!(answer.json()["state"], State::Completed.as_str(), "{answer:?}");
        }
    }
    mesh.stop().await;
}
