//! Rollouts over REST: what the command line does, with an answer for every mistake.

use serde_json::{Value, json};

use super::documents::version;
use crate::support::{Answered, Door, Mesh, TWO_CLASSES};

const STEERS: [&str; 4] = ["pause", "resume", "promote", "abort"];

async fn post(door: &Door, path: &str, body: String) -> Answered {
    let path = format!("/v1/policy/rollout{path}");
    Answered::of(door.request("POST", &path).body(body)).await
}

/// Begins with the version `n`.
async fn begin(door: &Door, query: &str, n: u64) -> Answered {
    post(door, query, version(n)).await
}

async fn steer(door: &Door, how: &str) -> Answered {
    post(door, &format!("/{how}"), String::new()).await
}

async fn status(door: &Door) -> Value {
    door.get("/v1/policy/rollout").await.json()
}

fn problem(of: &Answered) -> (u16, String) {
    assert_eq!(of.header("content-type"), "application/problem+json", "{of:?}");
    (of.status, of.code())
}

/// Two gateways; the first one changes policies, and version 1 holds.
async fn gateways(mesh: &Mesh) -> (Door, Door) {
    let (door, shows) = (Door::writing_policies(mesh).await, Door::of(mesh).await);
    let put = door.request("PUT", "/v1/policy").body(version(1));
    assert_eq!(Answered::of(put).await.status, 200);
    (door, shows)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollout_is_begun_shown_held_and_led_to_its_end() {
    let mesh = Mesh::start(TWO_CLASSES).await;
    let (door, shows) = gateways(&mesh).await;
    assert_eq!(status(&shows).await, json!({"stable": 1}));

    let query = "?canary=20%25&steps=50%25,100%25&by=task&label=pool=b&author=ci&message=try+it";
    let begun = begin(&door, query, 2).await;
    assert_eq!(
        (begun.status, begun.header("location")),
        (201, "/v1/policy/rollout"),
        "{begun:?}"
    );
    let begun = begun.json();
    assert_eq!((&begun["candidate"], &begun["stable"]), (&json!(2), &json!(1)));
    let trial = &begun["trial"];
    assert_eq!(
        (
            &trial["candidate"],
            &trial["share"],
            &trial["shares"],
            &trial["stage"]
        ),
        (&json!(2), &json!(0.2), &json!([0.2, 0.5, 1.0]), &json!(0))
    );
    assert_eq!(
        (&trial["by"], &trial["label"], &trial["paused"]),
        (&json!("task"), &json!("pool=b"), &json!(false))
    );
    assert_eq!(&status(&shows).await["trial"], trial);
    let stored = shows.get("/v1/policy/versions/2").await.json();
    assert_eq!(
        (&stored["author"], &stored["message"], &stored["holds"]),
        (&json!("ci"), &json!("try it"), &json!(false))
    );

    for (how, is_paused) in [("pause", true), ("resume", false)] {
        let steered = steer(&door, how).await;
        assert_eq!(steered.status, 200, "{steered:?}");
        assert_eq!(steered.json()["trial"]["paused"], is_paused);
        assert_eq!(status(&shows).await["trial"]["paused"], is_paused);
    }
    for stage in [1, 2] {
        assert_eq!(steer(&door, "promote").await.json()["trial"]["stage"], stage);
    }
    let ended = post(&door, "/promote?author=ops", String::new()).await.json();
    assert_eq!((&ended["stable"], &ended["trial"]), (&json!(2), &Value::Null));
    assert_eq!(
        (&ended["last"]["ending"], &ended["last"]["why"]),
        (&json!("promoted"), &json!("promoted by ops"))
    );
    assert_eq!(shows.get("/v1/policy").await.headers["etag"], "\"2\"");

    let begun = begin(&door, "", 3).await.json();
    assert_eq!(
        (&begun["trial"]["shares"], &begun["trial"]["by"]),
        (&json!([0.1, 0.25, 0.5, 1.0]), &json!("tenant")),
        "as the command line has it"
    );
    let ended = steer(&door, "abort").await.json();
    assert_eq!(
        (&ended["stable"], &ended["last"]["ending"], &ended["last"]["why"]),
        (&json!(2), &json!("aborted"), &json!("aborted by rest"))
    );
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_or_has_nothing_to_steer_is_told_so() {
    let mesh = Mesh::start(TWO_CLASSES).await;
    let first = Door::writing_policies(&mesh).await;
    let none_holds = begin(&first, "", 1).await;
    assert_eq!(problem(&none_holds), (404, "unknown_policy".into()));
    assert!(
        none_holds.body.contains("no policy is stored yet"),
        "{none_holds:?}"
    );
    let (door, shows) = gateways(&mesh).await;

    let read_only = (403, "policy_read_only".to_owned());
    assert_eq!(problem(&begin(&shows, "", 2).await), read_only);
    let conflict = (409, "policy_conflict".to_owned());
    for how in STEERS {
        assert_eq!(problem(&steer(&shows, how).await), read_only, "{how}");
        assert_eq!(
            problem(&steer(&door, how).await),
            conflict,
            "{how}: none is on trial"
        );
        let path = format!("/v1/policy/rollout/{how}");
        assert_eq!(
            problem(&door.get(&path).await),
            (405, "method_not_allowed".into())
        );
    }
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_begun_is_a_problem_and_leaves_nothing_behind() {
    let mesh = Mesh::start(TWO_CLASSES).await;
    let (door, shows) = gateways(&mesh).await;
    let conflict = (409, "policy_conflict".to_owned());
    for (query, field) in [
        ("?canary=0%25", "canary"),
        ("?canary=a+tenth", "canary"),
        ("?canary=50%25&steps=25%25", "steps"),
        ("?by=class", "by"),
        ("?label=pool", "label"),
        ("?kanary=5%25", "kanary"),
        ("/pause?message=x", "message"),
    ] {
        let refused = begin(&door, query, 2).await;
        assert_eq!(problem(&refused), (422, "out_of_range".into()), "{query}");
        assert_eq!(refused.json()["field"], field);
    }
    let faulty = post(&door, "", "version: 1\nclasses: 3\n".to_owned()).await;
    assert_eq!(problem(&faulty), (422, "policy_faulty".into()));
    assert!(
        faulty.json()["faults"]
            .as_array()
            .is_some_and(|all| !all.is_empty())
    );
    let long = post(&door, "", "#".repeat(300_000)).await;
    assert_eq!(problem(&long), (413, "body_too_large".into()));
    let other = version(2).replace("initial: 5 }", "initial: 5 }, batch: { size_max: 3 }");
    assert_eq!(
        problem(&post(&door, "", other).await),
        conflict,
        "it runs the model in another way"
    );
    let on_top = door.request("POST", "/v1/policy/rollout").body(version(2));
    let outdated = Answered::of(on_top.header("If-Match", "\"7\"")).await;
    assert_eq!(problem(&outdated), (412, "policy_outdated".into()));
    assert_eq!(outdated.json()["holds"], 1);
    let versions = shows.get("/v1/policy/versions").await.json();
    assert_eq!(
        versions["versions"].as_array().map(Vec::len),
        Some(1),
        "{versions}"
    );
    assert_eq!(status(&shows).await, json!({"stable": 1}));

    let on_top = door.request("POST", "/v1/policy/rollout").body(version(2));
    let begun = Answered::of(on_top.header("If-Match", "\"1\"")).await;
    assert_eq!(begun.status, 201, "{begun:?}");
    let second = begin(&door, "", 3).await;
    assert_eq!(problem(&second), conflict, "one is on trial");
    let detail = second.json()["detail"].to_string();
    assert!(detail.contains("policy 2 is on trial"), "{detail}");
    let put = door.request("PUT", "/v1/policy").body(version(3));
    assert_eq!(problem(&Answered::of(put).await), conflict, "one is on trial");
    assert_eq!(status(&shows).await["trial"]["candidate"], 2);
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_is_compared_and_one_is_asked_over_rest() {
    let mesh = Mesh::start(TWO_CLASSES).await;
    let (door, shows) = gateways(&mesh).await;
    let begun = begin(&door, "?canary=50%25&compare=30m&by=task", 2).await.json();
    assert_eq!(begun["trial"]["shares"], json!([0.5]), "{begun}");
    let until = begun["trial"]["comparison"]["until"].as_str().unwrap_or_default();
    assert!(until.starts_with("20"), "{begun}");
    let conflict = (409, "policy_conflict".to_owned());
    for how in ["pause", "resume"] {
        let refused = steer(&door, how).await;
        assert_eq!(problem(&refused), conflict, "it has one stage");
        assert!(refused.body.contains("policy 2 is only compared"), "{refused:?}");
    }
    assert_eq!(steer(&door, "abort").await.status, 200);
    let begun = begin(&door, "?compare=", 2).await.json();
    assert_eq!(begun["trial"]["comparison"], json!({"until": null}), "{begun}");
    assert_eq!(steer(&door, "abort").await.status, 200);

    let ask = |door: &Door, n| {
        door.request("PUT", "/v1/policy/shadow?author=ci")
            .body(version(n))
    };
    let stop = |door: &Door| door.request("DELETE", "/v1/policy/shadow");
    let read_only = (403, "policy_read_only".to_owned());
    assert_eq!(problem(&Answered::of(ask(&shows, 3)).await), read_only);
    assert_eq!(problem(&Answered::of(stop(&shows)).await), read_only);
    assert_eq!(
        problem(&Answered::of(stop(&door)).await),
        conflict,
        "none is asked"
    );
    let asked = Answered::of(ask(&door, 4)).await;
    assert_eq!(asked.header("etag"), "\"4\"", "{asked:?}");
    assert_eq!(asked.json()["shadow"]["candidate"], 4, "{asked:?}");
    let shown = shows.get("/v1/policy/shadow").await;
    assert_eq!(shown.header("etag"), "\"4\"");
    let shown = shown.json();
    assert_eq!(
        (&shown["stable"], &shown["shadow"]["picks"]),
        (&json!(1), &json!(0))
    );
    let faulty = door.request("PUT", "/v1/policy/shadow").body("version: 1\n");
    assert_eq!(
        problem(&Answered::of(faulty).await),
        (422, "policy_faulty".into())
    );
    let back = door.request("PUT", "/v1/policy/shadow?to=1").body(version(3));
    let refused = Answered::of(back).await;
    assert_eq!(problem(&refused), (422, "out_of_range".into()));
    assert_eq!(refused.json()["field"], "to");
    let elsewhere = ask(&door, 3).header("If-Match", "\"4\"");
    let outdated = Answered::of(elsewhere).await;
    assert_eq!(problem(&outdated), (412, "policy_outdated".into()), "1 holds");

    let outdated = Answered::of(stop(&door).header("If-Match", "\"3\"")).await;
    assert_eq!(problem(&outdated), (412, "policy_outdated".into()));
    assert_eq!(outdated.json()["candidate"], 4);
    let stopped = Answered::of(stop(&door).header("If-Match", "\"4\"")).await;
    assert_eq!(stopped.json()["shadow"]["candidate"], 4);
    let shown = shows.get("/v1/policy/shadow").await;
    assert!(!shown.headers.contains_key("etag"), "{shown:?}");
    assert_eq!(shown.json(), json!({"stable": 1}));
    let outdated = Answered::of(stop(&door).header("If-Match", "\"4\"")).await;
    assert_eq!(
        problem(&outdated),
        (412, "policy_outdated".into()),
        "none is any more"
    );
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollout_is_steered_only_where_it_is_the_one_that_was_seen() {
    let mesh = Mesh::start(TWO_CLASSES).await;
    let (door, shows) = gateways(&mesh).await;
    let steer = |how: &str, seen: &str| {
        let path = format!("/v1/policy/rollout/{how}");
        Answered::of(door.request("POST", &path).header("If-Match", seen))
    };
    let outdated = (412, "policy_outdated".to_owned());
    let none = steer("promote", "\"2-0\"").await;
    assert_eq!(problem(&none), outdated, "none is on trial");
    assert!(!shows.get("/v1/policy/rollout").await.headers.contains_key("etag"));

    let begun = begin(&door, "?canary=10%25&steps=20%25,30%25,40%25", 2).await;
    assert_eq!(begun.header("etag"), "\"2-0\"", "{begun:?}");
    assert_eq!(
        problem(&steer("pause", "2-0").await),
        (400, "bad_header".into()),
        "it is no ETag"
    );
    let paused = steer("pause", "\"2-0\"").await;
    assert_eq!((paused.status, paused.header("etag")), (200, "\"2-0\""));
    let promoted = steer("promote", "\"2-0\"").await;
    assert_eq!((promoted.status, promoted.header("etag")), (200, "\"2-1\""));
    assert_eq!(shows.get("/v1/policy/rollout").await.header("etag"), "\"2-1\"");
    for how in ["pause", "resume", "promote"] {
        let refused = steer(how, "\"2-0\"").await;
        assert_eq!(problem(&refused), outdated, "{how}");
        let body = refused.json();
        assert_eq!((&body["candidate"], &body["stage"]), (&json!(2), &json!(1)));
    }
    assert_eq!(status(&shows).await["trial"]["stage"], 1, "nothing was done");

    for how in STEERS {
        assert_eq!(
            problem(&steer(how, "\"1-1\"").await),
            outdated,
            "{how}: another one"
        );
    }
    assert_eq!(status(&shows).await["trial"]["candidate"], 2);
    let aborted = steer("abort", "\"2-0\"").await;
    assert_eq!(
        aborted.status, 200,
        "to abort means the same in every stage: {aborted:?}"
    );
    assert!(!aborted.headers.contains_key("etag"), "{aborted:?}");
    mesh.stop().await;
}
