//! Notices of cancelled tasks.

use fairlane::task::State;

use super::site::{ENDLESS, LONG, Site};
use super::worker::{ID, Kind};

pub(super) async fn a_running_task_that_is_cancelled_is_stopped_and_its_slot_is_free(kind: Kind) {
    let mut site = Site::open(kind).await;
    let worker = site.worker(1).await;
    site.task("c", &[], ENDLESS).await;
    site.task("next", &[], "1").await;
    site.until_running(1).await;
    site.record("c", "cancelled").await;
    site.tell_cancelled("c").await;
    let end = site.next_end().await;
    assert_eq!((end.word.as_str(), end.sequence), ("+ACK", 1));
    assert_eq!(site.mesh.result("next").await.record.state, State::Completed);
    assert_eq!(site.mesh.result("c").await.record.worker, "other");
    assert_eq!(
        (site.ever("FL_RETRY").await, site.ever("FL_RESULTS").await),
        (0, 2)
    );
    site.close(worker).await;
}

pub(super) async fn a_notice_without_a_record_stops_nothing(kind: Kind) {
    let mut site = Site::open(kind).await;
    let worker = site.worker(2).await;
    // Of the two tasks only the second is decided; its end shows that the first notice was read.
    site.task("goes-on", &[], LONG).await;
    site.task("ends", &[], ENDLESS).await;
    site.until_running(2).await;
    site.record("ends", "cancelled").await;
    site.tell_cancelled("goes-on").await;
    site.tell_cancelled("ends").await;
    assert_eq!(site.next_end().await.sequence, 2);
    let record = site.mesh.result("goes-on").await.record;
    assert_eq!((record.state, record.worker.as_str()), (State::Completed, ID));
    assert!(record.exec_ms >= 3199, "{}", record.exec_ms);
    site.close(worker).await;
}
