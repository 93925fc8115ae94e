//! What the rule between classes moves to a more urgent lane, beside what a class asks for itself.
//!
//! A worker applies its rule to the queues it knows, and a lane's limit binds before the rule does: under `mlfq` and
//! `aging`, which promise that nothing waits for ever, a task that waits on normal behind its limit goes to core, where
//! there is room. The other rules promise no such thing, or bound the wait without moving anything.

use super::{Class, Policy, WaitVerdict};
use crate::scheduler::rules::Between;
use crate::task::{EpochMs, Lane, Task};

/// Tasks that are moved at most in one period, over all queues: a boost is not to become another flood.
pub const LIFTS_MAX: u64 = 100;
/// How often at least that many may be moved, in ms; under `mlfq` the period is `boost_ms`.
const PERIOD_MS: u64 = 10_000;
/// The least wait after which a task is moved, in ms: lanes are looked over once in that time.
const AFTER_MS_MIN: u64 = 1_000;

/// After which wait on normal a task of `class` is moved up, in ms; none where the rule does not.
///
/// Under `mlfq` it is `boost_ms`. Under `aging` it is when the task's score passes that of a task that has just come to
/// core, of the class with the lowest base there.
#[must_use]
pub fn lift_after_ms(policy: &Policy, class: &Class) -> Option<u64> {
    match policy.scheduler.between {
        Between::Mlfq(rules) => Some(rules.boost_ms.max(AFTER_MS_MIN)),
        Between::Aging => {
            let core = policy.classes.iter().filter(|other| is_of_core(policy, other));
            let lowest = core.map(|other| other.terms().aging_base).reduce(f64::min)?;
            let terms = class.terms();
            // base + exp(alpha · wait) > lowest + exp(0)
            let gap = lowest + 1.0 - terms.aging_base;
            let wait_s = gap.max(1.0).ln() / terms.aging_alpha;
            // A float that is out of range becomes the bound.
            Some(((wait_s * 1000.0).ceil() as u64).max(AFTER_MS_MIN))
        }
        Between::Weighted
        | Between::Strict { .. }
        | Between::Fifo
        | Between::Edf { .. }
        | Between::Score(_) => None,
    }
}

fn is_of_core(policy: &Policy, class: &Class) -> bool {
    policy.core.max_priority.is_some_and(|max| class.priority <= max)
}

/// Decides about a task that has been on its lane since `since`.
#[must_use]
pub fn lifted(policy: &Policy, task: &Task, since: EpochMs, now: EpochMs) -> WaitVerdict {
    let class = policy.class(task.class.as_str());
    let after_ms = class.and_then(|class| lift_after_ms(policy, class));
    let is_due = after_ms.is_some_and(|after_ms| now.since(since) > after_ms);
    match task.lane.higher() {
        Some(lane) if is_due && task.hop < policy.bounds.max_hops => WaitVerdict::Move {
            lane,
            hop: task.hop.saturating_add(1),
        },
        _ => WaitVerdict::Wait,
    }
}

/// How many tasks may still be moved up in a period.
#[derive(Debug, Clone, Copy, Default)]
pub struct Lifts {
    began: Option<EpochMs>,
    moved: u64,
}

impl Lifts {
    /// How many may be moved at `now` onto a core lane that has `room` tasks less than it may run at once.
    pub fn left(&mut self, policy: &Policy, room: u64, now: EpochMs) -> u64 {
        let period_ms = match policy.scheduler.between {
            Between::Mlfq(rules) => rules.boost_ms.max(AFTER_MS_MIN),
            _ => PERIOD_MS,
        };
        // A clock that was set back begins a period, too.
        if self
            .began
            .is_none_or(|began| now < began || now.since(began) >= period_ms)
        {
            (self.began, self.moved) = (Some(now), 0);
        }
        room.min(LIFTS_MAX.saturating_sub(self.moved))
    }

    /// One was moved.
    pub fn take(&mut self) {
        self.moved += 1;
    }
}

/// Tasks the core lane may take until it runs as many as it may, from those that are `out` and those that are `waiting`.
#[must_use]
pub fn room(policy: &Policy, out: u64, waiting: u64) -> u64 {
    let most = u64::from(policy.lane(Lane::Core).concurrency);
    most.saturating_sub(out).saturating_sub(waiting)
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;
    use crate::scheduler::rules::MlfqRules;

    fn under(between: Between) -> Policy {
        let mut policy = fixture::policy();
        policy.scheduler.between = between;
        // payment and auth are of core.
        for (class, share) in policy.classes.iter_mut().zip([40, 30, 20, 10]) {
            class.share = share;
        }
        policy
    }

    fn after(policy: &Policy, class: usize, lane: Lane, ms: u64) -> WaitVerdict {
        let task = Task {
            lane,
            class: policy.classes[class].name.clone(),
            ..fixture::task("t", 0, 2)
        };
        lifted(policy, &task, EpochMs(50), EpochMs(50).plus_ms(ms))
    }

    const UP: WaitVerdict = WaitVerdict::Move {
        lane: Lane::Core,
        hop: 3,
    };

    #[test]
    fn under_mlfq_what_waits_for_a_boost_goes_up() {
        let policy = under(Between::Mlfq(MlfqRules::DEFAULT));
        assert_eq!(after(&policy, 3, Lane::Normal, 30_000), WaitVerdict::Wait);
        assert_eq!(after(&policy, 3, Lane::Normal, 30_001), UP);
        assert_eq!(
            after(&policy, 3, Lane::Core, 90_000),
            WaitVerdict::Wait,
            "it is up"
        );
    }

    #[test]
    fn under_aging_what_passes_a_newcomer_of_core_goes_up() {
        let policy = under(Between::Aging);
        // 10 + exp(0.1 · wait) = 30 + 1 after ln(21) / 0.1 s.
        assert_eq!(lift_after_ms(&policy, &policy.classes[3]), Some(30_446));
        assert_eq!(after(&policy, 3, Lane::Normal, 30_446), WaitVerdict::Wait);
        assert_eq!(after(&policy, 3, Lane::Normal, 30_447), UP);
        // The higher its base, the sooner; one that is ahead from the start has to wait for a look all the same.
        assert_eq!(lift_after_ms(&policy, &policy.classes[2]), Some(23_979));
        assert_eq!(lift_after_ms(&policy, &policy.classes[0]), Some(1_000));
    }

    #[test]
    fn other_rules_move_nothing_and_neither_does_one_without_a_hop_left() {
        for between in [Between::Weighted, Between::Fifo, Between::Strict { floor: 0.05 }] {
            let policy = under(between);
            assert_eq!(after(&policy, 3, Lane::Normal, u64::MAX >> 1), WaitVerdict::Wait);
        }
        let mut policy = under(Between::Mlfq(MlfqRules::DEFAULT));
        policy.bounds.max_hops = 2;
        assert_eq!(after(&policy, 3, Lane::Normal, 90_000), WaitVerdict::Wait);
    }

    #[test]
    fn a_period_has_a_bound_and_core_its_room() {
        let policy = under(Between::Mlfq(MlfqRules::DEFAULT));
        assert_eq!(room(&policy, 4, 2), 4, "core may run 10");
        assert_eq!(room(&policy, 8, 200), 0);
        let mut lifts = Lifts::default();
        assert_eq!(lifts.left(&policy, 4, EpochMs(1_000)), 4);
        for _ in 0..98 {
            lifts.take();
        }
        assert_eq!(lifts.left(&policy, 4, EpochMs(30_999)), 2);
        assert_eq!(lifts.left(&policy, 4, EpochMs(31_000)), 4, "the next boost");
    }
}
