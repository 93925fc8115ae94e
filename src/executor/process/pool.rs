//! The executor: a pool of processes, each with one task at a time.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::health::Health;
use super::keeper::{Keeper, Shop};
use super::lines::LINE_BYTES_MAX;
use super::message::task_line;
use super::queue::{Queue, Request};
use super::spawner::Spawner;
use crate::clock;
use crate::executor::{Executor, Job, Outcome};
use crate::lifecycle::Lifecycle;
use crate::policy::ProcessRules;
use crate::task::{ErrorKind, ModelName};

/// Processes of a model whose policy does not say how many: each is a copy of the model in memory.
const PROCESSES_DEFAULT_MAX: u32 = 4;
/// How long a task waits while no process is up; half of its own time, if that is less.
const DOWN_MAX: Duration = Duration::from_secs(10);

/// What a pool is started with.
#[derive(Debug, Clone, Copy)]
pub struct PoolOptions<'a> {
    /// What the tasks ask for.
    pub model: &'a ModelName,
    /// How its processes are run.
    pub rules: &'a ProcessRules,
    /// Tasks that may run at once.
    pub slots: u32,
    /// The executable of Fairlane, which starts the processes.
    pub program: &'a Path,
}

/// A running pool. Dropped, it lets its processes end; a hard stop of its lifecycle ends them.
#[derive(Debug)]
pub struct Pool {
    requests: mpsc::Sender<Request>,
    health: watch::Receiver<Health>,
    places: u32,
    _closing: DropGuard,
}

impl Pool {
    /// Starts as many processes as `options` say; they are kept up from now on.
    ///
    /// # Errors
    /// When the system has no thread to spare.
    pub fn start(options: PoolOptions<'_>, lifecycle: &Lifecycle) -> std::io::Result<Self> {
        let by_default = options.slots.clamp(1, PROCESSES_DEFAULT_MAX);
        let places = options.rules.processes.unwrap_or(by_default);
        let (requests, queue) = Queue::new();
        let sender = Health::down(clock::monotonic());
        let health = sender.subscribe();
        let closing = CancellationToken::new();
        let shop = Arc::new(Shop {
            model: options.model.clone(),
            rules: options.rules.clone(),
            program: options.program.to_owned(),
            spawner: Spawner::start(places as usize)?,
            queue,
            health: sender,
            closing: closing.clone(),
            hard: lifecycle.hard().clone(),
        });
        for _ in 0..places {
            lifecycle.spawn(Keeper::new(shop.clone()).run());
        }
        Ok(Self {
            requests,
            health,
            places,
            _closing: closing.drop_guard(),
        })
    }

    /// Waits until one process is ready, or the first of every place has failed.
    ///
    /// # Errors
    /// Why they failed.
    pub async fn started(&self) -> Result<(), String> {
        let mut health = self.health.clone();
        // Its keepers are gone only when everything stops; then there is nothing to complain about.
        match health.wait_for(|health| health.is_known(self.places)).await {
            Ok(health) if !health.was_up() => Err(health.last_failure().to_owned()),
            _ => Ok(()),
        }
    }

    /// Waits for the answer, but not for ever for a process.
    async fn answer(&self, mut reply: oneshot::Receiver<Outcome>, patience: Duration) -> Outcome {
        let mut wake = clock::monotonic() + patience;
        loop {
            tokio::select! {
                outcome = &mut reply => {
                    return outcome.unwrap_or_else(|_| {
                        Outcome::failed(ErrorKind::Retryable, "its process was stopped with the worker")
                    });
                }
                () = tokio::time::sleep_until(clock::instant(wake)) => (),
            }
            let (now, health) = (clock::monotonic(), self.health.borrow());
            wake = match health.down_since() {
                None => now + patience,
                Some(since) if now.since(since) < patience => since + patience,
                Some(since) => {
                    let ms = now.since(since).as_millis();
                    let why = health.last_failure();
                    let message = format!("no process of the model has been up for {ms} ms: {why}");
                    return Outcome::failed(ErrorKind::Retryable, message);
                }
            };
        }
    }
}

impl Executor for Pool {
    fn execute<'a>(&'a self, job: &'a Job, cancel: &'a CancellationToken) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let line = task_line(job);
            if line.len() > LINE_BYTES_MAX {
                let bytes = line.len();
                let message =
                    format!("the task takes a line of {bytes} bytes; at most {LINE_BYTES_MAX} may be");
                return Outcome::failed(ErrorKind::Permanent, message);
            }
            let patience = DOWN_MAX.min(Duration::from_millis((job.timeout_ms / 2).max(1)));
            let (reply, answer) = oneshot::channel();
            let request = Request {
                task_id: job.task.id.clone(),
                line,
                reply,
            };
            tokio::select! {
                biased;
                () = cancel.cancelled() => Outcome::failed(ErrorKind::Cancelled, "cancelled"),
                outcome = async {
                    // Refused only when everything stops; the answer says so then.
                    let _ = self.requests.send(request).await;
                    self.answer(answer, patience).await
                } => outcome,
            }
        })
    }
}
