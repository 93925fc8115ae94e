//! A gateway that dies between any two of its writes: the caller asks again and gets one task.

use serde_json::json;

use crate::rest::POLICY;
use crate::support::{Answered, Bare, Door, Mesh, PASSES, Probe, Role};

/// Between record, publication and reply. After the reply nothing is left to lose.
const PLACES: [&str; 3] = [
    "submit.before_record",
    "submit.after_record",
    "submit.after_publish",
];

struct Gateway {
    role: Role,
    door: Door,
}

impl Gateway {
    /// A gateway in a process of its own, which ends when it comes to `place`.
    async fn start(mesh: &Mesh, place: Option<&str>) -> Self {
        let file = tempfile::NamedTempFile::new().expect("there is a place for temporary files");
        std::fs::write(file.path(), POLICY).expect("it can be written");
        let policy = file.path().to_str().expect("a path in UTF-8");
        let arguments = [
            "gateway",
            "--nats",
            mesh.server.url(),
            "--policy",
            policy,
            "--http-listen",
            "127.0.0.1:0",
        ];
        let variables: Vec<_> = place
            .map(|place| ("FAIRLANE_FAILPOINT", place))
            .into_iter()
            .collect();
        let mut role = Role::start_with(&arguments, &variables);
        let line = role.says("taking submissions").await;
        let (_, address) = line.split_once("address=").expect("it says where");
        let address = address.split_whitespace().next().expect("it says where");
        Self {
            role,
            door: Door::at(&format!("http://{address}")),
        }
    }

    fn request(&self, key: Option<&str>, body: &str) -> reqwest::RequestBuilder {
        let request = self.door.request("POST", "/v1/tasks").body(body.to_owned());
        match key {
            Some(key) => request.header("Idempotency-Key", key),
            None => request,
        }
    }
}

async fn one_task_and_one_answer(place: &str, key: Option<&str>, id: &str, body: &str) {
    let mesh = Mesh::start(POLICY).await;
    let dying = Gateway::start(&mesh, Some(place)).await;
    let cut_off = Answered::try_of(dying.request(key, body)).await;
    assert!(cut_off.is_err(), "it ended before its answer: {cut_off:?}");
    let (status, log) = dying.role.ended().await;
    assert!(
        !status.success() && log.contains("because a test asked"),
        "{status}\n{log}"
    );

    let other = Gateway::start(&mesh, None).await;
    let accepted = Answered::of(other.request(key, body)).await;
    assert_eq!(
        (accepted.status, &accepted.json()["task_id"]),
        (202, &json!(id)),
        "{accepted:?}"
    );
    let again = Answered::of(other.request(key, body)).await;
    assert_eq!((again.status, &again.body), (202, &accepted.body));
    let bare = Bare::of(&mesh.server).await;
    assert_eq!(bare.stream("FL_NORMAL").await.messages, 1, "{place}");

    let (probe, mut starts) = Probe::gated();
    mesh.worker("w", 2, probe.clone()).await;
    assert_eq!(mesh.result(id).await.record.state.as_str(), "completed");
    assert!(starts.recv().await.is_some_and(|(_, started)| started == id));
    assert!(starts.try_recv().is_err(), "it ran twice");
    let result = other.door.get(&format!("/v1/tasks/{id}/result")).await;
    assert_eq!(result.status, 200);
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_killed_between_two_writes_leaves_one_task_under_a_task_id() {
    for place in PLACES {
        let body = format!(r#"{{"task_id":"t","model":"m","input":{PASSES}}}"#);
        one_task_and_one_answer(place, None, "t", &body).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_killed_between_two_writes_leaves_one_task_under_a_key() {
    for place in PLACES {
        let body = format!(r#"{{"model":"m","input":{PASSES}}}"#);
        let id = "idem-6bd7eedeea4ba4097e6d1c247a513737";
        one_task_and_one_answer(place, Some("k1"), id, &body).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_killed_after_its_answer_leaves_the_task_it_accepted() {
    let mesh = Mesh::start(POLICY).await;
    let gateway = Gateway::start(&mesh, None).await;
    let body = format!(r#"{{"task_id":"t","model":"m","input":{PASSES}}}"#);
    let accepted = Answered::of(gateway.request(None, &body)).await;
    gateway.role.signal(nix::sys::signal::Signal::SIGKILL);
    assert_eq!(accepted.status, 202);
    let other = Gateway::start(&mesh, None).await;
    let again = Answered::of(other.request(None, &body)).await;
    assert_eq!((again.status, &again.body), (202, &accepted.body));
    let bare = Bare::of(&mesh.server).await;
    assert_eq!(bare.stream("FL_NORMAL").await.messages, 1);
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_killed_while_it_cancels_leaves_one_record_and_the_next_one_tidies_up() {
    for place in [
        "cancel.after_record",
        "cancel.after_callback",
        "cancel.after_removal",
    ] {
        let mesh = Mesh::start(POLICY).await;
        let dying = Gateway::start(&mesh, Some(place)).await;
        let body = format!(r#"{{"task_id":"t","model":"m","input":{PASSES}}}"#);
        let accepted = Answered::of(dying.request(None, &body)).await;
        assert_eq!(accepted.status, 202, "{accepted:?}");
        let cancel = |door: &Door| door.request("DELETE", "/v1/tasks/t");
        let cut_off = Answered::try_of(cancel(&dying.door)).await;
        assert!(cut_off.is_err(), "it ended before its answer: {cut_off:?}");
        dying.role.ended().await;
        assert_eq!(
            mesh.result("t").await.record.state.as_str(),
            "cancelled",
            "{place}"
        );

        let other = Gateway::start(&mesh, None).await;
        let cancelled = Answered::of(cancel(&other.door)).await;
        assert_eq!(cancelled.status, 200, "{cancelled:?}");
        let bare = Bare::of(&mesh.server).await;
        assert_eq!(bare.stream("FL_NORMAL").await.messages, 0, "{place}");
        assert_eq!(bare.stream("FL_RESULTS").await.last_sequence, 1, "{place}");
        mesh.stop().await;
    }
}
