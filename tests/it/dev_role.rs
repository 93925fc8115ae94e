//! `fairlane dev` and the commands against it, as a user runs them.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use fairlane::clock;
use fairlane::coordinator::SigningKey;
use nix::sys::signal::Signal;
use serde_json::json;

use crate::support::cli::{Dev, is_there, json, run, wait_for_end};
use crate::support::{PATIENCE, process};

#[test]
fn dev_takes_a_task_and_gives_its_result_back() {
    let dev = Dev::start(&["--workers", "2"]);
    let policy = dev.policy.to_str().unwrap();
    let submitted = dev.run(&[
        "task",
        "submit",
        "--policy",
        policy,
        "--model",
        "sim",
        "--input",
        "hello",
        "--class",
        "pay",
        "--task-id",
        "greeting",
        "--wait",
        "60",
        "--json",
    ]);
    assert!(submitted.status.success(), "{submitted:?}");

    let result = dev.run(&["task", "result", "greeting", "--json"]);
    let record = json(&result);
    assert_eq!(
        (&record["state"], &record["output"]),
        (&json!("completed"), &json!("hello")),
        "{record}"
    );
    assert_eq!(dev.run(&["task", "get", "nobody"]).status.code(), Some(4));
    assert_eq!(dev.run(&["streams", "plan", "--check"]).status.code(), Some(0));
}

#[test]
fn a_task_that_is_given_up_is_a_dead_letter_with_its_reason() {
    let dev = Dev::start(&[]);
    let body = dev.policy.with_file_name("task.json");
    let task =
        json!({"task_id": "doomed", "model": "sim", "input": {"fail_rate": 1, "fail_kind": "permanent"}});
    std::fs::write(&body, task.to_string()).unwrap();
    let policy = dev.policy.to_str().unwrap();
    let submitted = dev.run(&[
        "task",
        "submit",
        "--policy",
        policy,
        "--body",
        body.to_str().unwrap(),
        "--wait",
        "60",
        "--json",
    ]);
    assert_eq!(submitted.status.code(), Some(1), "{submitted:?}");

    let letters = dev.run(&["dlq", "ls", "--json"]);
    assert!(
        String::from_utf8_lossy(&letters.stdout).contains("permanent"),
        "{letters:?}"
    );
    let shown = dev.run(&["dlq", "show", "doomed"]);
    assert!(
        shown.status.success() && String::from_utf8_lossy(&shown.stdout).contains("fail_rate"),
        "{shown:?}"
    );
}

#[test]
fn a_file_of_tasks_is_accounted_for_line_by_line() {
    let dev = Dev::start(&[]);
    let file = dev.policy.with_file_name("tasks.jsonl");
    let mut lines: Vec<String> = (0..50)
        .map(|n| json!({"task_id": format!("line-{n}"), "model": "sim", "input": n}).to_string())
        .collect();
    lines.insert(7, "no task at all".to_owned());
    lines.insert(9, json!({"model": "nobody", "input": 1}).to_string());
    std::fs::write(&file, lines.join("\n")).unwrap();
    let policy = dev.policy.to_str().unwrap();
    let submit = [
        "task",
        "submit",
        "--policy",
        policy,
        "--file",
        file.to_str().unwrap(),
        "--json",
    ];
    let first = dev.run(&submit);
    assert_eq!(first.status.code(), Some(1), "{first:?}");
    let summary = json(&first);
    assert_eq!(
        (&summary["accepted"], &summary["refused"]),
        (&json!(50), &json!(2)),
        "{summary}"
    );
    let at: Vec<_> = summary["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["line"].as_u64())
        .collect();
    assert_eq!(at, [Some(8), Some(10)], "{summary}");
    assert_eq!(json(&dev.run(&submit))["duplicates"], 50);
    assert!(dev.run(&["task", "wait", "line-49"]).status.success());

    let page = dev.metrics();
    for kind in ["ask", "wait"] {
        let filled = format!(r#"fairlane_pulls_total{{kind="{kind}",outcome="filled"}}"#);
        let line = page
            .lines()
            .find(|line| line.starts_with(&filled))
            .expect("it is counted");
        assert!(!line.ends_with(" 0"), "{line}");
    }
}

#[test]
fn the_workers_of_one_process_show_how_evenly_all_of_them_served() {
    let dev = Dev::start(&["--workers", "2", "--slots", "1"]);
    let file = dev.policy.with_file_name("tasks.jsonl");
    // At once, so that each worker has one.
    let tasks = ["pay", "bulk"].map(|class| {
        let input = json!({"service_ms": 1_000});
        json!({"task_id": class, "class": class, "model": "sim", "input": input}).to_string()
    });
    std::fs::write(&file, tasks.join("\n")).unwrap();
    let (file, policy) = (file.to_str().unwrap(), dev.policy.to_str().unwrap());
    let submitted = dev.run(&["task", "submit", "--policy", policy, "--file", file, "--json"]);
    assert!(submitted.status.success(), "{submitted:?}");
    // Half of the time each, for 40 and 10 of 50 shares.
    let is_told = |page: &str, class: &str, ratio: f64| {
        let name = format!(r#"fairlane_share_ratio{{class="{class}"}} "#);
        let line = page.lines().find_map(|line| line.strip_prefix(&name));
        line.is_some_and(|told| (told.parse::<f64>().unwrap() / ratio - 1.0).abs() < 0.3)
    };
    let began = clock::monotonic();
    loop {
        let page = dev.metrics();
        if is_told(&page, "pay", 0.625) && is_told(&page, "bulk", 2.5) {
            return;
        }
        assert!(clock::monotonic().since(began) < PATIENCE, "{page}");
    }
}

#[test]
fn dev_uses_a_running_server_when_told_and_leaves_it_running() {
    let first = Dev::start(&[]);
    let mut second = Dev::start(&["--nats", first.nats()]);
    assert_eq!(second.nats(), first.nats());
    second.signal(Signal::SIGTERM);
    assert_eq!(second.wait(), Some(0));
    assert_eq!(first.run(&["streams", "plan", "--check"]).status.code(), Some(0));
}

#[test]
fn an_interrupt_ends_dev_in_order_and_leaves_nothing_behind() {
    let mut dev = Dev::start(&[]);
    let guard = dev.guard();
    let folder = process::folder_of(guard);
    assert!(is_there(&folder));
    dev.signal(Signal::SIGINT);
    assert_eq!(dev.wait(), Some(0));
    assert!(!process::exists(guard) && !is_there(&folder));
}

#[test]
fn dev_killed_with_sigkill_leaves_nothing_behind() {
    let mut dev = Dev::start(&[]);
    let guard = dev.guard();
    let folder = process::folder_of(guard);
    dev.signal(Signal::SIGKILL);
    assert_eq!(dev.wait(), None);
    wait_for_end(guard);
    assert!(!is_there(&folder));
}

#[test]
fn a_kept_store_still_has_the_results_of_the_run_before() {
    let store = tempfile::tempdir().unwrap();
    let path = store.path().to_str().unwrap();
    let mut first = Dev::start(&["--store", path]);
    let policy = first.policy.to_str().unwrap().to_owned();
    let submit = [
        "task",
        "submit",
        "--policy",
        &policy,
        "--model",
        "sim",
        "--input",
        "kept",
        "--task-id",
        "kept",
    ];
    assert!(
        first
            .run(&[&submit[..], &["--wait", "60"]].concat())
            .status
            .success()
    );
    first.signal(Signal::SIGTERM);
    assert_eq!(first.wait(), Some(0));

    let second = Dev::start(&["--store", path]);
    assert_eq!(
        json(&second.run(&["task", "result", "kept", "--json"]))["output"],
        json!("kept")
    );
}

/// The file that `dev` says its key is in.
fn key_file(dev: &Dev) -> &Path {
    Path::new(
        dev.ready["callback_key"]
            .as_str()
            .expect("it says where its key is"),
    )
}

/// Takes one request and answers it; its headers by name, and its body.
fn take_one(listener: &TcpListener) -> (HashMap<String, String>, Vec<u8>) {
    let (stream, _) = listener.accept().expect("somebody comes");
    let mut reader = BufReader::new(&stream);
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).expect("text");
        match line.trim_end().split_once(": ") {
            Some((name, value)) => headers.insert(name.to_lowercase(), value.to_owned()),
            None if line.trim_end().is_empty() => break,
            None => None,
        };
    }
    let mut body = vec![0; headers["content-length"].parse().expect("a number")];
    reader.read_exact(&mut body).expect("all of it");
    (&stream)
        .write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n")
        .expect("it reads");
    (headers, body)
}

#[test]
fn dev_signs_callbacks_with_a_key_of_its_own_that_goes_with_it() {
    let mut dev = Dev::start(&["--callback-private"]);
    let path = key_file(&dev).to_owned();
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let key = SigningKey::load(&path).unwrap();

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let body = dev.policy.with_file_name("task.json");
    let task = json!({"task_id": "t", "model": "sim", "input": 7, "callback_url": url});
    std::fs::write(&body, task.to_string()).unwrap();
    let (policy, body) = (dev.policy.to_str().unwrap(), body.to_str().unwrap());
    let submitted = dev.run(&["task", "submit", "--policy", policy, "--body", body]);
    assert!(submitted.status.success(), "{submitted:?}");
    let (headers, body) = take_one(&listener);
    let at = headers["webhook-timestamp"].parse().unwrap();
    assert_eq!(headers["webhook-signature"], key.sign("callback:t:0", at, &body));

    dev.signal(Signal::SIGTERM);
    assert_eq!(dev.wait(), Some(0));
    assert!(!is_there(&path));
}

#[test]
fn a_kept_store_keeps_the_key_and_one_that_was_given_is_not_replaced() {
    let store = tempfile::tempdir().unwrap();
    let path = store.path().to_str().unwrap();
    let mut first = Dev::start(&["--store", path]);
    let made = std::fs::read(key_file(&first)).unwrap();
    assert_eq!(key_file(&first), store.path().join("callback.key"));
    first.signal(Signal::SIGTERM);
    assert_eq!(first.wait(), Some(0));

    let mut second = Dev::start(&["--store", path]);
    assert_eq!(std::fs::read(key_file(&second)).unwrap(), made);
    second.signal(Signal::SIGTERM);
    assert_eq!(second.wait(), Some(0));

    let given = store.path().join("callback.key");
    let third = Dev::start(&["--callback-key", given.to_str().unwrap()]);
    assert!(third.ready.get("callback_key").is_none(), "{}", third.ready);
}

#[test]
fn a_server_that_is_not_there_is_told_at_once_with_advice() {
    let told = run(&["--nats", "nats://127.0.0.1:1", "task", "get", "x", "--json"]);
    assert_eq!(told.status.code(), Some(6), "{told:?}");
    let said = String::from_utf8_lossy(&told.stderr);
    assert!(said.contains("fairlane dev"), "{said}");
}

#[test]
fn metrics_on_an_address_others_can_reach_are_refused() {
    let told = run(&["worker", "--metrics-listen", "0.0.0.0:9000"]);
    assert_eq!(told.status.code(), Some(2), "{told:?}");
    assert!(
        String::from_utf8_lossy(&told.stderr).contains("loopback"),
        "{told:?}"
    );
}
