//! When a task starts, as far as that is known.
//!
//! How fast tasks go through the mesh is counted while the task waits; else it is what the leading coordinator measured
//! of late. The rule between classes divides it: a queue gets at least its part, for as long as all others have work,
//! and more once they run dry. Both ends are told; tasks count as alike, and none that comes later is reckoned with
//! but where it goes first.

use super::decide::{reasons, slots};
use super::facts::{Case, QueueSeen, Whereabouts};
use super::reason::Reason;
use super::rivals::{Order, Rivals, rivals};
use crate::policy::Policy;
use crate::task::{Lane, ParkReason, Route};

/// When a task starts.
#[derive(Debug, Clone, PartialEq)]
pub enum Estimate {
    /// It has, or never will.
    Over,
    /// Within this time.
    Starts {
        /// Not sooner, in ms from when the facts were read.
        from_ms: u64,
        /// Not later; none where later tasks may go first.
        to_ms: Option<u64>,
        /// What that is based on; not empty.
        basis: Vec<Basis>,
    },
    /// Nobody knows.
    Unknown(Unknown),
}

/// What an estimate is based on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Basis {
    /// The time its timer ends at.
    Timer,
    /// A slot is free, and nothing is before it.
    FreeSlot,
    /// How many tasks ended while it waited.
    Pace {
        /// Tasks per second.
        per_s: f64,
        /// Over which time, in ms.
        over_ms: u64,
        /// The part of that for its class while all others have work, 0 to 1.
        part: f64,
    },
    /// How fast the lanes it competes on were seen to drain, by the leading coordinator.
    Drain {
        /// Tasks per second.
        per_s: f64,
        /// The part of that for its class while all others have work, 0 to 1.
        part: f64,
    },
    /// The rate of its class or model.
    Rate {
        /// Starts per second.
        per_s: f64,
    },
}

/// Why nothing is known of when a task starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unknown {
    /// It waits for what somebody has to do.
    Somebody,
    /// It waits for other tasks, of which nobody knows how long they take.
    Tasks,
    /// It waits for room.
    Room,
    /// Nobody has seen of late how fast tasks go.
    NoDrain,
    /// It is on its way, and where it goes is not known yet.
    OnItsWay,
}

impl Unknown {
    /// The word programs go by; it never changes.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Somebody => "somebody",
            Self::Tasks => "tasks",
            Self::Room => "room",
            Self::NoDrain => "no_drain",
            Self::OnItsWay => "on_its_way",
        }
    }
}

/// When the task starts that was seen.
#[must_use]
pub fn estimate(policy: &Policy, seen: &Case) -> Estimate {
    match reasons(policy, seen).iter().find(|reason| reason.is_hard()) {
        Some(Reason::LaneFull(_)) => return Estimate::Unknown(Unknown::Room),
        Some(_) => return Estimate::Unknown(Unknown::Somebody),
        None => (),
    }
    match (&seen.place, &seen.route) {
        (Whereabouts::Ended(_), _) => Estimate::Over,
        (Whereabouts::Lane(on), _) if on.is_delivered => Estimate::Over,
        (Whereabouts::Lane(on), Some(route)) => wait(policy, seen, route, on.ahead.tasks),
        (Whereabouts::Timer(timer), route) => {
            let until = timer.due.since(seen.now);
            let behind = |route: &Route| seen.mesh.queue(route).map_or(0, |queue| queue.waiting);
            let then = route
                .as_ref()
                .map(|route| wait(policy, seen, route, behind(route)));
            after(until, then)
        }
        (Whereabouts::Parents(_) | Whereabouts::Key(_), _) => Estimate::Unknown(Unknown::Tasks),
        (Whereabouts::Archive(Some(ParkReason::Overload)), _) => Estimate::Unknown(Unknown::Room),
        (Whereabouts::Archive(_), _) => Estimate::Unknown(Unknown::Somebody),
        (Whereabouts::Verdict { .. } | Whereabouts::Between | Whereabouts::Lane(_), _) => {
            Estimate::Unknown(Unknown::OnItsWay)
        }
    }
}

/// A wait that begins after `until` ms. How long it is may be unknown; that it does not begin sooner is not.
fn after(until: u64, then: Option<Estimate>) -> Estimate {
    let (from, to, mut basis) = match then {
        Some(Estimate::Starts {
            from_ms,
            to_ms,
            basis,
        }) => (from_ms, to_ms, basis),
        _ => (0, None, Vec::new()),
    };
    basis.insert(0, Basis::Timer);
    Estimate::Starts {
        from_ms: until.saturating_add(from),
        to_ms: to.map(|to| until.saturating_add(to)),
        basis,
    }
}

/// When the task starts that `ahead` tasks of its queue go before.
fn wait(policy: &Policy, seen: &Case, route: &Route, ahead: u64) -> Estimate {
    let others = rivals(policy, &seen.mesh, route);
    let rate = rate(policy, seen, route, ahead);
    if rate.is_none() && ahead == 0 && !others.is_contested() && is_free(seen, route) {
        return Estimate::Starts {
            from_ms: 0,
            to_ms: Some(0),
            basis: vec![Basis::FreeSlot],
        };
    }
    let drain = speed(seen, route, &others);
    let by_drain = drain.map(|(per_s, basis)| {
        let per_s = per_s * competed_for(seen, route, &others);
        (turn(seen, &others, per_s, ahead), basis)
    });
    let both: Vec<_> = by_drain.into_iter().chain(rate).collect();
    if both.is_empty() {
        return Estimate::Unknown(Unknown::NoDrain);
    }
    // Whichever of both is slower holds. Under a rate alone it may be later, too: nobody knows of the slots.
    let is_complete = drain.is_some();
    let from = both.iter().map(|((from, _), _)| *from).fold(0.0, f64::max);
    let to = both
        .iter()
        .map(|((_, to), _)| *to)
        .try_fold(0.0, |most: f64, to| Some(most.max(to?)));
    Estimate::Starts {
        from_ms: ms(from),
        to_ms: to.filter(|_| is_complete).map(ms),
        basis: both.into_iter().map(|(_, basis)| basis).collect(),
    }
}

/// Seconds, not less and not more.
type Span = (f64, Option<f64>);

/// When the turn comes of a task that `ahead` of its queue go before, where `per_s` tasks go through all queues.
fn turn(seen: &Case, others: &Rivals, per_s: f64, ahead: u64) -> Span {
    let own = ahead as f64 + 1.0;
    let first = others.waiting(Order::Before) as f64;
    let (weight, beside): (f64, Vec<(f64, u64)>) = (others.weight, others.beside().collect());
    // Nobody comes any more: each queue goes on by its weight until it is dry.
    let rounds = own / weight;
    let meanwhile: f64 = beside
        .iter()
        .map(|(weight, waiting)| (weight * rounds).min(*waiting as f64))
        .sum();
    // Everybody has work for ever.
    let all: f64 = weight + beside.iter().map(|(weight, _)| weight).sum::<f64>();
    let compared = others.waiting(Order::Compared) as f64;
    let (soonest, latest) = ((own + meanwhile) / per_s, (own * all / weight + compared) / per_s);
    let Some(part) = Some(others.floor).filter(|_| first > 0.0) else {
        return (
            soonest,
            Some(at_limit(seen, others, per_s, own).unwrap_or(0.0).max(latest)),
        );
    };
    // Those that go first may have more; what is kept for the others is shared by all of them.
    let kept = (part > 0.0).then(|| own / (per_s * part));
    let after_first = soonest + first / per_s;
    (kept.map_or(after_first, |kept| kept.min(after_first)), None)
}

/// What a queue that has reached its limit takes: its part of all that is out.
fn at_limit(seen: &Case, others: &Rivals, per_s: f64, own: f64) -> Option<f64> {
    let route = seen.route.as_ref()?;
    let queue = seen
        .mesh
        .queue(route)
        .filter(|queue| queue.out >= queue.limit.max(1))?;
    let beside: u64 = others
        .others
        .iter()
        .filter(|r| r.lane == route.lane)
        .map(|r| r.out)
        .sum();
    let part = queue.out as f64 / (queue.out + beside).max(1) as f64;
    (part > 0.0).then(|| own / (per_s * part))
}

/// How fast tasks go through all queues together, and how that is known.
fn speed(seen: &Case, route: &Route, others: &Rivals) -> Option<(f64, Basis)> {
    let part = others.part;
    if let Some((pace, per_s)) = seen.mesh.pace.and_then(|pace| Some((pace, pace.per_s()?))) {
        let over_ms = pace.over_ms;
        return Some((per_s, Basis::Pace { per_s, over_ms, part }));
    }
    let load = seen.mesh.load.as_ref()?;
    let is_contested = |lane: &Lane| {
        let mut rivals = others.others.iter();
        *lane == route.lane || rivals.any(|rival| rival.lane == *lane && rival.order != Order::After)
    };
    // A lane that is at rest still has the speed it once had, and takes nothing of it.
    let lanes = Lane::ALL.into_iter().filter(is_contested);
    let per_s: f64 = lanes.filter_map(|lane| load.drain_per_s(lane, seen.now)).sum();
    (per_s > 0.0).then_some((per_s, Basis::Drain { per_s, part }))
}

/// The part of all that is out that belongs to the queue and those it competes with: other models may have other
/// workers.
fn competed_for(seen: &Case, route: &Route, others: &Rivals) -> f64 {
    let is_theirs = |queue: &QueueSeen| {
        let Route {
            lane, class, model, ..
        } = &queue.route;
        *model == route.model || others.others.iter().any(|r| r.lane == *lane && r.class == *class)
    };
    let queues = seen.mesh.queues.iter();
    let (own, all) = queues.fold((0, 0), |(own, all), queue| {
        let theirs = if is_theirs(queue) { queue.out } else { 0 };
        (own + theirs, all + queue.out)
    });
    if own == 0 { 1.0 } else { own as f64 / all as f64 }
}

/// What the tighter one of the rates says: the bucket may be full or empty, and shares nothing but the rate.
fn rate(policy: &Policy, seen: &Case, route: &Route, ahead: u64) -> Option<(Span, Basis)> {
    let class = policy.class(route.class.as_str()).and_then(|class| class.rate);
    let model = policy.model_by_token(&route.model).and_then(|model| model.rate);
    let waiting = |is_under: &dyn Fn(&Route) -> bool| -> u64 {
        // Those of its own queue are before it, and counted, or after it.
        let others = seen.mesh.queues.iter().filter(|queue| queue.route != *route);
        let under = others.filter(|queue| is_under(&queue.route) && !queue.is_paused);
        under.map(|queue| queue.waiting).sum()
    };
    let class = class.map(|rate| (rate, waiting(&|other: &Route| other.class == route.class)));
    let model = model.map(|rate| (rate, waiting(&|other: &Route| other.model == route.model)));
    let own = ahead as f64 + 1.0;
    let spans = class
        .into_iter()
        .chain(model)
        .filter(|(rate, _)| rate.per_s > 0.0);
    let spans = spans.map(|(rate, waiting)| {
        let (soonest, latest) = ((own - rate.burst).max(0.0), own + waiting as f64);
        let per_s = rate.per_s;
        ((soonest / per_s, Some(latest / per_s)), Basis::Rate { per_s })
    });
    spans.max_by(|((a, _), _), ((b, _), _)| a.total_cmp(b))
}

/// Whether a slot that could run it is free, and its queue is not at its limit.
fn is_free(seen: &Case, route: &Route) -> bool {
    let (slots, busy, _) = slots(seen);
    let has_room = seen
        .mesh
        .queue(route)
        .is_some_and(|queue| queue.out < queue.limit.max(1));
    busy < slots && has_room
}

/// The longest time that is told, in ms: a year.
const MS_MAX: f64 = 366.0 * 86_400_000.0;

fn ms(seconds: f64) -> u64 {
    (seconds * 1000.0).clamp(0.0, MS_MAX) as u64
}
