//! Being told of a task in a silent queue.

use std::time::Duration;

use crate::scheduler::facts::Head;
use crate::scheduler::intake::{
    Admission, Arrival, Decision, Intake, IntakeConfig, QueueId, QueueSpec, Source, View,
};
use crate::scheduler::rules::{ClassTerms, Rules};
use crate::task::Moment;

fn at(ms: u64) -> Moment {
    Moment(Duration::from_millis(ms))
}

fn decided(intake: &mut Intake, now: Moment) -> Vec<Decision> {
    std::iter::from_fn(|| intake.poll(now)).collect()
}

/// Whether the silent queue is looked at when the one slot, busy with the other queue's tasks, is free for a moment.
fn is_looked_at(tell: impl FnOnce(&mut Intake, QueueId)) -> bool {
    let mut intake = Intake::new(IntakeConfig {
        slots: 1,
        rules: Rules::default(),
        seed: 0,
    });
    let cost = intake.add_cost(5.0);
    let [busy, silent] = [0, 1].map(|_| {
        let class = intake.add_class(ClassTerms::new(1.0, 1));
        intake.add_queue(QueueSpec {
            class,
            lane: 0,
            cost,
            limit: 9,
        })
    });
    let view = View {
        depth: 100,
        head: None,
        taken_at: at(1000),
    };
    intake.viewed(busy, &view, at(1000));
    decided(&mut intake, at(1000));
    let arrival = Arrival {
        backlog: 99,
        deliveries: 1,
        task: Head::arrived(at(1000)),
    };
    assert_eq!(
        intake.delivered(busy, Source::Ask, &arrival, at(1000)),
        Admission::Start
    );
    decided(&mut intake, at(1000));
    intake.finished(busy, None, 5.0);
    tell(&mut intake, silent);
    let next = decided(&mut intake, at(1005));
    next.iter()
        .any(|decision| matches!(decision, Decision::Wait { queue, .. } if *queue == silent))
}

#[test]
fn a_busy_worker_looks_at_a_silent_queue_at_once_when_it_is_told_and_later_by_itself() {
    assert!(!is_looked_at(|_, _| ()), "it was looked at 5 ms ago");
    assert!(is_looked_at(Intake::woken));
}
