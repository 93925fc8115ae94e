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

/// An intake with one slot that runs a task of the first queue, which has more; nothing was in the second one.
fn busy_beside_silent() -> (Intake, QueueId, QueueId) {
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
    starts(&mut intake, busy, at(1000));
    (intake, busy, silent)
}

/// A task of the busy queue comes and takes the slot.
fn starts(intake: &mut Intake, busy: QueueId, now: Moment) {
    let arrival = Arrival {
        backlog: 99,
        deliveries: 1,
        task: Head::arrived(now),
    };
    let admitted = intake.delivered(busy, Source::Ask, &arrival, now);
    assert_eq!(admitted, Admission::Start);
    decided(intake, now);
}

/// Whether the queue is looked at in the slot that is free now.
fn looks_at(intake: &mut Intake, silent: QueueId, now: Moment) -> bool {
    let next = decided(intake, now);
    next.iter()
        .any(|decision| matches!(decision, Decision::Wait { queue, .. } if *queue == silent))
}

/// Whether the silent queue is looked at when the one slot, busy with the other queue's tasks, is free for a moment.
fn is_looked_at(tell: impl FnOnce(&mut Intake, QueueId)) -> bool {
    let (mut intake, busy, silent) = busy_beside_silent();
    intake.finished(busy, None, 5.0);
    tell(&mut intake, silent);
    looks_at(&mut intake, silent, at(1005))
}

#[test]
fn a_busy_worker_looks_at_a_silent_queue_at_once_when_it_is_told_and_later_by_itself() {
    assert!(!is_looked_at(|_, _| ()), "it was looked at 5 ms ago");
    assert!(is_looked_at(|intake, queue| intake.woken(queue, at(1004))));
}

#[test]
fn what_was_seen_to_come_and_did_not_in_time_is_looked_for_again_with_the_next_slot_and_not_for_ever() {
    let (mut intake, busy, silent) = busy_beside_silent();
    intake.woken(silent, at(1004));
    intake.finished(busy, None, 5.0);
    assert!(looks_at(&mut intake, silent, at(1005)));
    for (start, end, again) in [(1020, 1025, true), (1040, 1060, true), (1070, 1075, false)] {
        // Nothing came: the slot is kept no longer, and a task of the busy queue takes it.
        decided(&mut intake, at(start - 1));
        starts(&mut intake, busy, at(start));
        intake.finished(busy, None, 5.0);
        assert_eq!(looks_at(&mut intake, silent, at(end)), again, "{end}");
    }
}
