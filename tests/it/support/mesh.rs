//! A whole mesh in the test's process: streams, a coordinator, as many workers as asked for.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fairlane::broker::Broker;
use fairlane::broker::fetch::Stored;
use fairlane::broker::publish::{Original, PublishError, Published};
use fairlane::broker::shelf::Shelf;
use fairlane::broker::subject;
use fairlane::broker::topology::{self, Extras};
use fairlane::clock;
use fairlane::config::{LivePolicy, parse_policy};
use fairlane::coordinator::{CallbackOptions, Coordinator, CoordinatorOptions};
use fairlane::dev::Server;
use fairlane::executor::simulate::Simulate;
use fairlane::executor::{Executor, Executors};
use fairlane::lifecycle::Lifecycle;
use fairlane::metrics::{CoordinatorMetrics, WorkerMetrics};
use fairlane::policy::Policy;
use fairlane::task::{ClassName, Lane, Task, TaskId, WorkerId};
use fairlane::wire::{DeadLetter, ResultRecord};
use fairlane::worker::{Worker, WorkerOptions};

use super::{Bare, Turn};

/// How long a test waits for something that must happen. Not a pause: what happens sooner ends it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Four classes 40/30/20/10 on one simulated model, lane limits out of the way.
pub(crate) const FOUR_CLASSES: &str = "
version: 1
lanes:
  core:   { concurrency: 4096, timeout_ms: 30000, ack_wait_ms: 3000, max_priority: 9 }
  normal: { concurrency: 4096, timeout_ms: 30000, ack_wait_ms: 3000 }
classes:
  a: { priority: 1, share: 40 }
  b: { priority: 2, share: 30 }
  c: { priority: 3, share: 20 }
  d: { priority: 4, share: 10 }
default_class: d
models:
  m: { executor: simulate, cost: { unit: ms, initial: 5 } }
retry: { kind: fixed, base_ms: 1000, factor: 1, max_ms: 1000, jitter: full, max_attempts: 3 }
";

/// Two classes whose failed tasks are tried again at once, three times in all.
pub(crate) const TWO_CLASSES: &str = "
version: 1
lanes:
  core:   { concurrency: 256, timeout_ms: 120000, ack_wait_ms: 1000, max_priority: 9 }
  normal: { concurrency: 256, timeout_ms: 120000, ack_wait_ms: 1000 }
classes:
  pay:  { priority: 1, share: 60 }
  bulk: { priority: 2, share: 40 }
default_class: bulk
models:
  m: { executor: simulate, cost: { unit: ms, initial: 5 } }
retry: { kind: fixed, base_ms: 1, factor: 1, max_ms: 1, jitter: none, max_attempts: 3 }
";

/// A server with its streams and a coordinator.
pub(crate) struct Mesh {
    pub(crate) server: Server,
    pub(crate) broker: Broker,
    /// What it is started with.
    pub(crate) policy: Arc<Policy>,
    /// What its coordinators and workers act on.
    pub(crate) live: Arc<LivePolicy>,
    pub(crate) lifecycle: Lifecycle,
    /// The coordinator it started with, which can be stopped alone.
    pub(crate) coordinator: Lifecycle,
    _turn: Turn,
}

impl Mesh {
    /// A mesh under the policy `yaml`, without workers.
    pub(crate) async fn start(yaml: &str) -> Self {
        Self::on(super::server().await, yaml).await
    }

    /// The same with no other test beside it.
    pub(crate) async fn start_alone(yaml: &str) -> Self {
        let turn = Turn::alone().await;
        Self::with(turn, super::server().await, yaml).await
    }

    /// The same as one of several of a test that has its turn.
    pub(crate) async fn start_within(_: &Turn, yaml: &str) -> Self {
        Self::with(Turn::Within, super::server().await, yaml).await
    }

    /// The same on a server of the test's choosing.
    pub(crate) async fn on(server: Server, yaml: &str) -> Self {
        Self::with(Turn::shared().await, server, yaml).await
    }

    async fn with(turn: Turn, server: Server, yaml: &str) -> Self {
        let policy = parse_policy("test.yaml", yaml).unwrap_or_else(|faults| panic!("{faults}"));
        let broker = connect(&server, "test").await;
        let plan = topology::plan(
            &topology::desired(),
            &topology::export(&broker).await.expect("streams"),
        );
        topology::apply(&broker, &plan, Extras::Keep)
            .await
            .expect("streams are made");
        let lifecycle = Lifecycle::new();
        let mut mesh = Self {
            server,
            broker,
            live: LivePolicy::fixed(policy.clone()),
            policy: Arc::new(policy),
            coordinator: lifecycle.child(),
            lifecycle,
            _turn: turn,
        };
        mesh.coordinator = mesh.coordinator().await;
        mesh
    }

    /// One more coordinator.
    pub(crate) async fn coordinator(&self) -> Lifecycle {
        self.coordinator_with(CallbackOptions::default().into()).await
    }

    /// One more, that works in this way.
    pub(crate) async fn coordinator_with(&self, options: CoordinatorOptions) -> Lifecycle {
        let broker = connect(&self.server, "coordinator").await;
        let metrics = Arc::new(CoordinatorMetrics::new());
        let lifecycle = self.lifecycle.child();
        let started = Coordinator::start(broker, self.live.clone(), metrics, options, &lifecycle).await;
        started.map(|_| ()).expect("a coordinator starts");
        lifecycle
    }

    /// A worker with a connection of its own that runs `executor` for the model `m`.
    pub(crate) async fn worker(&self, id: &str, slots: u32, executor: Arc<dyn Executor>) {
        let broker = connect(&self.server, id).await;
        self.worker_over(broker, id, slots, executor).await;
    }

    /// The same, to be stopped alone.
    pub(crate) async fn worker_of_its_own(
        &self,
        id: &str,
        slots: u32,
        executor: Arc<dyn Executor>,
    ) -> Lifecycle {
        let broker = connect(&self.server, id).await;
        self.start_worker(broker, id, slots, 0, executor, WorkerMetrics::new())
            .await
    }

    /// A worker of one slot that counts there.
    pub(crate) async fn worker_that_counts(
        &self,
        id: &str,
        executor: Arc<dyn Executor>,
        metrics: WorkerMetrics,
    ) {
        let broker = connect(&self.server, id).await;
        self.start_worker(broker, id, 1, 0, executor, metrics).await;
    }

    /// The same over a connection that others may share.
    pub(crate) async fn worker_over(
        &self,
        broker: Broker,
        id: &str,
        slots: u32,
        executor: Arc<dyn Executor>,
    ) {
        self.start_worker(broker, id, slots, 0, executor, WorkerMetrics::new())
            .await;
    }

    /// What a process begins to act on that is started now; it follows what is applied.
    pub(crate) async fn following(&self, broker: &Broker) -> Arc<LivePolicy> {
        let live = broker.policy_at_start(Policy::clone(&self.policy)).await;
        broker.follow_policy(&live, &self.lifecycle);
        live
    }

    /// A worker of one model that acts on what is applied.
    pub(crate) async fn following_worker(&self, id: &str, slots: u32, executor: Arc<dyn Executor>) -> Worker {
        let broker = connect(&self.server, id).await;
        let live = self.following(&broker).await;
        self.worker_acting_on(live, id, slots, executor).await
    }

    /// A worker of one model that acts on `live`.
    pub(crate) async fn worker_acting_on(
        &self,
        live: Arc<LivePolicy>,
        id: &str,
        slots: u32,
        executor: Arc<dyn Executor>,
    ) -> Worker {
        let broker = connect(&self.server, id).await;
        let mut executors = Executors::new();
        executors.add(&self.policy.models[0].name, executor);
        let options = WorkerOptions {
            labels: BTreeMap::new(),
            id: WorkerId::new(id).expect("a worker's name"),
            slots,
            policy: live,
            served: Arc::default(),
            executors,
            metrics: Arc::new(WorkerMetrics::new()),
        };
        let lifecycle = self.lifecycle.child();
        let started = Worker::start(broker, options, &lifecycle).await;
        started.expect("a worker starts")
    }

    /// A worker for the model that is the `model`-th of the policy, counted from 0.
    pub(crate) async fn worker_for(&self, id: &str, slots: u32, model: usize, executor: Arc<dyn Executor>) {
        let broker = connect(&self.server, id).await;
        self.start_worker(broker, id, slots, model, executor, WorkerMetrics::new())
            .await;
    }

    async fn start_worker(
        &self,
        broker: Broker,
        id: &str,
        slots: u32,
        model: usize,
        executor: Arc<dyn Executor>,
        metrics: WorkerMetrics,
    ) -> Lifecycle {
        let mut executors = Executors::new();
        executors.add(&self.policy.models[model].name, executor);
        let options = WorkerOptions {
            labels: BTreeMap::new(),
            id: WorkerId::new(id).expect("a worker's name"),
            slots,
            policy: self.live.clone(),
            executors,
            metrics: Arc::new(metrics),
            served: Arc::default(),
        };
        let lifecycle = self.lifecycle.child();
        let started = Worker::start(broker, options, &lifecycle).await;
        started.map(|_| ()).expect("a worker starts");
        lifecycle
    }

    /// A task of `class`, to be published.
    pub(crate) fn task(&self, id: &str, lane: Lane, class: &str) -> Task {
        let (id, class) = (
            TaskId::new(id).expect("a task id"),
            ClassName::new(class).expect("a class"),
        );
        Task::new(id, lane, class, self.policy.models[0].name.clone(), clock::wall())
    }

    /// Publishes a task of `class` on core with `input`, which is JSON.
    pub(crate) async fn submit(&self, id: &str, class: &str, input: &str) -> Result<Published, PublishError> {
        self.publish(&self.task(id, Lane::Core, class), input).await
    }

    /// Publishes `task` with `input`, which is JSON.
    pub(crate) async fn publish(&self, task: &Task, input: &str) -> Result<Published, PublishError> {
        let body = format!(r#"{{"task_id":"{}","model":"m","input":{input}}}"#, task.id);
        self.broker
            .publish_task(task, &Original::new(Bytes::from(body)))
            .await
    }

    /// Publishes `count` tasks of `class` at once; their ids are `<class>-<number>`.
    pub(crate) async fn submit_many(&self, class: &str, count: usize, input: &str) {
        let all = (0..count).map(|n| {
            let id = format!("{class}-{n}");
            async move { self.submit(&id, class, input).await.expect("accepted") }
        });
        futures_util::future::join_all(all).await;
    }

    /// Three tasks of the class `pay` that a worker has dealt with: `done`, `failed` for good, and `again`, which is to
    /// be tried again in an hour.
    pub(crate) async fn done_failed_and_again(&self) {
        for (id, input) in [
            ("done", "1"),
            ("failed", r#"{"fail_rate":1,"fail_kind":"permanent"}"#),
            ("again", r#"{"fail_rate":1,"retry_after_ms":3600000}"#),
        ] {
            self.submit(id, "pay", input).await.expect("accepted");
        }
        self.worker("w", 1, Arc::new(Simulate)).await;
        self.result("done").await;
        self.dead_letter("failed").await;
        let bare = Bare::of(&self.server).await;
        bare.first("FL_EVENTS", "fl.event.*.again.retry").await;
        bare.until_empty("FL_CORE").await;
    }

    /// The terminal record of a task, awaited.
    pub(crate) async fn result(&self, id: &str) -> Stored<ResultRecord> {
        let id = TaskId::new(id).expect("a task id");
        let found = self
            .broker
            .wait_for_result(&id, PATIENCE)
            .await
            .expect("the server answers");
        found.unwrap_or_else(|| panic!("task {id} has no record after {PATIENCE:?}"))
    }

    /// The dead letter of a task, awaited, with its message.
    pub(crate) async fn dead_letter(&self, id: &str) -> (DeadLetter, Original) {
        let bare = Bare::of(&self.server).await;
        bare.first(subject::DEAD, &format!("fl.dead.*.{id}")).await;
        let id = TaskId::new(id).expect("a task id");
        let found = self.broker.kept(Shelf::Dead, &id).await;
        let kept = found.expect("the server answers").expect("it is stored");
        let (report, reason) = kept.read.expect("a readable letter");
        let reason = reason.parse().expect("a reason");
        (DeadLetter { report, reason }, kept.original)
    }

    /// Stops everything that runs on the mesh, then the server.
    pub(crate) async fn stop(self) {
        self.coordinator.stop(PATIENCE).await;
        self.lifecycle.stop(PATIENCE).await;
        self.server.stop().await;
    }
}

/// A connection to `server`.
pub(crate) async fn connect(server: &Server, name: &str) -> Broker {
    Broker::connect(&[server.url().to_owned()], None, name)
        .await
        .expect("the server answers")
}
