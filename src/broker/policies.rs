//! The bucket `fl_policy`: every policy that was applied, and the record `rollout`, which says which of them holds.
//!
//! A policy is stored under a number that nobody else has, then the record is replaced under the expectation that it
//! is still the one that was read. So of two who apply at once one succeeds, and whoever hears of a number finds its
//! document.

use async_nats::jetstream::message::PublishMessage;
use serde_json::Value;

use super::connect::Broker;
use super::error::RequestError;
use super::publish::{FENCED, server_code};
use super::records::RecordError;
use super::scan::Scope;
use super::subject;
use super::watch::{Key, KeyWatch};
use crate::policy::PolicyVersion;
use crate::wire::{
    Rollout, StoredPolicy, UnreadablePolicy, policy_body, read_policy, read_rollout, rollout_body,
};

/// The record, with its bucket.
const WATCHED: Key = Key {
    bucket: "fl_policy",
    stream: subject::POLICIES,
    name: "rollout",
    subject: subject::ROLLOUT,
};

/// The record as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// What it says; none where no policy was ever applied.
    pub rollout: Option<Rollout>,
    /// The revision the next one replaces; 0 where there is none.
    pub revision: u64,
}

/// Every record from the one that stands on.
pub struct Rollouts(KeyWatch);

impl Broker {
    /// Which policy holds.
    ///
    /// # Errors
    /// [`RequestError`] when the server does not answer, the bucket is missing or the record cannot be read.
    pub async fn rollout(&self) -> Result<Standing, RequestError> {
        let Some(message) = self.last(subject::POLICIES, subject::ROLLOUT).await? else {
            return Ok(Standing {
                rollout: None,
                revision: 0,
            });
        };
        let read = read_rollout(&message.payload);
        Ok(Standing {
            rollout: Some(read.map_err(RequestError::of("read which policy holds"))?),
            revision: message.sequence,
        })
    }

    /// Replaces the record of `revision`. Says whether it was still that one.
    ///
    /// # Errors
    /// [`RecordError`]; whether it is written is then unknown.
    pub async fn write_rollout(&self, rollout: &Rollout, revision: u64) -> Result<bool, RecordError> {
        self.write_once(subject::ROLLOUT.to_owned(), rollout_body(rollout), revision)
            .await
    }

    /// Stores a policy under its number. Says whether the number was free.
    ///
    /// # Errors
    /// [`RecordError`]; whether it is written is then unknown.
    pub async fn store_policy(&self, policy: &StoredPolicy) -> Result<bool, RecordError> {
        self.write_once(subject::policy(policy.version), policy_body(policy), 0)
            .await
    }

    /// Notes what was seen of a rollout, for people. The last one counts.
    ///
    /// # Errors
    /// [`RecordError`]; the next one says the same.
    pub async fn write_judgement(&self, seen: &Value) -> Result<(), RecordError> {
        let body = seen.to_string();
        let bytes = body.len();
        let message = PublishMessage::build().payload(body.into());
        let sent = self.send(subject::JUDGEMENT, message).await;
        sent.map(drop)
            .map_err(|error| self.explain(subject::JUDGEMENT.to_owned(), bytes, error).into())
    }

    /// What was seen of the last rollout; none where there was none.
    ///
    /// # Errors
    /// [`RequestError`] when the server does not answer or the bucket is missing.
    pub async fn judgement(&self) -> Result<Option<Value>, RequestError> {
        let found = self.last(subject::POLICIES, subject::JUDGEMENT).await?;
        Ok(found.and_then(|message| serde_json::from_slice(&message.payload).ok()))
    }

    /// A stored policy.
    ///
    /// # Errors
    /// [`RequestError`] when the server does not answer, the bucket is missing or the record cannot be read.
    pub async fn stored_policy(&self, version: PolicyVersion) -> Result<Option<StoredPolicy>, RequestError> {
        let subject = subject::policy(version);
        let Some(message) = self.last(subject::POLICIES, &subject).await? else {
            return Ok(None);
        };
        let read = read_policy(&message.payload);
        Ok(Some(read.map_err(RequestError::of(format!(
            "read the policy {version}"
        )))?))
    }

    /// Every stored policy, the first one first; those that this version cannot read as the reason why.
    ///
    /// # Errors
    /// [`RequestError`] when the server does not answer or the bucket is missing.
    pub async fn stored_policies(
        &self,
    ) -> Result<Vec<(PolicyVersion, Result<StoredPolicy, UnreadablePolicy>)>, RequestError> {
        let (mut found, mut from) = (Vec::new(), 1);
        let scope = Scope {
            stream: subject::POLICIES,
            filter: subject::POLICY_ANY,
        };
        loop {
            let page = self.page(scope, from).await?;
            let Some(last) = page.last() else { break };
            from = last.sequence + 1;
            found.extend(page.into_iter().filter_map(|message| {
                let version = subject::parse_policy(&message.subject)?;
                Some((version, read_policy(&message.original.body)))
            }));
        }
        found.sort_by_key(|(version, _)| *version);
        Ok(found)
    }

    /// Takes away a stored policy. It must be none that holds.
    ///
    /// # Errors
    /// [`RequestError`] when the server does not answer.
    pub async fn forget_policy(&self, version: PolicyVersion) -> Result<(), RequestError> {
        let operation = format!("take away the policy {version}");
        let bucket = self.stream(subject::POLICIES).await?;
        let purged = bucket.purge().filter(subject::policy(version)).await;
        purged.map(drop).map_err(RequestError::of(operation))
    }

    /// Hears which policy holds, from the one that does now on.
    #[must_use]
    pub fn rollouts(&self) -> Rollouts {
        Rollouts(KeyWatch::new(self, WATCHED))
    }

    async fn write_once(&self, subject: String, body: Vec<u8>, expected: u64) -> Result<bool, RecordError> {
        let bytes = body.len();
        let message = PublishMessage::build()
            .payload(body.into())
            .expected_last_subject_sequence(expected);
        match self.send(&subject, message).await {
            Ok(_) => Ok(true),
            Err(error) if server_code(&error) == Some(FENCED) => Ok(false),
            Err(error) => Err(self.explain(subject, bytes, error).into()),
        }
    }
}

impl Rollouts {
    /// The next one; none where the record was taken away. Waits for as long as it takes, also for a server that is
    /// away.
    ///
    /// # Errors
    /// [`UnreadablePolicy`] for one that this version cannot read.
    pub async fn next(&mut self) -> Result<Option<Rollout>, UnreadablePolicy> {
        let value = self.0.next().await;
        value.map(|value| read_rollout(&value)).transpose()
    }
}
