//! A pool of real Python processes, without a mesh around it.

use fairlane::executor::{Executor, Outcome};
use fairlane::lifecycle::Lifecycle;
use fairlane::task::ErrorKind;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::support::{Handler, PATIENCE, job, pool_of};

/// Runs tasks one after the other in a pool of its own; their outcomes.
async fn outcomes(handler: &Handler, inputs: &[Value]) -> Vec<Outcome> {
    let lifecycle = Lifecycle::new();
    let pool = handler.ready_pool(1, &lifecycle).await;
    let mut outcomes = Vec::new();
    for (number, input) in inputs.iter().enumerate() {
        let job = job(&format!("t-{number}"), input.clone());
        outcomes.push(pool.execute(&job, &CancellationToken::new()).await);
    }
    drop(pool);
    assert!(
        lifecycle.stop(PATIENCE).await,
        "the processes end with their pool"
    );
    outcomes
}

fn output(outcome: &Outcome) -> &Value {
    match outcome {
        Outcome::Completed { output, .. } => output,
        failed @ Outcome::Failed { .. } => panic!("{failed:?}"),
    }
}

async fn complaint(handler: &Handler) -> String {
    let lifecycle = Lifecycle::new();
    let pool = handler.pool(1, &lifecycle);
    let complaint = pool.started().await.expect_err("it cannot start");
    drop(pool);
    assert!(
        lifecycle.stop(PATIENCE).await,
        "nothing is left that could not stop"
    );
    complaint
}

#[tokio::test(flavor = "multi_thread")]
async fn the_helper_turns_what_a_handler_returns_and_raises_into_answers() {
    let handler = Handler::script("polite.py", &[], "");
    let inputs = [
        "permanent",
        "retryable",
        "rate_limited",
        "raise",
        "object",
        "nan",
        "large",
    ];
    let inputs: Vec<Value> = inputs.into_iter().map(Value::from).collect();
    let failures: Vec<_> = outcomes(&handler, &inputs)
        .await
        .into_iter()
        .map(|outcome| match outcome {
            Outcome::Failed {
                kind,
                message,
                retry_after_ms,
            } => (kind, message, retry_after_ms),
            completed => panic!("{completed:?}"),
        })
        .collect();
    let (permanent, retryable) = (ErrorKind::Permanent, ErrorKind::Retryable);
    for ((kind, message, retry_after_ms), (expected, says, after)) in failures.iter().zip([
        (permanent, "no such language", None),
        (retryable, "later", None),
        (ErrorKind::RateLimited, "full", Some(250)),
        (retryable, "KeyError: 'lost'", None),
        (permanent, "output is no JSON: Object of type object", None),
        (permanent, "output is no JSON: Out of range float", None),
        (permanent, "takes a line of 94", None),
    ]) {
        assert_eq!((*kind, *retry_after_ms), (expected, after), "{message}");
        assert!(message.contains(says), "{message}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_helper_keeps_stray_prints_out_of_the_answers_and_tasks_out_of_programs() {
    let handler = Handler::script("polite.py", &[], "");
    let outcomes = outcomes(&handler, &[json!("print"), json!("usage")]).await;
    let expected = json!({"model": "weights", "class": "pay", "labels": {}, "snowman": "☃"});
    assert_eq!(output(&outcomes[0]), &expected);
    let counted = Outcome::Completed {
        output: json!("weights"),
        usage: json!({"tokens": 3}),
    };
    assert_eq!(outcomes[1], counted);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_start_says_why() {
    for (handler, says) in [
        (
            Handler::command("[/nowhere/python3]", ""),
            "exit status 1; it said: fairlane __child: cannot run /nowhere/python3: No such file",
        ),
        (
            Handler::command(
                "[python3, -c, 'raise SystemExit(\"no weights\")']",
                ", processes: 2",
            ),
            "before it was ready, it ended with exit status 1; it said: no weights",
        ),
        (
            Handler::script("unruly.py", &["--mute"], ", start_ms_max: 500"),
            "it did not say that it is ready within 500 ms",
        ),
        (
            Handler::script("unruly.py", &["--banner"], ""),
            "its line is no JSON object: \"Welcome!\"",
        ),
    ] {
        let complaint = complaint(&handler).await;
        assert!(complaint.contains(says), "{complaint}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_is_replaced_after_its_number_of_tasks() {
    let handler = Handler::script("unruly.py", &[], ", processes: 1, tasks_max: 2");
    let outcomes = outcomes(&handler, &vec![json!("x"); 5]).await;
    let mut pids: Vec<&Value> = outcomes.iter().map(|outcome| &output(outcome)["pid"]).collect();
    assert_eq!((pids[0], pids[2]), (pids[1], pids[3]));
    pids.dedup();
    assert_eq!(pids.len(), 3, "{pids:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_answers_twice_is_replaced_and_harms_no_later_task() {
    let handler = Handler::script("unruly.py", &[], ", processes: 1");
    // The second is offered while the first one's process may still be up: a failure there would be
    // that process's, so the third must come from another.
    let outcomes = outcomes(&handler, &[json!({"do": "twice"}), json!("x"), json!("x")]).await;
    assert_ne!(output(&outcomes[0])["pid"], output(&outcomes[2])["pid"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_beyond_the_bound_of_a_line_is_refused_and_its_process_goes_on() {
    let handler = Handler::script("unruly.py", &[], ", processes: 1");
    let outcomes = outcomes(&handler, &[json!("x"), json!("x".repeat(9 << 20)), json!("x")]).await;
    assert!(
        matches!(&outcomes[1], Outcome::Failed { kind: ErrorKind::Permanent, message, .. } if message.contains("at most 8388608")),
        "{:?}",
        outcomes[1]
    );
    assert_eq!(output(&outcomes[0])["pid"], output(&outcomes[2])["pid"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_handler_of_ten_lines_answers_under_its_example_policy() {
    let lifecycle = Lifecycle::new();
    // Its paths are those of the folder that tests run in too.
    let pool = pool_of(include_str!("../../examples/policy-process.yaml"), 4, &lifecycle);
    pool.started().await.expect("it starts");
    let outcome = pool
        .execute(&job("t", json!("hello")), &CancellationToken::new())
        .await;
    assert_eq!(output(&outcome), &json!({"echo": "hello", "attempt": 0}));
    drop(pool);
    assert!(
        lifecycle.stop(PATIENCE).await,
        "the processes end with their pool"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_task_comes_back_at_once_and_the_next_has_another_process() {
    let lifecycle = Lifecycle::new();
    let handler = Handler::script("unruly.py", &[], ", processes: 1");
    let pool = handler.ready_pool(1, &lifecycle).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let port = listener.local_addr().expect("it is bound").port();
    let (hangs, cancel) = (
        job("t-1", json!({"do": "tell", "port": port})),
        CancellationToken::new(),
    );
    // The process connects once it has the task.
    let told = async {
        let (mut stream, _) = listener.accept().await.expect("it connects");
        let mut pid = String::new();
        stream.read_to_string(&mut pid).await.expect("a process id");
        cancel.cancel();
        pid
    };
    let (outcome, pid) = tokio::join!(pool.execute(&hangs, &cancel), told);
    assert!(
        matches!(
            outcome,
            Outcome::Failed {
                kind: ErrorKind::Cancelled,
                ..
            }
        ),
        "{outcome:?}"
    );
    let next = pool
        .execute(&job("t-2", json!("x")), &CancellationToken::new())
        .await;
    assert_ne!(output(&next)["pid"].to_string(), pid);
    drop(pool);
    assert!(
        lifecycle.stop(PATIENCE).await,
        "the processes end with their pool"
    );
}
