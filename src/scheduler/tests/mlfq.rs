//! Levels by attained service.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;

use super::stage::{Job, Stage, rules};
use crate::scheduler::facts::{Flow, Head, QueueId};
use crate::scheduler::mlfq::Mlfq;
use crate::scheduler::picker::Sight;
use crate::scheduler::rules::{Between, ClassTerms, MlfqRules};
use crate::task::Moment;

const QUANTUM_MS: f64 = 50.0;

const RULES: MlfqRules = MlfqRules {
    by: crate::scheduler::rules::FlowKey::Tenant,
    quantum_ms: QUANTUM_MS,
    levels: 16,
    boost_ms: 3_600_000,
};

fn stage(of: MlfqRules) -> Stage {
    Stage::new(rules(Between::Mlfq(of), None), &[ClassTerms::new(1.0, 1); 3], 2)
}

fn job(flow: u64, since: Moment, cost_ms: f64) -> Job {
    let head = Head {
        flow: Some(Flow(flow)),
        ..Head::arrived(since)
    };
    Job::of(head, cost_ms)
}

/// One queue, and what a task costs of which nothing is said.
fn levels() -> Mlfq {
    let mut mlfq = Mlfq::new(RULES);
    mlfq.add();
    mlfq
}

const QUEUE: QueueId = QueueId(0);
const SMALL_MS: f64 = 1.0;

fn level_of(mlfq: &Mlfq, flow: Option<u64>, cost_ms: f64) -> u32 {
    let head = Head {
        flow: flow.map(Flow),
        cost_ms: Some(cost_ms),
        ..Head::arrived(Moment::default())
    };
    mlfq.level(QUEUE, &head, SMALL_MS)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// As long as nobody has sunk to the lowest level, and no task is dearer than a quantum.
    #[test]
    fn nobody_is_served_who_has_had_more_than_twice_as_much_as_one_who_waits_and_a_quantum(
        arrivals in prop::collection::vec((0_usize..6, 0_u64..5, 1.0..QUANTUM_MS, 0_u32..3), 1..400),
    ) {
        let mut stage = stage(RULES);
        let mut had_ms: BTreeMap<Flow, f64> = BTreeMap::new();
        for (queue, flow, cost_ms, served) in arrivals {
            stage.pass(1);
            let job = job(flow, stage.now, cost_ms);
            stage.put(queue, job);
            for _ in 0..served {
                let had = |job: &Job| job.head.flow.and_then(|flow| had_ms.get(&flow)).copied().unwrap_or(0.0);
                let least_ms = stage.ready().map(|(_, job)| had(job)).fold(f64::INFINITY, f64::min);
                let Some((_, job)) = stage.serve_one(Sight::Blind) else { break };
                prop_assert!(had(&job) <= 2.0 * least_ms + QUANTUM_MS, "{} and {least_ms}", had(&job));
                *had_ms.entry(job.head.flow.unwrap()).or_default() += job.cost_ms;
            }
        }
    }

    #[test]
    fn a_boost_puts_all_at_the_top(served in prop::collection::vec((0_u64..6, 1.0_f64..5_000.0), 1..50)) {
        let mut mlfq = levels();
        for (flow, cost_ms) in &served {
            mlfq.charge(QUEUE, Some(Flow(*flow)), *cost_ms);
        }
        mlfq.boost(Moment(Duration::from_millis(RULES.boost_ms)));
        for (flow, _) in served {
            prop_assert_eq!(level_of(&mlfq, Some(flow), SMALL_MS), 0);
        }
        prop_assert_eq!(level_of(&mlfq, None, SMALL_MS), 0);
    }

    #[test]
    fn a_task_dearer_than_a_level_takes_joins_below_it(cost_ms in 1.0..1e6_f64) {
        let level = level_of(&levels(), Some(1), cost_ms);
        let takes_ms = |level: u32| QUANTUM_MS * f64::from(1_u32 << level);
        prop_assert!(cost_ms <= takes_ms(level) || level == RULES.levels - 1);
        prop_assert!(level == 0 || cost_ms > takes_ms(level - 1));
    }

    #[test]
    fn a_head_of_an_unknown_flow_is_judged_by_the_mean_of_its_queue(
        served in prop::collection::vec((0_u64..6, 1.0_f64..500.0), 1..50),
    ) {
        let mut mlfq = levels();
        let mut had_ms: BTreeMap<u64, f64> = BTreeMap::new();
        for (flow, cost_ms) in served {
            mlfq.charge(QUEUE, Some(Flow(flow)), cost_ms);
            *had_ms.entry(flow).or_default() += cost_ms;
        }
        let mean_ms = had_ms.values().sum::<f64>() / had_ms.len() as f64;
        mlfq.attain(Flow(99), mean_ms);
        prop_assert_eq!(level_of(&mlfq, None, SMALL_MS), level_of(&mlfq, Some(99), SMALL_MS));
    }
}

#[test]
fn a_flow_sinks_a_level_with_every_quantum_and_quanta_double() {
    let mut mlfq = levels();
    let mut level_after = |cost_ms: f64| {
        mlfq.charge(QUEUE, Some(Flow(1)), cost_ms);
        level_of(&mlfq, Some(1), SMALL_MS)
    };
    assert_eq!(
        [49.0, 1.0, 99.0, 1.0, 199.0, 1.0].map(&mut level_after),
        [0, 1, 1, 2, 2, 3]
    );
}

#[test]
fn flows_beyond_those_that_are_told_apart_share_one_account() {
    let mut mlfq = levels();
    (1..=70_000).for_each(|flow| _ = mlfq.attain(Flow(flow), 1.0));
    mlfq.attain(Flow(100_000), 120.0);
    assert!(level_of(&mlfq, Some(200_000), SMALL_MS) > 0);
    assert_eq!(level_of(&mlfq, Some(1), SMALL_MS), 0);
}

#[test]
fn what_is_given_back_after_a_boost_is_no_credit() {
    let mut mlfq = levels();
    mlfq.charge(QUEUE, Some(Flow(1)), 1_000.0);
    mlfq.boost(Moment(Duration::from_millis(RULES.boost_ms)));
    mlfq.charge(QUEUE, Some(Flow(1)), -900.0);
    mlfq.charge(QUEUE, Some(Flow(1)), 60.0);
    assert_eq!(level_of(&mlfq, Some(1), SMALL_MS), 1);
    assert_eq!(level_of(&mlfq, None, SMALL_MS), 1);
}
