//! One task, from its delivery to its answer, in the order of writes that loses nothing.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::bill::Bill;
use super::facts::Flows;
use super::finish::{Ending, INFEASIBLE};
use super::leases::HeldId;
use super::options::WorkerOptions;
use super::running::Running;
use crate::broker::Broker;
use crate::broker::delivery::{Delivery, arrival};
use crate::broker::fetch::decides;
use crate::clock;
use crate::executor::{Executed, Job, Outcome};
use crate::policy::{Edition, is_expired};
use crate::scheduler::facts::Flow;
use crate::scheduler::intake::QueueId;
use crate::scheduler::rules::Infeasible;
use crate::task::{BlockedOn, EpochMs, ErrorKind, Moment, Route, Task};
use crate::wire::{Incoming, Origin, read_task, salvage};

/// First pause before a read that failed is tried again; doubles up to [`PAUSE_MAX`].
pub(super) const PAUSE_MIN: Duration = Duration::from_millis(100);
/// Longest pause between tries.
pub(super) const PAUSE_MAX: Duration = Duration::from_secs(2);

/// What every task of a worker shares.
pub(super) struct Service {
    pub(super) broker: Broker,
    pub(super) options: WorkerOptions,
    /// Leave running tasks and hand them back.
    pub(super) hard: CancellationToken,
    /// What runs now.
    pub(super) running: Running,
}

/// A slot is free again.
#[derive(Debug, Clone, Copy)]
pub(super) struct Done {
    pub(super) queue: QueueId,
    pub(super) held: HeldId,
    /// Whose the task was.
    pub(super) flow: Option<Flow>,
    /// What the task is charged, in ms of one slot; none where it did not run at all.
    pub(super) cost_ms: Option<f64>,
}

/// A task that runs, with what its answer needs.
pub(super) struct Run {
    pub(super) task: Task,
    pub(super) delivery: Delivery,
    pub(super) started: Moment,
    pub(super) queued_ms: u64,
    /// What held when it started: it runs under that to its end.
    pub(super) policy: Arc<Edition>,
}

/// What can be told of a message that is no task, and why it is none.
type Unreadable = Box<(Run, String)>;

/// What is executed, and when at the earliest.
struct Ask {
    input: serde_json::Value,
    run_at: Option<EpochMs>,
}

impl Run {
    /// Reads what was delivered: the task and what it asks, or what can be told of it and why it is none.
    fn read(
        route: &Route,
        delivery: Delivery,
        started: Moment,
        policy: Arc<Edition>,
    ) -> Result<(Run, Ask), Unreadable> {
        let read = {
            let headers = delivery.original.headers();
            let arrival = arrival(route, &headers, &delivery, Origin::Lane);
            read_task(&arrival).map_err(|malformed| (salvage(&arrival, &malformed), malformed.what))
        };
        let run = |task: Task, queued_ms| Run {
            task,
            delivery,
            started,
            queued_ms,
            policy,
        };
        match read {
            Ok(Incoming { task, input, run_at }) => {
                let queued_ms = clock::wall().since(task.enqueued_at);
                Ok((run(task, queued_ms), Ask { input, run_at }))
            }
            Err((task, what)) => Err(Box::new((run(task, 0), what))),
        }
    }
}

impl Service {
    /// Takes one delivered task to its end.
    pub(super) async fn serve(
        self: Arc<Self>,
        queue: QueueId,
        held: HeldId,
        route: Arc<Route>,
        delivery: Delivery,
    ) -> Done {
        let started = clock::monotonic();
        let policy = self.options.policy.of_shard(route.shard);
        let flows = Flows::under(&policy, &self.options.policy);
        let read = Run::read(&route, delivery, started, policy);
        let flow = read.as_ref().ok().map(|(run, _)| flows.of(&run.task));
        let mut bill = Bill::default();
        let ending = match read {
            Err(unreadable) => self.bury_malformed(unreadable.0, &unreadable.1).await,
            Ok((run, ask)) => self.decide(run, ask, &mut bill).await,
        };
        let took = clock::monotonic().since(started);
        self.count(&route, ending, took);
        Done {
            queue,
            held,
            flow,
            cost_ms: (!matches!(ending, Ending::Blocked)).then(|| bill.cost_ms(took)),
        }
    }

    /// Ends a task that cannot meet its deadline any more. It takes no slot.
    pub(super) async fn give_up(self: Arc<Self>, route: Arc<Route>, delivery: Delivery, how: Infeasible) {
        let started = clock::monotonic();
        let policy = self.options.policy.of_shard(route.shard);
        let ending = match Run::read(&route, delivery, started, policy) {
            Err(unreadable) => self.bury_malformed(unreadable.0, &unreadable.1).await,
            Ok((run, _)) => match self.standing_before(&run).await {
                Some(hop) => self.leave_decided(run, hop).await,
                None if how == Infeasible::Park => self.park(run).await,
                None => self.expire(run, INFEASIBLE).await,
            },
        };
        self.count(&route, ending, clock::monotonic().since(started));
    }

    /// The hop of the record that stands, for a task that may have run before.
    async fn standing_before(&self, run: &Run) -> Option<u32> {
        let seen_before = run.delivery.deliveries > 1 || run.task.hop > 0;
        if seen_before {
            self.decided(&run.task).await
        } else {
            None
        }
    }

    /// Runs the task unless something speaks against it.
    async fn decide(&self, run: Run, ask: Ask, bill: &mut Bill) -> Ending {
        if let Some(hop) = self.standing_before(&run).await {
            return self.leave_decided(run, hop).await;
        }
        let crash_limit = u64::from(run.policy.bounds.crash_limit);
        if run.delivery.deliveries > crash_limit {
            let message = format!(
                "delivered {} times; the crash limit is {crash_limit}",
                run.delivery.deliveries
            );
            return self
                .finish(run, Outcome::failed(ErrorKind::SuspectedPoison, message))
                .await;
        }
        if is_expired(&run.task, clock::wall()) {
            return self
                .expire(run, "its deadline had passed before it could start")
                .await;
        }
        if let Some(early_ms) = early_ms(ask.run_at, clock::wall()) {
            return self.finish(run, too_early(early_ms)).await;
        }
        // The gateway puts such a task aside itself; this one was published straight to its lane.
        if !run.task.facts.depends_on.is_empty() {
            return self.put_aside(run, BlockedOn::Dependencies).await;
        }
        if run.task.facts.concurrency_key.is_some() {
            return self.decide_under_key(run, ask.input, bill).await;
        }
        self.execute(run, ask.input, None, bill).await
    }

    /// Executes the task; when `lost` it has no right to run any more, and waits for its key again.
    pub(super) async fn execute(
        &self,
        run: Run,
        input: serde_json::Value,
        lost: Option<&CancellationToken>,
        bill: &mut Bill,
    ) -> Ending {
        let Some(executor) = self.options.executors.get(&run.task.model.token()) else {
            let message = format!("this worker does not serve the model {}", run.task.model);
            return self
                .finish(run, Outcome::failed(ErrorKind::NoModel, message))
                .await;
        };
        let timeout_ms = timeout_ms(&run);
        let job = Job {
            task: run.task.clone(),
            input,
            timeout_ms,
        };
        let cancel = self.hard.child_token();
        let patience = Duration::from_millis(timeout_ms);
        let noted = self.running.note(&job.task, run.delivery.sequence, &cancel);
        let begun = clock::monotonic();
        let executed = tokio::select! {
            // The stop first: the executor sees it too, and its answer to that is no failure of the task.
            biased;
            () = self.hard.cancelled() => {
                self.broker.hand_back(run.delivery.lease).await;
                return Ending::HandedBack;
            }
            () = cancelled(lost) => {
                cancel.cancel();
                return self.put_aside(run, BlockedOn::Key).await;
            }
            () = cancel.cancelled() => None,
            ended = tokio::time::timeout(patience, executor.execute_at_cost(&job, &cancel)) => Some(ended),
        };
        drop(noted);
        let Some(executed) = executed else {
            return self.leave_cancelled(run).await;
        };
        let outcome = match executed {
            Ok(Executed { outcome, cost }) => {
                bill.execution(cost, clock::monotonic().since(begun));
                outcome
            }
            Err(_) => {
                cancel.cancel();
                let message = format!("no output within {timeout_ms} ms");
                Outcome::failed(ErrorKind::Timeout, message)
            }
        };
        self.finish(run, outcome).await
    }

    /// Leaves a task whose execution a record ended. Its callback goes by the hop of that record, which
    /// may have been written at another one than runs here.
    async fn leave_cancelled(&self, run: Run) -> Ending {
        match self.decided(&run.task).await {
            Some(hop) => self.leave_decided(run, hop).await,
            None => {
                self.broker.hand_back(run.delivery.lease).await;
                Ending::HandedBack
            }
        }
    }

    /// The hop of the terminal record that stands already. Asks until there is an answer: running a
    /// task whose fence is unknown would waste a slot, dropping it would lose it.
    async fn decided(&self, task: &Task) -> Option<u32> {
        let mut pause = PAUSE_MIN;
        loop {
            match self.broker.fence(&task.id).await {
                Ok(found) => {
                    let standing = found.filter(|stored| decides(stored, task.fence));
                    return standing.map(|stored| stored.record.hop);
                }
                Err(error) => {
                    tracing::warn!(task.id = %task.id, %error, "cannot read the fence; trying again")
                }
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => pause = (pause * 2).min(PAUSE_MAX),
                () = self.hard.cancelled() => return None,
            }
        }
    }
}

/// How long it may run.
fn timeout_ms(run: &Run) -> u64 {
    let lane = run.policy.lane(run.task.lane).timeout_ms;
    run.task.facts.timeout_ms.unwrap_or(lane)
}

/// Never without a token.
async fn cancelled(of: Option<&CancellationToken>) {
    match of {
        Some(token) => token.cancelled().await,
        None => std::future::pending().await,
    }
}

/// How much too early it is, in ms.
fn early_ms(run_at: Option<EpochMs>, now: EpochMs) -> Option<u64> {
    let ms = run_at?.since(now);
    (ms > 0).then_some(ms)
}

/// What came straight to its lane waits on a timer like any other, which the coordinator sets.
fn too_early(early_ms: u64) -> Outcome {
    Outcome::Failed {
        kind: ErrorKind::Yielded,
        message: format!("its run_at is {early_ms} ms ahead"),
        retry_after_ms: Some(early_ms),
    }
}
