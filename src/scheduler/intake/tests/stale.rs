//! How long what was seen of heads counts.

use std::time::Duration;

use crate::scheduler::facts::Head;
use crate::scheduler::intake::{Decision, Intake, IntakeConfig, QueueSpec, View};
use crate::scheduler::rules::{Between, ClassTerms, Rules};
use crate::task::Moment;

/// What one slot is given to so long after the last of three views a second apart: the place of the queue, and
/// whether blindly. The first queue has the share, the second the older head.
fn picked(between: Between, after: Duration) -> (usize, u64) {
    let mut intake = Intake::new(IntakeConfig {
        slots: 1,
        rules: Rules {
            between,
            ..Rules::default()
        },
        seed: 0,
    });
    let cost = intake.add_cost(20.0);
    let queues = [1000.0, 1.0].map(|share| {
        let class = intake.add_class(ClassTerms::new(share, 1));
        intake.add_queue(QueueSpec {
            class,
            lane: 0,
            cost,
            limit: 9,
        })
    });
    let at = |ms: u64| Moment(Duration::from_millis(ms));
    for second in 1..=3 {
        for (queue, since_ms) in queues.into_iter().zip([900, 100]) {
            let view = View {
                depth: 5,
                head: Some(Head::arrived(at(since_ms))),
                taken_at: at(second * 1000),
            };
            intake.viewed(queue, &view, at(second * 1000));
        }
    }
    let Some(Decision::Ask { queue, .. }) = intake.poll(at(3000) + after) else {
        panic!("a slot is free and tasks are there");
    };
    (queue.0, intake.take_blind())
}

#[test]
fn views_a_second_apart_are_enough_and_without_them_shares_decide() {
    for (after_ms, by) in [(0, (1, 0)), (1000, (1, 0)), (2400, (1, 0)), (2600, (0, 1))] {
        assert_eq!(
            picked(Between::Fifo, Duration::from_millis(after_ms)),
            by,
            "{after_ms}"
        );
    }
}

#[test]
fn a_rule_that_compares_no_heads_is_never_blind() {
    for after_ms in [0, 60_000] {
        assert_eq!(picked(Between::Weighted, Duration::from_millis(after_ms)), (0, 0));
    }
}
