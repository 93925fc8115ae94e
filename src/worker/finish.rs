//! How a task ends: fenced result or failure report first, its PubAck, and only then the ack.

use std::time::Duration;

use serde_json::{Value, json};

use super::serve::{PAUSE_MAX, PAUSE_MIN, Run, Service};
use crate::broker::publish::{Fenced, PublishError};
use crate::clock;
use crate::executor::Outcome;
use crate::metrics::TaskOutcome;
use crate::task::{DeadReason, ErrorKind, Route, State};
use crate::wire::{Report, ResultError, ResultRecord, read_history};

/// What became of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// Its result is the task's record. Milliseconds it was queued.
    Completed { queued_ms: u64 },
    /// Its failure was reported. Milliseconds it was queued.
    Reported { queued_ms: u64, kind: ErrorKind },
    /// Another record stands; this copy was dropped.
    Decided,
    /// It could not be read and is a dead letter now.
    Malformed,
    /// It went back unfinished.
    HandedBack,
}

impl Service {
    /// Writes what came out, then answers the delivery.
    pub(super) async fn finish(&self, run: Run, outcome: Outcome) -> Ending {
        match outcome {
            Outcome::Completed { output, usage } => self.complete(run, output, usage).await,
            Outcome::Failed {
                kind,
                message,
                retry_after_ms,
            } => self.report(run, kind, message, retry_after_ms).await,
        }
    }

    async fn complete(&self, run: Run, output: Value, usage: Value) -> Ending {
        let record = self.record(&run, State::Completed, output, usage, None);
        match self.write_fence(&run, &record).await {
            Written::Done(fenced) => {
                let queued_ms = run.queued_ms;
                self.broker.ack(run.delivery.lease).await;
                match fenced {
                    Fenced::First(_) => Ending::Completed { queued_ms },
                    Fenced::Refused => Ending::Decided,
                }
            }
            Written::TooLarge(message) => self.report(run, ErrorKind::ResultTooLarge, message, None).await,
            Written::Stopped => self.give_back(run).await,
        }
    }

    async fn report(&self, run: Run, kind: ErrorKind, error: String, retry_after_ms: Option<u64>) -> Ending {
        let report = self.report_of(&run, kind, error, retry_after_ms);
        tracing::info!(task.id = %run.task.id, error.kind = %kind, error = %report.error, "a task failed");
        let mut pause = PAUSE_MIN;
        loop {
            match self.broker.publish_report(&report, &run.delivery.original).await {
                Ok(_) => break,
                Err(error) => {
                    tracing::warn!(task.id = %run.task.id, %error, "cannot report a failure; trying again")
                }
            }
            if !self.pause(&mut pause).await {
                return self.give_back(run).await;
            }
        }
        let queued_ms = run.queued_ms;
        self.broker.ack(run.delivery.lease).await;
        Ending::Reported { queued_ms, kind }
    }

    /// A message that is no task: fence, dead letter, and never again.
    pub(super) async fn bury_malformed(&self, run: Run, what: &str) -> Ending {
        tracing::warn!(task.id = %run.task.id, what, "a message cannot be read; it becomes a dead letter");
        let error = ResultError {
            kind: DeadReason::Malformed.to_string(),
            message: what.to_owned(),
        };
        let record = self.record(&run, State::Dead, Value::Null, json!({}), Some(error));
        let report = self.report_of(&run, ErrorKind::Malformed, what.to_owned(), None);
        match self.write_fence(&run, &record).await {
            Written::Stopped => return self.give_back(run).await,
            Written::Done(Fenced::Refused) if !self.is_own(&record).await => {
                self.broker.ack(run.delivery.lease).await;
                return Ending::Decided;
            }
            Written::Done(_) | Written::TooLarge(_) => (),
        }
        let mut pause = PAUSE_MIN;
        loop {
            match self
                .broker
                .publish_dead(&report, DeadReason::Malformed, &run.delivery.original)
                .await
            {
                Ok(_) => break,
                Err(error) => {
                    tracing::warn!(task.id = %run.task.id, %error, "cannot store a dead letter; trying again")
                }
            }
            if !self.pause(&mut pause).await {
                return self.give_back(run).await;
            }
        }
        self.broker.terminate(run.delivery.lease).await;
        Ending::Malformed
    }

    /// Whether the record that refused ours says the same: then we wrote it on an earlier try, and
    /// what follows is ours to do.
    async fn is_own(&self, record: &ResultRecord) -> bool {
        match self.broker.fence(&record.task_id).await {
            Ok(Some(found)) => found.record.state == record.state && found.record.hop == record.hop,
            // Doing what follows once more is harmless, leaving it out is not.
            Ok(None) | Err(_) => true,
        }
    }

    async fn write_fence(&self, run: &Run, record: &ResultRecord) -> Written {
        let mut pause = PAUSE_MIN;
        loop {
            match self.broker.publish_result(record, run.task.fence).await {
                Ok(fenced) => return Written::Done(fenced),
                Err(error @ PublishError::TooLarge { .. }) => return Written::TooLarge(error.to_string()),
                Err(error) => {
                    tracing::warn!(task.id = %run.task.id, %error, "cannot store a result; trying again")
                }
            }
            if !self.pause(&mut pause).await {
                return Written::Stopped;
            }
        }
    }

    /// Sleeps and doubles the pause; false when the worker is to stop at once.
    async fn pause(&self, pause: &mut Duration) -> bool {
        let slept = *pause;
        *pause = (slept * 2).min(PAUSE_MAX);
        tokio::select! {
            () = tokio::time::sleep(slept) => true,
            () = self.hard.cancelled() => false,
        }
    }

    async fn give_back(&self, run: Run) -> Ending {
        self.broker.hand_back(run.delivery.lease).await;
        Ending::HandedBack
    }

    fn record(
        &self,
        run: &Run,
        state: State,
        output: Value,
        usage: Value,
        error: Option<ResultError>,
    ) -> ResultRecord {
        ResultRecord {
            task_id: run.task.id.clone(),
            state,
            hop: run.task.hop,
            attempt: run.task.attempt,
            class: run.task.class.clone(),
            tenant: run.task.tenant.clone(),
            worker: self.options.id.clone(),
            queued_ms: run.queued_ms,
            exec_ms: exec_ms(run),
            output,
            usage,
            error,
        }
    }

    fn report_of(&self, run: &Run, kind: ErrorKind, error: String, retry_after_ms: Option<u64>) -> Report {
        Report {
            task: run.task.clone(),
            kind,
            error,
            retry_after_ms,
            delivered: run.delivery.deliveries,
            worker: self.options.id.clone(),
            exec_ms: exec_ms(run),
            history: read_history(&run.delivery.original.headers()),
        }
    }

    /// Counts what became of a delivery that took a slot for `took`.
    pub(super) fn count(&self, route: &Route, ending: Ending, took: Duration) {
        let class = self.options.metrics.class(route.lane, &route.class);
        let (outcome, queued_ms) = match ending {
            Ending::Completed { queued_ms } => (TaskOutcome::Completed, queued_ms),
            Ending::Reported { queued_ms, kind } => (TaskOutcome::Failed(kind), queued_ms),
            Ending::Decided => (TaskOutcome::AlreadyDecided, 0),
            Ending::Malformed => (TaskOutcome::Malformed, 0),
            Ending::HandedBack => (TaskOutcome::HandedBack, 0),
        };
        class.finished(outcome, Duration::from_millis(queued_ms), took);
    }
}

enum Written {
    Done(Fenced),
    TooLarge(String),
    Stopped,
}

fn exec_ms(run: &Run) -> u64 {
    u64::try_from(clock::monotonic().since(run.started).as_millis()).unwrap_or(u64::MAX)
}
