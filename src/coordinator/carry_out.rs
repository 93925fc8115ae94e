//! Carries out what was decided about a report: what follows is published before the report is acked.

use crate::broker::publish::{Original, PublishError};
use crate::broker::{RequestError, WriteError};
use crate::failpoint;
use crate::policy::{Failed, Verdict, verdict};
use crate::task::{DeadReason, EpochMs, ErrorKind, EventKind, Lane, ParkReason, State, Task};
use crate::wire::{Report, ResultError, TaskEvent};

use super::Coordinator;
use super::bury::{Buried, dead, fence};
use super::judge::full_pause_ms;

/// What an expired task says of itself.
pub(super) const EXPIRED: &str = "expired";

/// A report, with what is published again.
#[derive(Clone, Copy)]
pub(super) struct Judged<'a> {
    pub(super) report: &'a Report,
    pub(super) original: &'a Original,
    /// When it was stored.
    pub(super) at: EpochMs,
}

impl Judged<'_> {
    /// Decides, and writes what follows.
    pub(super) async fn carry_out(self, of: &Coordinator) -> Result<(), WriteError> {
        let report = self.report;
        let mut failed = Failed {
            task: &report.task,
            kind: report.kind,
            retry_after_ms: report.retry_after_ms,
            reported_at: self.at,
            timeouts: report.timeouts(),
            in_budget: true,
        };
        let policy = of.policy_of(report.task.facts.policy);
        let mut said = verdict(&policy, &failed);
        // Only what is tried again takes from the budget.
        if matches!(said, Verdict::Retry { .. }) && !of.budgets.take(&policy, &report.task.class) {
            failed.in_budget = false;
            said = verdict(&policy, &failed);
        }
        match said {
            Verdict::Retry { at, attempt, hop } => {
                let next = Task {
                    attempt,
                    hop,
                    ..report.task.clone()
                };
                self.retry(of, &next, at).await
            }
            Verdict::Demote { lane, hop } => self.demote(of, lane, hop).await,
            Verdict::Park => self.park(of).await,
            Verdict::Dead { reason } => self.bury(of, reason).await,
            Verdict::Expired => self.end(of, State::Expired, EXPIRED).await,
            Verdict::Cancelled => {
                self.end(of, State::Cancelled, ErrorKind::Cancelled.as_str())
                    .await
            }
        }
    }

    async fn retry(self, of: &Coordinator, next: &Task, due: EpochMs) -> Result<(), WriteError> {
        if is_overtaken(of, &self.report.task).await? {
            let hop = self.report.task.hop;
            tracing::info!(task.id = %next.id, hop, "a report that came too late is dropped");
            return Ok(());
        }
        let history = self.report.history_after(self.at);
        match of.broker.publish_at(next, due, self.original, &history).await {
            // With its history it has outgrown a message, so it can never travel again.
            Err(PublishError::TooLarge { .. }) => self.bury(of, DeadReason::Permanent).await,
            scheduled => {
                scheduled?;
                failpoint::hit("coordinator.after_schedule");
                of.metrics.retry(next.lane, &next.class);
                let event = TaskEvent {
                    due: Some(due),
                    ..self.event(EventKind::Retry)
                };
                of.broker.tell(&next.class, &next.id, &event).await;
                Ok(())
            }
        }
    }

    /// To a lower lane at once: waiting out a back-off would help nobody, since nothing is broken.
    async fn demote(self, of: &Coordinator, lane: Lane, hop: u32) -> Result<(), WriteError> {
        let next = Task {
            lane,
            hop,
            attempt: 0,
            ..self.report.task.clone()
        };
        let history = self.report.history_after(self.at);
        match of.broker.publish_hop(&next, self.original, &history).await {
            Err(PublishError::Full { .. }) => {
                let due = self.at.plus_ms(full_pause_ms(next.hop));
                return self.retry(of, &next, due).await;
            }
            Err(PublishError::TooLarge { .. }) => return self.bury(of, DeadReason::Permanent).await,
            published => published?,
        };
        failpoint::hit("coordinator.after_demotion");
        let (from, to) = (self.report.task.lane, next.lane);
        tracing::info!(task.id = %next.id, %from, %to, hop, "a task that ran out of time goes on in a lower lane");
        of.metrics.demotion(from, &next.class);
        self.tell(of, EventKind::Demote).await;
        Ok(())
    }

    async fn park(self, of: &Coordinator) -> Result<(), WriteError> {
        let task = &self.report.task;
        match of
            .broker
            .publish_archive(self.report, ParkReason::Timeout, self.original)
            .await
        {
            Err(PublishError::Full { .. }) => return self.bury(of, DeadReason::ArchiveFull).await,
            Err(PublishError::TooLarge { .. }) => return self.bury(of, DeadReason::Permanent).await,
            parked => parked?,
        };
        failpoint::hit("coordinator.after_archive");
        tracing::info!(task.id = %task.id, "a task that ran out of time is parked; `fairlane archive` shows it");
        of.metrics.archived(&task.class);
        self.tell(of, EventKind::Archive).await;
        Ok(())
    }

    async fn bury(self, of: &Coordinator, reason: DeadReason) -> Result<(), WriteError> {
        if dead(&of.broker, self.report, reason, self.original, self.at).await? == Buried::Done {
            of.metrics.dead_letter(&self.report.task.class, reason);
            self.tell(of, EventKind::Dead).await;
        }
        Ok(())
    }

    async fn tell(self, of: &Coordinator, kind: EventKind) {
        let task = &self.report.task;
        of.broker.tell(&task.class, &task.id, &self.event(kind)).await;
    }

    fn event(self, kind: EventKind) -> TaskEvent {
        let Report { task, error, .. } = self.report;
        TaskEvent::of(task, kind, format!("{}: {error}", self.report.kind))
    }

    /// A terminal state that leaves nothing but its record.
    async fn end(self, of: &Coordinator, state: State, kind: &str) -> Result<(), WriteError> {
        let error = ResultError {
            kind: kind.to_owned(),
            message: self.report.error.clone(),
        };
        let ended = fence(&of.broker, self.report, state, error, self.at).await?;
        if ended == Buried::Done && state == State::Expired {
            of.metrics.expired(&self.report.task.class);
            self.tell(of, EventKind::Expire).await;
        }
        Ok(())
    }
}

/// Whether a later hop of the task waits for its time already. There is one timer per task: a report that was
/// held up, by a worker that was frozen, would put an earlier one in its place.
async fn is_overtaken(of: &Coordinator, task: &Task) -> Result<bool, RequestError> {
    let waiting = of.broker.waiting(&task.id).await?;
    Ok(waiting.is_some_and(|waiting| waiting.task.hop > task.hop.saturating_add(1)))
}
