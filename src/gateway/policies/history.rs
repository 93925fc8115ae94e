//! What was applied when.

use serde::Serialize;

use super::ApplyError;
use crate::broker::{Broker, RequestError};
use crate::policy::PolicyVersion;
use crate::wire::{StoredPolicy, to_rfc3339};

/// One stored policy, without its document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Past {
    /// Its number.
    pub version: u64,
    /// Whether it holds.
    pub holds: bool,
    /// Who applied it.
    pub author: String,
    /// Why.
    pub message: String,
    /// When.
    pub at: String,
    /// What held before; 0 for none.
    pub after: u64,
    /// The earlier version it brought back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restores: Option<u64>,
    /// Why this program cannot read it; then the rest is empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unreadable: Option<String>,
}

/// Every stored policy, the latest first.
///
/// # Errors
/// [`RequestError`] when the server does not answer or has no bucket for policies.
pub async fn history(broker: &Broker) -> Result<Vec<Past>, RequestError> {
    let rollout = broker.rollout().await?.rollout;
    let holds = rollout.map_or(PolicyVersion::OWN, |rollout| rollout.stable);
    let stored = broker.stored_policies().await?;
    let past = stored.into_iter().rev().map(|(version, read)| match read {
        Ok(stored) => of(&stored, version == holds),
        Err(error) => Past {
            version: version.0,
            holds: version == holds,
            author: String::new(),
            message: String::new(),
            at: String::new(),
            after: 0,
            restores: None,
            unreadable: Some(error.to_string()),
        },
    });
    Ok(past.collect())
}

/// The stored policy `version`, or the one that holds; none where none does.
///
/// # Errors
/// [`ApplyError::Unknown`], or [`ApplyError::Record`] when the server does not answer.
pub async fn document_of(
    broker: &Broker,
    version: Option<PolicyVersion>,
) -> Result<Option<(StoredPolicy, Past)>, ApplyError> {
    let rollout = broker.rollout().await?.rollout;
    let holds = rollout.map_or(PolicyVersion::OWN, |rollout| rollout.stable);
    let version = version.unwrap_or(holds);
    if version == PolicyVersion::OWN {
        return Ok(None);
    }
    let stored = broker.stored_policy(version).await?;
    let stored = stored.ok_or(ApplyError::Unknown(version))?;
    let past = of(&stored, version == holds);
    Ok(Some((stored, past)))
}

fn of(stored: &StoredPolicy, holds: bool) -> Past {
    Past {
        version: stored.version.0,
        holds,
        author: stored.author.clone(),
        message: stored.message.clone(),
        at: to_rfc3339(stored.at),
        after: stored.after.0,
        restores: stored.restores.map(|version| version.0),
        unreadable: None,
    }
}
