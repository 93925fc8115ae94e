//! Nothing loops for ever: whatever fails, however often, and whoever takes a parked task out again.

use proptest::prelude::*;

use super::fixture::{policy, task};
use super::*;
use crate::task::{DeadReason, EpochMs, ErrorKind, Lane, Task};

/// What became of a task that failed in these ways, one after the other, and how often it ran.
struct Life {
    executions: u32,
    in_lowest: u32,
    ended: Option<Verdict>,
}

/// Follows every verdict, and takes a parked task out at once, as an operator without patience would.
fn live(policy: &Policy, mut task: Task, kinds: impl Iterator<Item = ErrorKind>) -> Life {
    let (mut now, mut timeouts) = (EpochMs(0), [0_u32; 2]);
    let mut life = Life {
        executions: 0,
        in_lowest: 0,
        ended: None,
    };
    for kind in kinds {
        life.executions += 1;
        let is_timeout = u32::from(kind == ErrorKind::Timeout);
        timeouts[task.lane as usize] += is_timeout;
        if task.lane.lower().is_none() {
            life.in_lowest += is_timeout;
        }
        let failed = Failed {
            task: &task,
            kind,
            retry_after_ms: None,
            reported_at: now,
            timeouts: timeouts[task.lane as usize],
            in_budget: true,
        };
        match verdict(policy, &failed) {
            Verdict::Retry { at, attempt, hop } => {
                assert!(at >= now && hop == task.hop + 1);
                (task.attempt, task.hop, now) = (attempt, hop, at);
            }
            Verdict::Demote { lane, hop } => {
                assert!(lane > task.lane && hop == task.hop + 1);
                (task.attempt, task.hop, task.lane) = (0, hop, lane);
            }
            Verdict::Park => (task.attempt, task.hop) = (0, task.hop + 1),
            ended => {
                life.ended = Some(ended);
                break;
            }
        }
    }
    life
}

fn on_timeout() -> impl Strategy<Value = OnTimeout> {
    prop::sample::select(vec![OnTimeout::Demote, OnTimeout::Archive, OnTimeout::Retry])
}

/// The kinds that are tried again.
fn kind() -> impl Strategy<Value = ErrorKind> {
    prop::sample::select(vec![
        ErrorKind::Retryable,
        ErrorKind::RateLimited,
        ErrorKind::NoModel,
        ErrorKind::Yielded,
        ErrorKind::Timeout,
    ])
}

proptest! {
    #[test]
    fn whatever_fails_a_task_ends_within_its_hops(
        kinds in prop::collection::vec(kind(), 64),
        core in on_timeout(),
        normal in on_timeout(),
        is_on_core in any::<bool>(),
        max_hops in 1..20_u32,
        max_attempts in 1..50_u32,
        max_timeouts in 1..50_u32,
    ) {
        let mut policy = policy();
        (policy.core.on_timeout, policy.normal.on_timeout) = (core, normal);
        (policy.bounds.max_hops, policy.bounds.max_timeouts) = (max_hops, max_timeouts);
        policy.retry.rules.max_attempts = max_attempts;
        let lane = if is_on_core { Lane::Core } else { Lane::Normal };
        let life = live(&policy, Task { lane, ..task("t", 0, 0) }, kinds.into_iter());
        prop_assert!(life.ended.is_some());
        prop_assert!(life.executions <= max_hops + 1);
        prop_assert!(life.in_lowest <= max_timeouts);
    }

    #[test]
    fn a_task_that_always_runs_out_of_time_is_dead_for_that_after_bounded_work(
        core in on_timeout(),
        normal in on_timeout(),
        max_timeouts in 1..6_u32,
    ) {
        let mut policy = policy();
        (policy.core.on_timeout, policy.normal.on_timeout) = (core, normal);
        policy.bounds.max_timeouts = max_timeouts;
        policy.retry.rules.max_attempts = 6;
        let always = std::iter::repeat_n(ErrorKind::Timeout, 99);
        let life = live(&policy, Task { lane: Lane::Core, ..task("t", 0, 0) }, always);
        // On core nothing but the hops ends what is parked and taken out for ever.
        let reason = if core == OnTimeout::Archive { DeadReason::HopLimit } else { DeadReason::Timeout };
        prop_assert_eq!(life.ended, Some(Verdict::Dead { reason }));
    }
}
