//! Giving a key to the tasks whose turn it is: a place is reserved for each, and then it is queued.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use futures_util::future::join_all;

use super::settle;
use super::watch::Watch;
use crate::broker::RequestError;
use crate::broker::WriteError;
use crate::broker::keys::{KeyPlace, Tenure};
use crate::broker::records::RecordError;
use crate::clock;
use crate::coordinator::Coordinator;
use crate::failpoint;
use crate::policy::Step;
use crate::task::{KeyId, Moment, TaskId};

/// Keys that are looked at in one poll.
const POLLED_MAX: usize = 64;
/// Signs of life per lease.
const RENEWALS: u32 = 3;
/// How long a place is kept for a task that nobody starts. Then it competes as any other.
const KEPT_MAX: Duration = Duration::from_secs(600);
/// How long a task that did not take the place it had is not let go again.
const REST: Duration = Duration::from_secs(1);
/// How often it is noted that tasks wait for a key: well within the time that the note is kept.
const NOTE_EVERY: Duration = Duration::from_millis(500);

/// Places that are reserved.
#[derive(Default)]
pub(super) struct Grants {
    given: HashMap<TaskId, Grant>,
    /// Reserved for tasks that have ended without having been started, or that did not take their place.
    vain: Vec<(TaskId, Grant)>,
    /// Not let go before.
    resting: HashMap<TaskId, Moment>,
    /// When it was last noted at the server that tasks wait for a key.
    noted: HashMap<KeyId, Moment>,
    /// The last key that was looked at in a poll.
    polled: Option<KeyId>,
}

#[derive(Debug, Clone)]
struct Grant {
    key: KeyId,
    place: u32,
    since: Moment,
    renewed: Moment,
}

impl Grants {
    /// It has ended: whoever ran it gives the place back, if somebody did.
    pub(super) fn ended(&mut self, id: &TaskId) {
        self.vain.extend(self.given.remove_entry(id));
    }

    /// It waits again. One that had a place and did not take it competes after a while: its worker knows of fewer places, or
    /// lost it.
    pub(super) fn came_back(&mut self, id: &TaskId, now: Moment) {
        if let Some(unused) = self.given.remove_entry(id) {
            self.vain.push(unused);
            self.resting.insert(id.clone(), Moment(now.0 + REST));
        }
    }

    fn rests(&self, id: &TaskId, now: Moment) -> bool {
        self.resting.get(id).is_some_and(|until| now < *until)
    }

    /// Whether it is to be noted at the server once more that tasks wait for a key.
    fn is_to_note(&mut self, key: &KeyId, now: Moment) -> bool {
        let is_due = self.noted.get(key).is_none_or(|at| now.since(*at) >= NOTE_EVERY);
        if is_due {
            self.noted.insert(key.clone(), now);
        }
        is_due
    }

    /// Forgets what is over.
    fn tidy(&mut self, now: Moment) {
        self.resting.retain(|_, until| now < *until);
        self.noted.retain(|_, at| now.since(*at) < NOTE_EVERY);
    }
}

impl Watch<'_> {
    /// A holder that died gives nothing back: its lease ends, and nobody tells.
    pub(super) fn poll_keys(&mut self) {
        let after = self.grants.polled.take();
        let keys = self.board.contended_after(after.as_ref(), POLLED_MAX);
        self.grants.polled = keys.last().filter(|_| keys.len() == POLLED_MAX).cloned();
        for key in keys {
            self.board.key_changed(&key);
        }
    }

    /// Gives every free place of these keys to those that wait for it.
    pub(super) async fn grant_all(&mut self, steps: &[Step]) {
        let keys: BTreeSet<&KeyId> = steps
            .iter()
            .filter_map(|step| match step {
                Step::Grant(key) => Some(key),
                _ => None,
            })
            .collect();
        for key in keys {
            // Tried again at the next poll.
            if let Err(error) = self.grant(key).await {
                tracing::warn!(%key, %error, "a key was not given to those that wait for it; trying again");
            }
        }
    }

    async fn grant(&mut self, key: &KeyId) -> Result<(), WriteError> {
        let Some(text) = self.board.key_text(key) else {
            return Ok(());
        };
        let now = clock::monotonic();
        let limit = self.of.policy().keys.limit_of(text);
        let places = self.of.broker.key_places(key, limit).await?;
        // Begun by a coordinator that died, or by this one where the lane was full.
        let begun: Vec<(&KeyPlace, &TaskId)> = places
            .iter()
            .filter_map(|place| match &place.tenure {
                Tenure::Reserved(task) if self.may_go(key, task, now) => Some((place, task)),
                _ => None,
            })
            .collect();
        for (place, task) in &begun {
            self.let_go(key, place, task).await?;
        }
        let free: Vec<&KeyPlace> = places
            .iter()
            .filter(|place| place.tenure == Tenure::Free)
            .collect();
        let is_left =
            |task: &TaskId| !self.grants.rests(task, now) && begun.iter().all(|(_, id)| *id != task);
        // One more than can go: whether anybody waits behind them.
        let waiters = self.board.waiters(key, free.len() + 1, is_left);
        let waiters: Vec<TaskId> = waiters.into_iter().map(|task| task.id.clone()).collect();
        let mut waiters = waiters.into_iter();
        for place in free {
            let Some(task) = waiters.next() else {
                return Ok(());
            };
            let reserved = reserve(self.of, key, place, &task).await;
            let revision = reserved.map_err(write_error)?;
            if revision.is_some() {
                failpoint::hit("grant.after_reserve");
                self.let_go(key, place, &task).await?;
            }
        }
        if waiters.next().is_some() && self.grants.is_to_note(key, now) {
            let noted = self.of.broker.note_key_waiters(key).await;
            noted.map_err(write_error)?;
        }
        Ok(())
    }

    /// Whether a task waits for a key and may have it now.
    fn may_go(&self, key: &KeyId, id: &TaskId, now: Moment) -> bool {
        self.board.waits_for(id, key) && !self.grants.rests(id, now)
    }

    /// Queues a task for which a place is reserved.
    async fn let_go(&mut self, key: &KeyId, place: &KeyPlace, id: &TaskId) -> Result<(), WriteError> {
        let Some(lane) = self.board.lane(id) else {
            return Ok(());
        };
        let queued = settle::release(self.of, id, lane).await?;
        let now = clock::monotonic();
        let grant = Grant {
            key: key.clone(),
            place: place.place,
            since: now,
            renewed: now,
        };
        match queued {
            None => {
                self.board.gone(id);
                self.grants.vain.push((id.clone(), grant));
            }
            Some((task, sequence)) => {
                self.board.left(id);
                self.places.insert(id.clone(), (task.lane, sequence));
                self.grants.given.insert(id.clone(), grant);
                self.board.granted(&self.of.policy(), key, place.place, &task);
            }
        }
        Ok(())
    }

    /// Keeps places reserved until a worker has taken them over, and gives back those that nobody will.
    pub(super) async fn keep_grants(&mut self) {
        let now = clock::monotonic();
        self.grants.tidy(now);
        self.free_vain().await;
        let every = lease(self.of) / RENEWALS;
        let due: Vec<(TaskId, Grant)> = self
            .grants
            .given
            .iter()
            .filter(|(_, grant)| now.since(grant.renewed) >= every)
            .map(|(id, grant)| (id.clone(), grant.clone()))
            .collect();
        let of = self.of;
        let renewals = due.into_iter().map(async |(id, grant)| {
            let is_in_time = now.since(grant.since) < KEPT_MAX;
            let tenure = Tenure::Reserved(id.clone());
            let is_kept = is_in_time && write_if_reserved(of, &id, &grant, &tenure).await?;
            Ok::<_, RequestError>((id, is_kept))
        });
        for renewed in join_all(renewals).await {
            let (id, is_kept) = match renewed {
                Ok(renewed) => renewed,
                Err(error) => {
                    tracing::debug!(%error, "a reservation was not kept; trying again");
                    continue;
                }
            };
            if is_kept {
                if let Some(grant) = self.grants.given.get_mut(&id) {
                    grant.renewed = now;
                }
            } else {
                // A worker has it, or it competes again.
                self.grants.given.remove(&id);
                self.board.out_of_reach(&id);
            }
        }
    }

    /// Gives back places that nobody takes.
    pub(super) async fn free_vain(&mut self) {
        for (id, grant) in std::mem::take(&mut self.grants.vain) {
            if let Err(error) = write_if_reserved(self.of, &id, &grant, &Tenure::Free).await {
                tracing::debug!(%error, "a place of a concurrency_key was not given back; trying again");
                self.grants.vain.push((id, grant));
            }
        }
    }
}

async fn reserve(
    of: &Coordinator,
    key: &KeyId,
    place: &KeyPlace,
    task: &TaskId,
) -> Result<Option<u64>, RecordError> {
    let tenure = Tenure::Reserved(task.clone());
    let (place, revision) = (place.place, place.revision);
    of.broker
        .write_key(key, place, revision, &tenure, lease(of))
        .await
}

/// Whether the place was still reserved for the task.
async fn write_if_reserved(
    of: &Coordinator,
    id: &TaskId,
    grant: &Grant,
    tenure: &Tenure,
) -> Result<bool, RequestError> {
    let standing = of.broker.key_place(&grant.key, grant.place).await?;
    if standing.tenure != Tenure::Reserved(id.clone()) {
        return Ok(false);
    }
    let written = of
        .broker
        .write_key(&grant.key, grant.place, standing.revision, tenure, lease(of))
        .await;
    match written {
        Ok(written) => Ok(written.is_some()),
        Err(RecordError::Read(error)) => Err(error),
        Err(RecordError::Write(error)) => {
            tracing::debug!(key = %grant.key, %error, "a reservation was not written; trying again");
            Ok(true)
        }
    }
}

fn lease(of: &Coordinator) -> Duration {
    Duration::from_secs(of.policy().keys.lease_s)
}

fn write_error(error: RecordError) -> WriteError {
    match error {
        RecordError::Write(error) => error.into(),
        RecordError::Read(error) => error.into(),
    }
}
