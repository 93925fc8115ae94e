//! What a drill does: a pure function of its seed.

use std::time::Duration;

use fastrand::Rng;
use serde_json::{Value, json};

/// Tasks of `chaos-mini`.
pub const TASKS: usize = 5_000;

/// Long enough to be held for nobody: the server gives the tasks of a frozen worker to another.
const FROZEN: Duration = Duration::from_millis(3_500);
/// The part of the run in which blows fall: the rest is for mending.
const BLOWS_UNTIL: f64 = 0.8;

/// What `chaos-mini` runs under: times short enough that a run takes a minute or two.
pub(super) const POLICY: &str = "version: 1
lanes:
  core:   { concurrency: 60, timeout_ms: 300, on_timeout: demote, max_priority: 2, ack_wait_ms: 2000 }
  normal: { concurrency: 60, timeout_ms: 1000, on_timeout: demote, ack_wait_ms: 2000 }
classes:
  pay:   { priority: 1, share: 60 }
  logs:  { priority: 3, share: 30 }
  batch: { priority: 5, share: 10 }
default_class: logs
models:
  sim: { executor: simulate }
retry: { kind: exponential, base_ms: 50, factor: 2, max_ms: 1000, jitter: full, max_attempts: 4 }
";

/// A kind of process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Gateway,
    Coordinator,
    Worker,
}

impl Role {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Role::Gateway => "gateway",
            Role::Coordinator => "coordinator",
            Role::Worker => "worker",
        }
    }
}

/// Every process of the mesh.
pub(super) const FLEET: [Role; 6] = [
    Role::Coordinator,
    Role::Coordinator,
    Role::Gateway,
    Role::Worker,
    Role::Worker,
    Role::Worker,
];

/// How a task is handed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Door {
    /// Through the gateway.
    Rest,
    /// Straight to the lane, as any NATS client does it.
    Bare(&'static str),
}

/// One task.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Planned {
    pub(super) id: String,
    pub(super) door: Door,
    pub(super) body: Value,
}

/// A process that ends between two of its writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Arm {
    pub(super) role: Role,
    /// `NAME@N`, see [`crate::failpoint`].
    pub(super) place: String,
}

/// What befalls a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Blow {
    /// SIGKILL.
    Kill,
    /// SIGSTOP, and SIGCONT so much later.
    Freeze(Duration),
}

/// A blow and when it falls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Timed {
    /// Once so many tasks have ended.
    pub(super) at: usize,
    pub(super) role: Role,
    pub(super) blow: Blow,
}

/// All that one run does.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    pub(super) seed: u64,
    pub(super) tasks: Vec<Planned>,
    pub(super) arms: Vec<Arm>,
    /// In the order in which they fall.
    pub(super) blows: Vec<Timed>,
}

impl Plan {
    /// `chaos-mini`: 30 % fail at random, 5 % hang, 1 % crash their worker; eleven deaths, five of them
    /// between two writes, and two workers that freeze for longer than their tasks wait.
    #[must_use]
    pub fn chaos_mini(seed: u64, tasks: usize) -> Self {
        let mut rng = Rng::with_seed(seed);
        Self {
            seed,
            tasks: (0..tasks).map(|n| task(seed, n, &mut rng)).collect(),
            arms: arms(&mut rng),
            blows: blows(tasks, &mut rng),
        }
    }
}

fn task(seed: u64, n: usize, rng: &mut Rng) -> Planned {
    let id = format!("d{seed}-{n}");
    let (class, subject) = *rng
        .choice(&[
            ("pay", "fl.task.core.pay.sim.0"),
            ("logs", "fl.task.normal.logs.sim.0"),
            ("batch", "fl.task.normal.batch.sim.0"),
            // A shard nobody planned for: the mesh must find it by itself.
            ("logs", "fl.task.normal.logs.sim.5"),
        ])
        .unwrap_or(&("logs", "fl.task.normal.logs.sim.0"));
    let input = json!({
        "service_mean_ms": 3 + rng.u32(0..15),
        "fail_rate": 0.30,
        "hang_rate": 0.05,
        "crash_rate": 0.01,
    });
    Planned {
        body: json!({"task_id": id, "class": class, "model": "sim", "input": input}),
        door: if rng.bool() {
            Door::Rest
        } else {
            Door::Bare(subject)
        },
        id,
    }
}

/// Where processes end between two writes. A place is come to sooner than its process dies of something else.
fn arms(rng: &mut Rng) -> Vec<Arm> {
    let arm = |role, name: &str, times| Arm {
        role,
        place: format!("{name}@{times}"),
    };
    let mut verdicts = [
        "coordinator.after_schedule",
        "coordinator.after_due",
        "coordinator.after_demotion",
        "coordinator.after_fence",
        "coordinator.after_letter",
    ];
    rng.shuffle(&mut verdicts);
    let mut intake = [
        "submit.before_record",
        "submit.after_record",
        "submit.after_publish",
    ];
    rng.shuffle(&mut intake);
    vec![
        arm(Role::Coordinator, verdicts[0], rng.u32(1..5)),
        arm(Role::Coordinator, verdicts[1], rng.u32(1..5)),
        arm(Role::Gateway, intake[0], rng.u32(10..100)),
        arm(Role::Worker, "worker.after_result", rng.u32(5..40)),
        arm(Role::Worker, "worker.after_report", rng.u32(2..15)),
    ]
}

fn blows(tasks: usize, rng: &mut Rng) -> Vec<Timed> {
    let freeze = Blow::Freeze(FROZEN);
    let mut blows: Vec<Timed> = [
        (Role::Coordinator, Blow::Kill),
        (Role::Coordinator, Blow::Kill),
        (Role::Gateway, Blow::Kill),
        (Role::Gateway, Blow::Kill),
        (Role::Worker, Blow::Kill),
        (Role::Worker, Blow::Kill),
        (Role::Worker, freeze),
        (Role::Worker, freeze),
    ]
    .into_iter()
    .map(|(role, blow)| Timed {
        at: (rng.f64() * BLOWS_UNTIL * tasks as f64) as usize,
        role,
        blow,
    })
    .collect();
    blows.sort_by_key(|timed| timed.at);
    blows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_makes_the_same_plan_again_and_another_seed_another() {
        let plan = |seed| Plan::chaos_mini(seed, 100);
        assert_eq!(plan(1), plan(1));
        assert_ne!(plan(1).blows, plan(2).blows);
    }

    #[test]
    fn blows_fall_in_order_and_leave_time_to_mend() {
        for seed in 0..100 {
            let Plan { blows, arms, .. } = Plan::chaos_mini(seed, TASKS);
            assert!(blows.is_sorted_by_key(|timed| timed.at));
            assert!(blows.iter().all(|timed| timed.at <= TASKS * 8 / 10));
            let kills = blows.iter().filter(|timed| timed.blow == Blow::Kill).count();
            assert!(kills + arms.len() >= 10 && arms.len() >= 3);
        }
    }
}
