//! Tasks whose record is to be delivered to a URL.

use std::collections::BTreeMap;

use super::site::{ENDLESS, Site, header, headers};
use super::worker::Kind;

/// Nobody is called: the coordinator refuses loopback.
const URL: &str = "http://127.0.0.1:9/result?a=1";

fn due(id: &str, hop: &str) -> BTreeMap<String, String> {
    let all = [
        ("Fl-Callback", URL),
        ("Fl-Hop", hop),
        ("Fl-Task-Id", id),
        ("Fl-Version", "1"),
    ];
    all.map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
}

pub(super) async fn a_record_with_a_callback_is_announced_before_the_ack(kind: Kind) {
    let mut site = Site::open(kind).await;
    let mut announced = site.bare.hear("fl.callback.due.>").await;
    let worker = site.worker(1).await;
    site.task("by-header", &[("Fl-Callback", URL), ("Fl-Hop", "2")], "1")
        .await;
    assert_eq!(site.next_end().await.word, "+ACK");
    let message = announced.next().await;
    assert_eq!(message.subject.as_str(), "fl.callback.due.by-header");
    assert!(message.payload.is_empty());
    let map = message.headers.expect("it has headers");
    assert_eq!(header(&map, "Nats-Msg-Id"), "callback:by-header:2");
    assert_eq!(headers(&map), due("by-header", "2"));
    assert!(site.ever("FL_CALLBACKS").await >= 1);

    let body = format!(r#"{{"task_id":"by-body","model":"m","input":1,"callback_url":"{URL}"}}"#);
    site.put(&[], body).await;
    let map = announced.next().await.headers.expect("it has headers");
    assert_eq!(headers(&map), due("by-body", "0"));
    site.close(worker).await;
}

pub(super) async fn a_record_that_stands_is_announced_before_the_ack(kind: Kind) {
    let mut site = Site::open(kind).await;
    let mut announced = site.bare.hear("fl.callback.due.>").await;
    site.record("stands", "completed").await;
    site.task("stands", &[("Fl-Callback", URL), ("Fl-Hop", "3")], "1")
        .await;
    let worker = site.worker(1).await;
    assert_eq!(site.next_end().await.word, "+ACK");
    // Under the hop of the record: whoever wrote it may have announced it too.
    let map = announced.next().await.headers.expect("it has headers");
    assert_eq!(header(&map, "Nats-Msg-Id"), "callback:stands:0");
    assert_eq!(headers(&map), due("stands", "0"));
    site.close(worker).await;
}

pub(super) async fn a_cancelled_task_is_announced_before_the_ack(kind: Kind) {
    let mut site = Site::open(kind).await;
    let mut announced = site.bare.hear("fl.callback.due.>").await;
    let worker = site.worker(1).await;
    site.task("c", &[("Fl-Callback", URL), ("Fl-Hop", "3")], ENDLESS)
        .await;
    site.until_running(1).await;
    site.record("c", "cancelled").await;
    site.tell_cancelled("c").await;
    assert_eq!(site.next_end().await.word, "+ACK");
    let map = announced.next().await.headers.expect("it has headers");
    assert_eq!(headers(&map), due("c", "0"));
    site.close(worker).await;
}
