//! Reasons and estimates as people read them.

use super::estimate::{Basis, Estimate, Unknown};
use super::facts::{Case, Whereabouts};
use super::phrases::{
    absent, by_hand, contest, counted, due, ended, key, lift, max_wait, no_queue, overload, parents, paused,
    running,
};
use super::reason::Reason;

/// Two ends of an estimate that are nearer to each other than this factor are one.
const ABOUT: f64 = 1.5;

/// The answer in one line: what binds first, and when it starts.
#[must_use]
pub fn answer(seen: &Case, reasons: &[Reason], estimate: &Estimate) -> String {
    let Some(first) = reasons.first() else {
        return String::new();
    };
    let mut told = first.told(seen);
    // Who goes before is half of it where tasks of its own queue do.
    let second = reasons.get(1).filter(|second| {
        matches!(
            (first, second),
            (Reason::Behind(_), Reason::Others(_))
                | (Reason::SlotsBusy { .. }, Reason::Behind(_) | Reason::Others(_))
        )
    });
    if let Some(second) = second {
        told.push_str(&format!(", {}", second.told(seen)));
    }
    match (first, estimate) {
        (Reason::Ended(_), _) => told,
        (Reason::Running { .. }, _) => format!("runs: {told}"),
        (_, Estimate::Over) => told,
        (_, estimate) => format!("waits: {told}; {}", estimate.told()),
    }
}

/// A time in the largest unit that tells it well.
pub(super) fn span(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..10_000 => format!("{:.1} s", ms as f64 / 1000.0),
        10_000..120_000 => format!("{} s", ms / 1000),
        120_000..7_200_000 => format!("{} min", ms / 60_000),
        7_200_000..172_800_000 => format!("{} h", ms / 3_600_000),
        _ => format!("{} d", ms / 86_400_000),
    }
}

impl Estimate {
    /// When it starts, in words.
    #[must_use]
    pub fn told(&self) -> String {
        match self {
            Self::Over => "it has started".to_owned(),
            Self::Unknown(unknown) => format!("when it starts is unknown: {}", unknown.told()),
            Self::Starts { to_ms: Some(0), .. } => "it starts at once".to_owned(),
            Self::Starts {
                from_ms, to_ms: None, ..
            } => format!("it starts in {} or later", span(*from_ms)),
            Self::Starts {
                from_ms,
                to_ms: Some(to),
                ..
            } => {
                let is_near = *to as f64 <= *from_ms as f64 * ABOUT;
                match is_near {
                    true => format!("it starts in about {}", span(from_ms.midpoint(*to))),
                    false => format!("it starts in {} to {}", span(*from_ms), span(*to)),
                }
            }
        }
    }
}

impl Unknown {
    /// Why nobody knows, in words.
    #[must_use]
    pub const fn told(self) -> &'static str {
        match self {
            Self::Somebody => "somebody has to do something first",
            Self::Tasks => "nobody knows how long other tasks take",
            Self::Room => "it goes back when there is room",
            Self::NoDrain => "nobody has seen of late how fast tasks end; ask again in a few seconds",
            Self::OnItsWay => "it is on its way; ask again",
        }
    }
}

impl Basis {
    /// What it is, in words.
    #[must_use]
    pub fn told(self) -> String {
        match self {
            Self::Timer => "the time its timer ends at".to_owned(),
            Self::FreeSlot => "a slot is free, and nothing is before it".to_owned(),
            Self::Pace { per_s, over_ms, part } => format!(
                "{per_s:.1} tasks/s have ended in the last {} while it waited{}",
                span(over_ms),
                of_class(part)
            ),
            Self::Drain { per_s, part } => format!("tasks drain at {per_s:.1} a second{}", of_class(part)),
            Self::Rate { per_s } => format!("a rate of {per_s} starts/s"),
        }
    }
}

impl Reason {
    /// The reason in words, with what to do where there is something to be done.
    #[must_use]
    pub fn told(&self, seen: &Case) -> String {
        match self {
            Self::Ended(ending) => ended(ending, seen.now),
            Self::Running {
                ack_wait_ms,
                is_served,
            } => running(*ack_wait_ms, *is_served),
            Self::Paused { since } => paused(*since, seen.now),
            Self::NoQueue { is_known, is_led } => no_queue(*is_known, *is_led),
            Self::NoWorker(absence) => absent(*absence),
            Self::Behind(_) | Self::Others(_) | Self::Next => self.turn(seen),
            Self::Due(timer) => due(timer, seen.now),
            Self::Parents { open, failed } => parents(open, failed),
            Self::Key(held) => key(held, seen.now),
            Self::Overload { level, archived } => {
                overload(level.map(|(level, cause)| (level.number(), cause)), *archived)
            }
            Self::ByHand { why } => by_hand(*why),
            Self::Verdict { since } => format!(
                "it failed {} ago, and a coordinator has yet to say what follows",
                span(seen.now.since(*since))
            ),
            Self::Between => {
                "it is on its way from one place to another, or what was left of it has aged out".to_owned()
            }
            Self::NoLeader => "no coordinator leads; start one with `fairlane coordinator`".to_owned(),
            Self::MaxWait { at, then, .. } => max_wait(*at, *then, seen.now),
            Self::Lift { at, rule } => lift(*at, rule, seen.now),
            Self::Deadline { at } if *at <= seen.now => {
                format!(
                    "its deadline passed {} ago: it ends as expired instead of starting",
                    span(seen.now.since(*at))
                )
            }
            Self::Deadline { at } => format!(
                "it ends as expired unless it starts within {}",
                span(at.since(seen.now))
            ),
            Self::ClassLimit { .. }
            | Self::LaneLimit { .. }
            | Self::QueueLimit { .. }
            | Self::Rate { .. }
            | Self::SlotsBusy { .. }
            | Self::LaneFull(_) => self.bound(seen),
        }
    }

    fn bound(&self, seen: &Case) -> String {
        let lane = seen
            .route
            .as_ref()
            .map_or("its lane", |route| route.lane.as_str());
        let class = seen
            .route
            .as_ref()
            .map_or("its class", |route| route.class.as_str());
        match self {
            Self::ClassLimit { out, max } => {
                format!("class {class} runs {out} of {max} tasks on {lane} (max_concurrent)")
            }
            Self::LaneLimit { out, max } => format!("{lane} runs {out} of {max} tasks (concurrency)"),
            Self::QueueLimit { out, max } => format!(
                "its queue has {out} tasks out of the {max} it may; the leading coordinator moves places every second"
            ),
            Self::Rate { of, per_s, waiting } => {
                format!("its {of} may start {per_s} tasks/s (rate), and {waiting} of it wait")
            }
            Self::SlotsBusy { slots: 1, .. } => "the only slot for its model is busy".to_owned(),
            Self::SlotsBusy { slots, workers } => {
                format!(
                    "all {slots} slots of {} for its model are busy",
                    counted(*workers, "worker")
                )
            }
            Self::LaneFull(fill) => format!("{lane} is full: it holds {} of {}", fill.held, fill.max),
            _ => String::new(),
        }
    }

    fn turn(&self, seen: &Case) -> String {
        match self {
            Self::Behind(ahead) => {
                let queue = seen
                    .route
                    .as_ref()
                    .map_or("its queue".to_owned(), |r| format!("{}/{}", r.class, r.lane));
                let most = if ahead.is_exact { "" } else { "at most " };
                format!("{most}{} before it in {queue}", counted(ahead.tasks, "task"))
            }
            Self::Others(others) => contest(others),
            _ => match &seen.place {
                Whereabouts::Lane(_) => "it is next, and nothing that was seen holds it back".to_owned(),
                _ => "nothing that was seen holds it back".to_owned(),
            },
        }
    }
}

fn of_class(part: f64) -> String {
    match part {
        1.0 => String::new(),
        part => format!(
            ", {:.0} % of that for its class while others have work",
            part * 100.0
        ),
    }
}
