//! A rollout under way: a candidate policy has a part of the tasks, and workers of its own.

use super::PolicyVersion;
use super::rollout::{Share, Track, assign, lot};
use crate::task::{EpochMs, Shard, TaskId, TenantId, WorkerId, fnv1a_64};

/// Which tasks the candidate gets, and who serves them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trial {
    /// The stored policy on trial.
    pub candidate: PolicyVersion,
    /// Its part of the tasks in each stage; invariant: at least one, ascending.
    pub shares: Vec<Share>,
    /// The stage it is in, by its place in `shares`.
    pub stage: usize,
    /// Who draws the lot.
    pub by: LotBy,
    /// What the workers have in common that serve it: key and value. None where as many are taken as its share asks for.
    pub label: Option<(String, String)>,
    /// Who serves the canary track; everybody else serves the stable one.
    pub workers: Vec<WorkerId>,
    /// Whether it stays in its stage whatever is seen. Harm ends it all the same.
    pub is_paused: bool,
    /// When it began.
    pub started_at: EpochMs,
    /// When its stage did.
    pub since: EpochMs,
    /// How it came through each stage before: when, and what that rested on (`shown`, `default`, `unwatched`, or `by_hand`).
    pub passed: Vec<(EpochMs, String)>,
    /// Whether it is there to be compared with the policy that holds, instead of to take its place.
    pub compare: Option<Compare>,
}

/// A trial that is to say by how much two policies differ. It stays in its stage, and ends by itself at its time or where
/// tasks fail more or do not get their turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compare {
    /// When it ends; none where somebody ends it.
    pub until: Option<EpochMs>,
}

/// Who draws the lot that decides which track a task is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LotBy {
    /// Its tenant: all tasks of one are on one track.
    Tenant,
    /// The task itself.
    Task,
}

/// A policy that is asked beside the one that holds, and not obeyed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shadow {
    /// The stored policy.
    pub candidate: PolicyVersion,
    /// Since when it is asked.
    pub since: EpochMs,
}

/// How a rollout ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The policy that was on trial.
    pub candidate: PolicyVersion,
    /// How.
    pub ending: TrialEnd,
    /// Why, in words.
    pub why: String,
    /// When.
    pub at: EpochMs,
}

/// How a rollout ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrialEnd {
    /// The candidate holds.
    Promoted,
    /// The policy before stays: the candidate did harm.
    RolledBack,
    /// The policy before stays: somebody ended it.
    Aborted,
    /// The policy before stays: both were compared for as long as was asked for.
    Compared,
}

impl Trial {
    /// In its next stage.
    #[must_use]
    pub fn gone_on(&self, now: EpochMs, ground: &str) -> Self {
        let mut next = self.clone();
        next.passed.push((now, ground.to_owned()));
        Self {
            stage: self.stage + 1,
            since: now,
            ..next
        }
    }

    /// The candidate's part of the tasks now.
    #[must_use]
    pub fn share(&self) -> Share {
        self.shares.get(self.stage).copied().unwrap_or(Share::WHOLE)
    }

    /// The track of a task; the stable one while nobody serves the other.
    #[must_use]
    pub fn track_of(&self, tenant: &TenantId, id: &TaskId) -> Track {
        if self.workers.is_empty() {
            return Track::Stable;
        }
        let name = match self.by {
            LotBy::Tenant => tenant.as_str(),
            LotBy::Task => id.as_str(),
        };
        assign(lot(&self.name(), name), self.share())
    }

    /// Those of `workers`, each with its slots, that serve the canary track: as large a part of all slots as of the tasks or
    /// the next larger one, at least one worker, and never all while the stable track has tasks. A worker that is there stays on its
    /// track while the share grows.
    #[must_use]
    pub fn crew(&self, workers: &[(WorkerId, u32)]) -> Vec<WorkerId> {
        let mut drawn: Vec<(u64, &WorkerId, u64)> = workers
            .iter()
            .map(|(worker, slots)| (lot(&self.name(), worker.as_str()), worker, u64::from(*slots)))
            .collect();
        drawn.sort_unstable();
        let all: u64 = drawn.iter().map(|(.., slots)| slots).sum();
        let wanted = (all * u64::from(self.share().ten_thousandths())).div_ceil(10_000);
        let is_whole = self.share() == Share::WHOLE;
        let most = drawn.len() - usize::from(!is_whole && !drawn.is_empty());
        let mut taken = 0;
        let mut crew: Vec<WorkerId> = Vec::new();
        for (_, worker, slots) in drawn.into_iter().take(most) {
            if !is_whole && !crew.is_empty() && taken >= wanted {
                break;
            }
            taken += slots;
            crew.push(worker.clone());
        }
        crew.sort_unstable();
        crew
    }

    /// Whether a worker serves the canary track.
    #[must_use]
    pub fn has_worker(&self, worker: &WorkerId) -> bool {
        self.workers.contains(worker)
    }

    /// What lots are drawn under: another rollout draws others.
    fn name(&self) -> String {
        self.candidate.to_string()
    }
}

impl TrialEnd {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Promoted, Self::RolledBack, Self::Aborted, Self::Compared];

    /// The word programs go by.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Promoted => "promoted",
            Self::RolledBack => "rolled_back",
            Self::Aborted => "aborted",
            Self::Compared => "compared",
        }
    }
}

impl LotBy {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Tenant, Self::Task];

    /// The word programs go by.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tenant => "tenant",
            Self::Task => "task",
        }
    }
}

/// The shard of `tenant` on the canary track, in a class of `shards` buckets.
#[must_use]
pub fn canary_shard(tenant: &TenantId, shards: u16) -> Shard {
    let bucket = fnv1a_64(tenant.as_str().as_bytes()) % u64::from(shards.max(1));
    Shard::Canary(u16::try_from(bucket).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trial(percent: u16) -> Trial {
        Trial {
            candidate: PolicyVersion(7),
            shares: vec![Share::new(percent * 100).unwrap()],
            stage: 0,
            by: LotBy::Task,
            label: None,
            workers: Vec::new(),
            is_paused: false,
            started_at: EpochMs(0),
            since: EpochMs(0),
            passed: Vec::new(),
            compare: None,
        }
    }

    #[test]
    fn slots_count_and_not_workers() {
        let workers: Vec<(WorkerId, u32)> = (0..11)
            .map(|n| {
                (
                    WorkerId::new(&format!("w-{n}")).unwrap(),
                    if n == 0 { 10 } else { 1 },
                )
            })
            .collect();
        let slots_of = |percent| -> u32 {
            let crew = trial(percent).crew(&workers);
            let those = workers.iter().filter(|(worker, _)| crew.contains(worker));
            those.map(|(_, slots)| slots).sum()
        };
        for percent in [5, 10, 25, 50] {
            let (slots, wanted) = (slots_of(percent), f64::from(percent) * 0.2);
            assert!(f64::from(slots) >= wanted, "{percent} %: {slots}");
            assert!(f64::from(slots) < wanted + 10.0, "{percent} %: {slots}");
        }
    }

    #[test]
    fn the_crew_grows_with_the_share_and_leaves_somebody_to_the_stable_track() {
        let workers: Vec<(WorkerId, u32)> = (0..8)
            .map(|n| (WorkerId::new(&format!("w-{n}")).unwrap(), 2))
            .collect();
        let mut before: Vec<WorkerId> = Vec::new();
        for (percent, count) in [(1, 1), (10, 1), (25, 2), (50, 4), (99, 7), (100, 8)] {
            let crew = trial(percent).crew(&workers);
            assert_eq!(crew.len(), count, "{percent} %");
            assert!(before.iter().all(|worker| crew.contains(worker)), "{percent} %");
            before = crew;
        }
        assert_eq!(
            trial(50).crew(&workers[..1]),
            [],
            "one alone serves the stable track"
        );
        assert_eq!(trial(100).crew(&workers[..1]), [workers[0].0.clone()]);
        assert_eq!(trial(100).crew(&[]), []);
    }
}
