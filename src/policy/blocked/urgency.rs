//! Lane and priority as one number, so that inheritance compares both at once.

use crate::policy::Policy;
use crate::task::{Lane, Task};

/// Priorities of one lane; what is beyond counts as the least urgent of them.
const PRIORITIES: u32 = 1 << 20;

/// How urgent a task is where it is: a lower number is more urgent, and everything on core is more urgent than
/// anything on normal. Its own priority counts, else that of its class, else the least.
#[must_use]
pub fn urgency(policy: &Policy, task: &Task) -> u32 {
    let of_class = policy.class(task.class.as_str()).map(|class| class.priority);
    let priority = task.facts.priority.or(of_class).unwrap_or(PRIORITIES);
    let lane = match task.lane {
        Lane::Core => 0,
        Lane::Normal => PRIORITIES,
    };
    lane + priority.min(PRIORITIES - 1)
}

/// The lane on which a task of that urgency belongs.
#[must_use]
pub const fn lane_of(urgency: u32) -> Lane {
    if urgency < PRIORITIES {
        Lane::Core
    } else {
        Lane::Normal
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::fixture;

    #[test]
    fn the_lane_counts_first_and_then_the_priority() {
        let policy = fixture::policy();
        let at = |lane, priority| {
            let mut task = fixture::task("t", 0, 0);
            task.lane = lane;
            task.facts.priority = priority;
            urgency(&policy, &task)
        };
        let ordered = [
            at(Lane::Core, Some(0)),
            // Of its class, which has 3.
            at(Lane::Core, None),
            at(Lane::Core, Some(u32::MAX)),
            at(Lane::Normal, Some(0)),
            at(Lane::Normal, None),
            at(Lane::Normal, Some(u32::MAX)),
        ];
        assert!(ordered.is_sorted_by(|a, b| a < b), "{ordered:?}");
        let lanes = ordered.map(lane_of);
        assert_eq!(lanes[..3], [Lane::Core; 3]);
        assert_eq!(lanes[3..], [Lane::Normal; 3]);
        assert_eq!(lane_of(u32::MAX), Lane::Normal);
    }
}
