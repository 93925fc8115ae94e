//! Making a document hold, by compare-and-set: of two who do so at once, one is told.

use serde::Serialize;

use super::ApplyError;
use crate::broker::Broker;
use crate::broker::policies::Standing;
use crate::clock;
use crate::config::parse_policy;
use crate::failpoint;
use crate::policy::PolicyVersion;
use crate::wire::{Rollout, StoredPolicy};

/// Bytes of a document at most: some thousand classes.
pub const DOCUMENT_BYTES_MAX: usize = 256 * 1024;
/// Stored policies that are kept; the oldest goes when one more comes.
pub const KEPT: u64 = 64;
/// Bytes of the author's name and of the message at most.
pub const NOTE_BYTES_MAX: usize = 1024;
/// How often a write is tried that others come before. They are few: the leading coordinator, about once a second, and people.
pub(super) const TRIES_MAX: usize = 5;
/// Numbers that may be taken by others who have died, or are applying just now, before this one gives up.
const NUMBERS_MAX: u64 = 16;

/// A document that is to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applying {
    /// What the document is called where its faults are told, a file as a rule.
    pub name: String,
    /// The document.
    pub document: String,
    /// Who applies it.
    pub author: String,
    /// Why; may be empty.
    pub message: String,
    /// What must hold now, if that matters.
    pub expected: Option<PolicyVersion>,
    /// The earlier version it brings back.
    pub restores: Option<PolicyVersion>,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Applied {
    /// The version that holds now.
    pub version: u64,
    /// The one that held before; 0 for none.
    pub before: u64,
    /// Whether anything changed: what is there already is not applied again.
    pub changed: bool,
}

/// Makes a document hold, unless it does already.
///
/// # Errors
/// [`ApplyError`]. After [`ApplyError::Record`] it may hold or not; applying it again is safe.
pub async fn apply(broker: &Broker, of: &Applying) -> Result<Applied, ApplyError> {
    check(of)?;
    let standing = broker.rollout().await?;
    let stands = stable(&standing);
    if let Some(expected) = of.expected.filter(|expected| *expected != stands) {
        return Err(ApplyError::Outdated { expected, stands });
    }
    if stands != PolicyVersion::OWN {
        let stored = broker.stored_policy(stands).await?;
        if stored.is_some_and(|stored| stored.document == of.document) {
            return Ok(Applied {
                version: stands.0,
                before: stands.0,
                changed: false,
            });
        }
    }
    // After that: a pipeline that applies what holds has nothing to wait for.
    if let Some(trial) = standing
        .rollout
        .as_ref()
        .and_then(|rollout| rollout.trial.as_ref())
    {
        return Err(ApplyError::OnTrial(trial.candidate));
    }
    let version = store(broker, of, &standing).await?;
    failpoint::hit("policy.after_store");
    let rollout = Rollout {
        stable: version,
        latest: version,
        at: clock::wall(),
        trial: None,
        last: standing.rollout.as_ref().and_then(|rollout| rollout.last.clone()),
        shadow: standing.rollout.as_ref().and_then(|rollout| rollout.shadow),
    };
    hold(broker, &rollout, &standing).await?;
    Ok(Applied {
        version: version.0,
        before: stands.0,
        changed: true,
    })
}

/// Makes an earlier policy hold again, under a number of its own: `to`, or the one that held before the present one.
///
/// # Errors
/// As [`apply`].
pub async fn rollback(
    broker: &Broker,
    to: Option<PolicyVersion>,
    author: String,
    message: String,
    expected: Option<PolicyVersion>,
) -> Result<Applied, ApplyError> {
    let standing = broker.rollout().await?;
    let stands = stable(&standing);
    let to = match to {
        Some(to) => to,
        None => before(broker, stands).await?,
    };
    let stored = broker.stored_policy(to).await?;
    let stored = stored.ok_or(ApplyError::Unknown(to))?;
    let message = match message.is_empty() {
        true => format!("back to {to}"),
        false => message,
    };
    let applying = Applying {
        name: format!("policy {to}"),
        document: stored.document,
        author,
        message,
        // Between the look and the write nothing else may come to hold.
        expected: expected.or(Some(stands)),
        restores: Some(to),
    };
    apply(broker, &applying).await
}

/// What held before `version`. Going back twice goes on to the one before, not forth again.
async fn before(broker: &Broker, version: PolicyVersion) -> Result<PolicyVersion, ApplyError> {
    let of = |version| async move {
        let stored = broker.stored_policy(version).await?;
        stored.ok_or(ApplyError::Unknown(version))
    };
    if version == PolicyVersion::OWN {
        return Err(ApplyError::NoneBefore);
    }
    let mut standing = of(version).await?;
    if let Some(restored) = standing.restores {
        standing = of(restored).await?;
    }
    match standing.after {
        PolicyVersion::OWN => Err(ApplyError::NoneBefore),
        before => Ok(before),
    }
}

pub(super) fn check(of: &Applying) -> Result<(), ApplyError> {
    within("the document", &of.document, DOCUMENT_BYTES_MAX)?;
    check_note("the author's name", &of.author)?;
    check_note("the message", &of.message)?;
    parse_policy(&of.name, &of.document)?;
    Ok(())
}

/// Checks what is said of a change.
pub(super) fn check_note(what: &'static str, text: &str) -> Result<(), ApplyError> {
    within(what, text, NOTE_BYTES_MAX)
}

fn within(what: &'static str, text: &str, max: usize) -> Result<(), ApplyError> {
    let bytes = text.len();
    match bytes > max {
        true => Err(ApplyError::TooLong { what, bytes, max }),
        false => Ok(()),
    }
}

pub(super) fn stable(standing: &Standing) -> PolicyVersion {
    let rollout = standing.rollout.as_ref();
    rollout.map_or(PolicyVersion::OWN, |rollout| rollout.stable)
}

/// Stores the document under the next number that nobody has; says which.
pub(super) async fn store(
    broker: &Broker,
    of: &Applying,
    standing: &Standing,
) -> Result<PolicyVersion, ApplyError> {
    let rollout = standing.rollout.as_ref();
    let latest = rollout.map_or(PolicyVersion::OWN, |rollout| rollout.latest);
    let mut version = latest.next();
    while version.0 <= latest.0 + NUMBERS_MAX {
        let policy = StoredPolicy {
            version,
            document: of.document.clone(),
            author: of.author.clone(),
            message: of.message.clone(),
            at: clock::wall(),
            after: stable(standing),
            restores: of.restores,
        };
        if broker.store_policy(&policy).await? {
            return Ok(version);
        }
        version = version.next();
    }
    Err(ApplyError::Conflict)
}

/// Makes `rollout` what holds after the last policy of it was stored, and keeps no more policies than are kept.
pub(super) async fn hold(broker: &Broker, rollout: &Rollout, standing: &Standing) -> Result<(), ApplyError> {
    if !broker.write_rollout(rollout, standing.revision).await? {
        forget(broker, rollout.latest).await;
        return Err(ApplyError::Conflict);
    }
    forget_beyond_kept(broker, rollout).await;
    Ok(())
}

/// Takes away a policy that was stored and did not come to hold.
pub(super) async fn forget(broker: &Broker, version: PolicyVersion) {
    if let Err(error) = broker.forget_policy(version).await {
        tracing::debug!(policy = %version, %error, "a policy that never held stays stored");
    }
}

/// Keeps no more policies than are kept, now that `rollout` stands.
pub(super) async fn forget_beyond_kept(broker: &Broker, rollout: &Rollout) {
    let shadow = rollout.shadow.map(|shadow| shadow.candidate);
    let trial = rollout.trial.as_ref().map(|trial| trial.candidate);
    forget_oldest(broker, rollout.latest, [Some(rollout.stable), trial, shadow]).await;
}

/// Takes away what is too old to be kept. Never one that is `needed`: it holds, is on trial or is asked, however many
/// were tried and taken back since.
async fn forget_oldest(broker: &Broker, version: PolicyVersion, needed: [Option<PolicyVersion>; 3]) {
    let Some(last) = version.0.checked_sub(KEPT).filter(|last| *last > 0) else {
        return;
    };
    // Numbers that were never used are passed over at once: one more than is kept is all there can be, as a rule.
    let old = last.saturating_sub(NUMBERS_MAX).max(1)..=last;
    for old in old.filter(|old| !needed.contains(&Some(PolicyVersion(*old)))) {
        if let Err(error) = broker.forget_policy(PolicyVersion(old)).await {
            tracing::debug!(policy = old, %error, "an old policy stays stored");
        }
    }
}
