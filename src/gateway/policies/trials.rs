//! Trying a policy out on a part of the tasks: beginning it, and what people may do while it goes on.

use std::fmt;

use super::ApplyError;
use super::apply::{Applying, TRIES_MAX, check, check_note, hold, stable, store};
use super::standing::{TrialStatus, trial_status};
use crate::broker::Broker;
use crate::clock;
use crate::config::parse_policy;
use crate::policy::rollout::Share;
use crate::policy::{CONSUMERS_MAX, Compare, LotBy, Outcome, Policy, PolicyVersion, Trial, TrialEnd};
use crate::task::Lane;
use crate::wire::Rollout;

/// How a rollout is to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trying {
    /// The candidate.
    pub applying: Applying,
    /// Its part of the tasks in each stage; at least one, ascending.
    pub shares: Vec<Share>,
    /// Who draws the lot.
    pub by: LotBy,
    /// What the workers have in common that serve it, if it is not as many as its share asks for.
    pub label: Option<(String, String)>,
    /// Whether both are to be compared, instead of one to take the place of the other.
    pub compare: Option<Comparing>,
}

/// How long two policies are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Comparing {
    /// So many ms; none until somebody ends it.
    pub for_ms: Option<u64>,
}

/// What somebody does to a rollout under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handle {
    /// It stays in its stage until it is resumed. No comparison is paused: it has one stage.
    Pause,
    /// It goes on.
    Resume,
    /// It goes on to its next stage at once; after the last, the candidate holds.
    Promote,
    /// It ends, and the policy before stays.
    Abort,
}

/// A rollout, and how far it has come: what somebody has seen who steers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrialPlace {
    /// The policy on trial.
    pub candidate: PolicyVersion,
    /// The stage it is in, counted from 0.
    pub stage: usize,
}

impl fmt::Display for TrialPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "policy {} in stage {}", self.candidate, self.stage)
    }
}

impl TrialPlace {
    const fn of(trial: &Trial) -> Self {
        Self {
            candidate: trial.candidate,
            stage: trial.stage,
        }
    }

    /// Whether what is meant for this place may be done in `other`. To abort means the same in every stage.
    fn allows(self, how: Handle, other: Self) -> bool {
        match how {
            Handle::Abort => self.candidate == other.candidate,
            Handle::Pause | Handle::Resume | Handle::Promote => self == other,
        }
    }
}

/// Puts a document on trial; says under which number.
///
/// # Errors
/// As [`super::apply`]; [`ApplyError::OnTrial`] while another one is, [`ApplyError::NoneStored`] where no policy was
/// applied yet, [`ApplyError::NoRoom`] where both cannot be acted on at once.
pub async fn begin_trial(broker: &Broker, of: &Trying) -> Result<PolicyVersion, ApplyError> {
    check(&of.applying)?;
    let standing = broker.rollout().await?;
    let stands = stable(&standing);
    if let Some(trial) = standing
        .rollout
        .as_ref()
        .and_then(|rollout| rollout.trial.as_ref())
    {
        return Err(ApplyError::OnTrial(trial.candidate));
    }
    if let Some(expected) = of.applying.expected.filter(|expected| *expected != stands) {
        return Err(ApplyError::Outdated { expected, stands });
    }
    // What has no number cannot be told apart from what tasks run under that came from elsewhere.
    if stands == PolicyVersion::OWN {
        return Err(ApplyError::NoneStored);
    }
    beside(broker, stands, &of.applying).await?;
    let candidate = store(broker, &of.applying, &standing).await?;
    let now = clock::wall();
    let trial = Trial {
        candidate,
        shares: of.shares.clone(),
        stage: 0,
        by: of.by,
        label: of.label.clone(),
        workers: Vec::new(),
        is_paused: false,
        started_at: now,
        since: now,
        passed: Vec::new(),
        compare: of.compare.map(|comparing| Compare {
            until: comparing.for_ms.map(|ms| now.plus_ms(ms)),
        }),
    };
    let rollout = Rollout {
        stable: stands,
        latest: candidate,
        at: standing.rollout.as_ref().map_or(now, |rollout| rollout.at),
        trial: Some(trial),
        last: standing.rollout.as_ref().and_then(|rollout| rollout.last.clone()),
        shadow: standing.rollout.as_ref().and_then(|rollout| rollout.shadow),
    };
    hold(broker, &rollout, &standing).await?;
    Ok(candidate)
}

/// Whether both can be acted on at once.
async fn beside(broker: &Broker, stands: PolicyVersion, of: &Applying) -> Result<(), ApplyError> {
    let candidate = parse_policy(&of.name, &of.document)?;
    let stored = broker.stored_policy(stands).await?;
    let Some(Ok(stable)) = stored.map(|stored| parse_policy("", &stored.document)) else {
        return Ok(());
    };
    obstacle(&stable, &candidate).map_or(Ok(()), |what| Err(ApplyError::NoRoom(what)))
}

/// What keeps a candidate from being tried out beside the policy that holds.
fn obstacle(stable: &Policy, candidate: &Policy) -> Option<String> {
    for model in &candidate.models {
        let other = stable.models.iter().find(|other| other.name == model.name);
        if other.is_some_and(|other| (&other.executor, &other.batch) != (&model.executor, &model.batch)) {
            return Some(format!(
                "the model {} is run in another way, and a worker runs it in one way only",
                model.name
            ));
        }
    }
    let needed = consumers(stable) + consumers(candidate);
    for lane in Lane::ALL {
        let max = stable.lane(lane).concurrency as usize;
        if needed > max.min(CONSUMERS_MAX) {
            return Some(format!(
                "both together need {needed} consumers in the lane {lane}, which has a place for {} \
                 (lanes.{lane}.concurrency of the policy that holds, at most {CONSUMERS_MAX})",
                max.min(CONSUMERS_MAX)
            ));
        }
    }
    stable.classes.iter().find_map(|class| {
        let other = candidate.class(class.name.as_str())?;
        let shards = usize::from(class.shards) * stable.models.len()
            + usize::from(other.shards) * candidate.models.len();
        let max = class.max_concurrent.filter(|max| (*max as usize) < shards)?;
        Some(format!(
            "both together need {shards} consumers per lane for the class {}, whose max_concurrent is {max} in the \
             policy that holds",
            class.name
        ))
    })
}

/// How many it has in each lane.
fn consumers(policy: &Policy) -> usize {
    let shards: usize = policy.classes.iter().map(|class| usize::from(class.shards)).sum();
    shards * policy.models.len()
}

/// Does something to the rollout under way: to the one that is `expected`, else as it stands when it is first looked at.
/// That its workers change at the same moment is no conflict, and to abort means the same in every stage.
///
/// # Errors
/// [`ApplyError::OtherTrial`] where it is not the one that is expected; [`ApplyError::NoTrial`] where there is none,
/// [`ApplyError::WentOn`] where it went on at that moment, [`ApplyError::Compared`] where a comparison is to be paused or
/// resumed, [`ApplyError::Busy`] where others wrote first again and again.
pub async fn handle_trial(
    broker: &Broker,
    how: Handle,
    who: &str,
    expected: Option<TrialPlace>,
) -> Result<TrialStatus, ApplyError> {
    check_note("the author's name", who)?;
    let mut meant = None;
    for _ in 0..TRIES_MAX {
        let standing = broker.rollout().await?;
        let under_way = standing.rollout.and_then(|rollout| {
            let trial = rollout.trial.clone()?;
            Some((rollout, trial))
        });
        let stands = under_way.as_ref().map(|(_, trial)| TrialPlace::of(trial));
        if let Some(expected) = expected
            && !stands.is_some_and(|stands| expected.allows(how, stands))
        {
            return Err(ApplyError::OtherTrial { expected, stands });
        }
        let (rollout, trial) = under_way.ok_or(ApplyError::NoTrial)?;
        let place = TrialPlace::of(&trial);
        if !meant.get_or_insert(place).allows(how, place) {
            return Err(ApplyError::WentOn(trial.candidate));
        }
        if trial.compare.is_some() && matches!(how, Handle::Pause | Handle::Resume) {
            return Err(ApplyError::Compared(trial.candidate));
        }
        let next = handled(rollout, trial, how, who);
        if broker.write_rollout(&next, standing.revision).await? {
            return trial_status(broker).await;
        }
    }
    Err(ApplyError::Busy)
}

fn handled(rollout: Rollout, trial: Trial, how: Handle, who: &str) -> Rollout {
    let now = clock::wall();
    let ended = |ending, what: &str| Outcome {
        candidate: trial.candidate,
        ending,
        why: format!("{what} by {who}"),
        at: now,
    };
    let with = |trial: Trial| Rollout {
        trial: Some(trial),
        ..rollout.clone()
    };
    match how {
        Handle::Pause | Handle::Resume => with(Trial {
            is_paused: how == Handle::Pause,
            ..trial.clone()
        }),
        Handle::Promote if trial.stage + 1 < trial.shares.len() => with(trial.gone_on(now, "by_hand")),
        Handle::Promote => Rollout {
            stable: trial.candidate,
            at: now,
            trial: None,
            last: Some(ended(TrialEnd::Promoted, "promoted")),
            ..rollout
        },
        Handle::Abort => Rollout {
            trial: None,
            last: Some(ended(TrialEnd::Aborted, "aborted")),
            ..rollout
        },
    }
}
