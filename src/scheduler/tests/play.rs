//! What may happen to the queues of a stage.

use std::time::Duration;

use proptest::prelude::*;

use super::stage::{Job, Stage};
use crate::scheduler::credit::Standing;
use crate::scheduler::facts::{Flow, Head, QueueId};
use crate::scheduler::picker::Sight;
use crate::scheduler::rules::{Between, ClassTerms, Infeasible, MlfqRules, ScoreWeights};
use crate::task::Moment;

/// Classes of a stage that is played on, with two queues each.
pub(super) const CLASSES: usize = 3;
/// All their queues.
pub(super) const QUEUES: usize = 2 * CLASSES;

#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    /// A task comes, with a deadline so much later.
    Arrive(usize, Job, Option<u64>),
    /// A queue may do this from now on while it holds tasks.
    Allow(usize, Standing),
    /// A slot is free.
    Serve(Sight),
    /// Time passes.
    Wait(u64),
}

/// Does it. Says what was served where a slot was free.
pub(super) fn act(stage: &mut Stage, step: Step) -> Option<(QueueId, Job)> {
    match step {
        Step::Arrive(queue, job, due_ms) => {
            let due = due_ms.map(|ms| stage.now + Duration::from_millis(ms));
            let head = Head {
                since: stage.now,
                deadline: due,
                ..job.head
            };
            stage.put(queue, Job { head, ..job });
        }
        Step::Allow(queue, standing) => stage.lines[queue].allowed = standing,
        Step::Serve(sight) => return stage.serve_one(sight),
        Step::Wait(ms) => stage.pass(ms),
    }
    None
}

/// A task of any kind; when it comes is left open.
pub(super) fn job() -> impl Strategy<Value = Job> {
    let flow = prop::option::of((0_u64..4).prop_map(Flow));
    (0.0_f64..10.0, 0.0_f64..10.0, flow, 1.0_f64..200.0, 0.25_f64..4.0).prop_map(
        |(urgency, business_weight, flow, cost_ms, wrong)| Job {
            head: Head {
                flow,
                urgency,
                business_weight,
                cost_ms: Some(cost_ms * wrong),
                ..Head::arrived(Moment::default())
            },
            cost_ms,
            estimate_ms: cost_ms * wrong,
        },
    )
}

/// A play of many steps.
pub(super) fn steps(sight: impl Strategy<Value = Sight>) -> impl Strategy<Value = Vec<Step>> {
    let standing = prop_oneof![
        2 => Just(Standing::Ready),
        1 => Just(Standing::Delayed),
        1 => Just(Standing::Absent)
    ];
    let due_ms = prop::option::of(0_u64..5_000);
    let step = prop_oneof![
        6 => (0..QUEUES, job(), due_ms).prop_map(|(queue, job, due_ms)| Step::Arrive(queue, job, due_ms)),
        2 => (0..QUEUES, standing).prop_map(|(queue, standing)| Step::Allow(queue, standing)),
        4 => sight.prop_map(Step::Serve),
        4 => prop_oneof![9 => 0_u64..200, 1 => 0_u64..40_000].prop_map(Step::Wait),
    ];
    prop::collection::vec(step, 1..300)
}

/// Classes that have nothing in common.
pub(super) fn classes() -> impl Strategy<Value = Vec<ClassTerms>> {
    let alpha = prop_oneof![Just(ClassTerms::AGING_ALPHA), 0.05_f64..0.5];
    let slo_ms = prop::option::of(10_u64..5_000);
    let terms = (1.0_f64..100.0, 0_u32..3, 0.0_f64..100.0, alpha, slo_ms).prop_map(
        |(share, priority, aging_base, aging_alpha, slo_ms)| ClassTerms {
            aging_base,
            aging_alpha,
            slo_ms,
            ..ClassTerms::new(share, priority)
        },
    );
    prop::collection::vec(terms, CLASSES)
}

/// Every rule but the balances.
pub(super) fn ranked() -> impl Strategy<Value = Between> {
    prop_oneof![
        Just(Between::Fifo),
        prop_oneof![Just(0.0), 0.0_f64..0.5].prop_map(|floor| Between::Strict { floor }),
        Just(Between::Edf {
            infeasible: Infeasible::Serve
        }),
        Just(Between::Aging),
        Just(Between::Score(ScoreWeights::default())),
        Just(Between::Mlfq(MlfqRules::default())),
    ]
}

/// Every rule.
pub(super) fn rule() -> impl Strategy<Value = Between> {
    prop_oneof![1 => Just(Between::Weighted), 6 => ranked()]
}

pub(super) fn sight() -> impl Strategy<Value = Sight> {
    prop_oneof![Just(Sight::Heads), Just(Sight::Blind)]
}
