//! Acting on the policy that the server holds: at the start, and whenever another one is applied.

use std::sync::Arc;
use std::time::Duration;

use super::connect::Broker;
use super::error::RequestError;
use super::subject;
use crate::clock;
use crate::config::{LivePolicy, parse_policy};
use crate::lifecycle::Lifecycle;
use crate::metrics::PolicyMetrics;
use crate::policy::{Edition, Policy, PolicyVersion, Shadow, Trial};
use crate::wire::{Rollout, StoredPolicy};

/// Before what failed is tried again.
const AGAIN_AFTER: Duration = Duration::from_millis(500);
/// Versions that a process which cannot act on the one that holds goes back, to the last one that it can.
const BACK_MAX: usize = 16;

impl Broker {
    /// What this process begins to act on: the stored policy that holds, and the one on trial beside it. Where none holds,
    /// what it was started with, `own`; where it cannot read that, the last one before which it can.
    pub async fn policy_at_start(&self, own: Policy) -> Arc<LivePolicy> {
        let live = LivePolicy::new(Edition::own(own));
        match self.rollout().await {
            Ok(standing) => {
                if let Some(rollout) = standing.rollout {
                    self.begin_with(&live, rollout.stable).await;
                    self.begin_trying(&live, rollout.trial).await;
                }
            }
            // A worker of an older mesh, or one whose bucket is still to be made, works all the same.
            Err(error) => {
                tracing::warn!(%error, "which policy holds is not known yet; beginning with what this process was started with (`fairlane streams plan` shows whether the bucket fl_policy exists)");
            }
        }
        live
    }

    /// Acts on the stored policy `stable`, or on the last one before it that this process can act on.
    async fn begin_with(&self, live: &LivePolicy, stable: PolicyVersion) {
        let mut version = stable;
        for _ in 0..BACK_MAX {
            let before = match self.stored_policy(version).await {
                Ok(Some(stored)) => match parse_policy(&format!("policy {version}"), &stored.document) {
                    Ok(policy) => {
                        // What holds was refused if this is an earlier one; that goes on being said.
                        let refused = live.refused();
                        live.act_on(Edition::new(version, policy));
                        if let Some(refused) = refused {
                            live.refuse(refused.version, refused.why.clone());
                        }
                        tracing::info!(policy = %version, "acting on the stored policy; a policy file is not used");
                        return;
                    }
                    Err(faults) => {
                        refuse(live, version, faults.to_string());
                        stored.after
                    }
                },
                Ok(None) => {
                    refuse(live, version, "its document is gone from fl_policy".to_owned());
                    PolicyVersion::OWN
                }
                Err(error) => {
                    refuse(live, version, error.to_string());
                    PolicyVersion::OWN
                }
            };
            if before == PolicyVersion::OWN {
                break;
            }
            version = before;
        }
        tracing::error!(policy = %stable, "cannot act on the stored policy; acting on what this process was started with");
    }

    /// Goes by the rollout under way from the first task on: who does not know of it serves both tracks as if it had ended.
    async fn begin_trying(&self, live: &LivePolicy, trial: Option<Trial>) {
        let Some(trial) = trial else { return };
        let version = trial.candidate;
        match self.stored_policy(version).await {
            Ok(Some(stored)) => tried(live, trial, &stored),
            Ok(None) => {
                let why = "its document is gone from fl_policy";
                refuse(live, version, why.to_owned());
                live.sit_out(version, why.to_owned());
            }
            Err(error) => {
                // Whoever follows asks again.
                tracing::warn!(candidate = %version, %error, "the policy on trial is not known yet");
            }
        }
    }

    /// Acts on every policy that comes to hold, until the process stops.
    pub fn follow_policy(&self, live: &Arc<LivePolicy>, lifecycle: &Lifecycle) {
        let (broker, live) = (self.clone(), live.clone());
        let stop = lifecycle.hard().clone();
        lifecycle.spawn_aside(async move {
            tokio::select! {
                () = follow(broker, live) => (),
                () = stop.cancelled() => (),
            }
        });
    }
}

async fn follow(broker: Broker, live: Arc<LivePolicy>) {
    let metrics = PolicyMetrics::new();
    metrics.holds(live.now().version.0);
    metrics.refused(live.refused().map(|refused| refused.version.0));
    let mut rollouts = broker.rollouts();
    loop {
        match rollouts.next().await {
            Ok(Some(rollout)) => {
                go_by(&broker, &live, rollout).await;
            }
            Ok(None) => tracing::warn!(
                policy = %live.now().version,
                "the record of which policy holds was taken away; going on with the last one"
            ),
            Err(error) => {
                let version = live.now().version.next();
                refuse(&live, version, error.to_string());
            }
        }
        metrics.holds(live.now().version.0);
        metrics.refused(live.refused().map(|refused| refused.version.0));
    }
}

/// Acts on what holds and on what is on trial beside it, and asks what is to be asked.
async fn go_by(broker: &Broker, live: &LivePolicy, rollout: Rollout) {
    live.forgive(rollout.trial.as_ref().map(|trial| trial.candidate));
    // One that was promoted holds from this moment on: it is known, and its tasks go on under it.
    if let Some(on) = live.trial().filter(|on| on.edition.version == rollout.stable) {
        tracing::info!(policy = %rollout.stable, "the policy that was on trial holds");
        live.act_on(Edition::clone(&on.edition));
    }
    act_on(broker, live, rollout.stable).await;
    try_out(broker, live, rollout.trial).await;
    ask(broker, live, rollout.shadow).await;
}

/// Goes by a rollout, or by none. A candidate that this process cannot act on has none of its tasks: whoever has it
/// runs them.
async fn try_out(broker: &Broker, live: &LivePolicy, trial: Option<Trial>) {
    let Some(trial) = trial else {
        if live.trial().is_some() {
            tracing::info!("the rollout has ended");
        }
        return live.try_out(None);
    };
    let known = live.trial().filter(|on| on.edition.version == trial.candidate);
    if let Some(on) = known {
        return live.try_out(Some((trial, on.edition.clone())));
    }
    let version = trial.candidate;
    let Some(stored) = document(broker, live, version).await else {
        let why = live
            .refused()
            .map_or_else(String::new, |refused| refused.why.clone());
        return live.sit_out(version, why);
    };
    tried(live, trial, &stored);
}

/// Goes by a rollout whose candidate is `stored`.
fn tried(live: &LivePolicy, trial: Trial, stored: &StoredPolicy) {
    let version = trial.candidate;
    match parse_policy(&format!("policy {version}"), &stored.document) {
        Ok(policy) => {
            tracing::info!(candidate = %version, share = %trial.share(), "a policy is on trial");
            let edition = Arc::new(Edition::new(version, policy));
            live.try_out(Some((trial, edition)));
        }
        Err(faults) => {
            refuse(live, version, faults.to_string());
            live.sit_out(version, faults.to_string());
        }
    }
}

/// Asks a policy from now on what it would do, or none. One that cannot be read here is asked elsewhere: nothing is
/// refused for it, as nothing is done by it.
async fn ask(broker: &Broker, live: &LivePolicy, shadow: Option<Shadow>) {
    let version = shadow.map(|shadow| shadow.candidate);
    if live.shadow().map(|edition| edition.version) == version {
        return;
    }
    let Some(version) = version else {
        return live.ask(None);
    };
    let edition = loop {
        match broker.stored_policy(version).await {
            Ok(Some(stored)) => {
                break parse_policy(&format!("policy {version}"), &stored.document)
                    .map(|policy| Arc::new(Edition::new(version, policy)))
                    .map_err(|faults| faults.to_string());
            }
            Ok(None) => break Err("its document is gone from fl_policy".to_owned()),
            Err(error) if error.is_unreadable() => break Err(error.to_string()),
            Err(error) => {
                tracing::warn!(policy = %version, %error, "a policy is to be asked and cannot be read yet; trying again");
                tokio::time::sleep(AGAIN_AFTER).await;
            }
        }
    };
    if let Err(why) = &edition {
        tracing::warn!(policy = %version, %why, "is not asked here what it would do");
    }
    live.ask(edition.ok());
}

/// The stored policy `version`; asks for as long as the server does not answer. None, and refused, where there is none.
async fn document(broker: &Broker, live: &LivePolicy, version: PolicyVersion) -> Option<StoredPolicy> {
    let why = loop {
        match broker.stored_policy(version).await {
            Ok(Some(stored)) => return Some(stored),
            Ok(None) => break "its document is gone from fl_policy".to_owned(),
            Err(error) if error.is_unreadable() => break error.to_string(),
            Err(error) => {
                tracing::warn!(policy = %version, %error, "a policy was applied and cannot be read yet; trying again");
                tokio::time::sleep(AGAIN_AFTER).await;
            }
        }
    };
    refuse(live, version, why);
    None
}

/// Reads the document of `version` and acts on it.
async fn act_on(broker: &Broker, live: &LivePolicy, version: PolicyVersion) {
    if live.now().version == version {
        return;
    }
    let Some(stored) = document(broker, live, version).await else {
        return;
    };
    let before = live.now().version;
    match live.offer(version, &stored.document) {
        Ok(()) => tracing::info!(
            policy = %version,
            before = %before,
            author = stored.author,
            after_ms = clock::wall().since(stored.at),
            "acting on another policy"
        ),
        Err(faults) => refuse(live, version, faults.to_string()),
    }
}

fn refuse(live: &LivePolicy, version: PolicyVersion, why: String) {
    tracing::error!(
        policy = %version,
        %why,
        acting_on = %live.now().version,
        "cannot act on a policy; the last good one stays"
    );
    live.refuse(version, why);
}

impl Broker {
    /// The policy that holds now: the stored one, else `own`.
    ///
    /// # Errors
    /// [`RequestError`] when it cannot be read or this version cannot act on it.
    pub async fn policy_now(&self, own: Edition) -> Result<Edition, RequestError> {
        let standing = match self.rollout().await {
            Ok(standing) => standing,
            // A mesh that was set up by an earlier version has no bucket.
            Err(_) if matches!(self.stream_state(subject::POLICIES).await, Ok(None)) => {
                return Ok(own);
            }
            Err(error) => return Err(error),
        };
        let Some(rollout) = standing.rollout else {
            return Ok(own);
        };
        let version = rollout.stable;
        let operation = || RequestError::of::<String>(format!("read the policy {version}"));
        let Some(stored) = self.stored_policy(version).await? else {
            return Err(operation()("its document is gone from fl_policy".to_owned()));
        };
        match parse_policy(&format!("policy {version}"), &stored.document) {
            Ok(policy) => Ok(Edition::new(version, policy)),
            Err(faults) => Err(operation()(faults.to_string())),
        }
    }
}
