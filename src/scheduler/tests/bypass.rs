//! How often a head is passed over.

use std::time::Duration;

use proptest::prelude::*;

use super::play::{QUEUES, Step, act, classes, ranked, steps};
use super::stage::{Job, Stage, rules};
use crate::scheduler::bypass::Bypass;
use crate::scheduler::credit::Standing;
use crate::scheduler::facts::{Head, QueueId};
use crate::scheduler::picker::Sight;
use crate::task::Moment;

/// Counts, for the head of each queue, the later ones that were served while it could have been.
#[derive(Default)]
struct Passes {
    heads: [Option<(Moment, u32)>; QUEUES],
}

impl Passes {
    /// One that came at `served` is served; these could have been, and came at these times.
    fn count(&mut self, served: (QueueId, Moment), ready: &[(QueueId, Moment)]) -> u32 {
        for (queue, came) in ready {
            let passed = match self.heads[queue.0] {
                Some((of, passed)) if of == *came => passed,
                _ => 0,
            };
            let is_passed = served.0 != *queue && served.1 > *came;
            self.heads[queue.0] = Some((*came, passed + u32::from(is_passed)));
        }
        self.heads[served.0.0] = None;
        self.heads
            .iter()
            .flatten()
            .map(|(_, passed)| *passed)
            .max()
            .unwrap_or(0)
    }
}

fn came((queue, job): (QueueId, &Job)) -> (QueueId, Moment) {
    (queue, job.head.since)
}

/// A queue that is told to be without tasks has another head when it has tasks again.
fn keeps_heads(step: &Step) -> bool {
    !matches!(step, Step::Allow(_, Standing::Absent))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_head_is_passed_over_by_no_more_later_tasks_than_the_bound(
        between in ranked(),
        most in 1_u32..8,
        classes in classes(),
        steps in steps(Just(Sight::Heads)),
    ) {
        let mut stage = Stage::new(rules(between, Some(most)), &classes, 2);
        let mut passes = Passes::default();
        for step in steps.into_iter().filter(keeps_heads) {
            let ready: Vec<(QueueId, Moment)> = stage.ready().map(came).collect();
            if let Some((queue, job)) = act(&mut stage, step) {
                let passed = passes.count((queue, job.head.since), &ready);
                prop_assert!(passed <= most, "{passed} of {most} at {:?}", stage.now);
            }
        }
    }
}

#[test]
fn a_queue_that_comes_and_goes_between_two_picks_stands_in_line_once() {
    let mut bypass = Bypass::new(8);
    bypass.add();
    bypass.add();
    for n in 0..10_000_u64 {
        bypass.head(QueueId(0), Head::arrived(Moment(Duration::from_nanos(n))));
        bypass.gone(QueueId(0));
    }
    bypass.head(QueueId(0), Head::arrived(Moment(Duration::from_nanos(10_000))));
    assert_eq!(bypass.line_len(), 1);
    // What stands in line once is due once, and again after it went and came.
    for _ in 0..8 {
        assert_eq!(bypass.due(), None);
        bypass.picked(QueueId(1));
    }
    assert_eq!(bypass.due(), Some(QueueId(0)));
    bypass.gone(QueueId(0));
    assert_eq!(bypass.due(), None);
}
