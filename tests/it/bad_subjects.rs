//! Subjects that name no task, and headers that no client can read.

use std::sync::Arc;

use async_nats::jetstream::context::PublishErrorKind;
use fairlane::executor::simulate::Simulate;
use fairlane::task::{DeadReason, State};

use crate::support::{Bare, Mesh, Role, TWO_CLASSES, publish_raw};

fn body(id: &str) -> String {
    format!(r#"{{"task_id":"{id}","model":"m","input":1}}"#)
}

/// Headers that no client library sends and no server refuses.
const UNREADABLE: [(&str, &[u8], &str); 4] = [
    (
        "latin",
        b"NATS/1.0\r\nFl-Labels: {\"name\":\"J\xf6rg\"}\r\n\r\n",
        "no UTF-8",
    ),
    ("junk", b"junk", "do not start with NATS/1.0"),
    (
        "lines",
        b"NATS/1.0\r\nFl-Tenant\r\n\r\n",
        "\"Fl-Tenant\" is no header",
    ),
    (
        "name",
        b"NATS/1.0\r\nFl Tenant: a\r\n\r\n",
        "\"Fl Tenant\" is no name of a header",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_subject_whose_tokens_are_no_names_is_a_dead_letter_with_the_reason_unroutable() {
    let mesh = Mesh::start(TWO_CLASSES).await;
    let long = format!("fl.task.core.{}.m.0", "x".repeat(65));
    let cases = [
        ("percent", "fl.task.core.pay%.m.0"),
        ("umlaut", "fl.task.core.pay.ä.0"),
        ("star", "fl.task.normal.p*y.m.0"),
        ("shard", "fl.task.core.pay.m.x"),
        ("long", &long),
    ];
    for (id, subject) in cases {
        publish_raw(&mesh.server, subject.as_bytes(), b"", body(id).as_bytes());
    }
    for (id, subject) in cases {
        let (letter, original) = mesh.dead_letter(id).await;
        assert_eq!(letter.reason, DeadReason::Unroutable, "{id}");
        assert!(letter.report.error.contains(subject), "{}", letter.report.error);
        assert_eq!(original.body, body(id));
        assert_eq!(mesh.result(id).await.record.state, State::Dead);
    }
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subject_with_too_few_or_too_many_tokens_is_refused() {
    let mesh = Mesh::start(TWO_CLASSES).await;
    let bare = Bare::of(&mesh.server).await;
    for subject in [
        "fl.task.core.pay.m",
        "fl.task.core.pay.m.0.1",
        "fl.task.slow.pay.m.0",
    ] {
        let refused = bare.publish(subject, &[], body("lost")).await.unwrap_err();
        assert_eq!(refused.kind(), PublishErrorKind::StreamNotFound, "{subject}");
    }
    mesh.stop().await;
}

/// The server stores what is published to a wildcard under that very name.
#[tokio::test(flavor = "multi_thread")]
async fn a_task_on_a_wildcard_is_a_dead_letter_and_takes_no_other_task_with_it() {
    let mesh = Mesh::start(TWO_CLASSES).await;
    mesh.submit_many("pay", 20, "1").await;
    let cases = [
        ("all", "fl.task.core.*.*.*"),
        ("class", "fl.task.core.*.m.0"),
        ("tail", "fl.task.core.pay.m.>"),
    ];
    for (id, subject) in cases {
        publish_raw(&mesh.server, subject.as_bytes(), b"", body(id).as_bytes());
    }
    for (id, _) in cases {
        let (letter, _) = mesh.dead_letter(id).await;
        assert_eq!(letter.reason, DeadReason::Unroutable, "{id}");
    }
    mesh.worker("w", 8, Arc::new(Simulate)).await;
    for n in 0..20 {
        assert_eq!(
            mesh.result(&format!("pay-{n}")).await.record.state,
            State::Completed
        );
    }
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subject_that_is_no_text_is_a_dead_letter_and_takes_no_other_task_with_it() {
    let mesh = Mesh::start(TWO_CLASSES).await;
    mesh.submit("good", "pay", "1").await.unwrap();
    publish_raw(
        &mesh.server,
        b"fl.task.core.p\xffy.m.0",
        b"",
        body("bytes").as_bytes(),
    );
    assert_eq!(mesh.dead_letter("bytes").await.0.reason, DeadReason::Unroutable);
    mesh.worker("w", 1, Arc::new(Simulate)).await;
    assert_eq!(mesh.result("good").await.record.state, State::Completed);
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_on_a_subject_that_names_no_task_is_a_dead_letter() {
    let mesh = Mesh::start(TWO_CLASSES).await;
    let bare = Bare::of(&mesh.server).await;
    bare.publish("fl.retry.report.slow.pay.m", &[], body("astray"))
        .await
        .unwrap();
    assert_eq!(mesh.dead_letter("astray").await.0.reason, DeadReason::Unroutable);
    assert_eq!(mesh.result("astray").await.record.state, State::Dead);
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_that_end_a_connection_make_a_dead_letter_and_the_worker_goes_on() {
    let mesh = Mesh::start(TWO_CLASSES).await;
    for (id, headers, _) in UNREADABLE {
        publish_raw(
            &mesh.server,
            b"fl.task.core.pay.m.0",
            headers,
            body(id).as_bytes(),
        );
    }
    mesh.worker("w", 8, Arc::new(Simulate)).await;
    for (id, _, says) in UNREADABLE {
        let (letter, original) = mesh.dead_letter(id).await;
        assert_eq!(letter.reason, DeadReason::Malformed, "{id}");
        assert!(letter.report.error.contains(says), "{}", letter.report.error);
        assert_eq!(original.body, body(id));
        assert_eq!(mesh.result(id).await.record.state, State::Dead);
    }
    mesh.submit("good", "pay", "1").await.unwrap();
    assert_eq!(mesh.result("good").await.record.state, State::Completed);
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_that_nobody_can_read_harm_neither_sweep_nor_verdicts() {
    let mesh = Mesh::start(TWO_CLASSES).await;
    for (at, (id, headers, _)) in UNREADABLE.into_iter().enumerate() {
        let subject = ["fl.task.core.nobody.m.0", "fl.retry.report.core.pay.m"][at % 2];
        publish_raw(&mesh.server, subject.as_bytes(), headers, body(id).as_bytes());
    }
    // Reports come back after a time that no test waits for; what nobody covers is found at once.
    for id in ["latin", "lines"] {
        assert_eq!(mesh.dead_letter(id).await.0.reason, DeadReason::Unroutable);
    }
    mesh.worker("w", 1, Arc::new(Simulate)).await;
    mesh.submit("good", "pay", r#"{"fail_attempts":1}"#)
        .await
        .unwrap();
    assert_eq!(mesh.result("good").await.record.state, State::Completed);
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_that_crashes_the_client_ends_its_worker_with_1_until_it_is_a_dead_letter() {
    let mesh = Mesh::start(TWO_CLASSES).await;
    let mut letters = Bare::of(&mesh.server).await.hear("fl.dead.>").await;
    let headers = b"NATS/1.0\r\nFl-Tenant: a\rb\r\n\r\n";
    publish_raw(
        &mesh.server,
        b"fl.task.core.pay.m.0",
        headers,
        body("crash").as_bytes(),
    );
    // Each time it is delivered, a worker goes; whoever looks after them starts another.
    for id in ["first", "second"] {
        let (status, log) = Role::worker(mesh.server.url(), id, 1, TWO_CLASSES)
            .await
            .ended()
            .await;
        assert_eq!(status.code(), Some(1), "{log}");
        assert!(log.contains("the NATS client has crashed"), "{log}");
    }
    letters.next().await;
    let (letter, original) = mesh.dead_letter("crash").await;
    assert_eq!(letter.reason, DeadReason::Malformed);
    assert!(
        letter.report.error.contains("line break"),
        "{}",
        letter.report.error
    );
    assert_eq!(original.body, body("crash"));
    mesh.worker("third", 1, Arc::new(Simulate)).await;
    mesh.submit("good", "pay", "1").await.unwrap();
    assert_eq!(mesh.result("good").await.record.state, State::Completed);
    mesh.stop().await;
}
