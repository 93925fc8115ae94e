//! Whether what is told of when tasks start comes true.

use std::collections::HashMap;
use std::time::Duration;

use fairlane::clock;
use fairlane::task::EpochMs;
use fairlane::wire::parse_rfc3339;
use futures_util::future::join_all;
use serde_json::json;

use super::scene::{Scene, started};
use crate::support::Probe;

/// Tasks of the measurement, those that are asked about, and how often.
const COUNT: usize = 320;
/// They are so far apart that one task that ends between two answers changes nothing in their order.
const ASKED: [usize; 4] = [160, 210, 260, 319];
const LOOKS: usize = 3;

/// What was told of when the tasks of [`ASKED`] start: when it was asked, and for each from and to.
type Told = (EpochMs, Vec<(String, EpochMs, EpochMs)>);

/// Estimates at [`LOOKS`] looks of the leader, once it has told how fast the lane drains.
async fn estimates(scene: &mut Scene) -> Vec<Told> {
    let mut told = Vec::new();
    while told.len() < LOOKS {
        let (asked_at, mut all) = (clock::wall(), Vec::new());
        // At once: the pace of the mesh is counted anew for every answer.
        let scene_now = &*scene;
        let asking = ASKED.map(async |n| {
            let id = format!("e-{n}");
            let starts = scene_now.why(&id).await["starts"].take();
            (id, starts)
        });
        for (id, starts) in join_all(asking).await {
            let time = |end: &str| starts[end].as_str().and_then(|text| parse_rfc3339(text).ok());
            if let Some((from, to)) = time("from").zip(time("to")) {
                all.push((id, from, to));
            }
        }
        if all.len() == ASKED.len() {
            told.push((asked_at, all));
        }
        scene.looks.next().await;
    }
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_more_before_it_is_told_to_start_later_and_does() {
    let mut scene = Scene::new().await;
    let (probe, mut starts) = Probe::timed(Duration::from_millis(100));
    for n in 0..COUNT {
        scene.submit(&format!("e-{n}"), "pay", json!({})).await;
    }
    scene.mesh.worker("w", 4, probe).await;
    let reading = async {
        let mut began = HashMap::new();
        while began.len() < COUNT {
            began.insert(started(&mut starts).await, clock::wall());
        }
        began
    };
    let (began, told) = tokio::join!(reading, estimates(&mut scene));
    for (asked_at, all) in &told {
        assert!(all.is_sorted_by_key(|(_, from, _)| *from), "{all:?}");
        assert!(all.is_sorted_by_key(|(id, ..)| began[id]), "{began:?}");
        for (id, from, to) in all {
            let from_asked = |at: &EpochMs| at.since(*asked_at);
            let (from, to, really) = (from_asked(from), from_asked(to), from_asked(&began[id]));
            let factor = (from + to) as f64 / 2.0 / really.max(1) as f64;
            println!("{id}: told {from} to {to} ms, really {really} ms, a factor of {factor:.2}");
        }
    }
    scene.mesh.stop().await;
}
