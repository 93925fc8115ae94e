//! Where a rollout stands.

use serde::Serialize;
use serde_json::Value;

use super::ApplyError;
use super::apply::stable;
use super::trials::TrialPlace;
use crate::broker::Broker;
use crate::broker::policies::Standing;
use crate::policy::rollout::Share;
use crate::policy::{PolicyVersion, Trial};
use crate::task::WorkerId;
use crate::wire::to_rfc3339;

/// Where a rollout stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TrialStatus {
    /// The policy that holds.
    pub stable: u64,
    /// The one on trial, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trial: Option<ShownTrial>,
    /// How the last one ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<ShownOutcome>,
    /// What was seen of the last one, or of the one under way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seen: Option<Value>,
}

/// A rollout under way.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ShownTrial {
    /// The policy on trial.
    pub candidate: u64,
    /// Its part of the tasks now, 0 to 1.
    pub share: f64,
    /// Its part in each stage.
    pub shares: Vec<f64>,
    /// The stage, counted from 0.
    pub stage: usize,
    /// Who draws the lot: `tenant` or `task`.
    pub by: &'static str,
    /// The label of those who serve it, if it goes by one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Who serves it.
    pub workers: Vec<String>,
    /// How it came through each stage before.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub passed: Vec<ShownStep>,
    /// Slots of theirs, where workers tell of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slots: Option<TrialSlots>,
    /// Whether it stays in its stage.
    pub paused: bool,
    /// When it began.
    pub started_at: String,
    /// When its stage did.
    pub since: String,
    /// How long both are compared, if they only are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comparison: Option<ShownComparison>,
}

/// That two policies are compared, and neither is to take the place of the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShownComparison {
    /// When it ends; null where somebody ends it.
    pub until: Option<String>,
}

impl ShownTrial {
    /// Which rollout it is, and how far it has come.
    #[must_use]
    pub const fn place(&self) -> TrialPlace {
        TrialPlace {
            candidate: PolicyVersion(self.candidate),
            stage: self.stage,
        }
    }
}

/// How a rollout ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShownOutcome {
    /// The policy that was on trial.
    pub candidate: u64,
    /// `promoted`, `rolled_back`, `aborted` or, of a comparison that came to its time, `compared`.
    pub ending: &'static str,
    /// Why.
    pub why: String,
    /// When.
    pub at: String,
}

/// A stage that a rollout came through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShownStep {
    /// When.
    pub at: String,
    /// What that rested on: `shown` to be no worse, by `default` as nothing spoke against it for long enough, `unwatched`, or
    /// `by_hand`.
    pub ground: String,
}

/// Slots that serve a trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct TrialSlots {
    /// Those that do.
    pub canary: u64,
    /// Those that there are.
    pub all: u64,
    /// Workers that there are.
    pub workers: usize,
}

impl TrialSlots {
    /// Below this many slots of its own, tasks wait longer on a busy mesh than on many shared ones, under the same policy:
    /// with 2 of 20 an equal candidate was always taken back, with 3 in two of three cases, with 4 never
    /// (docs/live-policy-statistics.md).
    const FEW: u64 = 4;

    /// Whether it has so few that it may be found worse for that alone.
    /// Whether they are as large a part of all as `share`, 0 to 1, give or take a tenth of it: else the tracks differ by
    /// that.
    #[must_use]
    pub fn are_fair(&self, share: f64) -> bool {
        let part = self.canary as f64 / self.all.max(1) as f64;
        (part - share).abs() <= 0.1 * share
    }

    /// Whether it has so few that it may be found worse for that alone.
    #[must_use]
    pub const fn are_few(&self) -> bool {
        self.canary > 0 && self.canary < Self::FEW && self.canary < self.all
    }
}

/// Where the rollout stands, or how the last one ended.
///
/// # Errors
/// [`ApplyError::Record`] when the server does not answer.
pub async fn trial_status(broker: &Broker) -> Result<TrialStatus, ApplyError> {
    let standing: Standing = broker.rollout().await?;
    let holds = stable(&standing);
    let seen = broker.judgement().await?;
    let rollout = standing.rollout;
    let trial = rollout.as_ref().and_then(|rollout| rollout.trial.as_ref());
    let last = rollout.as_ref().and_then(|rollout| rollout.last.as_ref());
    let of = trial
        .map(|trial| trial.candidate)
        .or(last.map(|last| last.candidate));
    Ok(TrialStatus {
        stable: holds.0,
        trial: match trial {
            Some(trial) => Some(shown(trial, slots(broker, trial).await)),
            None => None,
        },
        last: last.map(|last| ShownOutcome {
            candidate: last.candidate.0,
            ending: last.ending.as_str(),
            why: last.why.clone(),
            at: to_rfc3339(last.at),
        }),
        // What was seen of an earlier one says nothing of this, nor of an earlier stage.
        seen: seen.filter(|seen| {
            let is_of_stage = trial.is_none_or(|trial| seen["stage"] == trial.stage);
            is_of_stage && of.is_some_and(|of| seen["candidate"] == of.0)
        }),
    })
}

/// Slots of those who serve a trial, or will as far as is known, and of everybody. None where nobody tells: it is for
/// people.
async fn slots(broker: &Broker, of: &Trial) -> Option<TrialSlots> {
    let workers = broker.workers().await.ok()?;
    let there: Vec<_> = workers.iter().filter(|worker| !worker.is_lost()).collect();
    let crew = match (&of.label, of.workers.as_slice()) {
        (None, []) => {
            let slots = there
                .iter()
                .map(|worker| (worker.beat.worker.clone(), worker.beat.slots));
            of.crew(&slots.collect::<Vec<_>>())
        }
        (_, crew) => crew.to_vec(),
    };
    let slots = |is: &dyn Fn(&WorkerId) -> bool| {
        let those = there.iter().filter(|worker| is(&worker.beat.worker));
        those.map(|worker| u64::from(worker.beat.slots)).sum()
    };
    let (canary, all) = (slots(&|id| crew.contains(id)), slots(&|_| true));
    Some(TrialSlots {
        canary,
        all,
        workers: there.len(),
    })
}

fn shown(of: &Trial, slots: Option<TrialSlots>) -> ShownTrial {
    let part = |share: &Share| f64::from(share.ten_thousandths()) / 10_000.0;
    ShownTrial {
        candidate: of.candidate.0,
        share: part(&of.share()),
        shares: of.shares.iter().map(part).collect(),
        stage: of.stage,
        by: of.by.as_str(),
        label: of.label.as_ref().map(|(key, value)| format!("{key}={value}")),
        workers: of.workers.iter().map(ToString::to_string).collect(),
        passed: of
            .passed
            .iter()
            .map(|(at, ground)| ShownStep {
                at: to_rfc3339(*at),
                ground: ground.clone(),
            })
            .collect(),
        slots,
        paused: of.is_paused,
        started_at: to_rfc3339(of.started_at),
        since: to_rfc3339(of.since),
        comparison: of.compare.map(|compare| ShownComparison {
            until: compare.until.map(to_rfc3339),
        }),
    }
}
