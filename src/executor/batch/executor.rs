//! The executor: each task goes to the owner of the batches, and waits for its answer.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::model::Model;
use super::owner::{Owner, Request};
use crate::clock;
use crate::executor::contract::{Cost, Executed, Executor, Job, Outcome};
use crate::lifecycle::Lifecycle;
use crate::policy::BatchWindow;
use crate::scheduler::batch::Limits;
use crate::task::{ErrorKind, ModelName};

/// Tasks that wait for the owner to look. It looks at all of them at once and soon; more wait in their slots.
const REQUESTS_MAX: usize = 1024;

/// Runs tasks of one model together. Dropped, it ends once the last of them has; a hard stop of its lifecycle ends it
/// at once.
#[derive(Debug, Clone)]
pub struct Batching {
    requests: mpsc::Sender<Request>,
}

impl Batching {
    /// Begins to serve `model` under the name `name`, in batches as `window` says.
    pub fn start<M: Model>(name: &ModelName, model: M, window: BatchWindow, lifecycle: &Lifecycle) -> Self {
        let (requests, arriving) = mpsc::channel(REQUESTS_MAX);
        let limits = Limits {
            window: Duration::from_millis(window.window_ms),
            size_max: window.size_max,
            cost_max: window.tokens_max.map(u64::from),
        };
        let owner = Owner::new(name, Arc::new(model), limits, arriving, lifecycle.hard().clone());
        lifecycle.spawn(owner.run());
        Self { requests }
    }
}

impl Executor for Batching {
    fn execute<'a>(&'a self, job: &'a Job, cancel: &'a CancellationToken) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { self.execute_at_cost(job, cancel).await.outcome })
    }

    fn execute_at_cost<'a>(&'a self, job: &'a Job, cancel: &'a CancellationToken) -> BoxFuture<'a, Executed> {
        let unpaid = |kind, message: &str| Executed {
            outcome: Outcome::failed(kind, message),
            cost: Cost::Elapsed,
        };
        Box::pin(async move {
            let (answer, answered) = oneshot::channel();
            let request = Request {
                input: job.input.clone(),
                entered: clock::monotonic(),
                answer,
            };
            tokio::select! {
                biased;
                // Who does not listen any more is left out of the next batch.
                () = cancel.cancelled() => unpaid(ErrorKind::Cancelled, "cancelled"),
                executed = async {
                    // Refused only when everything stops; no answer comes then.
                    let _ = self.requests.send(request).await;
                    answered.await
                } => executed.unwrap_or_else(|_| {
                    unpaid(ErrorKind::Retryable, "the model was stopped with the worker")
                }),
            }
        })
    }
}
