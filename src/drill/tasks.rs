//! What a drill submits: a pure function of its seed.

use fastrand::Rng;
use serde_json::{Value, json};

/// Tasks that promise nothing but an end, between two groups of those that promise more.
const PLAIN: usize = 8;
/// One group of this many has tasks that run for long under a key.
const LONG_EVERY: usize = 50;
/// How many tasks of a key that begins so may run at once; of any other it is one.
const WIDE: (&str, usize) = ("wide:", 3);

/// How a task is handed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Door {
    /// Through the gateway.
    Rest,
    /// Straight to its lane, on this subject, as any NATS client does it.
    Bare(String),
}

/// One task.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Planned {
    pub(super) id: String,
    pub(super) door: Door,
    pub(super) body: Value,
    /// Those that have to complete first.
    pub(super) after: Vec<String>,
    /// The key it runs under, and how many of that may run at once.
    pub(super) key: Option<(String, usize)>,
    /// How long after it is submitted it may start, in ms.
    pub(super) delay_ms: Option<u64>,
}

/// Tasks that belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Group {
    /// Each waits for the one before; the one in the middle runs under a key.
    Chain,
    /// Two wait for one, and one for both.
    Diamond,
    /// The first fails for good, so that the others must not run.
    Doomed,
    /// A task on core waits for one that is queued on normal behind others.
    Urgent,
    /// They run one at a time.
    Narrow,
    /// They run a few at a time.
    Wide,
    /// They run one at a time, for so long that a key can be lost meanwhile.
    Long,
    /// They start later; the last one waits for another besides.
    Delayed,
}

const GROUPS: [Group; 7] = [
    Group::Chain,
    Group::Diamond,
    Group::Doomed,
    Group::Urgent,
    Group::Narrow,
    Group::Wide,
    Group::Delayed,
];

/// `count` tasks in the order in which they are submitted: what a task waits for comes before it.
pub(super) fn tasks(seed: u64, count: usize, rng: &mut Rng) -> Vec<Planned> {
    let mut maker = Maker {
        seed,
        rng,
        tasks: Vec::with_capacity(count),
        groups: 0,
    };
    while maker.tasks.len() < count {
        let mut groups = GROUPS;
        maker.rng.shuffle(&mut groups);
        for group in groups {
            maker.group(group);
            for _ in 0..PLAIN {
                maker.plain();
            }
        }
    }
    maker.tasks.truncate(count);
    maker.tasks
}

struct Maker<'a> {
    seed: u64,
    rng: &'a mut Rng,
    tasks: Vec<Planned>,
    groups: usize,
}

impl Maker<'_> {
    fn group(&mut self, group: Group) {
        self.groups += 1;
        if self.groups % LONG_EVERY == LONG_EVERY / 2 {
            self.group_of(Group::Long);
        }
        self.group_of(group);
    }

    fn group_of(&mut self, group: Group) {
        let is_bare = self.rng.bool();
        match group {
            Group::Chain => {
                let first = self.flaky(is_bare, &[]);
                let second = self.flaky(is_bare, &[first]);
                let key = format!("narrow-{}", self.rng.u32(0..3));
                self.key(second, key);
                self.flaky(is_bare, &[second]);
            }
            Group::Diamond => {
                let top = self.flaky(is_bare, &[]);
                let sides = [self.flaky(is_bare, &[top]), self.flaky(is_bare, &[top])];
                self.flaky(is_bare, &sides);
            }
            Group::Doomed => {
                let fails = json!({"fail_rate": 1, "fail_kind": "permanent"});
                let first = self.add("logs", is_bare, fails, &[]);
                let second = self.flaky(is_bare, &[first]);
                self.flaky(is_bare, &[second]);
            }
            Group::Urgent => {
                for _ in 0..3 {
                    self.add("slow", is_bare, json!({"service_ms": 150}), &[]);
                }
                let queued = self.add("slow", is_bare, json!({"service_ms": 20}), &[]);
                self.add("pay", is_bare, json!({"service_ms": 5}), &[queued]);
            }
            Group::Narrow => {
                let key = format!("narrow-{}", self.rng.u32(0..3));
                self.under_key(&key, 4);
            }
            Group::Wide => {
                let key = format!("{}{}", WIDE.0, self.rng.u32(0..2));
                self.under_key(&key, 6);
            }
            Group::Long => {
                let key = format!("long-{}", self.groups);
                for _ in 0..2 {
                    let long = self.add("batch", is_bare, json!({"service_ms": 2500}), &[]);
                    self.tasks[long].body["timeout_ms"] = json!(20_000);
                    self.key(long, key.clone());
                }
            }
            Group::Delayed => {
                let first = self.flaky(!is_bare, &[]);
                let second = self.flaky(is_bare, &[]);
                let third = self.flaky(is_bare, &[second]);
                for late in [first, second, third] {
                    self.tasks[late].delay_ms = Some(self.rng.u64(200..2500));
                }
            }
        }
    }

    /// Tasks of one key, each handed in as it comes.
    fn under_key(&mut self, key: &str, count: usize) {
        for _ in 0..count {
            let class = *self.rng.choice(&["pay", "logs", "batch"]).unwrap_or(&"logs");
            let input = json!({
                "service_mean_ms": 10 + self.rng.u32(0..20),
                "fail_rate": 0.2,
                "crash_rate": 0.01,
            });
            let is_bare = self.rng.bool();
            let task = self.add(class, is_bare, input, &[]);
            self.key(task, key.to_owned());
        }
    }

    fn key(&mut self, task: usize, key: String) {
        let limit = if key.starts_with(WIDE.0) { WIDE.1 } else { 1 };
        let task = &mut self.tasks[task];
        task.body["concurrency_key"] = json!(key);
        task.key = Some((key, limit));
    }

    /// One that may fail, hang and take its worker down.
    fn flaky(&mut self, is_bare: bool, after: &[usize]) -> usize {
        let class = *self.rng.choice(&["pay", "logs", "batch"]).unwrap_or(&"logs");
        let input = flaky(self.rng);
        self.add(class, is_bare, input, after)
    }

    /// The same, which belongs to no group.
    fn plain(&mut self) {
        let is_bare = self.rng.bool();
        let task = self.flaky(is_bare, &[]);
        let task = &mut self.tasks[task];
        if let (Door::Bare(subject), true) = (&mut task.door, self.rng.u8(0..4) == 0)
            && task.body["class"] == "logs"
        {
            // A shard nobody planned for: the mesh must find it by itself.
            "fl.task.normal.logs.sim.5".clone_into(subject);
        }
    }

    /// A task that waits for those at the places `after`; its place.
    fn add(&mut self, class: &str, is_bare: bool, input: Value, after: &[usize]) -> usize {
        let place = self.tasks.len();
        let id = format!("d{}-{place}", self.seed);
        let after: Vec<String> = after.iter().map(|&at| self.tasks[at].id.clone()).collect();
        let mut body = json!({"task_id": id, "class": class, "model": "sim", "input": input});
        if !after.is_empty() {
            body["depends_on"] = json!(after);
        }
        let lane = if class == "pay" { "core" } else { "normal" };
        self.tasks.push(Planned {
            id,
            door: match is_bare {
                true => Door::Bare(format!("fl.task.{lane}.{class}.sim.0")),
                false => Door::Rest,
            },
            body,
            after,
            key: None,
            delay_ms: None,
        });
        place
    }
}

fn flaky(rng: &mut Rng) -> Value {
    json!({
        "service_mean_ms": 3 + rng.u32(0..15),
        "fail_rate": 0.30,
        "hang_rate": 0.05,
        "crash_rate": 0.01,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn what_a_task_waits_for_comes_before_it_through_the_same_door() {
        let all = tasks(1, 1000, &mut Rng::with_seed(1));
        let (mut seen, mut bare) = (HashSet::new(), HashSet::new());
        for task in &all {
            assert!(task.after.iter().all(|id| seen.contains(id)), "{task:?}");
            let is_bare = task.door != Door::Rest;
            assert!(task.after.iter().all(|id| bare.contains(id) == is_bare));
            assert!(seen.insert(&task.id), "{} is there twice", task.id);
            bare.extend(is_bare.then_some(&task.id));
        }
        assert_eq!(all.len(), 1000);
    }

    #[test]
    fn every_kind_of_task_is_there_through_both_doors() {
        let all = tasks(2, 1000, &mut Rng::with_seed(2));
        for is_bare in [false, true] {
            let of_door = || {
                all.iter()
                    .filter(move |task| (task.door != Door::Rest) == is_bare)
            };
            assert!(of_door().any(|task| task.after.len() == 2));
            assert!(of_door().any(|task| task.key.as_ref().is_some_and(|key| key.1 == 1)));
            assert!(of_door().any(|task| task.key.as_ref().is_some_and(|key| key.1 == 3)));
            assert!(of_door().any(|task| task.delay_ms.is_some() && !task.after.is_empty()));
        }
    }
}
