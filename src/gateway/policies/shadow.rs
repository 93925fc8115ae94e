//! Asking a policy what it would do, and not obeying it: beginning that, ending it, and what the workers say of it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::ApplyError;
use super::apply::{Applying, TRIES_MAX, check, forget, forget_beyond_kept, stable, store};
use crate::broker::Broker;
use crate::broker::policies::Standing;
use crate::clock;
use crate::policy::{PolicyVersion, Shadow};
use crate::wire::{Rollout, Shadowed, to_rfc3339};

/// What a policy that is asked would have done, as the workers that are there say.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ShadowStatus {
    /// The policy that holds.
    pub stable: u64,
    /// The one that is asked, if one is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shadow: Option<ShownShadow>,
}

/// A policy that is asked.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ShownShadow {
    /// Which.
    pub candidate: u64,
    /// Since when.
    pub since: String,
    /// Workers that have asked it; each counts since it asks, or since what holds has changed.
    pub workers: usize,
    /// Slots that were given out since.
    pub picks: u64,
    /// Those that it would have given to another class at that moment.
    pub otherwise: u64,
    /// The part of all slots that would have gone to other classes in the end, 0 to 1.
    pub moved: f64,
    /// By class, the one that would have gained or lost most first.
    pub classes: Vec<ShownClass>,
    /// How it would have chosen otherwise, the most frequent first: of each worker the 32 most frequent pairs.
    pub pairs: Vec<ShownPair>,
}

/// A class under both policies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShownClass {
    /// Which.
    pub class: String,
    /// Slots it was given.
    pub picks: u64,
    /// Slots that it would have been given.
    pub would_have: u64,
}

/// A class that was picked where another would have been.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShownPair {
    /// The one that was picked.
    pub class: String,
    /// The one that would have been.
    pub instead: String,
    /// How often.
    pub picks: u64,
}

/// Asks a document at every pick from now on; says under which number. Another one that was asked before is asked no
/// more. It may be while another is on trial; that others change the trial at the same moment is no conflict.
///
/// # Errors
/// As [`super::apply`], but for [`ApplyError::OnTrial`]; [`ApplyError::NoneStored`] where no policy was applied yet,
/// [`ApplyError::Busy`] where others wrote first again and again.
pub async fn begin_shadow(broker: &Broker, of: &Applying) -> Result<PolicyVersion, ApplyError> {
    check(of)?;
    let mut standing = broker.rollout().await?;
    let stands = stable(&standing);
    if let Some(expected) = of.expected.filter(|expected| *expected != stands) {
        return Err(ApplyError::Outdated { expected, stands });
    }
    let mut before = standing.rollout.clone().ok_or(ApplyError::NoneStored)?;
    let latest = before.latest;
    let candidate = store(broker, of, &standing).await?;
    for _ in 0..TRIES_MAX {
        let rollout = Rollout {
            latest: candidate,
            shadow: Some(Shadow {
                candidate,
                since: clock::wall(),
            }),
            ..before
        };
        if broker.write_rollout(&rollout, standing.revision).await? {
            forget_beyond_kept(broker, &rollout).await;
            return Ok(candidate);
        }
        standing = broker.rollout().await?;
        // On top of another policy it would be asked beside one that its caller has not seen.
        let same = |rollout: &Rollout| rollout.stable == stands && rollout.latest == latest;
        let Some(again) = standing.rollout.clone().filter(same) else {
            forget(broker, candidate).await;
            return Err(ApplyError::Conflict);
        };
        before = again;
    }
    forget(broker, candidate).await;
    Err(ApplyError::Busy)
}

/// Asks nobody from now on: where one is `expected` that one, else whichever is asked. Says what it would have done.
///
/// # Errors
/// [`ApplyError::OtherShadow`] where another is asked than is expected, or none; [`ApplyError::NoShadow`] where nobody was
/// asked, [`ApplyError::Busy`] where others wrote first again and again.
pub async fn end_shadow(
    broker: &Broker,
    expected: Option<PolicyVersion>,
) -> Result<ShadowStatus, ApplyError> {
    for _ in 0..TRIES_MAX {
        let standing = broker.rollout().await?;
        let asked = standing.rollout.as_ref().and_then(|rollout| rollout.shadow);
        let stands = asked.map(|shadow| shadow.candidate);
        if let Some(expected) = expected.filter(|expected| stands != Some(*expected)) {
            return Err(ApplyError::OtherShadow { expected, stands });
        }
        let Some(before) = standing.rollout.clone().filter(|_| asked.is_some()) else {
            return Err(ApplyError::NoShadow);
        };
        let status = status_of(broker, &standing).await?;
        let rollout = Rollout {
            shadow: None,
            ..before
        };
        if broker.write_rollout(&rollout, standing.revision).await? {
            return Ok(status);
        }
    }
    Err(ApplyError::Busy)
}

/// Which policy is asked, and what it would have done.
///
/// # Errors
/// [`ApplyError::Record`] when the server does not answer.
pub async fn shadow_status(broker: &Broker) -> Result<ShadowStatus, ApplyError> {
    status_of(broker, &broker.rollout().await?).await
}

async fn status_of(broker: &Broker, standing: &Standing) -> Result<ShadowStatus, ApplyError> {
    let stable = stable(standing);
    let Some(shadow) = standing.rollout.as_ref().and_then(|rollout| rollout.shadow) else {
        return Ok(ShadowStatus {
            stable: stable.0,
            shadow: None,
        });
    };
    let workers = broker.workers().await?;
    let told: Vec<Shadowed> = workers
        .into_iter()
        .filter(|worker| !worker.is_lost())
        .filter_map(|worker| worker.beat.shadow)
        // One that has not heard of a change yet tells of another comparison, as does one that serves a canary track.
        .filter(|told| told.policy == shadow.candidate && told.beside == stable)
        .collect();
    Ok(ShadowStatus {
        stable: stable.0,
        shadow: Some(shown(shadow, &told)),
    })
}

fn shown(of: Shadow, told: &[Shadowed]) -> ShownShadow {
    let mut pairs: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for pair in told.iter().flat_map(|told| &told.pairs) {
        *pairs
            .entry((pair.class.as_str(), pair.instead.as_str()))
            .or_default() += pair.picks;
    }
    let mut classes: BTreeMap<&str, [u64; 2]> = BTreeMap::new();
    for (class, both) in told.iter().flat_map(|told| &told.classes) {
        let sums = classes.entry(class.as_str()).or_default();
        sums.iter_mut().zip(both).for_each(|(sum, picks)| *sum += picks);
    }
    let picks: u64 = classes.values().map(|[has, _]| has).sum();
    let moved: u64 = classes
        .values()
        .map(|[has, would]| has.saturating_sub(*would))
        .sum();
    let mut classes: Vec<ShownClass> = classes
        .into_iter()
        .map(|(class, [picks, would_have])| ShownClass {
            class: class.to_owned(),
            picks,
            would_have,
        })
        .collect();
    classes.sort_by_key(|class| std::cmp::Reverse(class.picks.abs_diff(class.would_have)));
    let mut pairs: Vec<ShownPair> = pairs
        .into_iter()
        .map(|((class, instead), picks)| ShownPair {
            class: class.to_owned(),
            instead: instead.to_owned(),
            picks,
        })
        .collect();
    pairs.sort_by_key(|pair| std::cmp::Reverse(pair.picks));
    ShownShadow {
        candidate: of.candidate.0,
        since: to_rfc3339(of.since),
        workers: told.len(),
        picks,
        otherwise: told.iter().map(|told| told.otherwise).sum(),
        moved: if picks == 0 {
            0.0
        } else {
            moved as f64 / picks as f64
        },
        classes,
        pairs,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::{ClassName, EpochMs};
    use crate::wire::ShadowedPair;

    #[test]
    fn workers_add_up_and_what_comes_out_even_is_told_apart_from_what_moved() {
        let pair = |class: &str, instead: &str, picks| ShadowedPair {
            class: ClassName::new(class).unwrap(),
            instead: ClassName::new(instead).unwrap(),
            picks,
        };
        let class = |name: &str| ClassName::new(name).unwrap();
        let told = |pay, bulk, otherwise, pairs| Shadowed {
            policy: PolicyVersion(4),
            beside: PolicyVersion(3),
            classes: vec![(class("pay"), pay), (class("bulk"), bulk)],
            otherwise,
            pairs,
        };
        let of = Shadow {
            candidate: PolicyVersion(4),
            since: EpochMs(0),
        };
        let shown = shown(
            of,
            &[
                told([70, 50], [0, 20], 20, vec![pair("pay", "bulk", 20)]),
                told([0, 25], [30, 5], 25, vec![pair("bulk", "pay", 25)]),
            ],
        );
        assert_eq!((shown.workers, shown.picks, shown.otherwise), (2, 100, 45));
        // 70 for pay as it was, 75 as it would have been.
        assert!((shown.moved - 0.05).abs() < 1e-9, "{}", shown.moved);
        let class = |class: &str| {
            let found = shown.classes.iter().find(|shown| shown.class == class).unwrap();
            (found.picks, found.would_have)
        };
        assert_eq!((class("pay"), class("bulk")), ((70, 75), (30, 25)));
        assert_eq!(shown.pairs[0].instead, "pay", "the most frequent first");
    }

    #[test]
    fn nobody_has_asked_yet() {
        let of = Shadow {
            candidate: PolicyVersion(4),
            since: EpochMs(0),
        };
        let shown = shown(of, &[]);
        assert_eq!((shown.picks, shown.moved), (0, 0.0));
    }
}
