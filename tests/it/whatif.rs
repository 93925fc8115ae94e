//! What ran is exported, and another policy is held against it before it is tried out.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use fairlane::clock;
use fairlane::executor::simulate::Simulate;
use fairlane::sim::workload::Trace;
use fairlane::wire::to_rfc3339;
use serde_json::{Value, json};

use crate::support::{Mesh, TWO_CLASSES, cli};

const SLOTS: u32 = 2;
/// Tasks, of which every tenth is of the class `bulk`, the others of `pay`.
const TASKS: usize = 100;
const SERVICE: &str = r#"{"service_ms":20}"#;

/// A mesh that has served a burst of both classes, and what was exported of it.
struct Scene {
    mesh: Mesh,
    folder: tempfile::TempDir,
}

fn class(n: usize) -> &'static str {
    if n % 10 == 5 { "bulk" } else { "pay" }
}

impl Scene {
    async fn set() -> Self {
        let mesh = Mesh::start(TWO_CLASSES).await;
        for n in 0..TASKS {
            let sent = mesh.submit(&format!("t-{n}"), class(n), SERVICE).await;
            sent.expect("accepted");
        }
        for (id, input) in [
            ("failed", r#"{"fail_rate":1,"fail_kind":"permanent"}"#),
            ("again", r#"{"service_ms":5,"fail_attempts":1}"#),
            ("gone", SERVICE),
        ] {
            mesh.submit(id, "pay", input).await.expect("accepted");
        }
        let (code, told) = cli::run_at(&mesh.server, &["task", "cancel", "gone"]).await;
        assert_eq!(code, Some(0), "{told}");
        mesh.worker("w", SLOTS, Arc::new(Simulate)).await;
        for n in 0..TASKS {
            mesh.result(&format!("t-{n}")).await;
        }
        for id in ["failed", "again", "gone"] {
            mesh.result(id).await;
        }
        let folder = tempfile::tempdir().expect("a folder");
        Self { mesh, folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A policy like that of the mesh but for one thing.
    fn policy(&self, name: &str, what: &str, becomes: &str) -> String {
        assert!(TWO_CLASSES.contains(what), "{what}");
        let path = self.path(name);
        std::fs::write(&path, TWO_CLASSES.replace(what, becomes)).expect("it is written");
        path.display().to_string()
    }

    async fn run(&self, arguments: &[&str]) -> (Option<i32>, Value) {
        cli::run_at(&self.mesh.server, arguments).await
    }

    /// Exports everything; where to, and what was said of it.
    async fn export(&self) -> (String, Value) {
        let file = self.path("yesterday.csv").display().to_string();
        let (code, told) = self.run(&["trace", "export", "--file", &file]).await;
        assert_eq!(code, Some(0), "{told}");
        (file, told)
    }

    /// Every completed task as its record tells of it: arrival, class and service, in order of arrival.
    async fn records(&self) -> Vec<(String, String, String)> {
        let mut rows = Vec::new();
        for id in (0..TASKS).map(|n| format!("t-{n}")).chain(["again".to_owned()]) {
            let found = self.mesh.result(&id).await;
            let before = (found.record.queued_ms + found.record.exec_ms).cast_signed();
            let arrived = fairlane::task::EpochMs(found.stored_at.0 - before);
            rows.push((
                to_rfc3339(arrived).replace('T', " ").replace('Z', ""),
                found.record.class.to_string(),
                found.record.exec_ms.to_string(),
            ));
        }
        rows.sort();
        rows
    }
}

fn rows(file: &str) -> Vec<(String, String, String)> {
    let text = std::fs::read_to_string(file).expect("it is there");
    let row = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        assert_eq!((cells[1], cells[2], cells[5]), ("0", "0", "default"), "{line}");
        (cells[0].to_owned(), cells[3].to_owned(), cells[4].to_owned())
    };
    text.lines().skip(1).map(row).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ran_is_exported_with_the_arrivals_of_its_records_and_goes_through_the_simulator_whole() {
    let before = clock::wall();
    let scene = Scene::set().await;
    let (file, told) = scene.export().await;
    let mut exported = rows(&file);
    assert!(exported.is_sorted_by_key(|(arrived, ..)| arrived.clone()));
    exported.sort();
    assert_eq!(exported, scene.records().await);
    assert!(exported[0].0 >= to_rfc3339(before).replace('T', " ").replace('Z', ""));

    assert_eq!(
        (&told["tasks"], &told["retried"], &told["read"]),
        (&json!(TASKS + 1), &json!(1), &json!(TASKS + 3))
    );
    assert_eq!(told["classes"], json!({"bulk": 10, "pay": 91}));
    let left = json!({"dead": 1, "cancelled": 1, "expired": 0, "unreadable": 0, "beyond_limit": 0});
    assert_eq!(told["left_out"], left);

    let trace = Trace::read(Path::new(&file)).expect("it is a trace");
    assert_eq!(trace.tasks(), TASKS + 1);
    let (one, two) = (
        scene.policy("one.yaml", "share: 60", "share: 60"),
        scene.policy("two.yaml", "share: 60", "share: 10"),
    );
    let both = format!("{one},{two}");
    let replayed = [
        "sim", "--trace", &file, "--policy", &both, "--seeds", "1", "--slots", "2",
    ];
    let (code, reports) = scene.run(&replayed).await;
    assert_eq!(code, Some(0), "{reports}");
    let classes = reports[0]["classes"].as_object().expect("classes");
    let mut names: Vec<&str> = classes.keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["bulk", "pay"]);
    // The first tenth of the time is not counted, and nothing else is left out.
    assert!(
        reports[0]["tasks"].as_u64().is_some_and(|tasks| tasks > 70),
        "{reports}"
    );

    let without = scene.policy("without.yaml", "  pay:  { priority: 1, share: 60 }\n", "");
    let (code, _, said) = cli::say_at(
        &scene.mesh.server,
        &["sim", "--trace", &file, "--policy", &without],
    )
    .await;
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains(r#"has no class "pay", of which the trace has 91 tasks"#),
        "{said}"
    );
    scene.mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_has_what_was_asked_for_and_says_when_there_is_nothing() {
    let scene = Scene::set().await;
    let server = &scene.mesh.server;
    let (code, csv, said) =
        cli::say_at(server, &["trace", "export", "--class", "bulk", "--limit", "4"]).await;
    assert_eq!(code, Some(0), "{said}");
    assert!(
        csv.starts_with("TIMESTAMP,ContextTokens,GeneratedTokens,Class,ServiceMs,Tenant\n"),
        "{csv}"
    );
    assert_eq!(csv.matches(",bulk,").count(), 4, "{csv}");
    assert!(
        said.contains("4 tasks that arrived from") && said.contains("left out: 6 beyond --limit"),
        "{said}"
    );

    let (_, all) = scene.export().await;
    let last = all["last"].as_str().expect("a time");
    let (code, since, _) = cli::say_at(server, &["trace", "export", "--since", last]).await;
    assert_eq!(code, Some(0));
    let (_, until, _) = cli::say_at(server, &["trace", "export", "--until", last]).await;
    let tasks = |csv: &str| csv.lines().count() - 1;
    assert_eq!(tasks(&since) + tasks(&until), TASKS + 1);

    for (arguments, exit, says) in [
        (
            ["trace", "export", "--class", "nobody"],
            4,
            "no completed task fits, of 103 records read",
        ),
        (
            ["trace", "export", "--newer-than", "0s"],
            4,
            "no completed task fits",
        ),
        (
            ["trace", "export", "--since", "yesterday"],
            2,
            "such as 30m, 2h or 3d",
        ),
        (["trace", "export", "--output", "json"], 2, "name a --file"),
    ] {
        let (code, _, said) = cli::say_at(server, &arguments).await;
        assert_eq!(code, Some(exit), "{said}");
        assert!(said.contains(says), "{said}");
    }
    scene.mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollout_begins_only_with_a_candidate_that_is_no_worse_in_a_replay() {
    let scene = Scene::set().await;
    let (file, _) = scene.export().await;
    let holds = scene.policy("holds.yaml", "share: 60", "share: 60");
    let equal = scene.policy("equal.yaml", "timeout_ms: 120000", "timeout_ms: 120001");
    let starving = scene.policy("starving.yaml", "share: 40", "share: 1");
    assert_eq!(scene.run(&["policy", "apply", &holds]).await.0, Some(0));

    let (code, told) = scene
        .run(&["policy", "rollout", &starving, "--replay", &file])
        .await;
    assert_eq!((code, &told["worse"]), (Some(3), &json!(true)), "{told}");
    // The mesh has one worker with two slots, and the replay has them, too.
    assert_eq!((&told["workers"], &told["slots"]), (&json!(1), &json!(SLOTS)));
    let figures = told["figures"].as_array().expect("figures");
    let bulk = figures
        .iter()
        .find(|figure| figure["class"] == "bulk" && figure["measure"] == "wait_p99");
    assert_eq!(bulk.expect("it is judged")["verdict"], "worse", "{told}");
    let (_, status) = scene.run(&["policy", "rollout", "status"]).await;
    assert!(status["trial"].is_null() && status["stable"] == 1, "{status}");

    let pays = [
        "policy",
        "rollout",
        &starving,
        "--replay",
        &file,
        "--no-worse",
        "wait_p99:pay",
    ];
    let (code, _, said) =
        cli::say_at(&scene.mesh.server, &[&pays[..], &["--no-worse", "wait"]].concat()).await;
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("the measures are wait_mean, wait_p50"), "{said}");

    let (code, told) = scene
        .run(&["policy", "rollout", &equal, "--replay", &file, "-m", "as before"])
        .await;
    assert_eq!(code, Some(0), "{told}");
    assert_eq!(
        (&told["trial"]["candidate"], &told["replay"]["worse"]),
        (&json!(2), &json!(false))
    );
    let (_, candidate) = scene.run(&["policy", "get", "2"]).await;
    assert_eq!(
        candidate["policy"]["message"],
        "as before (replay of yesterday: no worse in 4 figures)"
    );
    let (code, _, said) = cli::say_at(&scene.mesh.server, &pays).await;
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("policy 2 is on trial"), "{said}");
    scene.mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_against_a_file_needs_no_server() {
    let scene = Scene::set().await;
    let (file, _) = scene.export().await;
    let holds = scene.policy("holds.yaml", "share: 60", "share: 60");
    let starving = scene.policy("starving.yaml", "share: 40", "share: 1");
    let Scene { mesh, folder } = scene;
    let nats = mesh.server.url().to_owned();
    mesh.stop().await;
    let replay = |arguments: &[&str]| {
        let all = [
            &[
                "--nats",
                nats.as_str(),
                "--json",
                "policy",
                "replay",
                file.as_str(),
            ],
            arguments,
        ]
        .concat();
        let output = cli::run(&all);
        (output.status.code(), cli::json(&output))
    };
    let at = ["--against", holds.as_str(), "--slots", "2"];
    let (code, told) = replay(&[&[starving.as_str()], &at[..]].concat());
    assert_eq!(
        (code, &told["worse"], &told["slots"]),
        (Some(1), &json!(true), &json!(2)),
        "{told}"
    );
    let (code, told) = replay(&[&[holds.as_str()], &at[..]].concat());
    assert_eq!((code, &told["worse"]), (Some(0), &json!(false)), "{told}");
    let judged = ["--no-worse", "time_mean:pay", "--no-worse", "throughput:all=1%"];
    let (code, told) = replay(&[&[starving.as_str()], &at[..], &judged[..]].concat());
    assert_eq!(code, Some(0), "{told}");
    assert_eq!(told["figures"].as_array().map(Vec::len), Some(2));
    drop(folder);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_ends_where_it_began_and_says_where_a_replay_would_refuse_it() {
    let scene = Scene::set().await;
    let server = &scene.mesh.server;
    let (code, told) = scene
        .run(&[
            "trace",
            "export",
            "--class",
            "bulk",
            "--limit",
            "1",
            "--file",
            &scene.path("one.csv").display().to_string(),
        ])
        .await;
    assert_eq!((code, &told["tasks"]), (Some(0), &json!(1)), "{told}");
    let (code, _, said) = cli::say_at(server, &["trace", "export", "--class", "bulk", "--limit", "1"]).await;
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("note: a replay refuses this trace: trace holds no two rows of different times"),
        "{said}"
    );
    // Where it began is where it ends, whatever came since.
    let broker = &scene.mesh.broker;
    let end = broker.endings_end().await.expect("NATS answers");
    scene
        .mesh
        .submit("later", "pay", SERVICE)
        .await
        .expect("accepted");
    scene.mesh.result("later").await;
    let (page, next) = broker.endings(1, end).await.expect("NATS answers");
    assert_eq!((page.len(), next), (TASKS + 3, None));
    let (page, next) = broker.endings(end + 1, end).await.expect("NATS answers");
    assert_eq!((page.len(), next), (0, None));
    let (page, next) = broker.endings(1, end + 1).await.expect("NATS answers");
    assert_eq!(page.len(), TASKS + 4, "{next:?}");
    scene.mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_is_held_against_what_was_named_and_on_the_mesh_that_is_asked() {
    let scene = Scene::set().await;
    let (file, _) = scene.export().await;
    let holds = scene.policy("holds.yaml", "share: 60", "share: 60");
    let starving = scene.policy("starving.yaml", "share: 40", "share: 1");
    assert_eq!(scene.run(&["policy", "apply", &holds]).await.0, Some(0));
    // One that is found to be worse, so that a replay would show its figures.
    let on_another = [
        "policy",
        "rollout",
        &starving,
        "--replay",
        &file,
        "--if-version",
        "7",
    ];
    let (code, shown, said) = cli::say_at(&scene.mesh.server, &on_another).await;
    assert_eq!(
        (code, shown.as_str()),
        (Some(3), ""),
        "it is not replayed against another: {said}"
    );
    assert!(said.contains("policy 1 holds, not 7"), "{said}");
    let (_, versions) = scene.run(&["policy", "history"]).await;
    assert_eq!(versions.as_array().map(Vec::len), Some(1), "{versions}");
    // A stored policy is asked for, so the mesh is, too.
    let (code, told) = scene
        .run(&["policy", "replay", &file, "1", "--against", &holds])
        .await;
    assert_eq!((code, &told["slots"]), (Some(0), &json!(SLOTS)), "{told}");
    scene.mesh.stop().await;
}
