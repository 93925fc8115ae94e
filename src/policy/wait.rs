//! What follows when a task has waited on its lane for longer than its class allows.

use super::{OnMaxWait, Policy};
use crate::task::{EpochMs, Lane, Task};

/// What is to happen to a task that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitVerdict {
    /// Nothing: it has not waited for too long, or there is nowhere else to wait.
    Wait,
    /// It goes to the end of another lane.
    Move {
        /// Which.
        lane: Lane,
        /// Its hop from then on.
        hop: u32,
    },
    /// Its time is over.
    Expire,
}

/// Decides about a task that has been on its lane since `since`.
#[must_use]
pub fn waited(policy: &Policy, task: &Task, since: EpochMs, now: EpochMs) -> WaitVerdict {
    let rule = policy.class(task.class.as_str()).and_then(|class| class.max_wait);
    let Some(rule) = rule.filter(|rule| now.since(since) > rule.ms) else {
        return WaitVerdict::Wait;
    };
    let lane = match rule.then {
        OnMaxWait::Expire => return WaitVerdict::Expire,
        OnMaxWait::Promote => task.lane.higher(),
        OnMaxWait::Demote => task.lane.lower(),
    };
    // A move uses a hop; one without any left stays and is executed where it is.
    match lane.filter(|_| task.hop < policy.bounds.max_hops) {
        Some(lane) => WaitVerdict::Move {
            lane,
            hop: task.hop.saturating_add(1),
        },
        None => WaitVerdict::Wait,
    }
}

#[cfg(test)]
mod tests {
    use super::super::MaxWait;
    use super::super::fixture;
    use super::*;

    /// What follows for a task of the first class on `lane` that has waited for `ms` under a bound of 1,000.
    fn after(ms: u64, lane: Lane, hop: u32, then: Option<OnMaxWait>) -> WaitVerdict {
        let mut policy = fixture::policy();
        policy.classes[0].max_wait = then.map(|then| MaxWait { ms: 1_000, then });
        let task = Task {
            lane,
            class: policy.classes[0].name.clone(),
            ..fixture::task("t", 0, hop)
        };
        waited(&policy, &task, EpochMs(50), EpochMs(50).plus_ms(ms))
    }

    #[test]
    fn every_rule_has_its_verdict_on_every_lane() {
        use Lane::{Core, Normal};
        use OnMaxWait::{Demote, Expire, Promote};
        let to = |lane| WaitVerdict::Move { lane, hop: 3 };
        for (lane, then, verdict) in [
            (Core, Promote, WaitVerdict::Wait),
            (Normal, Promote, to(Core)),
            (Core, Demote, to(Normal)),
            (Normal, Demote, WaitVerdict::Wait),
            (Core, Expire, WaitVerdict::Expire),
            (Normal, Expire, WaitVerdict::Expire),
        ] {
            assert_eq!(after(1_001, lane, 2, Some(then)), verdict, "{lane} {then:?}");
            assert_eq!(
                after(1_000, lane, 2, Some(then)),
                WaitVerdict::Wait,
                "not over the bound"
            );
        }
        assert_eq!(after(u64::MAX, Normal, 2, None), WaitVerdict::Wait, "no bound");
    }

    #[test]
    fn a_task_without_a_hop_left_stays_where_it_is() {
        let last = fixture::policy().bounds.max_hops;
        assert_eq!(
            after(2_000, Lane::Normal, last, Some(OnMaxWait::Promote)),
            WaitVerdict::Wait
        );
    }
}
