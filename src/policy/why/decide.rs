//! Which of all that can hold a task back does.

use super::facts::{Case, Mesh, OnLane, Parent, QueueSeen, Timer, Whereabouts};
use super::reason::{Absence, Reason};
use super::rivals::rivals;
use crate::policy::{Policy, lift_after_ms};
use crate::task::{ParkReason, Route, State};

/// Why a task stands where it does: what binds most first. Never empty.
#[must_use]
pub fn reasons(policy: &Policy, seen: &Case) -> Vec<Reason> {
    let mut found = match &seen.place {
        Whereabouts::Ended(ending) => return vec![Reason::Ended(ending.clone())],
        Whereabouts::Lane(on) if on.is_delivered => vec![running(policy, seen)],
        Whereabouts::Lane(on) => queued(policy, seen, on),
        Whereabouts::Timer(timer) => timed(policy, seen, timer),
        Whereabouts::Parents(parents) => vec![blocked(parents)],
        Whereabouts::Key(held) => vec![Reason::Key(held.clone())],
        Whereabouts::Archive(Some(ParkReason::Overload)) => vec![overload(seen)],
        Whereabouts::Archive(why) => return vec![Reason::ByHand { why: *why }],
        Whereabouts::Verdict { since } => vec![Reason::Verdict { since: *since }],
        Whereabouts::Between => vec![Reason::Between],
    };
    let needs_leader = match &seen.place {
        // The server moves one that is due to where a coordinator reads it.
        Whereabouts::Timer(timer) => timer.due <= seen.now,
        Whereabouts::Lane(_) | Whereabouts::Ended(_) => false,
        _ => true,
    };
    if needs_leader && !seen.mesh.is_led {
        found.insert(0, Reason::NoLeader);
    }
    found
}

fn running(policy: &Policy, seen: &Case) -> Reason {
    let lane = seen.route.as_ref().map(|route| policy.lane(route.lane));
    let model = seen.model.as_ref();
    Reason::Running {
        ack_wait_ms: lane.map_or(0, |lane| lane.ack_wait_ms),
        is_served: model.is_none_or(|model| seen.mesh.workers.iter().any(|w| w.serves(model.as_str()))),
    }
}

fn queued(policy: &Policy, seen: &Case, on: &OnLane) -> Vec<Reason> {
    let Some(route) = &seen.route else {
        return vec![Reason::Between];
    };
    let mut found = obstacles(policy, seen, route);
    let queue = seen.mesh.queue(route);
    if let Some(queue) = queue {
        found.extend(limit(policy, &seen.mesh, queue));
    }
    let rates = rates(policy, &seen.mesh, route);
    let (slots, busy, workers) = slots(seen);
    let is_free = workers > 0 && busy < slots && found.is_empty();
    // With a slot free and no limit reached, tasks that wait do so for tokens.
    let (binding, lax): (Vec<Reason>, Vec<Reason>) = rates.into_iter().partition(|_| is_free);
    found.extend(binding);
    if workers > 0 && busy >= slots {
        found.push(Reason::SlotsBusy { slots, workers });
    }
    if on.ahead.tasks > 0 {
        found.push(Reason::Behind(on.ahead));
    }
    let others = rivals(policy, &seen.mesh, route);
    if others.is_contested() {
        found.push(Reason::Others(others));
    }
    found.extend(lax);
    if found.is_empty() {
        found.push(Reason::Next);
    }
    found.extend(bounds(policy, seen, route, on));
    found
}

/// What keeps a task of `route` from starting, whatever is done with others.
fn obstacles(policy: &Policy, seen: &Case, route: &Route) -> Vec<Reason> {
    let mut found = Vec::new();
    match seen.mesh.queue(route) {
        None => found.push(Reason::NoQueue {
            is_known: policy.class(route.class.as_str()).is_some()
                && policy.model_by_token(&route.model).is_some(),
            is_led: seen.mesh.is_led,
        }),
        Some(queue) if queue.is_paused => found.push(Reason::Paused {
            since: seen.paused_since,
        }),
        Some(_) => (),
    }
    found.extend(absence(seen).map(Reason::NoWorker));
    found
}

/// Why nobody runs the model, if so.
fn absence(seen: &Case) -> Option<Absence> {
    let model = seen.model.as_ref()?.as_str();
    let crew = &seen.mesh.workers;
    let with_model = || {
        crew.iter()
            .filter(|worker| worker.models.iter().any(|own| own == model))
    };
    if with_model().any(|worker| worker.is_taking && !worker.is_lost) {
        return None;
    }
    let count = |of: usize| of as u64;
    let there = crew.iter().filter(|worker| !worker.is_lost).count();
    let (held, lost) = (
        with_model().filter(|worker| !worker.is_lost).count(),
        with_model().filter(|worker| worker.is_lost).count(),
    );
    Some(match (held, lost, there) {
        (1.., ..) => Absence::HeldBack { workers: count(held) },
        (_, 1.., _) => Absence::Lost { workers: count(lost) },
        (_, _, 1..) => Absence::OtherModels {
            workers: count(there),
        },
        _ => Absence::Nobody,
    })
}

/// The limit a queue has reached, by the most general name: the lane's, its class's, or what it was given of both.
fn limit(policy: &Policy, mesh: &Mesh, queue: &QueueSeen) -> Option<Reason> {
    if queue.out < queue.limit.max(1) {
        return None;
    }
    let route = &queue.route;
    let on_lane = || mesh.queues.iter().filter(|q| q.route.lane == route.lane);
    let of_class = on_lane().filter(|q| q.route.class == route.class);
    let class_out: u64 = of_class.map(|q| q.out).sum();
    let class_max = policy
        .class(route.class.as_str())
        .and_then(|class| class.max_concurrent);
    if let Some(max) = class_max.map(u64::from).filter(|max| class_out >= *max) {
        return Some(Reason::ClassLimit { out: class_out, max });
    }
    let (out, max) = (
        on_lane().map(|q| q.out).sum(),
        u64::from(policy.lane(route.lane).concurrency),
    );
    Some(match out >= max {
        true => Reason::LaneLimit { out, max },
        false => Reason::QueueLimit {
            out: queue.out,
            max: queue.limit,
        },
    })
}

/// The rates that a task of `route` starts under, the lowest first.
fn rates(policy: &Policy, mesh: &Mesh, route: &Route) -> Vec<Reason> {
    let waiting = |is_under: &dyn Fn(&Route) -> bool| {
        // What others hold back takes no token.
        let starts = |queue: &&QueueSeen| !queue.is_paused || queue.route == *route;
        let under = mesh.queues.iter().filter(|queue| is_under(&queue.route));
        under.filter(starts).map(|queue| queue.waiting).sum()
    };
    let class = policy.class(route.class.as_str()).and_then(|class| class.rate);
    let model = policy.model_by_token(&route.model).and_then(|model| model.rate);
    let class = class.map(|rate| (rate.per_s, "class", waiting(&|other| other.class == route.class)));
    let model = model.map(|rate| (rate.per_s, "model", waiting(&|other| other.model == route.model)));
    let mut found: Vec<_> = class.into_iter().chain(model).collect();
    found.sort_by(|(a, ..), (b, ..)| a.total_cmp(b));
    let told = found
        .into_iter()
        .map(|(per_s, of, waiting)| Reason::Rate { of, per_s, waiting });
    told.collect()
}

/// Slots of workers that take tasks of the model, those that are taken, and how many workers that are.
pub(super) fn slots(seen: &Case) -> (u64, u64, u64) {
    let Some(model) = &seen.model else {
        return (0, 0, 0);
    };
    let crew = seen.mesh.workers.iter();
    let crew = crew.filter(|worker| worker.is_taking && worker.serves(model.as_str()));
    crew.fold((0, 0, 0), |(slots, busy, workers), worker| {
        let running = worker.running.min(worker.slots);
        (
            slots + u64::from(worker.slots),
            busy + u64::from(running),
            workers + 1,
        )
    })
}

/// What ends or changes the wait by itself.
fn bounds(policy: &Policy, seen: &Case, route: &Route, on: &OnLane) -> Vec<Reason> {
    let rule = policy
        .class(route.class.as_str())
        .and_then(|class| class.max_wait);
    let max_wait = rule.map(|rule| Reason::MaxWait {
        at: on.since.plus_ms(rule.ms),
        then: rule.then,
        lane: route.lane,
        class: route.class.clone(),
    });
    let lift = lift(policy, seen, route, on);
    let deadline = on.deadline.map(|at| Reason::Deadline { at });
    let is_to_come = |reason: &Reason| match reason {
        Reason::MaxWait { at, .. } => *at > seen.now,
        _ => true,
    };
    let max_wait = max_wait.into_iter().filter(is_to_come);
    max_wait.chain(lift).chain(deadline).collect()
}

/// When the rule between classes moves it up, if it does. What is held back waits because somebody wants it to.
fn lift(policy: &Policy, seen: &Case, route: &Route, on: &OnLane) -> Option<Reason> {
    let after_ms = lift_after_ms(policy, policy.class(route.class.as_str())?)?;
    let is_paused = seen.mesh.queue(route).is_some_and(|queue| queue.is_paused);
    let rises = route.lane.higher().is_some() && on.may_rise && !is_paused;
    rises.then(|| Reason::Lift {
        at: on.since.plus_ms(after_ms),
        rule: policy.scheduler.between.as_str(),
    })
}

fn timed(policy: &Policy, seen: &Case, timer: &Timer) -> Vec<Reason> {
    let mut found = Vec::new();
    let is_late = timer.due <= seen.now;
    if let Some(fill) = timer.lane.filter(|fill| is_late && fill.held >= fill.max) {
        found.push(Reason::LaneFull(fill));
    }
    found.push(Reason::Due(timer.clone()));
    if let Some(route) = &seen.route {
        found.extend(obstacles(policy, seen, route));
    }
    found
}

fn blocked(parents: &[Parent]) -> Reason {
    let is_open = |parent: &&Parent| parent.state.is_none_or(|state| !state.is_terminal());
    let is_failed = |parent: &&Parent| {
        let ended = parent.state.filter(|state| state.is_terminal());
        ended.is_some_and(|state| state != State::Completed)
    };
    Reason::Parents {
        open: parents.iter().filter(is_open).cloned().collect(),
        failed: parents.iter().filter(is_failed).cloned().collect(),
    }
}

fn overload(seen: &Case) -> Reason {
    let load = seen.mesh.load.as_ref();
    Reason::Overload {
        level: load.map(|load| (load.standing.level, load.standing.cause)),
        archived: load.map_or(0, |load| load.archived),
    }
}
