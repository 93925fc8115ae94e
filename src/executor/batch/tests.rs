//! Batches on a model that the test holds in its hand.

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{Answer, Batching, Model, Prepared, Refusal};
use crate::clock;
use crate::executor::{Cost, Executed, Executor, Job, Outcome};
use crate::lifecycle::Lifecycle;
use crate::policy::BatchWindow;
use crate::task::{ClassName, ErrorKind, Lane, ModelName, Task, TaskId};

/// How long a test waits for what must happen.
const PATIENCE: Duration = Duration::from_secs(60);
/// Far longer than any test: a task that waits for it is seen.
const LONG_MS: u64 = 3_600_000;
/// More than any test begins.
const RUNS_MAX: usize = 64;

/// Tells of every run, and lets it go on when the test says so.
#[derive(Clone)]
struct Hand {
    runs: mpsc::Sender<Vec<Value>>,
    open: Arc<(Mutex<Gates>, Condvar)>,
}

/// What may pass.
#[derive(Default)]
struct Gates {
    runs: bool,
    slow_reads: bool,
}

impl Hand {
    fn wait(&self, open: fn(&mut Gates) -> &mut bool) {
        let (gates, opened) = &*self.open;
        let gates = gates.lock().unwrap();
        drop(opened.wait_while(gates, |gates| !*open(gates)).unwrap());
    }

    fn let_go(&self, open: fn(&mut Gates) -> &mut bool) {
        let (gates, opened) = &*self.open;
        *open(&mut gates.lock().unwrap()) = true;
        opened.notify_all();
    }
}

impl Model for Hand {
    type Item = Value;

    fn prepare(&self, input: &Value) -> Result<Prepared<Value>, Refusal> {
        match input.as_str() {
            Some("bad") => {
                return Err(Refusal {
                    kind: ErrorKind::Permanent,
                    message: "no input".to_owned(),
                });
            }
            Some("slow") => self.wait(|gates| &mut gates.slow_reads),
            Some("crash while read") => panic!("unreadable"),
            _ => (),
        }
        Ok(Prepared {
            item: input.clone(),
            tokens: input.as_u64().unwrap_or(1),
            shape: 0,
        })
    }

    fn run(&self, items: &[Value]) -> Result<Vec<Answer>, String> {
        let _ = self.runs.try_send(items.to_vec());
        self.wait(|gates| &mut gates.runs);
        assert!(!items.contains(&json!("crash")), "out of range");
        if items.contains(&json!("fail")) {
            return Err("no memory".to_owned());
        }
        let answer = |item: &Value| Answer {
            output: item.clone(),
            usage: json!({}),
        };
        Ok(items.iter().map(answer).collect())
    }
}

struct Bench {
    batching: Batching,
    hand: Hand,
    runs: mpsc::Receiver<Vec<Value>>,
    lifecycle: Lifecycle,
}

impl Bench {
    fn new(window: BatchWindow) -> Self {
        let (sender, runs) = mpsc::channel(RUNS_MAX);
        let hand = Hand {
            runs: sender,
            open: Arc::default(),
        };
        let (lifecycle, name) = (Lifecycle::new(), ModelName::new("m").unwrap());
        Self {
            batching: Batching::start(&name, hand.clone(), window, &lifecycle),
            hand,
            runs,
            lifecycle,
        }
    }

    /// One whose first run, of `first`, has begun and goes on until the test lets it.
    async fn busy(window: BatchWindow) -> (Self, JoinHandle<Executed>) {
        let mut bench = Self::new(window);
        let first = bench.task(json!("first"), &CancellationToken::new());
        assert_eq!(bench.next_run().await, [json!("first")]);
        (bench, first)
    }

    #[expect(clippy::disallowed_methods, reason = "a test has no lifecycle to spawn on")]
    fn task(&self, input: Value, cancel: &CancellationToken) -> JoinHandle<Executed> {
        let (batching, cancel) = (self.batching.clone(), cancel.clone());
        tokio::spawn(async move { batching.execute_at_cost(&job(input), &cancel).await })
    }

    /// Several tasks that have all come before this returns.
    async fn tasks<const N: usize>(&self, inputs: [Value; N]) -> [JoinHandle<Executed>; N] {
        let tasks = inputs.map(|input| self.task(input, &CancellationToken::new()));
        tokio::task::yield_now().await;
        tasks
    }

    async fn next_run(&mut self) -> Vec<Value> {
        let run = tokio::time::timeout(PATIENCE, self.runs.recv()).await;
        run.expect("a run begins").expect("the model lives")
    }

    async fn end(self) {
        self.hand.let_go(|gates| &mut gates.runs);
        self.hand.let_go(|gates| &mut gates.slow_reads);
        drop(self.batching);
        assert!(self.lifecycle.stop(PATIENCE).await, "it ends with its last task");
    }
}

fn job(input: Value) -> Job {
    let (id, class) = (TaskId::new("t").unwrap(), ClassName::new("c").unwrap());
    Job {
        task: Task::new(id, Lane::Core, class, ModelName::new("m").unwrap(), clock::wall()),
        input,
        timeout_ms: LONG_MS,
    }
}

fn window(window_ms: u64, size_max: u32) -> BatchWindow {
    BatchWindow {
        window_ms,
        size_max,
        tokens_max: None,
    }
}

async fn executed(task: JoinHandle<Executed>) -> Executed {
    let ended = tokio::time::timeout(PATIENCE, task).await;
    ended.expect("the task ends").expect("it does not panic")
}

async fn outcome(task: JoinHandle<Executed>) -> Outcome {
    executed(task).await.outcome
}

fn completed(output: Value) -> Outcome {
    Outcome::Completed {
        output,
        usage: json!({}),
    }
}

fn cost_ms(executed: &Executed) -> f64 {
    match executed.cost {
        Cost::Ms(ms) => ms,
        Cost::Elapsed => panic!("{executed:?} has no cost of its own"),
    }
}

#[tokio::test]
async fn a_lone_task_does_not_wait_for_the_window() {
    let bench = Bench::new(window(LONG_MS, 32));
    bench.hand.let_go(|gates| &mut gates.runs);
    for n in 0..3 {
        let task = bench.task(json!(n), &CancellationToken::new());
        assert_eq!(outcome(task).await, completed(json!(n)));
    }
    bench.end().await;
}

#[tokio::test]
async fn what_comes_during_a_run_shares_the_next_up_to_its_size() {
    let (mut bench, first) = Bench::busy(window(LONG_MS, 3)).await;
    let tasks = bench.tasks([1, 2, 3, 4, 5].map(|n| json!(n))).await;
    bench.hand.let_go(|gates| &mut gates.runs);
    for (task, n) in tasks.into_iter().zip(1..) {
        assert_eq!(outcome(task).await, completed(json!(n)));
    }
    assert_eq!(outcome(first).await, completed(json!("first")));
    let sizes = [bench.next_run().await.len(), bench.next_run().await.len()];
    assert_eq!(sizes, [3, 2]);
    bench.end().await;
}

#[tokio::test]
async fn a_batch_has_no_more_tokens_than_it_may() {
    let bounds = BatchWindow {
        tokens_max: Some(10),
        ..window(LONG_MS, 32)
    };
    let (mut bench, _first) = Bench::busy(bounds).await;
    let tasks = bench.tasks([4, 4, 4, 99].map(|n| json!(n))).await;
    bench.hand.let_go(|gates| &mut gates.runs);
    for task in tasks {
        outcome(task).await;
    }
    let mut runs = Vec::new();
    while let Ok(run) = bench.runs.try_recv() {
        runs.push(run);
    }
    for run in &runs {
        let tokens: u64 = run.iter().filter_map(Value::as_u64).sum();
        assert!(tokens <= 10 || run.len() == 1, "{runs:?}");
    }
    assert!(runs.iter().any(|run| run.len() > 1), "{runs:?}");
    bench.end().await;
}

/// One is on its way for as long as the test likes; the other begins all the same.
#[tokio::test]
async fn nobody_waits_for_a_task_on_its_way_for_longer_than_the_window() {
    let mut bench = Bench::new(window(20, 32));
    bench.hand.let_go(|gates| &mut gates.runs);
    let [slow, ready] = bench.tasks([json!("slow"), json!(1)]).await;
    assert_eq!(outcome(ready).await, completed(json!(1)));
    assert_eq!(bench.next_run().await, [json!(1)]);
    assert!(!slow.is_finished());
    bench.hand.let_go(|gates| &mut gates.slow_reads);
    assert_eq!(outcome(slow).await, completed(json!("slow")));
    bench.end().await;
}

/// With a window that never ends, whoever is read first waits for the one that is still being read.
#[tokio::test]
async fn a_task_waits_for_those_on_their_way() {
    let mut bench = Bench::new(window(LONG_MS, 32));
    bench.hand.let_go(|gates| &mut gates.runs);
    let tasks = bench.tasks([json!("slow"), json!(1)]).await;
    bench.hand.let_go(|gates| &mut gates.slow_reads);
    for task in tasks {
        outcome(task).await;
    }
    assert_eq!(bench.next_run().await.len(), 2);
    bench.end().await;
}

#[tokio::test]
async fn an_input_that_cannot_be_read_fails_alone() {
    let (mut bench, _first) = Bench::busy(window(LONG_MS, 32)).await;
    let [one, bad, crash, two] = bench
        .tasks([json!(1), json!("bad"), json!("crash while read"), json!(2)])
        .await;
    assert_eq!(
        outcome(bad).await,
        Outcome::failed(ErrorKind::Permanent, "no input")
    );
    let message = "the model crashed over the input: unreadable";
    assert_eq!(
        outcome(crash).await,
        Outcome::failed(ErrorKind::Retryable, message)
    );
    bench.hand.let_go(|gates| &mut gates.runs);
    assert_eq!(outcome(one).await, completed(json!(1)));
    assert_eq!(outcome(two).await, completed(json!(2)));
    assert_eq!(bench.next_run().await.len(), 2);
    bench.end().await;
}

#[tokio::test]
async fn an_input_over_which_the_model_fails_or_crashes_fails_alone_and_the_next_runs() {
    let (bench, _first) = Bench::busy(window(LONG_MS, 32)).await;
    let [one, crash, two, fail, three] = bench
        .tasks([json!(1), json!("crash"), json!(2), json!("fail"), json!(3)])
        .await;
    bench.hand.let_go(|gates| &mut gates.runs);
    for (task, n) in [(one, 1), (two, 2), (three, 3)] {
        assert_eq!(outcome(task).await, completed(json!(n)));
    }
    let failed = |why| Outcome::failed(ErrorKind::Retryable, why);
    assert_eq!(outcome(crash).await, failed("the model crashed: out of range"));
    assert_eq!(outcome(fail).await, failed("no memory"));
    let after = bench.task(json!("after"), &CancellationToken::new());
    assert_eq!(outcome(after).await, completed(json!("after")));
    bench.end().await;
}

#[tokio::test]
async fn a_cancelled_task_leaves_its_batch() {
    let (mut bench, _first) = Bench::busy(window(LONG_MS, 32)).await;
    let cancel = CancellationToken::new();
    let cancelled = bench.task(json!("cancelled"), &cancel);
    let [kept] = bench.tasks([json!("kept")]).await;
    cancel.cancel();
    assert_eq!(
        outcome(cancelled).await,
        Outcome::failed(ErrorKind::Cancelled, "cancelled")
    );
    bench.hand.let_go(|gates| &mut gates.runs);
    assert_eq!(outcome(kept).await, completed(json!("kept")));
    assert_eq!(bench.next_run().await, [json!("kept")]);
    bench.end().await;
}

#[tokio::test]
async fn who_waits_behind_a_run_does_not_pay_for_it() {
    let (bench, first) = Bench::busy(window(LONG_MS, 32)).await;
    let began = clock::monotonic();
    let [waiting] = bench.tasks([json!(1)]).await;
    tokio::time::sleep_until(clock::instant(began + Duration::from_millis(200))).await;
    bench.hand.let_go(|gates| &mut gates.runs);
    let (first, waiting) = (executed(first).await, executed(waiting).await);
    // Its own 200 ms, and those of the one behind it.
    assert!(cost_ms(&first) >= 390.0, "{first:?}");
    assert!(cost_ms(&waiting) < 200.0, "{waiting:?}");
    bench.end().await;
}

#[tokio::test]
async fn a_hard_stop_ends_what_waits() {
    let (bench, first) = Bench::busy(window(LONG_MS, 32)).await;
    let [waiting] = bench.tasks([json!(1)]).await;
    bench.lifecycle.hard().cancel();
    for task in [first, waiting] {
        let message = "the model was stopped with the worker";
        assert_eq!(
            outcome(task).await,
            Outcome::failed(ErrorKind::Retryable, message)
        );
    }
    bench.end().await;
}
