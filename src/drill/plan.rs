//! What a drill does: a pure function of its seed.

use std::time::Duration;

use fastrand::Rng;

use super::tasks::{self, Planned};

/// Tasks of `chaos-mini`.
pub const TASKS: usize = 5_000;

/// Long enough to be held for nobody: the server gives the tasks of a frozen worker to another.
const FROZEN: Duration = Duration::from_millis(3_500);
/// The part of the run in which blows fall: the rest is for mending.
const BLOWS_UNTIL: f64 = 0.8;

/// The same for a coordinator: another leads by then.
const FROZEN_LEADER: Duration = Duration::from_millis(6_500);

/// How long a key stays taken whose holder is gone: [`FROZEN`] is longer, so that a frozen worker loses what it holds.
pub(super) const KEY_LEASE: Duration = Duration::from_secs(2);

/// What `chaos-mini` runs under: times short enough that a run takes a minute or two, and so little room that tasks
/// are put aside. The lanes hold a million tasks.
pub(super) const POLICY: &str = "version: 1
lanes:
  core:   { concurrency: 60, timeout_ms: 300, on_timeout: demote, max_priority: 2, ack_wait_ms: 2000 }
  normal: { concurrency: 60, timeout_ms: 1000, on_timeout: archive, on_overload: archive, ack_wait_ms: 2000 }
classes:
  pay:   { priority: 1, share: 60 }
  logs:  { priority: 3, share: 30 }
  batch: { priority: 5, share: 10 }
  slow:  { priority: 7, share: 10, max_concurrent: 1, max_wait_ms: 1000, on_max_wait: promote }
default_class: logs
models:
  sim: { executor: simulate }
retry: { kind: exponential, base_ms: 50, factor: 2, max_ms: 1000, jitter: full, max_attempts: 4 }
keys: { limit: 1, lease_s: 2, prefixes: { \"wide:\": { limit: 3 } } }
overload: { full: [0.0001, 0.00013, 0.9], hold_s: 1 }
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
    /// `chaos-mini`: 30 % fail at random, 5 % hang, 1 % crash their worker; a third wait for others, for a key, for
    /// their time or for room. Thirteen deaths, eight of them between two writes; two workers freeze for longer than
    /// their tasks and keys wait, and a coordinator for longer than it leads.
    #[must_use]
    pub fn chaos_mini(seed: u64, tasks: usize) -> Self {
        let mut rng = Rng::with_seed(seed);
        Self {
            seed,
            tasks: tasks::tasks(seed, tasks, &mut rng),
            arms: arms(&mut rng),
            blows: blows(tasks, &mut rng),
        }
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
        "coordinator.after_archive",
    ];
    rng.shuffle(&mut verdicts);
    // Come to by the one that leads alone.
    let mut leading = [
        "release.after_publish",
        "release.after_removal",
        "grant.after_reserve",
        "move.after_hold",
        "move.after_removal",
        "move.after_publish",
        "replay.after_publish",
    ];
    rng.shuffle(&mut leading);
    let mut intake = [
        "submit.before_record",
        "submit.after_record",
        "submit.after_publish",
    ];
    rng.shuffle(&mut intake);
    let mut keys = ["worker.after_key", "worker.after_aside"];
    rng.shuffle(&mut keys);
    vec![
        arm(Role::Coordinator, verdicts[0], rng.u32(1..5)),
        arm(Role::Coordinator, leading[0], rng.u32(1..5)),
        arm(Role::Coordinator, leading[1], rng.u32(1..5)),
        arm(Role::Coordinator, verdicts[1], rng.u32(1..5)),
        arm(Role::Gateway, intake[0], rng.u32(10..100)),
        arm(Role::Worker, "worker.after_result", rng.u32(5..40)),
        arm(Role::Worker, "worker.after_report", rng.u32(2..15)),
        arm(Role::Worker, keys[0], rng.u32(1..5)),
    ]
}

fn blows(tasks: usize, rng: &mut Rng) -> Vec<Timed> {
    let freeze = Blow::Freeze(FROZEN);
    let mut blows: Vec<Timed> = [
        (Role::Coordinator, Blow::Kill),
        (Role::Gateway, Blow::Kill),
        (Role::Gateway, Blow::Kill),
        (Role::Worker, Blow::Kill),
        (Role::Worker, Blow::Kill),
        (Role::Worker, freeze),
        (Role::Worker, freeze),
        (Role::Coordinator, Blow::Freeze(FROZEN_LEADER)),
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
