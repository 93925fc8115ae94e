//! A worker that is asked to stop.

use std::collections::BTreeSet;

use super::site::{LONG, Site};
use super::worker::Kind;

pub(super) async fn a_stopped_worker_finishes_what_runs_and_starts_nothing_more(kind: Kind) {
    let mut site = Site::open(kind).await;
    let worker = site.worker(2).await;
    for n in 0..5 {
        site.task(&format!("d-{n}"), &[], LONG).await;
    }
    site.until_running(2).await;
    worker.drain();
    worker.ended().await;

    let said = site.answers.until("+ACK", 2).await;
    let sequences: BTreeSet<u64> = said.iter().map(|answer| answer.sequence).collect();
    assert_eq!(sequences.len(), 2, "{said:?}");
    assert_eq!(
        (site.ever("FL_RESULTS").await, site.ever("FL_RETRY").await),
        (2, 0)
    );

    // Nothing is held by a worker that is gone: another one gets the rest on their first delivery.
    let next = site.worker(3).await;
    let said = site.answers.until("+ACK", 3).await;
    assert!(said.iter().all(|answer| answer.deliveries == 1), "{said:?}");
    assert_eq!(site.ever("FL_RESULTS").await, 5);
    site.close(next).await;
}

pub(super) async fn an_idle_worker_stops_at_once_and_takes_nothing_with_it(kind: Kind) {
    let mut site = Site::open(kind).await;
    let worker = site.worker(2).await;
    site.task("before", &[], "1").await;
    assert_eq!(site.next_end().await.word, "+ACK");
    worker.drain();
    worker.ended().await;
    site.task("after", &[], "1").await;
    let next = site.worker(1).await;
    assert_eq!(site.next_end().await.deliveries, 1);
    site.close(next).await;
}
