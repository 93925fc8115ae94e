//! What the simulator runs is what the worker runs: one log of events, told to both, is answered alike.

use fairlane::config::parse_policy;
use fairlane::scheduler::rules::Rules;
use fairlane::sim;
use fairlane::sim::plan::{ClassPlan, Mesh, Mode, Plan};
use fairlane::sim::workload::{Kind, Length, Spec, build};
use fairlane::task::{ClassName, Lane, ModelName, Route, Shard};
use fairlane::worker::intake_of;

const SEED: u64 = 7;
const CLASSES: [(&str, Lane); 3] = [("code", Lane::Core), ("conv", Lane::Core), ("long", Lane::Normal)];

fn document(between: &str) -> String {
    format!(
        "version: 1
scheduler: {{ between: {between} }}
classes:
  code: {{ priority: 1, share: 6, slo_ms: 5000 }}
  conv: {{ priority: 2, share: 3, slo_ms: 20000, lookahead: {{ window: 4, order: aged }} }}
  long: {{ priority: 5, share: 1, slo_ms: 60000 }}
default_class: code
models:
  m: {{ executor: simulate }}
"
    )
}

fn check(between: &str) {
    let policy = parse_policy("p.yaml", &document(between)).expect("it is a policy");
    let spec = Spec {
        length: Some(Length::Tasks(400)),
        slots: Some(4),
        ..Spec::new(Kind::Mix)
    };
    let workload = build(&spec, SEED).expect("it is a workload");
    let rules: Rules = policy.scheduler;
    let plan = Plan {
        classes: policy
            .classes
            .iter()
            .map(|class| ClassPlan {
                terms: class.terms(),
                max_concurrent: None,
                rate: None,
            })
            .collect(),
        ..Plan::of(rules, &workload, Mode::Mesh(Mesh::default()))
    };
    let log = sim::log(&workload, &plan, SEED);
    assert!(log.len() > 1_000, "{} events", log.len());

    let consumers = CLASSES.map(|(class, lane)| {
        let route = Route {
            lane,
            class: ClassName::new(class).expect("it is a name"),
            model: ModelName::new("m").expect("it is a name").token(),
            shard: Shard::Stable(0),
        };
        (route, sim::LIMIT_FAR)
    });
    let mut intake = intake_of(&policy, 4, sim::seed_of_worker(SEED, 0), &consumers);
    for (at, (now, event, answer)) in log.iter().enumerate() {
        assert_eq!(
            intake.hear(event, *now),
            *answer,
            "{between}: event {at}, {event:?}"
        );
    }
}

#[test]
fn one_recorded_log_of_events_is_answered_alike_by_the_simulators_and_the_workers_intake() {
    for between in ["weighted", "fifo", "strict", "edf", "aging", "score", "mlfq"] {
        check(between);
    }
}
