//! `fairlane streams` and `fairlane doctor` as an operator runs them, on a bare server.

use crate::support::cli::run;
use crate::support::{Bare, server};

fn code(url: &str, arguments: &[&str]) -> Option<i32> {
    run(&[&["--nats", url], arguments].concat()).status.code()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_shows_drift_until_it_is_applied_and_applying_twice_changes_nothing() {
    let server = server().await;
    let url = server.url();
    assert_eq!(code(url, &["streams", "plan", "--check"]), Some(1));
    assert_eq!(code(url, &["streams", "apply"]), Some(0));
    assert_eq!(code(url, &["streams", "plan", "--check"]), Some(0));
    assert_eq!(code(url, &["streams", "apply"]), Some(0));

    let bare = Bare::of(&server).await;
    bare.limit("FL_CORE", 7).await;
    assert_eq!(code(url, &["streams", "plan", "--check"]), Some(1));
    assert_eq!(code(url, &["streams", "apply"]), Some(0));
    assert_eq!(code(url, &["streams", "plan", "--check"]), Some(0));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_the_server_cannot_make_is_refused_before_anything_is_touched() {
    let server = server().await;
    let bare = Bare::of(&server).await;
    let in_memory = async_nats::jetstream::stream::Config {
        name: "FL_NORMAL".to_owned(),
        subjects: vec!["fl.task.normal.*.*.*".to_owned()],
        storage: async_nats::jetstream::stream::StorageType::Memory,
        ..Default::default()
    };
    bare.jetstream.create_stream(in_memory).await.expect("it is made");
    assert_eq!(code(server.url(), &["streams", "apply"]), Some(3));
    assert!(
        bare.jetstream.get_stream("FL_CORE").await.is_err(),
        "nothing else was made"
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_extra_stream_goes_only_when_asked_and_only_when_it_is_empty() {
    let server = server().await;
    let url = server.url();
    assert_eq!(code(url, &["streams", "apply"]), Some(0));
    let bare = Bare::of(&server).await;
    let extra = async_nats::jetstream::stream::Config {
        name: "FL_OLD".to_owned(),
        subjects: vec!["old".to_owned()],
        ..Default::default()
    };
    bare.jetstream.create_stream(extra).await.expect("it is made");
    bare.publish("old", &[], "still here").await.expect("it is kept");

    assert_eq!(code(url, &["streams", "apply"]), Some(0));
    assert_eq!(code(url, &["streams", "apply", "--prune"]), Some(3));
    assert_eq!(bare.stream("FL_OLD").await.messages, 1);
    bare.jetstream
        .get_stream("FL_OLD")
        .await
        .expect("it exists")
        .purge()
        .await
        .expect("it is emptied");
    assert_eq!(code(url, &["streams", "apply", "--prune"]), Some(0));
    assert!(bare.jetstream.get_stream("FL_OLD").await.is_err());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_fails_while_streams_are_missing_and_passes_once_they_are_there() {
    let server = server().await;
    assert_eq!(code(server.url(), &["doctor"]), Some(1));
    assert_eq!(code(server.url(), &["streams", "apply"]), Some(0));
    assert_eq!(code(server.url(), &["doctor", "--json"]), Some(0));
    server.stop().await;
}
