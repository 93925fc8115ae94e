//! Taking a task: its record first, then its lane; no yes before the lane's PubAck.

use bytes::Bytes;
use serde::Serialize;

use super::Admitted;
use super::dependencies::Entry;
use super::desk::Desk;
use super::overload::Place;
use super::problem::{Code, Problem};
use super::tenancy::{self, IdempotencyKey};
use super::track::Tracked;
use crate::broker::publish::Published;
use crate::broker::records::Claimed;
use crate::broker::shelf::Shelf;
use crate::broker::subject::RecordKey;
use crate::clock;
use crate::failpoint;
use crate::metrics::{Door, SubmissionOutcome};
use crate::task::{State, Task, TenantId};
use crate::wire::{Submission, to_rfc3339};

/// What a caller sends.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The task, as JSON or MessagePack.
    pub body: Bytes,
    /// Which of the two.
    pub content_type: Option<String>,
    /// Who pays; wins over the body's.
    pub tenant: Option<TenantId>,
    /// The caller's own word for this submission.
    pub idempotency_key: Option<String>,
    /// W3C trace context; a broken one is dropped.
    pub traceparent: Option<String>,
    /// The track it is to be on while a policy is on trial, as the caller says: `stable` or `canary`.
    pub track: Option<String>,
}

/// The answer to a submission: its lane has the task, or the archive, or the server the timer it waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Accepted {
    /// The task, as its tenant calls it.
    pub task_id: String,
    /// Its lane.
    pub lane: String,
    /// Its class.
    pub class: String,
    /// `queued`; `scheduled` where it is to start later, `blocked` where it waits for other tasks, `archived` where it is
    /// put aside until there is room.
    pub state: &'static str,
    /// When it is to start, RFC 3339, if that was not at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_at: Option<String>,
    /// Whether the same was accepted before.
    #[serde(skip)]
    pub repeated: bool,
}

impl Desk {
    /// Takes one task, or says why not. The same again, under the same `task_id` or key, is answered
    /// like the first time and adds nothing.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn submit(&self, request: Request, door: Door) -> Result<Accepted, Problem> {
        let started = clock::monotonic();
        let taken = self.take(request).await;
        let outcome = match &taken {
            Ok(accepted) if accepted.repeated => SubmissionOutcome::Repeated,
            Ok(accepted) if accepted.state == State::Archived.as_str() => SubmissionOutcome::Archived,
            Ok(_) => SubmissionOutcome::Accepted,
            Err(problem) => refused(problem.code),
        };
        self.metrics
            .submission(door, outcome, clock::monotonic().since(started));
        taken
    }

    async fn take(&self, request: Request) -> Result<Accepted, Problem> {
        let now = clock::wall();
        let Tracked {
            mut admitted,
            key,
            policy,
            gone,
        } = self.tracked(&request, now)?;
        let tenant = admitted.task.tenant.clone();
        admitted.task.id = tenancy::internal(&tenant, &admitted.task.id)?;
        self.connected()?;
        let mut asked =
            Submission::of(&admitted.task, digest(&request, &admitted.task)).starting(admitted.run_at, now);
        failpoint::hit("submit.before_record");
        let record = RecordKey::Task(asked.task_id.clone());
        let place = gone.map_or_else(|| self.place_of(&admitted, now), Err);
        if let Err(refused) = &place
            && self.broker.submission(&record).await?.is_none()
        {
            // What was asked for before is answered as it was then, whatever holds by now.
            return Err(refused.clone());
        }
        // A submission that is refused must use up neither its name nor its key.
        let entry = self.entry(&mut admitted.task, &record).await?;
        if let Some(key) = &key {
            self.claim_key(key, &admitted, &asked).await?;
        }
        asked.held = (entry == Entry::Blocked && asked.run_at.is_none()).then_some(0);
        let (mut standing, revision, repeated) = match self.broker.claim(&record, &asked).await? {
            Claimed::First(revision) => (asked, revision, false),
            Claimed::Taken(first, _) if first.digest != asked.digest => {
                return Err(reused(&admitted, &first));
            }
            Claimed::Taken(first, revision) => (*first, revision, true),
        };
        failpoint::hit("submit.after_record");
        let entry = Entry::of(&standing);
        // What it waits for may have completed since. One that starts later is asked again then.
        if entry == Entry::Queued && standing.run_at.is_none() {
            admitted.task.facts.depends_on.clear();
        }
        let is_done = standing.is_confirmed() || (repeated && self.has_ended(&standing).await?);
        if !is_done {
            // The first one's facts: another policy may stand by now, and the task must not be on two lanes.
            admitted.task.lane = standing.lane;
            admitted.task.class = standing.class.clone();
            admitted.run_at = standing.run_at;
            admitted.task.enqueued_at = standing.run_at.unwrap_or(standing.submitted_at);
            self.backlogs.deal(&policy, &mut admitted.task);
            let place = match entry {
                Entry::Queued if standing.run_at.is_none() => place.unwrap_or(Place::Entry),
                _ => Place::Entry,
            };
            standing = self.put(&admitted, place, standing, repeated).await?;
            failpoint::hit("submit.after_publish");
            self.confirm(record, standing.clone(), revision);
        }
        Ok(Accepted {
            task_id: standing.task_id.for_tenant(&tenant).to_string(),
            lane: standing.lane.to_string(),
            class: standing.class.to_string(),
            state: standing.first_state().as_str(),
            run_at: standing.run_at.map(to_rfc3339),
            repeated,
        })
    }

    /// Gives the task to where it begins, or to the archive; the record with where it is.
    async fn put(
        &self,
        admitted: &Admitted,
        place: Place,
        of: Submission,
        repeated: bool,
    ) -> Result<Submission, Problem> {
        let task = &admitted.task;
        let level = match place {
            Place::Archive(level) => level,
            Place::Entry => {
                // An earlier try may have put it aside, and died before it said so.
                if repeated && let Some(kept) = self.broker.kept(Shelf::Archive, &task.id).await? {
                    let archived = Some(kept.sequence);
                    return Ok(Submission { archived, ..of });
                }
                let published = admitted.publish(&self.broker).await;
                let published = published.map_err(|error| self.not_published(error, task.lane))?;
                let (Published::Stored(sequence) | Published::Duplicate(sequence)) = published;
                return Ok(of.confirmed(sequence));
            }
        };
        let archived = Some(self.put_aside(admitted, level).await?);
        Ok(Submission { archived, ..of })
    }

    /// Notes what the key stands for, unless it stands for that already.
    async fn claim_key(
        &self,
        key: &IdempotencyKey,
        admitted: &Admitted,
        asked: &Submission,
    ) -> Result<(), Problem> {
        // A name that the key gave is the key's.
        if tenancy::internal(&asked.tenant, &key.task_id())? != asked.task_id {
            let record = RecordKey::Task(asked.task_id.clone());
            if let Some((first, _)) = self.broker.submission(&record).await?
                && first.digest != asked.digest
            {
                return Err(reused(admitted, &first));
            }
        }
        let record = RecordKey::Idempotency(key.hash().clone());
        match self.broker.claim(&record, asked).await? {
            Claimed::Taken(first, _) if first.digest != asked.digest => {
                let what = "Idempotency-Key: was used before with another body; use a new key for a new task";
                Err(Problem::new(Code::IdempotencyKeyReused, what).in_field("Idempotency-Key"))
            }
            _ => Ok(()),
        }
    }

    async fn has_ended(&self, standing: &Submission) -> Result<bool, Problem> {
        let fence = self.broker.fence(&standing.task_id).await?;
        Ok(fence.is_some_and(|fence| fence.record.state.is_terminal()))
    }

    /// Notes where the task is. Nobody waits for it: what it spares is a second publication when the caller repeats
    /// itself, which the fence would catch.
    fn confirm(&self, record: RecordKey, confirmed: Submission, revision: u64) {
        let broker = self.broker.clone();
        self.lifecycle.spawn(async move {
            if let Err(error) = broker.amend(&record, &confirmed, revision).await {
                tracing::debug!(task.id = %confirmed.task_id, %error, "a record was not completed");
            }
        });
    }
}

const fn refused(code: Code) -> SubmissionOutcome {
    match code {
        Code::LaneFull => SubmissionOutcome::LaneFull,
        Code::LowerPriority | Code::CoreOnly | Code::ArchiveFull | Code::TimersFull => {
            SubmissionOutcome::Shed
        }
        Code::Infeasible => SubmissionOutcome::Infeasible,
        code if code.status() >= 500 => SubmissionOutcome::Unavailable,
        _ => SubmissionOutcome::Refused,
    }
}

/// Tells one submission from another: the bytes and who sent them.
fn digest(request: &Request, task: &Task) -> String {
    let content_type = request.content_type.as_deref().unwrap_or_default();
    tenancy::hex(&[
        task.tenant.as_str().as_bytes(),
        b"\0",
        content_type.as_bytes(),
        b"\0",
        &request.body,
    ])
}

fn reused(admitted: &Admitted, first: &Submission) -> Problem {
    let id = admitted.task.id.for_tenant(&first.tenant);
    let what =
        format!("task_id: {id} was submitted before with another body; use a new task_id for a new task");
    Problem::new(Code::TaskIdReused, what).in_field("task_id")
}
