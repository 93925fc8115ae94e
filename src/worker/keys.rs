//! Running a task under its `concurrency_key`: a place of the key is taken before it starts, kept while it runs, and
//! given back once its result is stored.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::bill::Bill;
use super::finish::Ending;
use super::serve::{PAUSE_MIN, Run, Service};
use crate::broker::keys::{KeyPlace, Tenure};
use crate::broker::records::RecordError;
use crate::clock;
use crate::failpoint;
use crate::task::{BlockedOn, KeyId, Moment};

/// Signs of life per lease.
const RENEWALS: u32 = 3;
/// Kept free at the end of a lease, for what is to stop before another begins.
const MARGIN: Duration = Duration::from_millis(250);

/// A place of a key that is ours.
struct Grip {
    key: KeyId,
    place: u32,
    /// Its fencing number: whoever takes the place later has a higher one.
    revision: u64,
    tenure: Tenure,
    lease: Duration,
    /// Until when it is ours for certain, counted from before it was asked for.
    until: Moment,
}

impl Service {
    /// Takes a place of the task's key and runs it; where there is none it waits aside, without a slot.
    pub(super) async fn decide_under_key(
        &self,
        run: Run,
        input: serde_json::Value,
        bill: &mut Bill,
    ) -> Ending {
        let mut pause = PAUSE_MIN;
        // Whether a place may have become ours by a write whose answer was lost.
        let mut unsure = false;
        let taken = loop {
            match self.take_key(&run, unsure).await {
                Ok(taken) => break taken,
                Err(error) => {
                    unsure = true;
                    tracing::warn!(task.id = %run.task.id, %error, "cannot take a concurrency_key; trying again");
                }
            }
            if !self.pause(&mut pause).await {
                return self.give_back(run).await;
            }
        };
        let Some(mut grip) = taken else {
            return self.put_aside(run, BlockedOn::Key).await;
        };
        failpoint::hit("worker.after_key");
        let lost = CancellationToken::new();
        let ending = tokio::select! {
            ending = self.execute(run, input, Some(&lost), bill) => ending,
            () = self.keep_key(&mut grip, &lost) => Ending::HandedBack,
        };
        self.give_back_key(&grip).await;
        ending
    }

    /// A place that nobody has, or that was reserved for the task. None where all are taken, or others wait already.
    async fn take_key(&self, run: &Run, unsure: bool) -> Result<Option<Grip>, RecordError> {
        let task = &run.task;
        let Some(text) = &task.facts.concurrency_key else {
            return Ok(None);
        };
        let rules = &run.policy.keys;
        let key = KeyId::of(&task.tenant, text);
        let lease = Duration::from_secs(rules.lease_s);
        let asked = clock::monotonic();
        let places = self.broker.key_places(&key, rules.limit_of(text)).await?;
        let tenure = Tenure::Held(task.id.clone(), self.options.id.to_string());
        let is_reserved = |place: &&KeyPlace| {
            place.tenure == Tenure::Reserved(task.id.clone()) || (unsure && place.tenure == tenure)
        };
        let reserved: Vec<&KeyPlace> = places.iter().filter(is_reserved).collect();
        let open = match reserved.is_empty() {
            false => reserved,
            // Those that wait go first.
            true if self.broker.has_key_waiters(&key).await? => return Ok(None),
            true => places.iter().filter(|p| p.tenure == Tenure::Free).collect(),
        };
        for KeyPlace { place, revision, .. } in open {
            let written = self
                .broker
                .write_key(&key, *place, *revision, &tenure, lease)
                .await?;
            if let Some(revision) = written {
                return Ok(Some(Grip {
                    key,
                    place: *place,
                    revision,
                    tenure,
                    lease,
                    until: Moment((asked.0 + lease).saturating_sub(MARGIN)),
                }));
            }
        }
        Ok(None)
    }

    /// Renews it until it is lost, and says so then. Never returns.
    async fn keep_key(&self, grip: &mut Grip, lost: &CancellationToken) {
        let every = grip.lease / RENEWALS;
        loop {
            let next = Moment(clock::monotonic().0 + every).min(grip.until);
            tokio::time::sleep_until(clock::instant(next)).await;
            let asked = clock::monotonic();
            if asked >= grip.until {
                break;
            }
            let writing =
                self.broker
                    .write_key(&grip.key, grip.place, grip.revision, &grip.tenure, grip.lease);
            match tokio::time::timeout_at(clock::instant(grip.until), writing).await {
                Ok(Ok(Some(revision))) => {
                    grip.revision = revision;
                    grip.until = Moment((asked.0 + grip.lease).saturating_sub(MARGIN));
                }
                // Perhaps our own renewal, whose answer was lost; then the place names us.
                Ok(Ok(None)) => match self.broker.key_place(&grip.key, grip.place).await {
                    Ok(standing) if standing.tenure == grip.tenure => grip.revision = standing.revision,
                    Ok(_) => break,
                    Err(error) => tracing::debug!(%error, "cannot read who has a key; trying again"),
                },
                Ok(Err(error)) => tracing::debug!(%error, "cannot keep a key; trying again"),
                Err(_) => break,
            }
        }
        tracing::warn!(key = %grip.key, place = grip.place, "a concurrency_key was lost; its task is stopped");
        lost.cancel();
        std::future::pending().await
    }

    /// What is not given back is free when the lease ends.
    async fn give_back_key(&self, grip: &Grip) {
        let given = self.try_give_back(grip, grip.revision).await;
        let given = match given {
            // A renewal that was under way when the task ended.
            Ok(None) => match self.broker.key_place(&grip.key, grip.place).await {
                Ok(standing) if standing.tenure == grip.tenure => {
                    self.try_give_back(grip, standing.revision).await
                }
                _ => Ok(None),
            },
            given => given,
        };
        if let Err(error) = given {
            tracing::warn!(key = %grip.key, %error, "a concurrency_key was not given back; it is free when its lease ends");
        }
    }

    async fn try_give_back(&self, grip: &Grip, revision: u64) -> Result<Option<u64>, RecordError> {
        self.broker
            .write_key(&grip.key, grip.place, revision, &Tenure::Free, grip.lease)
            .await
    }
}
