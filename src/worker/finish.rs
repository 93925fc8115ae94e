//! How a task ends: fenced result or failure report first, its PubAck, and only then the ack.

use std::time::Duration;

use serde_json::{Value, json};

use super::serve::{PAUSE_MAX, PAUSE_MIN, Run, Service};
use crate::broker::publish::{Fenced, Original, PublishError};
use crate::clock;
use crate::executor::Outcome;
use crate::failpoint;
use crate::metrics::TaskOutcome;
use crate::task::{DeadReason, ErrorKind, EventKind, ParkReason, Route, State, Task};
use crate::wire::{Fence, Report, ResultError, ResultRecord, TaskEvent, read_history};

/// What is said of a task that the rule `edf` does not serve.
pub(super) const INFEASIBLE: &str = "it could not meet its deadline any more";

/// What became of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// Its result is the task's record. Milliseconds it was queued.
    Completed { queued_ms: u64 },
    /// Its failure was reported. Milliseconds it was queued.
    Reported { queued_ms: u64, kind: ErrorKind },
    /// Another record stands; this copy was dropped.
    Decided,
    /// Its deadline had passed before it could start.
    Expired,
    /// It could not meet its deadline any more and lies in the archive.
    Parked,
    /// It could not be read and is a dead letter now.
    Malformed,
    /// It lies aside until what it waits for is there.
    Blocked,
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
                failpoint::hit("worker.after_result");
                let standing = match fenced {
                    Fenced::First(_) => Some(Standing::Own),
                    Fenced::Refused => self.standing(&record).await,
                };
                match standing {
                    Some(Standing::Own) if self.deliver(&run.task, record.hop).await => {
                        self.broker.ack(run.delivery.lease).await;
                        Ending::Completed {
                            queued_ms: run.queued_ms,
                        }
                    }
                    Some(Standing::Other { hop }) => self.leave_decided(run, hop).await,
                    Some(Standing::Own) | None => self.give_back(run).await,
                }
            }
            Written::TooLarge(message) => self.report(run, ErrorKind::ResultTooLarge, message, None).await,
            Written::Stopped => self.give_back(run).await,
        }
    }

    async fn report(&self, run: Run, kind: ErrorKind, error: String, retry_after_ms: Option<u64>) -> Ending {
        let mut report = self.report_of(&run, kind, error, retry_after_ms);
        tracing::info!(task.id = %run.task.id, error.kind = %kind, error = %report.error, "a task failed");
        let mut original = run.delivery.original.clone();
        let (mut pause, mut whole) = (PAUSE_MIN, true);
        loop {
            match self.broker.publish_report(&report, &original).await {
                Ok(_) => break,
                Err(PublishError::TooLarge { bytes, .. }) if whole => {
                    // Without its body it cannot run again: it ends here, with its reason.
                    report.kind = ErrorKind::Permanent;
                    report.error = format!(
                        "{} (its body of {bytes} bytes did not fit beside the report)",
                        report.error
                    );
                    (original, whole) = (Original::left_out(), false);
                    continue;
                }
                Err(error) => {
                    tracing::warn!(task.id = %run.task.id, %error, "cannot report a failure; trying again");
                }
            }
            if !self.pause(&mut pause).await {
                return self.give_back(run).await;
            }
        }
        failpoint::hit("worker.after_report");
        let queued_ms = run.queued_ms;
        self.broker.ack(run.delivery.lease).await;
        Ending::Reported { queued_ms, kind }
    }

    /// Puts a task aside whole, instead of running it. An archive without room for it ends it as expired.
    pub(super) async fn park(&self, run: Run) -> Ending {
        // It was not executed: that is no attempt of it, and none of its timeouts.
        let report = self.report_of(&run, ErrorKind::Yielded, INFEASIBLE.to_owned(), None);
        let mut pause = PAUSE_MIN;
        loop {
            let original = &run.delivery.original;
            match self
                .broker
                .publish_archive(&report, ParkReason::Infeasible, original)
                .await
            {
                Ok(_) => break,
                Err(PublishError::Full { .. } | PublishError::TooLarge { .. }) => {
                    let why = format!("{INFEASIBLE}, and the archive has no room for it");
                    return self.expire(run, &why).await;
                }
                Err(error) => {
                    tracing::warn!(task.id = %run.task.id, %error, "cannot park a task; trying again");
                }
            }
            if !self.pause(&mut pause).await {
                return self.give_back(run).await;
            }
        }
        let task = &run.task;
        tracing::info!(task.id = %task.id, "a task that cannot meet its deadline is parked; `fairlane archive` shows it");
        let told = TaskEvent::of(task, EventKind::Archive, INFEASIBLE);
        self.broker.tell(&task.class, &task.id, &told).await;
        self.broker.ack(run.delivery.lease).await;
        Ending::Parked
    }

    /// Records that a task is not worth running any more, instead of running it.
    pub(super) async fn expire(&self, run: Run, why: &str) -> Ending {
        let error = ResultError {
            kind: State::Expired.to_string(),
            message: why.to_owned(),
        };
        let record = self.record(&run, State::Expired, Value::Null, json!({}), Some(error));
        match self.write_fence(&run, &record).await {
            Written::Stopped => self.give_back(run).await,
            Written::Done(Fenced::Refused) => match self.standing(&record).await {
                Some(Standing::Own) => self.leave_expired(run, record.hop).await,
                Some(Standing::Other { hop }) => self.leave_decided(run, hop).await,
                None => self.give_back(run).await,
            },
            Written::Done(Fenced::First(_)) | Written::TooLarge(_) => {
                self.leave_expired(run, record.hop).await
            }
        }
    }

    async fn leave_expired(&self, run: Run, hop: u32) -> Ending {
        match self.leave_decided(run, hop).await {
            Ending::Decided => Ending::Expired,
            other => other,
        }
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
            Written::Done(Fenced::Refused) => match self.standing(&record).await {
                Some(Standing::Own) => (),
                Some(Standing::Other { hop }) => return self.leave_decided(run, hop).await,
                None => return self.give_back(run).await,
            },
            Written::Done(_) | Written::TooLarge(_) => (),
        }
        failpoint::hit("worker.after_fence");
        let mut original = run.delivery.original.clone();
        let (mut pause, mut whole) = (PAUSE_MIN, true);
        loop {
            let stored = self
                .broker
                .publish_dead(&report, DeadReason::Malformed, &original)
                .await;
            match stored {
                Ok(_) => break,
                Err(PublishError::TooLarge { .. }) if whole => {
                    (original, whole) = (Original::left_out(), false);
                    continue;
                }
                Err(error) => {
                    tracing::warn!(task.id = %run.task.id, %error, "cannot store a dead letter; trying again");
                }
            }
            if !self.pause(&mut pause).await {
                return self.give_back(run).await;
            }
        }
        failpoint::hit("worker.after_letter");
        if !self.deliver(&run.task, record.hop).await {
            return self.give_back(run).await;
        }
        self.broker.terminate(run.delivery.lease).await;
        Ending::Malformed
    }

    /// Drops a copy of a task whose record, of `hop`, stands. Whoever wrote it may have died before it
    /// asked for the callback.
    pub(super) async fn leave_decided(&self, run: Run, hop: u32) -> Ending {
        if !self.deliver(&run.task, hop).await {
            return self.give_back(run).await;
        }
        self.broker.ack(run.delivery.lease).await;
        Ending::Decided
    }

    /// Asks for the callback, if the task wants one. False when the worker is to stop before.
    async fn deliver(&self, task: &Task, hop: u32) -> bool {
        let Some(url) = &task.facts.callback else {
            return true;
        };
        failpoint::hit("callback.before_publish");
        let mut pause = PAUSE_MIN;
        loop {
            match self.broker.publish_callback(&task.id, hop, url).await {
                Ok(_) => {
                    failpoint::hit("callback.after_publish");
                    return true;
                }
                Err(error) => {
                    tracing::warn!(task.id = %task.id, %error, "cannot ask for a callback; trying again");
                }
            }
            if !self.pause(&mut pause).await {
                return false;
            }
        }
    }

    /// Whose record refused ours: it may be ours, written on an earlier try, and then what follows is
    /// ours to do. Asks until there is an answer; None when the worker is to stop before.
    async fn standing(&self, record: &ResultRecord) -> Option<Standing> {
        let mut pause = PAUSE_MIN;
        loop {
            match self.broker.fence(&record.task_id).await {
                Ok(found) => {
                    // A worker that buried it and died before its dead letter had another name: what it
                    // left undone is ours to do. A result has nothing after it that would be lost.
                    let same = |f: &Fence| {
                        (f.state, f.hop) == (record.state, record.hop)
                            && (f.state == State::Dead || f.worker.as_deref() == Some(&record.worker))
                    };
                    return Some(match found {
                        Some(found) if same(&found.record) => Standing::Own,
                        found => Standing::Other {
                            hop: found.map_or(record.hop, |found| found.record.hop),
                        },
                    });
                }
                Err(error) => {
                    tracing::warn!(task.id = %record.task_id, %error, "cannot read the fence; trying again");
                }
            }
            if !self.pause(&mut pause).await {
                return None;
            }
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
    pub(super) async fn pause(&self, pause: &mut Duration) -> bool {
        let slept = *pause;
        *pause = (slept * 2).min(PAUSE_MAX);
        tokio::select! {
            () = tokio::time::sleep(slept) => true,
            () = self.hard.cancelled() => false,
        }
    }

    pub(super) async fn give_back(&self, run: Run) -> Ending {
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
            worker: self.options.id.to_string(),
            queued_ms: run.queued_ms,
            exec_ms: exec_ms(run),
            output,
            usage,
            error,
            policy: run.policy.stored(),
        }
    }

    fn report_of(&self, run: &Run, kind: ErrorKind, error: String, retry_after_ms: Option<u64>) -> Report {
        let mut task = run.task.clone();
        // The verdict is taken under the policy that the task ran under.
        task.facts.policy = run.policy.stored().or(task.facts.policy);
        Report {
            task,
            kind,
            error,
            retry_after_ms,
            delivered: run.delivery.deliveries,
            worker: self.options.id.to_string(),
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
            Ending::Expired => (TaskOutcome::Expired, 0),
            Ending::Parked => (TaskOutcome::Parked, 0),
            Ending::Malformed => (TaskOutcome::Malformed, 0),
            Ending::Blocked => (TaskOutcome::Blocked, 0),
            Ending::HandedBack => (TaskOutcome::HandedBack, 0),
        };
        class.finished(outcome, Duration::from_millis(queued_ms), took);
    }
}

/// The record that stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Own,
    Other { hop: u32 },
}

enum Written {
    Done(Fenced),
    TooLarge(String),
    Stopped,
}

fn exec_ms(run: &Run) -> u64 {
    u64::try_from(clock::monotonic().since(run.started).as_millis()).unwrap_or(u64::MAX)
}
