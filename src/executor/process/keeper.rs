//! Keeps one place of a pool filled: starts a process, hands it tasks, replaces it.

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::process::Command;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::backoff::Backoff;
use super::health::Health;
use super::lines::{LINE_BYTES_MAX, Line};
use super::message::{read_answer, read_ready, unasked};
use super::queue::{Queue, Request};
use super::running::{Running, Said};
use super::spawner::Spawner;
use crate::executor::Outcome;
use crate::policy::ProcessRules;
use crate::task::{ErrorKind, ModelName};
use crate::{child, clock};

/// What a handler has no need to know.
const ENVIRONMENT_HIDDEN: [&str; 2] = ["NATS_URL", "NATS_CREDS"];

/// What the places of a pool share.
#[derive(Debug)]
pub(super) struct Shop {
    pub(super) model: ModelName,
    pub(super) rules: ProcessRules,
    /// The executable of Fairlane, which becomes the command.
    pub(super) program: PathBuf,
    pub(super) spawner: Spawner,
    pub(super) queue: Queue,
    pub(super) health: watch::Sender<Health>,
    /// The pool is gone: no task can come any more.
    pub(super) closing: CancellationToken,
    /// Leave everything.
    pub(super) hard: CancellationToken,
}

/// One place.
pub(super) struct Keeper {
    shop: Arc<Shop>,
    backoff: Backoff,
    was_tried: bool,
}

/// How the life of a process ended.
enum Ended {
    /// The place is given up.
    Stopped,
    /// After as many tasks as it may have.
    Retired,
    /// By its own fault, in words.
    Failed(String),
}

impl Keeper {
    /// A place that nobody fills yet.
    pub(super) fn new(shop: Arc<Shop>) -> Self {
        Self {
            shop,
            backoff: Backoff::default(),
            was_tried: false,
        }
    }

    /// Works until the pool is stopped.
    pub(super) async fn run(mut self) {
        let shop = self.shop.clone();
        loop {
            let ended = match self.begin().await {
                Ok(running) => {
                    shop.health.send_modify(Health::rose);
                    let ended = self.work(running).await;
                    shop.health.send_modify(|health| health.fell(clock::monotonic()));
                    ended
                }
                Err(ended) => ended,
            };
            let pause = match ended {
                Ended::Stopped => return,
                Ended::Retired => Duration::ZERO,
                Ended::Failed(why) => self.failed(why),
            };
            self.was_tried = true;
            if shop.unless_stopped(tokio::time::sleep(pause)).await.is_none() {
                return;
            }
        }
    }

    fn failed(&mut self, why: String) -> Duration {
        let pause = self.backoff.failed();
        tracing::warn!(
            model = %self.shop.model, why, pause_ms = pause.as_millis() as u64,
            "a process failed; starting another after a pause"
        );
        let is_first = !self.was_tried;
        self.shop
            .health
            .send_modify(|health| health.failed(why, is_first));
        pause
    }

    /// Starts a process and waits until it is ready.
    async fn begin(&self) -> Result<Running, Ended> {
        let shop = &self.shop;
        let began = clock::monotonic();
        let start = Running::start(shop.command(), shop.model.clone(), &shop.spawner);
        let mut running = match shop.unless_stopped(start).await {
            None => return Err(Ended::Stopped),
            Some(Err(error)) => return Err(Ended::Failed(format!("it cannot be started: {error}"))),
            Some(Ok(running)) => running,
        };
        let patience = Duration::from_millis(shop.rules.start_ms_max);
        let first = shop.unless_stopped(tokio::time::timeout(patience, running.next()));
        let fault = match first.await {
            None => {
                running.kill().await;
                return Err(Ended::Stopped);
            }
            Some(Err(_)) => format!(
                "it did not say that it is ready within {} ms",
                patience.as_millis()
            ),
            Some(Ok(Line::End)) => {
                let why = running.autopsy().await;
                return Err(Ended::Failed(format!("before it was ready, {why}")));
            }
            Some(Ok(Line::TooLong)) => too_long(),
            Some(Ok(Line::Whole(line))) => match read_ready(&line) {
                Ok(()) => {
                    let took_ms = clock::monotonic().since(began).as_millis() as u64;
                    tracing::info!(model = %shop.model, process.pid = running.pid(), took_ms, "a process is ready");
                    return Ok(running);
                }
                Err(fault) => fault,
            },
        };
        Err(Ended::Failed(running.kill().await.after(&fault)))
    }

    /// Hands it one task after the other.
    async fn work(&mut self, mut running: Running) -> Ended {
        let shop = self.shop.clone();
        let mut served = 0;
        loop {
            let request = tokio::select! {
                biased;
                () = shop.hard.cancelled() => {
                    running.kill().await;
                    return Ended::Stopped;
                }
                said = running.next() => return Ended::Failed(idle_fault(running, said).await),
                request = shop.queue.take() => request,
                () = shop.closing.cancelled() => {
                    running.close().await;
                    return Ended::Stopped;
                }
            };
            running = match self.serve(running, request).await {
                Ok(running) => running,
                Err(ended) => return ended,
            };
            served += 1;
            if shop.rules.tasks_max.is_some_and(|most| served >= most) {
                running.close().await;
                return Ended::Retired;
            }
        }
    }

    /// One task. The process comes back if it kept to the contract.
    async fn serve(&mut self, mut running: Running, mut request: Request) -> Result<Running, Ended> {
        let said = tokio::select! {
            biased;
            () = self.shop.hard.cancelled() => {
                running.kill().await;
                return Err(Ended::Stopped);
            }
            said = running.exchange(&request.task_id, &request.line) => said,
            () = request.reply.closed() => {
                let what = format!("it was killed in the middle of the task {}, whose time was over", request.task_id);
                return Err(Ended::Failed(running.kill().await.after(&what)));
            }
        };
        let fault = match said {
            Said::Line(Line::Whole(line)) => match read_answer(&line, request.task_id.as_str()) {
                Ok(outcome) => {
                    self.backoff.answered();
                    // Too late is no fault of the process.
                    let _ = request.reply.send(outcome);
                    return Ok(running);
                }
                Err(fault) => fault,
            },
            Said::Line(Line::TooLong) => too_long(),
            Said::TooEarly => "it wrote before it had read its task".to_owned(),
            Said::Line(Line::End) => {
                let why = format!("in the middle of the task, {}", running.autopsy().await);
                let _ = request
                    .reply
                    .send(Outcome::failed(ErrorKind::Retryable, why.clone()));
                return Err(Ended::Failed(format!("task {}: {why}", request.task_id)));
            }
        };
        let why = running.kill().await.after(&fault);
        let _ = request
            .reply
            .send(Outcome::failed(ErrorKind::Retryable, why.clone()));
        Err(Ended::Failed(format!("task {}: {why}", request.task_id)))
    }
}

impl Shop {
    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(child::arguments(self.rules.memory_mb_max, &self.rules.command));
        for name in ENVIRONMENT_HIDDEN {
            command.env_remove(name);
        }
        command
    }

    /// What comes of `work`; None when the pool is stopped before.
    async fn unless_stopped<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.hard.cancelled() => None,
            () = self.closing.cancelled() => None,
            done = work => Some(done),
        }
    }
}

async fn idle_fault(running: Running, said: Line) -> String {
    let fault = match said {
        Line::End => return format!("without a task, {}", running.autopsy().await),
        Line::TooLong => too_long(),
        Line::Whole(line) => unasked(&line),
    };
    running.kill().await.after(&fault)
}

fn too_long() -> String {
    format!("it wrote a line of more than {LINE_BYTES_MAX} bytes")
}
