//! The loop of a rollout.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use super::compare;
use super::report::seen;
use super::tracks::Tracks;
use crate::broker::outcomes::Outcomes;
use crate::broker::policies::Standing;
use crate::broker::records::RecordError;
use crate::broker::registry::Registered;
use crate::clock;
use crate::config::OnTrial;
use crate::coordinator::Coordinator;
use crate::policy::compare::Comparison;
use crate::policy::rollout::{Ground, Judgement, Plan, Ruling, Settling, Share, Stage, judge};
use crate::policy::{Outcome, PolicyVersion, Trial, TrialEnd};
use crate::task::{Moment, WorkerId};
use crate::wire::{Rollout, WorkerState};

/// Within this time of a reconnect every worker that is there has said so: they do about once a second.
const HEARD_WITHIN: Duration = Duration::from_secs(5);

/// How often it is judged.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Conducts rollouts until the coordinator stops, whenever it leads.
pub(in crate::coordinator) async fn run(of: Arc<Coordinator>) {
    let soft = of.lifecycle.soft().clone();
    tokio::select! { () = conduct_all(&of) => (), () = soft.cancelled() => () }
}

async fn conduct_all(of: &Coordinator) {
    let mut changes = of.policy_changes();
    let mut last: Option<(PolicyVersion, Score)> = None;
    loop {
        of.leader.leading().await;
        let Some(on) = of.trial() else {
            last = None;
            tokio::select! {
                _ = changes.changed() => (),
                () = of.leader.deposed() => (),
            }
            continue;
        };
        // What was seen outlives a fault on the way; somebody else may have judged since this one was deposed.
        let candidate = on.trial.candidate;
        let known = last.take().filter(|(of, _)| *of == candidate);
        let mut score = known.map_or_else(|| Score::new(of, &on), |(_, score)| score);
        let looked = conduct(of, &on, &mut score).await;
        if of.leader.is_leading() {
            last = Some((candidate, score));
        }
        if let Err(error) = looked {
            tracing::warn!(candidate = %on.trial.candidate, %error, "the rollout was not looked over; trying again");
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

/// Looks a rollout over until it has ended, or this one does not lead any more. What was seen of a stage is begun anew by
/// whoever leads next.
async fn conduct(of: &Coordinator, on: &OnTrial, score: &mut Score) -> Result<(), RecordError> {
    let mut outcomes = of.broker.outcomes().await?;
    let mut every = tokio::time::interval(LOOK_EVERY);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while of.leader.is_leading() {
        let Some(now) = of.trial().filter(|now| now.trial.candidate == on.trial.candidate) else {
            return Ok(());
        };
        if now.trial.stage != score.stage.index() {
            // Going on by one keeps what is known of how long tasks of the stable track wait.
            score.stage = if now.trial.stage == score.stage.index() + 1 {
                score.stage.next()
            } else {
                Stage::new(now.trial.stage)
            };
            score.tracks = Tracks::default();
        }
        count(of, &now, &mut outcomes, &mut every, score).await?;
        look(of, &now, score).await?;
    }
    Ok(())
}

/// What a rollout goes by, beside the options of this coordinator.
fn plan_of(of: &Coordinator, on: &OnTrial) -> Plan {
    let plan = Plan::new(&on.edition.classes);
    match &of.stage_ms {
        Some(bounds) => Plan {
            stage_ms_min: bounds.0,
            stage_ms_max: bounds.1,
            ..plan
        },
        None => plan,
    }
}

/// What was seen of the present stage.
struct Score {
    plan: Plan,
    stage: Stage,
    tracks: Tracks,
    comparison: Comparison,
    settling: Settling,
    /// How often the connection was opened, and when it last was.
    connections: watch::Receiver<u64>,
    connected_at: Moment,
    is_again: bool,
}

impl Score {
    /// Of the stage that `on` is in.
    fn new(of: &Coordinator, on: &OnTrial) -> Self {
        let shares = on.trial.shares.clone();
        let stable = of.policy();
        let both = stable.classes.iter().chain(&on.edition.classes);
        let classes = both.map(|class| class.name.clone()).collect();
        Self {
            plan: Plan {
                shares,
                ..plan_of(of, on)
            },
            stage: Stage::new(on.trial.stage),
            tracks: Tracks::default(),
            comparison: Comparison::new(classes),
            settling: Settling::new(on.trial.started_at),
            connections: of.broker.connections(),
            connected_at: clock::monotonic(),
            is_again: false,
        }
    }

    /// Whether the connection was lost, and is back for a short time only.
    fn has_reconnected(&mut self) -> bool {
        let now = clock::monotonic();
        if self.connections.has_changed().unwrap_or(false) {
            self.connections.mark_unchanged();
            self.connected_at = now;
            self.is_again = true;
        }
        self.is_again && now.since(self.connected_at) < HEARD_WITHIN
    }
}

/// Counts executions until the next look is due.
async fn count(
    of: &Coordinator,
    on: &OnTrial,
    outcomes: &mut Outcomes,
    every: &mut tokio::time::Interval,
    score: &mut Score,
) -> Result<(), RecordError> {
    let stable = of.policy();
    loop {
        tokio::select! {
            biased;
            _ = every.tick() => return Ok(()),
            ended = outcomes.next() => if let Some(ended) = ended? {
                score.tracks.count(&ended, &stable, on, &score.settling);
            },
        }
    }
}

/// Judges what was seen since the last look, and acts on it.
async fn look(of: &Coordinator, on: &OnTrial, score: &mut Score) -> Result<(), RecordError> {
    let standing = of.broker.rollout().await?;
    let Some(trial) = standing
        .rollout
        .as_ref()
        .and_then(|rollout| rollout.trial.clone())
    else {
        return Ok(());
    };
    if (trial.candidate, trial.stage) != (on.trial.candidate, on.trial.stage) {
        return Ok(());
    }
    // A server that was started anew has forgotten who is there, until they say so again.
    let is_known = !score.has_reconnected() || trial.workers.is_empty();
    let trial = match is_known {
        true => manned(of, &standing, trial).await?,
        false => trial,
    };
    score.tracks.look(of, &mut score.settling).await?;
    let Tracks { stable, canary } = std::mem::take(&mut score.tracks);
    let elapsed_ms = clock::wall().since(trial.since);
    let is_compared = trial.compare.is_some();
    // Of a comparison there is more to tell with each batch alone.
    let has_settled = score.settling.from().is_some();
    let is_news = !is_compared || !has_settled || score.comparison.look(&stable, &canary);
    let judgement = judge(&score.plan, &mut score.stage, &stable, &canary, elapsed_ms);
    if is_news {
        let comparison = is_compared.then_some(&score.comparison);
        let mut record = seen(&trial, &score.stage, &judgement, comparison, clock::wall());
        record["settling"] = (!has_settled).into();
        if let Err(error) = of.broker.write_judgement(&record).await {
            // It is for people to read; what it says is acted on all the same.
            tracing::debug!(%error, "what was seen of a rollout was not written");
        }
    }
    // Its crew may have changed just now; the next look has the record as it stands then.
    if standing
        .rollout
        .as_ref()
        .and_then(|rollout| rollout.trial.as_ref())
        != Some(&trial)
    {
        return Ok(());
    }
    // Until then nothing was seen of waits, which is no proof of anything.
    if !has_settled && matches!(judgement.ruling, Ruling::Promote { .. }) {
        return Ok(());
    }
    if !is_compared {
        return act(of, &standing, &trial, &judgement).await;
    }
    let Some(outcome) = compare::ending(&trial, &judgement, &score.comparison, clock::wall()) else {
        return Ok(());
    };
    tracing::info!(candidate = %trial.candidate, why = outcome.why, "the comparison has ended");
    write(of, &standing, None, Some(outcome)).await.map(drop)
}

/// Sees to it that the canary track has its part of the workers; the trial as it is then.
async fn manned(of: &Coordinator, standing: &Standing, trial: Trial) -> Result<Trial, RecordError> {
    let workers = of.broker.workers().await?;
    // One that cannot act on the candidate would run none of its tasks.
    let is_taking = |worker: &&Registered| {
        let beat = &worker.beat;
        !worker.is_lost()
            && beat.state == WorkerState::Taking
            && beat.policy.refused != Some(trial.candidate.0)
    };
    let taking: Vec<&Registered> = workers.iter().filter(is_taking).collect();
    let slots: Vec<(WorkerId, u32)> = taking
        .iter()
        .map(|worker| (worker.beat.worker.clone(), worker.beat.slots))
        .collect();
    let crew = match &trial.label {
        Some((key, value)) if trial.share() < Share::WHOLE => {
            let has = |worker: &&&Registered| worker.beat.labels.get(key) == Some(value);
            taking
                .iter()
                .filter(has)
                .map(|worker| worker.beat.worker.clone())
                .collect()
        }
        _ => trial.crew(&slots),
    };
    if crew == trial.workers {
        return Ok(trial);
    }
    let next = Trial {
        workers: crew,
        ..trial.clone()
    };
    tracing::info!(candidate = %trial.candidate, workers = next.workers.len(), of = slots.len(), "the canary track has other workers");
    match write(of, standing, Some(next.clone()), None).await? {
        true => Ok(next),
        false => Ok(trial),
    }
}

/// Does what the judgement says.
async fn act(
    of: &Coordinator,
    standing: &Standing,
    trial: &Trial,
    judgement: &Judgement,
) -> Result<(), RecordError> {
    let now = clock::wall();
    let outcome = |ending| Outcome {
        candidate: trial.candidate,
        ending,
        why: judgement.to_string(),
        at: now,
    };
    match &judgement.ruling {
        Ruling::Hold { .. } => Ok(()),
        Ruling::Promote { .. } if trial.is_paused => Ok(()),
        Ruling::Promote {
            to: Some(share),
            ground,
        } => {
            let next = trial.gone_on(now, ground.as_str());
            tracing::info!(candidate = %trial.candidate, %share, ground = ?ground, "the canary gets more");
            write(of, standing, Some(next), None).await.map(drop)
        }
        Ruling::Promote { to: None, ground } => {
            let is_watched = *ground != Ground::Unwatched;
            tracing::info!(candidate = %trial.candidate, is_watched, "the rollout is done: the candidate holds");
            write(of, standing, None, Some(outcome(TrialEnd::Promoted)))
                .await
                .map(drop)
        }
        Ruling::RollBack(harm) => {
            tracing::error!(candidate = %trial.candidate, %harm, "the canary does harm; it is rolled back");
            write(of, standing, None, Some(outcome(TrialEnd::RolledBack)))
                .await
                .map(drop)
        }
    }
}

/// Writes how the rollout goes on or ended; false where the record is another one by now.
async fn write(
    of: &Coordinator,
    standing: &Standing,
    trial: Option<Trial>,
    ended: Option<Outcome>,
) -> Result<bool, RecordError> {
    let Some(before) = standing.rollout.clone().filter(|_| of.leader.is_leading()) else {
        return Ok(false);
    };
    let promoted = ended.as_ref().filter(|ended| ended.ending == TrialEnd::Promoted);
    let rollout = Rollout {
        stable: promoted.map_or(before.stable, |ended| ended.candidate),
        at: if ended.is_some() { clock::wall() } else { before.at },
        trial,
        last: ended.or(before.last),
        latest: before.latest,
        shadow: before.shadow,
    };
    of.broker.write_rollout(&rollout, standing.revision).await
}
