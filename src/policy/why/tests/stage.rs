//! A task, a mesh around it, and what is said of both.

use expect_test::Expect;

use crate::policy::Policy;
use crate::policy::fixture;
use crate::policy::overload::{Cause, Level, Outlook, Standing};
use crate::policy::why::*;
use crate::task::{ClassName, EpochMs, Lane, ModelName, Route, Shard, TaskId};

pub(super) const NOW: EpochMs = EpochMs(1_000_000);

pub(super) fn policy() -> Policy {
    let mut policy = fixture::policy();
    for (class, share) in policy.classes.iter_mut().zip([50, 30, 15, 5]) {
        class.share = share;
    }
    policy
}

pub(super) fn route(class: &str) -> Route {
    Route {
        lane: Lane::Core,
        class: ClassName::new(class).unwrap(),
        model: ModelName::new("m").unwrap().token(),
        shard: Shard::Stable(0),
    }
}

pub(super) fn queue(class: &str, waiting: u64, out: u64) -> QueueSeen {
    QueueSeen {
        route: route(class),
        waiting,
        out,
        limit: 4,
        is_paused: false,
    }
}

pub(super) fn crew(running: u32) -> Crew {
    Crew {
        name: "w".to_owned(),
        is_taking: true,
        is_lost: false,
        slots: 4,
        running,
        models: vec!["m".to_owned()],
    }
}

pub(super) fn load(drain: Option<f64>) -> Load {
    let outlook = Outlook {
        backlog: 9,
        drain_per_s: drain,
    };
    Load {
        standing: Standing {
            level: Level::Calm,
            cause: Cause::Calm,
            since: NOW,
        },
        core: outlook,
        normal: outlook,
        archived: 7,
        at: NOW,
    }
}

/// A task of `payment` on core behind 12, one full worker, 10 tasks a second.
pub(super) fn seen() -> Case {
    Case {
        now: NOW,
        route: Some(route("payment")),
        model: Some(ModelName::new("m").unwrap()),
        place: Whereabouts::Lane(OnLane {
            sequence: 40,
            since: EpochMs(NOW.0 - 2_000),
            is_delivered: false,
            ahead: Ahead {
                tasks: 12,
                is_exact: true,
            },
            deadline: None,
            may_rise: true,
        }),
        paused_since: None,
        mesh: Mesh {
            queues: vec![
                queue("payment", 20, 2),
                queue("auth", 0, 0),
                queue("metrics", 0, 0),
            ],
            workers: vec![crew(4)],
            load: Some(load(Some(10.0))),
            pace: None,
            is_led: true,
        },
    }
}

pub(super) fn on_lane(of: &mut Case) -> &mut OnLane {
    match &mut of.place {
        Whereabouts::Lane(on) => on,
        other => panic!("{other:?}"),
    }
}

pub(super) fn check(policy: &Policy, seen: &Case, expected: Expect) {
    let (why, starts) = (reasons(policy, seen), estimate(policy, seen));
    let mut told = format!("{}\n", answer(seen, &why, &starts));
    for reason in &why {
        told += &format!("  {}: {}\n", reason.as_str(), reason.told(seen));
    }
    if let Estimate::Starts { basis, .. } = &starts {
        let basis: Vec<String> = basis.iter().map(|basis| basis.told()).collect();
        told += &format!("  based on {}\n", basis.join("; "));
    }
    expected.assert_eq(&told);
}

pub(super) fn at(place: Whereabouts) -> Case {
    Case { place, ..seen() }
}

pub(super) fn id(text: &str) -> TaskId {
    TaskId::new(text).unwrap()
}
