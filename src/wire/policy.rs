//! Policies as they are stored in `fl_policy`, and the record that says which of them holds.

use serde::{Deserialize, Serialize};

use super::timestamp::{parse_rfc3339, to_rfc3339};
use crate::policy::rollout::Share;
use crate::policy::{Compare, LotBy, Outcome, PolicyVersion, Shadow, Trial, TrialEnd};
use crate::task::{EpochMs, WorkerId};

/// One policy as somebody applied it. It never changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPolicy {
    /// Its number.
    pub version: PolicyVersion,
    /// The document, byte for byte.
    pub document: String,
    /// Who applied it, as they said.
    pub author: String,
    /// Why, as they said; may be empty.
    pub message: String,
    /// When, by the clock of whoever applied it.
    pub at: EpochMs,
    /// What held before.
    pub after: PolicyVersion,
    /// The earlier version that it brings back.
    pub restores: Option<PolicyVersion>,
}

/// Which stored policy holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rollout {
    /// The one that every process acts on.
    pub stable: PolicyVersion,
    /// The last number that was given out and may be in use; the next is one above.
    pub latest: PolicyVersion,
    /// Since when.
    pub at: EpochMs,
    /// Another one that is on trial beside it.
    pub trial: Option<Trial>,
    /// How the last trial ended.
    pub last: Option<Outcome>,
    /// One that is asked what it would do, and not obeyed.
    pub shadow: Option<Shadow>,
}

/// A record that this version cannot read.
#[derive(Debug, thiserror::Error)]
pub enum UnreadablePolicy {
    /// No JSON, or a field is missing or wrong.
    #[error("no record of a policy: {0}")]
    Body(#[from] serde_json::Error),
    /// A later version of Fairlane wrote it.
    #[error(
        "the record is of version {0}, this program reads version {SHAPE}; run the version of Fairlane that wrote it"
    )]
    Later(u64),
    /// Its time is none.
    #[error("no record of a policy: its time: {0}")]
    Time(#[from] super::TimestampError),
    /// What it says of a trial is none.
    #[error("no record of a policy: its trial has no known {0}")]
    Trial(&'static str),
}

/// The version of both shapes.
const SHAPE: u64 = 1;

#[derive(Serialize, Deserialize)]
struct WrittenPolicy {
    version: u64,
    policy: u64,
    document: String,
    author: String,
    #[serde(default)]
    message: String,
    at: String,
    #[serde(default)]
    after: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    restores: Option<u64>,
}

#[derive(Serialize, Deserialize)]
struct WrittenRollout {
    version: u64,
    stable: u64,
    latest: u64,
    at: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    trial: Option<WrittenTrial>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last: Option<WrittenOutcome>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shadow: Option<WrittenShadow>,
}

#[derive(Serialize, Deserialize)]
struct WrittenShadow {
    candidate: u64,
    since: String,
}

/// Shares are in ten-thousandths.
#[derive(Serialize, Deserialize)]
struct WrittenTrial {
    candidate: u64,
    shares: Vec<u16>,
    stage: usize,
    by: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    label: Option<(String, String)>,
    workers: Vec<String>,
    paused: bool,
    started_at: String,
    since: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    passed: Vec<(String, String)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    compare: Option<WrittenCompare>,
}

#[derive(Serialize, Deserialize)]
struct WrittenCompare {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct WrittenOutcome {
    candidate: u64,
    ending: String,
    why: String,
    at: String,
}

#[derive(Deserialize)]
struct Shaped {
    version: u64,
}

/// The record's body, as JSON.
#[must_use]
pub fn policy_body(of: &StoredPolicy) -> Vec<u8> {
    json(&WrittenPolicy {
        version: SHAPE,
        policy: of.version.0,
        document: of.document.clone(),
        author: of.author.clone(),
        message: of.message.clone(),
        at: to_rfc3339(of.at),
        after: of.after.0,
        restores: of.restores.map(|version| version.0),
    })
}

/// Reads a stored policy. What its document says is not looked at.
///
/// # Errors
/// [`UnreadablePolicy`].
pub fn read_policy(body: &[u8]) -> Result<StoredPolicy, UnreadablePolicy> {
    check_shape(body)?;
    let read: WrittenPolicy = serde_json::from_slice(body)?;
    Ok(StoredPolicy {
        version: PolicyVersion(read.policy),
        document: read.document,
        author: read.author,
        message: read.message,
        at: parse_rfc3339(&read.at)?,
        after: PolicyVersion(read.after),
        restores: read.restores.map(PolicyVersion),
    })
}

/// The record's body, as JSON.
#[must_use]
pub fn rollout_body(of: &Rollout) -> Vec<u8> {
    json(&WrittenRollout {
        version: SHAPE,
        stable: of.stable.0,
        latest: of.latest.0,
        at: to_rfc3339(of.at),
        trial: of.trial.as_ref().map(written_trial),
        last: of.last.as_ref().map(|last| WrittenOutcome {
            candidate: last.candidate.0,
            ending: last.ending.as_str().to_owned(),
            why: last.why.clone(),
            at: to_rfc3339(last.at),
        }),
        shadow: of.shadow.map(|shadow| WrittenShadow {
            candidate: shadow.candidate.0,
            since: to_rfc3339(shadow.since),
        }),
    })
}

fn written_trial(of: &Trial) -> WrittenTrial {
    WrittenTrial {
        candidate: of.candidate.0,
        shares: of.shares.iter().map(|share| share.ten_thousandths()).collect(),
        stage: of.stage,
        by: of.by.as_str().to_owned(),
        label: of.label.clone(),
        workers: of.workers.iter().map(ToString::to_string).collect(),
        paused: of.is_paused,
        started_at: to_rfc3339(of.started_at),
        since: to_rfc3339(of.since),
        passed: of
            .passed
            .iter()
            .map(|(at, ground)| (to_rfc3339(*at), ground.clone()))
            .collect(),
        compare: of.compare.map(|compare| WrittenCompare {
            until: compare.until.map(to_rfc3339),
        }),
    }
}

fn read_trial(of: WrittenTrial) -> Result<Trial, UnreadablePolicy> {
    let shares: Option<Vec<Share>> = of.shares.into_iter().map(Share::new).collect();
    let by = LotBy::ALL.into_iter().find(|by| by.as_str() == of.by);
    let workers: Result<Vec<WorkerId>, _> = of.workers.iter().map(|id| WorkerId::new(id)).collect();
    Ok(Trial {
        candidate: PolicyVersion(of.candidate),
        shares: shares
            .filter(|shares| !shares.is_empty())
            .ok_or(UnreadablePolicy::Trial("shares"))?,
        stage: of.stage,
        by: by.ok_or(UnreadablePolicy::Trial("drawer of lots"))?,
        label: of.label,
        workers: workers.map_err(|_| UnreadablePolicy::Trial("workers"))?,
        is_paused: of.paused,
        started_at: parse_rfc3339(&of.started_at)?,
        since: parse_rfc3339(&of.since)?,
        passed: of
            .passed
            .into_iter()
            .map(|(at, ground)| Ok::<_, UnreadablePolicy>((parse_rfc3339(&at)?, ground)))
            .collect::<Result<_, _>>()?,
        compare: of.compare.map(read_compare).transpose()?,
    })
}

fn read_compare(of: WrittenCompare) -> Result<Compare, UnreadablePolicy> {
    let until = of.until.map(|until| parse_rfc3339(&until)).transpose()?;
    Ok(Compare { until })
}

fn read_outcome(of: WrittenOutcome) -> Result<Outcome, UnreadablePolicy> {
    let ending = TrialEnd::ALL
        .into_iter()
        .find(|ending| ending.as_str() == of.ending);
    Ok(Outcome {
        candidate: PolicyVersion(of.candidate),
        ending: ending.ok_or(UnreadablePolicy::Trial("ending"))?,
        why: of.why,
        at: parse_rfc3339(&of.at)?,
    })
}

fn read_shadow(of: WrittenShadow) -> Result<Shadow, UnreadablePolicy> {
    Ok(Shadow {
        candidate: PolicyVersion(of.candidate),
        since: parse_rfc3339(&of.since)?,
    })
}

/// Reads which policy holds.
///
/// # Errors
/// [`UnreadablePolicy`].
pub fn read_rollout(body: &[u8]) -> Result<Rollout, UnreadablePolicy> {
    check_shape(body)?;
    let read: WrittenRollout = serde_json::from_slice(body)?;
    Ok(Rollout {
        stable: PolicyVersion(read.stable),
        latest: PolicyVersion(read.latest),
        at: parse_rfc3339(&read.at)?,
        trial: read.trial.map(read_trial).transpose()?,
        last: read.last.map(read_outcome).transpose()?,
        shadow: read.shadow.map(read_shadow).transpose()?,
    })
}

/// A later shape may lack what this one needs: its number is looked at first.
fn check_shape(body: &[u8]) -> Result<(), UnreadablePolicy> {
    let shaped: Shaped = serde_json::from_slice(body)?;
    match shaped.version {
        SHAPE => Ok(()),
        later => Err(UnreadablePolicy::Later(later)),
    }
}

fn json(of: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(of).unwrap_or_else(|error| unreachable!("texts and numbers are JSON: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_and_what_a_later_version_wrote_is_told_apart() {
        let policy = StoredPolicy {
            version: PolicyVersion(7),
            document: "version: 1\n# ü\n".to_owned(),
            author: "ci".to_owned(),
            message: String::new(),
            at: EpochMs(1_700_000_000_123),
            after: PolicyVersion(6),
            restores: Some(PolicyVersion(5)),
        };
        assert_eq!(read_policy(&policy_body(&policy)).unwrap(), policy);
        let rollout = Rollout {
            stable: PolicyVersion(7),
            latest: PolicyVersion(9),
            at: policy.at,
            trial: Some(Trial {
                candidate: PolicyVersion(9),
                shares: [1_000, 10_000].into_iter().filter_map(Share::new).collect(),
                stage: 1,
                by: LotBy::Tenant,
                label: Some(("env".to_owned(), "canary".to_owned())),
                workers: vec![WorkerId::new("w-1").unwrap()],
                is_paused: true,
                started_at: policy.at,
                since: policy.at,
                passed: vec![(policy.at, "shown".to_owned())],
                compare: Some(Compare {
                    until: Some(policy.at),
                }),
            }),
            last: Some(Outcome {
                candidate: PolicyVersion(8),
                ending: TrialEnd::RolledBack,
                why: "more failures".to_owned(),
                at: policy.at,
            }),
            shadow: Some(Shadow {
                candidate: PolicyVersion(5),
                since: policy.at,
            }),
        };
        assert_eq!(read_rollout(&rollout_body(&rollout)).unwrap(), rollout);

        let later = read_rollout(br#"{"version":2,"holds":7}"#).unwrap_err();
        assert!(matches!(later, UnreadablePolicy::Later(2)));
        assert!(matches!(
            read_policy(b"policy").unwrap_err(),
            UnreadablePolicy::Body(_)
        ));
    }

    /// What the first version wrote is read for ever.
    #[test]
    fn records_of_version_1_are_read() {
        let rollout = read_rollout(
            br#"{"version":1,"stable":2,"latest":3,"at":"2026-11-30T12:00:00Z","to_come":{"any":true}}"#,
        );
        assert_eq!(rollout.unwrap().stable, PolicyVersion(2));
        let policy = read_policy(
            br#"{"version":1,"policy":2,"document":"version: 1","author":"a","at":"2026-11-30T12:00:00Z"}"#,
        );
        assert_eq!(policy.unwrap().after, PolicyVersion::OWN);
    }
}
