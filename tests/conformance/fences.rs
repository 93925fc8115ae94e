//! The first record decides, whenever it was written.

use fairlane::task::State;
use serde_json::json;

use super::site::{LONG, Site};
use super::worker::{ID, Kind};

/// An input that would show: it fails, and the failure is reported.
const SHOWS: &str = r#"{"fail_attempts":9}"#;

pub(super) async fn a_redelivered_task_that_is_decided_is_acked_and_not_run(kind: Kind) {
    let mut site = Site::open(kind).await;
    site.task("f", &[], SHOWS).await;
    site.take_and_give_back(1).await;
    site.record("f", "completed").await;
    let worker = site.worker(1).await;
    let end = site.next_end().await;
    assert_eq!((end.word.as_str(), end.deliveries), ("+ACK", 2));
    assert_eq!(
        (site.ever("FL_RETRY").await, site.ever("FL_RESULTS").await),
        (0, 1)
    );
    site.close(worker).await;
}

pub(super) async fn a_later_hop_that_is_decided_is_acked_and_not_run(kind: Kind) {
    let mut site = Site::open(kind).await;
    site.record("f", "dead").await;
    site.task("f", &[("Fl-Hop", "1")], SHOWS).await;
    let worker = site.worker(1).await;
    let end = site.next_end().await;
    assert_eq!((end.word.as_str(), end.deliveries), ("+ACK", 1));
    assert_eq!(
        (site.ever("FL_RETRY").await, site.ever("FL_RESULTS").await),
        (0, 1)
    );
    site.close(worker).await;
}

pub(super) async fn a_result_that_the_fence_refuses_is_dropped_without_an_error(kind: Kind) {
    let mut site = Site::open(kind).await;
    let worker = site.worker(1).await;
    site.task("f", &[], LONG).await;
    site.until_running(1).await;
    site.record("f", "completed").await;
    assert_eq!(site.next_end().await.word, "+ACK");
    assert_eq!(site.mesh.result("f").await.record.worker, "other");
    assert_eq!(
        (site.ever("FL_RETRY").await, site.ever("FL_RESULTS").await),
        (0, 1)
    );
    site.close(worker).await;
}

pub(super) async fn a_replayed_task_takes_the_place_of_the_record_it_names(kind: Kind) {
    let mut site = Site::open(kind).await;
    let old = site.record("f", "dead").await;
    let replayed = [("Fl-Hop", "4"), ("Fl-Fence", &old.to_string())];
    site.task("f", &replayed, "[7]").await;
    let worker = site.worker(1).await;
    assert_eq!(site.next_end().await.word, "+ACK");
    let stored = site.mesh.result("f").await;
    assert!(stored.sequence > old);
    let record = stored.record;
    assert_eq!(
        (record.state, record.hop, record.output),
        (State::Completed, 4, json!([7]))
    );
    assert_eq!(record.worker, ID);
    site.close(worker).await;
}

pub(super) async fn a_replayed_task_whose_record_has_aged_out_completes(kind: Kind) {
    let mut site = Site::open(kind).await;
    site.task("f", &[("Fl-Hop", "1"), ("Fl-Fence", "99")], "7").await;
    let worker = site.worker(1).await;
    assert_eq!(site.next_end().await.word, "+ACK");
    assert_eq!(site.mesh.result("f").await.record.output, json!(7));
    site.close(worker).await;
}
