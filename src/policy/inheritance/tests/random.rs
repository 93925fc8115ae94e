//! Random adds, holds, releases and ends.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::{Change, Waits, WaitsError};
use super::model::{Model, Op};
use super::names::id;
use crate::task::TaskId;

const TASKS: u8 = 10;
const KEYS: u8 = 3;

fn task(number: u8) -> TaskId {
    id(&format!("t{number}"))
}

fn key(number: u8) -> String {
    format!("k{number}")
}

fn op() -> impl Strategy<Value = Op> {
    let (task, key) = (0..TASKS, 0..KEYS);
    let depends_on = prop::collection::vec(0..TASKS, 0..4);
    prop_oneof![
        4 => (task.clone(), 0_u32..6, depends_on).prop_map(|(task, own, depends_on)| Op::Add { task, own, depends_on }),
        2 => (key.clone(), task.clone()).prop_map(|(key, task)| Op::Holds { key, task }),
        2 => (key.clone(), task.clone()).prop_map(|(key, task)| Op::WaitsForKey { key, task }),
        1 => key.prop_map(|key| Op::Released { key }),
        2 => task.prop_map(|task| Op::Ended { task }),
    ]
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    prop::collection::vec(op(), 1..60)
}

fn apply(waits: &mut Waits, op: &Op) -> Result<Vec<Change>, WaitsError> {
    match op {
        Op::Add {
            task: of,
            own,
            depends_on,
        } => {
            let parents: Vec<TaskId> = depends_on.iter().copied().map(task).collect();
            waits.add(&task(*of), *own, &parents)
        }
        Op::Holds { key: of, task: by } => waits.holds(&key(*of), &task(*by)),
        Op::WaitsForKey { key: of, task: by } => waits.waits_for_key(&key(*of), &task(*by)),
        Op::Released { key: of } => Ok(waits.released(&key(*of))),
        Op::Ended { task: of } => Ok(waits.ended(&task(*of))),
    }
}

fn effective(waits: &Waits) -> BTreeMap<TaskId, u32> {
    let known = (0..TASKS).map(task);
    known
        .filter_map(|task| waits.effective(&task).map(|priority| (task, priority)))
        .collect()
}

/// What changed from `before` to `after`; a task that is new was at its own before.
fn difference(before: &BTreeMap<TaskId, u32>, after: &BTreeMap<TaskId, u32>, op: &Op) -> Vec<Change> {
    let change = |(task, to): (&TaskId, &u32)| {
        let new = match op {
            Op::Add { own, .. } => *own,
            _ => *to,
        };
        let from = before.get(task).copied().unwrap_or(new);
        (from != *to).then(|| Change {
            task: task.clone(),
            from,
            to: *to,
        })
    };
    after.iter().filter_map(change).collect()
}

proptest! {
    #[test]
    fn no_task_waits_on_one_whose_effective_priority_is_lower_than_its_own(ops in ops()) {
        let (mut waits, mut model) = (Waits::default(), Model::default());
        for op in ops {
            if apply(&mut waits, &op).is_ok() {
                model = model.after(&op).unwrap();
            }
            for waiter in model.tasks() {
                for other in model.waits_for(waiter) {
                    let urgency = waits.effective(&task(other));
                    prop_assert!(urgency.is_none_or(|urgency| Some(urgency) <= waits.effective(&task(waiter))));
                }
            }
        }
    }

    #[test]
    fn what_was_inherited_is_given_back_and_nothing_leaks(ops in ops()) {
        let (mut waits, mut model) = (Waits::default(), Model::default());
        for op in ops {
            let before = effective(&waits);
            let Ok(changes) = apply(&mut waits, &op) else { continue };
            model = model.after(&op).unwrap();
            let after = effective(&waits);
            let anew: BTreeMap<TaskId, u32> =
                model.tasks().map(|number| (task(number), model.effective(number).unwrap())).collect();
            prop_assert_eq!(&after, &anew);
            prop_assert_eq!(changes, difference(&before, &after, &op), "{:?}", op);
        }
        for number in 0..TASKS {
            waits.ended(&task(number));
        }
        prop_assert_eq!(waits, Waits::default());
    }

    #[test]
    fn a_wait_is_refused_exactly_when_it_would_never_end_and_then_nothing_changes(ops in ops()) {
        let (mut waits, mut model) = (Waits::default(), Model::default());
        for op in ops {
            let before = waits.clone();
            match (apply(&mut waits, &op), model.after(&op)) {
                (Ok(_), Some(next)) => model = next,
                (Err(WaitsError::Cycle { path }), None) => {
                    prop_assert!(path.len() >= 2);
                    prop_assert_eq!(path.first(), path.last());
                    prop_assert_eq!(&waits, &before);
                }
                (found, expected) => prop_assert!(false, "{:?}: {:?}, {:?}", op, found, expected),
            }
        }
    }
}
