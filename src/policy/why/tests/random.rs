//! Whatever waits where: who has more before it does not start sooner.

use proptest::prelude::*;

use super::stage::{load, on_lane, policy, seen};
use crate::policy::why::*;
use crate::scheduler::rules::Between;

proptest! {
    #[test]
    fn more_before_it_is_never_sooner_and_no_end_comes_before_its_start(
        backlogs in prop::collection::vec(0_u64..500, 3),
        ahead in 0_u64..300,
        more in 1_u64..300,
        drain in 0.1_f64..1_000.0,
        rule in 0_usize..3,
    ) {
        let mut policy = policy();
        let rules = [Between::Weighted, Between::Strict { floor: 0.05 }, Between::Fifo];
        policy.scheduler.between = rules[rule];
        let mut seen = seen();
        seen.mesh.load = Some(load(Some(drain)));
        for (queue, waiting) in seen.mesh.queues.iter_mut().zip(backlogs) {
            queue.waiting = waiting;
        }
        let mut starts = |tasks| {
            on_lane(&mut seen).ahead.tasks = tasks;
            match estimate(&policy, &seen) {
                Estimate::Starts { from_ms, to_ms, .. } => (from_ms, to_ms.unwrap_or(u64::MAX)),
                other => panic!("{other:?}"),
            }
        };
        let (sooner, later) = (starts(ahead), starts(ahead + more));
        prop_assert!(sooner.0 <= sooner.1 && later.0 <= later.1);
        prop_assert!(sooner.0 <= later.0 && sooner.1 <= later.1);
    }
}
