//! How many tasks may go back from the archive at one look.

use std::collections::HashMap;

use super::rules::OverloadRules;
use crate::task::{ClassName, Lane};

/// One queue, as far as it matters here.
#[derive(Debug, Clone)]
pub struct QueueFill {
    /// Its lane.
    pub lane: Lane,
    /// Its class.
    pub class: ClassName,
    /// Tasks of it that may be out at once.
    pub limit: u64,
    /// Tasks that wait on it.
    pub waiting: u64,
    /// Whether somebody holds it back.
    pub is_paused: bool,
}

/// Places that are left. A lane has as many as keep it at work by how fast it is known to be, a class at most ¾ of
/// them; and any class as many as may be out at once, so that none waits for the backlog of another.
#[derive(Debug, Clone)]
pub struct Room {
    lanes: HashMap<Lane, u64>,
    classes: HashMap<(Lane, ClassName), Places>,
    most: u64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Places {
    /// By what may be out at once.
    own: u64,
    /// Of the lane's.
    shared: u64,
    is_paused: bool,
}

impl Room {
    /// The places on `queues`, on lanes that are known to bear so many tasks per second.
    #[must_use]
    pub fn new(rules: &OverloadRules, queues: &[QueueFill], at_least_per_s: impl Fn(Lane) -> f64) -> Self {
        let (mut lanes, mut classes) = (HashMap::new(), HashMap::new());
        for lane in Lane::ALL {
            let ahead = (at_least_per_s(lane) * rules.ahead_s()).max(0.0) as u64;
            let mut fills: HashMap<&ClassName, (u64, u64, bool)> = HashMap::new();
            for queue in queues.iter().filter(|queue| queue.lane == lane) {
                let (limit, waiting, is_paused) = fills.entry(&queue.class).or_default();
                *limit += queue.limit;
                *waiting += queue.waiting;
                // Which of its queues a task goes to is not asked here.
                *is_paused |= queue.is_paused;
            }
            let waiting: u64 = fills
                .values()
                .filter(|f| !f.2)
                .map(|(_, waiting, _)| waiting)
                .sum();
            lanes.insert(lane, ahead.saturating_sub(waiting));
            for (class, (limit, waiting, is_paused)) in fills {
                let places = Places {
                    own: limit.saturating_sub(waiting),
                    shared: (ahead * 3 / 4).saturating_sub(waiting),
                    is_paused,
                };
                classes.insert((lane, class.clone()), places);
            }
        }
        Self {
            lanes,
            classes,
            most: rules.archive_drain_per_s.into(),
        }
    }

    /// Takes a place for a task of `class` on `lane`; false where there is none.
    pub fn take(&mut self, lane: Lane, class: &ClassName) -> bool {
        // One without a queue gets it, or its end, where it belongs: on its lane.
        let places = self.classes.entry((lane, class.clone())).or_insert(Places {
            own: 1,
            ..Places::default()
        });
        let left = self.lanes.entry(lane).or_default();
        let of_lane = places.shared.min(*left) > 0;
        if places.is_paused || self.most == 0 || (places.own == 0 && !of_lane) {
            return false;
        }
        self.most -= 1;
        places.own = places.own.saturating_sub(1);
        places.shared = places.shared.saturating_sub(1);
        *left = left.saturating_sub(1);
        true
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn queue(lane: Lane, class: &str, limit: u64, waiting: u64) -> QueueFill {
        QueueFill {
            lane,
            class: ClassName::new(class).unwrap(),
            limit,
            waiting,
            is_paused: false,
        }
    }

    /// Five seconds ahead.
    fn rules(archive_drain_per_s: u32) -> OverloadRules {
        OverloadRules {
            archive_drain_per_s,
            ..OverloadRules::default()
        }
    }

    fn taken(room: &mut Room, lane: Lane, class: &str) -> usize {
        let class = ClassName::new(class).unwrap();
        (0..1_000).take_while(|_| room.take(lane, &class)).count()
    }

    #[test]
    fn a_class_fills_what_may_be_out_or_most_of_what_the_lane_is_known_to_bear() {
        let queues = [
            queue(Lane::Normal, "slow", 5, 40),
            queue(Lane::Normal, "quick", 5, 0),
            queue(Lane::Core, "urgent", 10, 4),
        ];
        let rate = |lane| if lane == Lane::Normal { 20.0 } else { 0.0 };
        let mut room = Room::new(&rules(1_000), &queues, rate);
        // 100 ahead, 40 wait: 60 are left. A class has 75 in all, so one gets 35 and the other the rest.
        assert_eq!(taken(&mut room, Lane::Normal, "slow"), 35);
        assert_eq!(taken(&mut room, Lane::Normal, "quick"), 25);
        assert_eq!(
            taken(&mut room, Lane::Core, "urgent"),
            6,
            "nothing is known of it"
        );
        assert_eq!(taken(&mut room, Lane::Core, "stranger"), 1);
    }

    #[test]
    fn the_backlog_of_one_class_leaves_another_what_may_be_out() {
        let queues = [
            queue(Lane::Normal, "slow", 5, 500),
            queue(Lane::Normal, "quick", 7, 0),
        ];
        let mut room = Room::new(&rules(1_000), &queues, |_| 20.0);
        assert_eq!(taken(&mut room, Lane::Normal, "slow"), 0);
        assert_eq!(taken(&mut room, Lane::Normal, "quick"), 7);
    }

    #[test]
    fn what_is_held_back_gets_nothing_and_all_together_no_more_than_the_bound() {
        let mut held = queue(Lane::Normal, "held", 5, 0);
        held.is_paused = true;
        let queues = [held, queue(Lane::Normal, "free", 50, 0)];
        let mut room = Room::new(&rules(30), &queues, |_| 100.0);
        assert_eq!(taken(&mut room, Lane::Normal, "held"), 0);
        assert_eq!(taken(&mut room, Lane::Normal, "free"), 30);
    }

    proptest! {
        #[test]
        fn a_lane_gets_no_more_than_lasts_the_time_ahead_or_may_be_out(
            fills in prop::collection::vec((0_u64..50, 0_u64..500), 1..5),
            rate in 0.0_f64..100.0,
            most in 1_u32..2_000,
        ) {
            let names = ["a", "b", "c", "d", "e"];
            let queues: Vec<_> = fills.iter().zip(names)
                .map(|((limit, waiting), name)| queue(Lane::Normal, name, *limit, *waiting)).collect();
            let mut room = Room::new(&rules(most), &queues, |_| rate);
            let put: u64 = queues.iter().map(|q| taken(&mut room, Lane::Normal, q.class.as_str()) as u64).sum();
            prop_assert!(put <= u64::from(most));
            let waiting: u64 = fills.iter().map(|(_, waiting)| waiting).sum();
            let limits: u64 = fills.iter().map(|(limit, _)| limit).sum();
            prop_assert!(put <= limits.max(((rate * 5.0) as u64).saturating_sub(waiting) + limits));
        }
    }
}
