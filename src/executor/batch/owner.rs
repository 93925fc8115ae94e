//! The owner of one model's batches: an await collects one event, a synchronous step changes what waits, and a batch
//! begins when the window says so and nothing is computed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use super::bill::{Stay, divide, ms};
use super::model::{Answer, Model, Prepared, Refusal};
use super::run;
use crate::clock;
use crate::executor::contract::{Cost, Executed, Outcome};
use crate::metrics::{BatchMetrics, BatchReason};
use crate::scheduler::batch::{BatchKey, Batcher, Limits, Reason};
use crate::task::{ErrorKind, ModelName, Moment};

/// Arrivals that are taken in at once.
const ARRIVALS_MAX: usize = 256;

/// A task that came.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) input: Value,
    pub(super) entered: Moment,
    pub(super) answer: oneshot::Sender<Executed>,
}

/// Holds what waits, and has it computed.
pub(super) struct Owner<M: Model> {
    name: ModelName,
    model: Arc<M>,
    metrics: BatchMetrics,
    requests: mpsc::Receiver<Request>,
    /// Nobody can send any more.
    closed: bool,
    hard: CancellationToken,
    /// Every task that is here, by its number: read, waiting, and computed.
    held: BTreeMap<u64, Held<M::Item>>,
    last: u64,
    /// Inputs that are being read: their tasks are on their way to a batch.
    reading: JoinSet<WasRead<M::Item>>,
    batcher: Batcher,
    running: Option<Running>,
}

/// The number of a task, and its input or what was wrong with it.
type WasRead<I> = (u64, Result<Prepared<I>, Refusal>);

struct Held<I> {
    stay: Stay,
    answer: oneshot::Sender<Executed>,
    /// From when it was read until it is computed.
    item: Option<I>,
    tokens: u64,
}

/// A batch that is being computed.
struct Running {
    began: Moment,
    tasks: Vec<u64>,
    work: JoinHandle<Vec<Result<Answer, String>>>,
}

enum Event<I> {
    Arrived,
    Closed,
    Read(u64, Result<Prepared<I>, Refusal>),
    Ran(Vec<Result<Answer, String>>),
    Due,
    Stop,
}

impl<M: Model> Owner<M> {
    pub(super) fn new(
        name: &ModelName,
        model: Arc<M>,
        limits: Limits,
        requests: mpsc::Receiver<Request>,
        hard: CancellationToken,
    ) -> Self {
        Self {
            name: name.clone(),
            model,
            metrics: BatchMetrics::new(),
            requests,
            closed: false,
            hard,
            held: BTreeMap::new(),
            last: 0,
            reading: JoinSet::new(),
            batcher: Batcher::new(limits),
            running: None,
        }
    }

    /// Serves until nobody can send any more and nothing is left, or until the hard stop.
    pub(super) async fn run(mut self) {
        let mut arrived = Vec::new();
        loop {
            self.begin(clock::monotonic());
            if self.closed && self.held.is_empty() {
                return;
            }
            match self.next(&mut arrived).await {
                Event::Arrived => arrived.drain(..).for_each(|request| self.read(request)),
                Event::Closed => self.closed = true,
                Event::Read(number, read) => self.put(number, read, clock::monotonic()),
                Event::Ran(results) => self.settle(results, clock::monotonic()),
                Event::Due => (),
                Event::Stop => return,
            }
        }
    }

    async fn next(&mut self, arrived: &mut Vec<Request>) -> Event<M::Item> {
        // What is due while a batch is computed begins when that has ended.
        let due = match &self.running {
            None => self.batcher.next_deadline().map(clock::instant),
            Some(_) => None,
        };
        tokio::select! {
            biased;
            () = self.hard.cancelled() => Event::Stop,
            count = self.requests.recv_many(arrived, ARRIVALS_MAX), if !self.closed => {
                if count == 0 { Event::Closed } else { Event::Arrived }
            }
            Some(read) = self.reading.join_next() => match read {
                Ok((number, read)) => Event::Read(number, read),
                // A panic is caught inside: the runtime shuts down.
                Err(_) => Event::Stop,
            },
            results = ran(self.running.as_mut()) => Event::Ran(results),
            () = sleep_until(due) => Event::Due,
        }
    }

    /// Has the input of a task read.
    fn read(&mut self, request: Request) {
        self.last += 1;
        let (number, model, input) = (self.last, self.model.clone(), request.input);
        let held = Held {
            stay: Stay::since(request.entered),
            answer: request.answer,
            item: None,
            tokens: 0,
        };
        self.held.insert(number, held);
        self.reading
            .spawn_blocking(move || (number, run::read(&*model, &input)));
    }

    /// Puts a task that was read into a batch, or ends it.
    fn put(&mut self, number: u64, read: Result<Prepared<M::Item>, Refusal>, now: Moment) {
        let Some(held) = self.held.get_mut(&number) else {
            return;
        };
        match read {
            Ok(prepared) if !held.answer.is_closed() => {
                let key = BatchKey {
                    model: self.name.clone(),
                    shape: prepared.shape,
                };
                (held.item, held.tokens) = (Some(prepared.item), prepared.tokens);
                self.batcher.add(key, number, prepared.tokens, now);
            }
            Ok(_) => drop(self.held.remove(&number)),
            Err(refusal) => {
                if let Some(held) = self.held.remove(&number) {
                    let cost = ms(held.stay.own(now));
                    held.end(Outcome::failed(refusal.kind, refusal.message), cost);
                }
            }
        }
    }

    /// Begins the batch that is due, if nothing is computed. A task does not wait for others unless some are on their
    /// way.
    fn begin(&mut self, now: Moment) {
        while self.running.is_none() {
            if self.reading.is_empty() && self.requests.is_empty() {
                self.batcher.device_idle();
            } else {
                self.batcher.device_busy();
            }
            let Some(batch) = self.batcher.poll(now) else {
                return;
            };
            let (mut tasks, mut items) = (Vec::new(), Vec::new());
            for number in batch.items {
                let item = self.held.get_mut(&number).and_then(Held::take);
                match item {
                    Some(item) => {
                        tasks.push(number);
                        items.push(item);
                    }
                    // Nobody waits for it any more.
                    None => drop(self.held.remove(&number)),
                }
            }
            if tasks.is_empty() {
                continue;
            }
            self.metrics.began(label(batch.reason), tasks.len());
            let model = self.model.clone();
            self.running = Some(Running {
                began: now,
                tasks,
                work: tokio::task::spawn_blocking(move || run::run(&*model, &items)),
            });
        }
    }

    /// Answers the tasks of a batch, each with its part of the bill.
    fn settle(&mut self, results: Vec<Result<Answer, String>>, now: Moment) {
        let Some(Running { began, tasks, .. }) = self.running.take() else {
            return;
        };
        let mut slot_time = Duration::ZERO;
        let mut answered = Vec::new();
        for (number, result) in tasks.into_iter().zip(results) {
            // Who has left its slot has paid for its time there.
            if let Some(held) = self.held.remove(&number).filter(|held| !held.answer.is_closed()) {
                slot_time += held.stay.during(began, now);
                answered.push((held, result));
            }
        }
        for held in self.held.values_mut().filter(|held| !held.answer.is_closed()) {
            slot_time += held.stay.during(began, now);
            held.stay.cover(began, now);
        }
        let tokens: Vec<u64> = answered.iter().map(|(held, _)| held.tokens).collect();
        for ((held, result), part) in answered.into_iter().zip(divide(slot_time, &tokens)) {
            let outcome = match result {
                Ok(Answer { output, usage }) => Outcome::Completed { output, usage },
                Err(why) => Outcome::failed(ErrorKind::Retryable, why),
            };
            let cost = ms(held.stay.own(began)) + part;
            held.end(outcome, cost);
        }
    }
}

impl<I> Held<I> {
    /// Its input, to be computed; none if nobody waits for the answer.
    fn take(&mut self) -> Option<I> {
        self.item.take().filter(|_| !self.answer.is_closed())
    }

    fn end(self, outcome: Outcome, cost_ms: f64) {
        let cost = Cost::Ms(cost_ms);
        // Refused when its task was cancelled a moment ago.
        let _ = self.answer.send(Executed { outcome, cost });
    }
}

/// What a running batch gives; waits for ever where none runs.
async fn ran(running: Option<&mut Running>) -> Vec<Result<Answer, String>> {
    let Some(running) = running else {
        return std::future::pending().await;
    };
    let stopped = |error| format!("the model was stopped: {error}");
    match (&mut running.work).await {
        Ok(results) => results,
        Err(error) => vec![Err(stopped(error)); running.tasks.len()],
    }
}

async fn sleep_until(due: Option<tokio::time::Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}

const fn label(reason: Reason) -> BatchReason {
    match reason {
        Reason::Full => BatchReason::Full,
        Reason::Cost => BatchReason::Tokens,
        Reason::Window => BatchReason::Window,
        Reason::Idle => BatchReason::Idle,
    }
}
