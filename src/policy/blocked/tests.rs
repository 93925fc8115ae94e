//! The board as tables, and against what anybody would compute from scratch.

use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

use super::{Board, Step};
use crate::policy::{OnDependencyFailed, Policy, fixture};
use crate::task::{EpochMs, KeyId, Lane, State, Task, TaskId};

fn id(name: &str) -> TaskId {
    TaskId::new(name).unwrap()
}

fn task(name: &str, lane: Lane, parents: &[&str]) -> Task {
    let mut task = fixture::task(name, 0, 0);
    task.lane = lane;
    task.facts.depends_on = parents.iter().map(|name| id(name)).collect();
    task
}

fn steps(board: &mut Board) -> Vec<String> {
    let mut all = Vec::new();
    while let Some(step) = board.step() {
        all.push(match step {
            Step::Look(id) => format!("look {id}"),
            Step::Release(id) => format!("release {id}"),
            Step::Fail { task, why } => format!("fail {task}: {why}"),
            Step::Expire(id) => format!("expire {id}"),
            Step::Clear(id) => format!("clear {id}"),
            Step::Grant(_) => "grant".to_owned(),
            Step::Promote { task, to } => format!("promote {task} to {to}"),
        });
    }
    all
}

#[test]
fn a_diamond_is_released_from_its_root_down_each_task_once() {
    let (policy, mut board) = (fixture::policy(), Board::default());
    for (name, parents) in [("b", &["a"][..]), ("c", &["a"]), ("d", &["b", "c", "b"])] {
        board.blocked(&policy, task(name, Lane::Normal, parents));
    }
    assert_eq!(steps(&mut board), ["look a"]);
    board.ended(&id("a"), State::Completed);
    assert_eq!(steps(&mut board), ["release b", "release c"]);
    board.left(&id("b"));
    board.left(&id("c"));
    board.ended(&id("c"), State::Completed);
    assert_eq!(steps(&mut board), [""; 0]);
    board.ended(&id("b"), State::Completed);
    assert_eq!(steps(&mut board), ["release d"]);
    board.left(&id("d"));
    assert!(board.is_empty());
    assert_eq!(board.sought().count(), 0);
}

#[test]
fn who_depends_on_what_did_not_complete_fails_once_or_runs_as_its_class_says() {
    let (mut policy, mut board) = (fixture::policy(), Board::default());
    policy.classes[0].on_dependency_failed = OnDependencyFailed::Run;
    let mut runs = task("runs", Lane::Normal, &["a", "b"]);
    runs.class = policy.classes[0].name.clone();
    board.blocked(&policy, runs);
    board.blocked(&policy, task("fails", Lane::Normal, &["a", "b"]));
    assert_eq!(steps(&mut board), ["look a", "look b"]);
    board.ended(&id("a"), State::Cancelled);
    let why = "fail fails: task a, which it depends on, ended as cancelled";
    assert_eq!(steps(&mut board), [why]);
    board.ended(&id("b"), State::Dead);
    assert_eq!(steps(&mut board), ["release runs"]);
}

#[test]
fn loops_and_long_chains_fail_the_one_that_closes_them() {
    let (policy, mut board) = (fixture::policy(), Board::default());
    board.blocked(&policy, task("a", Lane::Normal, &["b"]));
    board.blocked(&policy, task("b", Lane::Normal, &["a"]));
    board.blocked(&policy, task("s", Lane::Normal, &["s"]));
    assert_eq!(
        steps(&mut board),
        [
            "look b",
            "fail b: it would wait for itself: b -> a -> b",
            "fail s: it would wait for itself: s -> s"
        ]
    );
    // What the verdict does to the first one.
    board.ended(&id("b"), State::Dead);
    let told = steps(&mut board);
    assert_eq!(
        told,
        ["clear b", "fail a: task b, which it depends on, ended as dead"]
    );
    for n in 0..17 {
        let (name, parent) = (format!("t{n}"), format!("t{}", n + 1));
        board.blocked(&policy, task(&name, Lane::Normal, &[&parent]));
    }
    let told = steps(&mut board).pop().unwrap();
    assert!(
        told.starts_with("fail t16") && told.contains("more than 16"),
        "{told}"
    );
}

#[test]
fn what_a_more_urgent_task_waits_for_is_promoted_once_also_through_others() {
    let (policy, mut board) = (fixture::policy(), Board::default());
    board.blocked(&policy, task("b", Lane::Normal, &["a"]));
    board.queued(&policy, &task("a", Lane::Normal, &[]));
    assert_eq!(steps(&mut board), ["look a"]);
    board.blocked(&policy, task("c", Lane::Core, &["b"]));
    board.blocked(&policy, task("e", Lane::Core, &["b"]));
    assert_eq!(steps(&mut board), ["promote a to core"]);
    assert_eq!(board.lane(&id("b")), Some(Lane::Core));
    // One of which nobody knows where it is, is sought.
    board.blocked(&policy, task("f", Lane::Core, &["x"]));
    assert_eq!(board.sought().collect::<Vec<_>>(), [&id("x")]);
    board.queued(&policy, &task("x", Lane::Normal, &[]));
    assert_eq!(steps(&mut board), ["look x", "promote x to core"]);
    assert_eq!(board.sought().count(), 0);
    // Without those that were urgent it is not.
    for name in ["c", "e"] {
        board.ended(&id(name), State::Cancelled);
    }
    assert_eq!(steps(&mut board), ["clear c", "clear e"]);
    assert_eq!(board.lane(&id("b")), Some(Lane::Normal));
}

#[test]
fn one_that_ran_and_failed_is_sought_and_promoted_anew() {
    let (policy, mut board) = (fixture::policy(), Board::default());
    board.blocked(&policy, task("c", Lane::Core, &["a"]));
    board.out_of_reach(&id("a"));
    assert_eq!(steps(&mut board), ["look a"]);
    assert!(board.is_found(&id("a")) && board.sought().count() == 0);
    board.lost(&id("a"));
    assert_eq!(board.sought().collect::<Vec<_>>(), [&id("a")]);
    board.queued(&policy, &task("a", Lane::Normal, &[]));
    assert_eq!(steps(&mut board), ["promote a to core"]);
    assert_eq!(board.sought().count(), 0);
}

#[test]
fn a_task_that_waits_ends_when_its_deadline_passes_and_what_has_ended_is_looked_for_anew() {
    let (policy, mut board) = (fixture::policy(), Board::default());
    let mut late = task("late", Lane::Normal, &["a"]);
    late.facts.deadline = Some(EpochMs(100));
    board.blocked(&policy, late);
    board.expire(EpochMs(99));
    assert_eq!(steps(&mut board), ["look a"]);
    board.expire(EpochMs(100));
    board.expire(EpochMs(101));
    assert_eq!(steps(&mut board), ["expire late"]);
    board.left(&id("late"));
    board.blocked(&policy, task("next", Lane::Normal, &["a"]));
    assert_eq!(steps(&mut board), ["look a"], "nobody waited for it in between");
}

#[test]
fn one_that_leaves_without_being_queued_is_looked_for_on_behalf_of_those_that_wait_for_it() {
    let (policy, mut board) = (fixture::policy(), Board::default());
    board.blocked(&policy, task("b", Lane::Normal, &["a"]));
    board.blocked(&policy, task("c", Lane::Normal, &["b"]));
    assert_eq!(steps(&mut board), ["look a"]);
    board.gone(&id("b"));
    assert_eq!(steps(&mut board), ["look b"]);
    board.ended(&id("b"), State::Completed);
    assert_eq!(steps(&mut board), ["release c"]);
    board.gone(&id("c"));
    assert_eq!(steps(&mut board), [""; 0], "nobody waits for it");
}

fn keyed(name: &str, lane: Lane, enqueued_at: i64) -> Task {
    let mut task = task(name, lane, &[]);
    task.enqueued_at = EpochMs(enqueued_at);
    task.facts.concurrency_key = Some("k".to_owned());
    task
}

#[test]
fn a_key_goes_to_the_most_urgent_of_those_that_wait_then_to_the_oldest_and_its_holder_inherits() {
    let (policy, mut board) = (fixture::policy(), Board::default());
    let of = |name, lane, at| keyed(name, lane, at);
    let key = KeyId::of(&of("a", Lane::Normal, 0).tenant, "k");
    for (name, lane, at) in [
        ("young", Lane::Normal, 9),
        ("old", Lane::Normal, 1),
        ("urgent", Lane::Core, 10),
        ("asked", Lane::Normal, 11),
    ] {
        board.waits_for_key(&policy, of(name, lane, at));
    }
    // One that a core task waits for is as urgent as it.
    let mut heir = task("heir", Lane::Core, &["asked"]);
    heir.facts.priority = Some(0);
    board.blocked(&policy, heir);
    let order = |board: &Board| -> Vec<String> {
        let waiters = board.waiters(&key, 9, |_| true).into_iter();
        waiters.map(|task| task.id.to_string()).collect()
    };
    assert_eq!(order(&board), ["asked", "urgent", "old", "young"]);
    for most in 0..4 {
        let few = board.waiters(&key, most, |_| true).into_iter();
        let few: Vec<String> = few.map(|task| task.id.to_string()).collect();
        assert_eq!(few, order(&board)[..most]);
    }
    let rested = board.waiters(&key, 1, |task| *task != id("asked"));
    assert_eq!(rested[0].id, id("urgent"));
    assert_eq!(board.key_text(&key), Some("k"));
    assert!(board.waits_for(&id("old"), &key) && !board.waits_for(&id("heir"), &key));
    assert_eq!(steps(&mut board), ["grant"; 4]);
    // Somebody who was less urgent has it, and is queued: it is moved up.
    board.left(&id("old"));
    board.granted(&policy, &key, 0, &of("old", Lane::Normal, 1));
    assert_eq!(steps(&mut board), ["promote old to core"]);
    assert_eq!(order(&board), ["asked", "urgent", "young"]);
    assert_eq!(board.lane(&id("asked")), Some(Lane::Core));
    board.ended(&id("old"), State::Completed);
    board.key_changed(&key);
    assert_eq!(steps(&mut board), ["grant"]);
    for name in ["asked", "urgent", "young"] {
        board.ended(&id(name), State::Cancelled);
    }
    assert_eq!(board.contended_after(None, 9), []);
    board.key_changed(&key);
    assert_eq!(
        steps(&mut board),
        [
            "clear asked",
            "fail heir: task asked, which it depends on, ended as cancelled",
            "clear urgent",
            "clear young"
        ]
    );
}

#[derive(Debug, Clone)]
enum Event {
    Blocked(usize, BTreeSet<usize>),
    Ended(usize, bool),
    Left(usize),
}

fn event() -> impl Strategy<Value = Event> {
    let name = 0..8_usize;
    prop_oneof![
        (name.clone(), proptest::collection::btree_set(name.clone(), 1..4))
            .prop_map(|(child, parents)| Event::Blocked(child, parents)),
        (name.clone(), any::<bool>()).prop_map(|(task, completed)| Event::Ended(task, completed)),
        name.prop_map(Event::Left),
    ]
}

/// What follows for each task, computed with nothing but the sets.
#[derive(Default)]
struct Model(BTreeMap<usize, BTreeSet<usize>>);

impl Model {
    fn leads_to(&self, from: usize, to: usize) -> bool {
        let parents = self.0.get(&from);
        from == to || parents.is_some_and(|parents| parents.iter().any(|next| self.leads_to(*next, to)))
    }
}

proptest! {
    #[test]
    fn a_task_is_released_exactly_when_the_last_it_waits_for_completed(
        events in proptest::collection::vec(event(), 1..60)
    ) {
        let (policy, mut board, mut model): (Policy, _, _) =
            (fixture::policy(), Board::default(), Model::default());
        let name = |n: usize| format!("t{n}");
        for event in events {
            let mut expected = BTreeSet::new();
            match event {
                Event::Blocked(child, parents) => {
                    model.0.remove(&child);
                    let names: Vec<String> = parents.iter().copied().map(name).collect();
                    let names: Vec<&str> = names.iter().map(String::as_str).collect();
                    board.blocked(&policy, task(&name(child), Lane::Normal, &names));
                    if parents.iter().any(|parent| model.leads_to(*parent, child)) {
                        expected.insert(format!("fail {}", name(child)));
                    } else {
                        model.0.insert(child, parents);
                    }
                }
                Event::Ended(parent, completed) => {
                    let state = if completed { State::Completed } else { State::Dead };
                    if board.is_waiting(&id(&name(parent))) {
                        expected.insert(format!("clear {}", name(parent)));
                    }
                    board.ended(&id(&name(parent)), state);
                    model.0.remove(&parent);
                    let mut done = Vec::new();
                    for (child, parents) in &mut model.0 {
                        if parents.remove(&parent) && (!completed || parents.is_empty()) {
                            let word = if completed { "release" } else { "fail" };
                            expected.insert(format!("{word} {}", name(*child)));
                            done.push(*child);
                        }
                    }
                    done.iter().for_each(|child| drop(model.0.remove(child)));
                }
                Event::Left(task) => {
                    board.left(&id(&name(task)));
                    model.0.remove(&task);
                }
            }
            let told: BTreeSet<String> = steps(&mut board)
                .into_iter()
                .filter(|step| !step.starts_with("look"))
                .map(|step| step.split(':').next().unwrap_or_default().to_owned())
                .collect();
            // Carried out, as a coordinator does.
            for step in &told {
                board.left(&id(step.rsplit(' ').next().unwrap_or_default()));
            }
            prop_assert_eq!(told, expected);
        }
    }
}
