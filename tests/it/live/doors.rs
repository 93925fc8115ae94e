//! Policies over REST and on the command line: the same, with an answer for every mistake.

use std::path::Path;

use expect_test::expect;
use serde_json::Value;

use super::documents::version;
use crate::support::cli;
use crate::support::{Answered, Door, Mesh, TWO_CLASSES};

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_shows_policies_and_changes_them_where_it_was_told_to() {
    let mesh = Mesh::start(TWO_CLASSES).await;
    let (door, shows) = (Door::writing_policies(&mesh).await, Door::of(&mesh).await);
    let put = |door: &Door, query: &str, document: &str| {
        door.request("PUT", &format!("/v1/policy{query}"))
            .body(document.to_owned())
    };
    assert_eq!(door.get("/v1/policy").await.code(), "unknown_policy");
    let refused = Answered::of(put(&shows, "", &version(1))).await;
    assert_eq!(
        (refused.status, refused.code().as_str()),
        (403, "policy_read_only")
    );

    let first = Answered::of(put(&door, "?author=ci&message=a+start", &version(1))).await;
    assert_eq!(
        first.json(),
        serde_json::json!({"version": 1, "before": 0, "changed": true})
    );
    let shown = shows.get("/v1/policy").await;
    assert_eq!(shown.headers["etag"], "\"1\"");
    let shown = shown.json();
    assert_eq!(
        (&shown["author"], &shown["message"], &shown["document"]),
        (&"ci".into(), &"a start".into(), &Value::from(version(1)))
    );

    let on_top = |of: &'static str, n| put(&door, "", &version(n)).header("If-Match", of);
    let outdated = Answered::of(on_top("\"7\"", 2)).await;
    assert_eq!(
        (outdated.status, outdated.code().as_str()),
        (412, "policy_outdated")
    );
    assert_eq!(outdated.json()["holds"], 1);
    assert_eq!(Answered::of(on_top("7", 2)).await.code(), "bad_header");
    assert_eq!(Answered::of(on_top("\"1\"", 2)).await.json()["version"], 2);
    let only_first = put(&door, "", &version(3)).header("If-None-Match", "*");
    assert_eq!(Answered::of(only_first).await.status, 412);

    let faulty = Answered::of(put(&door, "", "version: 1\nclasses: 3\n")).await;
    assert_eq!((faulty.status, faulty.code().as_str()), (422, "policy_faulty"));
    let faults = faulty.json()["faults"].as_array().cloned().unwrap_or_default();
    let classes = faults.iter().find(|fault| fault["path"] == "classes");
    assert_eq!(classes.expect("it is no mapping")["line"], 2);
    let checked = door.request("POST", "/v1/policy/validate").body(version(1));
    assert_eq!(
        Answered::of(checked).await.json(),
        serde_json::json!({"valid": true, "faults": []})
    );

    let back = door.request("POST", "/v1/policy/rollback?to=1");
    assert_eq!(Answered::of(back).await.json()["version"], 3);
    let unknown = door.request("POST", "/v1/policy/rollback?to=9");
    assert_eq!(Answered::of(unknown).await.code(), "unknown_policy");
    let versions = shows.get("/v1/policy/versions").await.json();
    assert_eq!(versions["versions"][0]["restores"], 1);
    assert_eq!(shows.get("/v1/policy/versions/2").await.json()["holds"], false);
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_says_by_its_exit_code_how_it_went() {
    let mesh = Mesh::start(TWO_CLASSES).await;
    let folder = tempfile::tempdir().expect("there is a place for temporary folders");
    for (name, document) in [
        ("one", version(1)),
        ("two", version(2)),
        ("faulty", "version: 1\n".to_owned()),
    ] {
        std::fs::write(folder.path().join(name), document).expect("it can be written");
    }
    let mut told = String::new();
    for line in [
        "get",
        "apply one --dry-run",
        "apply one --author ci -m start",
        "apply one",
        "apply two --if-version 7",
        "apply two --author ci",
        "apply faulty",
        "rollback 9",
        "rollback --author ci",
        "rollback",
    ] {
        told += &said(&mesh, folder.path(), line).await;
    }
    expect![[r#"
        $ policy get
        error: no policy was applied: every process acts on what it was started with; `fairlane policy apply FILE` makes one hold
        exit 4
        $ policy apply one --dry-run
        one: valid; it would be the first that is applied
        exit 0
        $ policy apply one --author ci -m start
        policy 1 holds; before, every process acted on what it was started with
        exit 0
        $ policy apply one
        policy 1 says the same already; nothing changed
        exit 0
        $ policy apply two --if-version 7
        error: policy 1 holds, not 7: somebody applied another one meanwhile; look at `fairlane policy diff 7 1`, then apply yours on top of it
        exit 3
        $ policy apply two --author ci
        policy 2 holds, after 1; `fairlane worker ls` shows who acts on it, `fairlane policy rollback` takes it back
        exit 0
        $ policy apply faulty
        error: faulty:1:1: classes: has no class; give at least one: NAME: { priority: 1, share: 1 }
        faulty:1:1: default_class: is missing; give one of the classes
        faulty:1:1: models: has no model; give at least one: NAME: { executor: embed }
        exit 1
        $ policy rollback 9
        error: there is no stored policy 9; `fairlane policy history` lists those there are
        exit 4
        $ policy rollback --author ci
        policy 3 holds, after 2; `fairlane worker ls` shows who acts on it, `fairlane policy rollback` takes it back
        exit 0
        $ policy rollback
        error: there is no policy before the one that holds; `fairlane policy history` lists those there are
        exit 4
    "#]].assert_eq(&told);
    mesh.stop().await;
}

/// What `fairlane policy` says to a line of arguments, of which files lie in `folder`.
async fn said(mesh: &Mesh, folder: &Path, line: &str) -> String {
    let path = |word: &str| folder.join(word);
    let named = |word: &str| match path(word).exists() {
        true => path(word).display().to_string(),
        false => word.to_owned(),
    };
    let words: Vec<String> = line.split(' ').map(named).collect();
    let arguments: Vec<&str> = ["policy"]
        .into_iter()
        .chain(words.iter().map(String::as_str))
        .collect();
    let (exit, said, complained) = cli::say_at(&mesh.server, &arguments).await;
    let told = format!("$ policy {line}\n{said}{complained}exit {}\n", exit.unwrap_or(-1));
    told.replace(&format!("{}/", folder.display()), "")
}

/// Says each line, and looks for its exit code and for a part of what is said.
async fn say_all(lines: &[(&str, i32, &str)]) {
    let mesh = Mesh::start(TWO_CLASSES).await;
    let folder = tempfile::tempdir().expect("there is a place for temporary folders");
    for (name, document) in [
        ("one", version(1)),
        ("two", version(2)),
        (
            "other",
            version(2).replace("initial: 5 }", "initial: 5 }, batch: { size_max: 3 }"),
        ),
        ("narrow", version(3).replace("concurrency: 256", "concurrency: 3")),
        ("faulty", "version: 1\n".to_owned()),
    ] {
        std::fs::write(folder.path().join(name), document).expect("it can be written");
    }
    for (line, exit, tells) in lines {
        let said = said(&mesh, folder.path(), line).await;
        assert!(
            said.contains(tells) && said.contains(&format!("exit {exit}\n")),
            "{said}"
        );
    }
    mesh.stop().await;
}

#[tokio::test]
async fn the_command_line_begins_a_rollout_where_there_is_room_for_it_and_ends_it() {
    say_all(&[
        ("rollout two", 4, "no policy is stored yet"),
        ("apply one", 0, "policy 1 holds"),
        ("rollout", 2, "<FILE>"),
        (
            "rollout two --canary 0.1",
            2,
            "say whether it is a part or percent",
        ),
        ("rollout other", 3, "the model m is run in another way"),
        (
            "rollout two --canary 20% --author ci",
            0,
            "policy 2 is on trial beside 1: 20 %",
        ),
        ("rollout status", 0, "note: a rollout needs two workers at least"),
        ("rollout two", 3, "policy 2 is on trial"),
        ("apply one", 0, "policy 1 says the same already"),
        ("apply two", 3, "policy 2 is on trial"),
        ("rollout abort", 0, "was aborted"),
        ("rollout abort", 4, "no policy is on trial"),
        ("apply narrow", 0, "policy 3 holds"),
        (
            "rollout two",
            3,
            "both together need 4 consumers in the lane core, which has a place for 3",
        ),
    ])
    .await;
}

#[tokio::test]
async fn the_command_line_compares_and_asks_and_ends_what_it_began_and_nothing_else() {
    say_all(&[
        ("ab two", 4, "no policy is stored yet"),
        ("shadow two", 4, "no policy is stored yet"),
        ("apply one", 0, "policy 1 holds"),
        ("ab status", 0, "policy 1 holds, and none is compared"),
        ("ab stop", 4, "no policy is on trial"),
        ("ab two --share 100%", 2, "nothing to compare with"),
        ("ab two --for soon", 2, "--for"),
        ("ab two --for 10m", 0, "has 50 % of all tasks beside 1 (A)"),
        ("apply two", 3, "policy 2 is on trial"),
        ("ab status", 0, "(B) has 50 %"),
        ("rollout pause", 3, "policy 2 is only compared"),
        ("ab stop", 0, "aborted"),
        ("rollout two", 0, "policy 3 is on trial"),
        ("ab stop", 3, "a rollout is on trial, no comparison"),
        ("rollout abort", 0, "was aborted"),
        ("shadow status", 0, "policy 1 holds, and none is asked"),
        ("shadow stop", 4, "no policy is asked"),
        ("shadow", 2, "<FILE>"),
        ("shadow two --if-version 7", 3, "policy 1 holds, not 7"),
        ("shadow faulty", 1, "classes: has no class"),
        ("shadow two", 0, "policy 4 is asked beside 1"),
        ("shadow stop", 0, "no slot was given out since then"),
    ])
    .await;
}
