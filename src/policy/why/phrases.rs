//! Sentences for the reasons that take more than a few words.

use super::facts::{Ending, Holder, KeyHeld, Parent, Timer};
use super::reason::Absence;
use super::rivals::{Order, Rival, Rivals};
use super::words::span;
use crate::policy::OnMaxWait;
use crate::policy::overload::Cause;
use crate::task::{EpochMs, ParkReason, State};

/// Things of one kind that are named; of the others only how many they are.
const NAMED_MAX: usize = 5;

pub(super) fn counted(count: u64, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        n => format!("{n} {what}s"),
    }
}

fn listed<T>(all: &[T], named: impl Fn(&T) -> String) -> String {
    let mut told: Vec<String> = all.iter().take(NAMED_MAX).map(named).collect();
    match all.len().saturating_sub(NAMED_MAX) {
        0 => (),
        more => told.push(format!("{more} more")),
    }
    told.join(", ")
}

pub(super) fn contest(others: &Rivals) -> String {
    let those = |order| others.others.iter().filter(move |rival| rival.order == order);
    let named = |order| {
        let all: Vec<&Rival> = those(order).collect();
        listed(&all, |rival| {
            format!("{}/{} {}", rival.class, rival.lane, rival.waiting)
        })
    };
    let mut told = Vec::new();
    if those(Order::Before).next().is_some() {
        let (rule, count) = (others.rule, others.waiting(Order::Before));
        told.push(format!(
            "{} of more urgent classes first by {rule} ({})",
            counted(count, "task"),
            named(Order::Before)
        ));
    }
    if those(Order::Beside).next().is_some() {
        told.push(format!(
            "class {} has {:.0} % of the slots now by {}, beside {}",
            others.class,
            others.part * 100.0,
            others.rule,
            named(Order::Beside)
        ));
    }
    if those(Order::Compared).next().is_some() {
        told.push(format!(
            "{} compares it with the heads of {}",
            others.rule,
            named(Order::Compared)
        ));
    }
    told.join(", ")
}

pub(super) fn ended(ending: &Ending, now: EpochMs) -> String {
    let when = ending
        .at
        .map_or(String::new(), |at| format!(" {} ago", span(now.since(at))));
    let error = ending
        .error
        .as_ref()
        .map_or(String::new(), |(kind, text)| format!(" ({kind}: {text})"));
    match ending.state {
        State::Completed => format!(
            "completed{when}: it waited for {} and ran for {} on {}",
            span(ending.queued_ms),
            span(ending.exec_ms),
            ending.worker
        ),
        State::Dead => {
            let reason = ending
                .letter
                .as_ref()
                .map_or(String::new(), |word| format!(" for {word}"));
            let what = match ending.letter {
                Some(_) => "; `fairlane dlq show` shows the letter, `fairlane dlq replay` tries it again",
                None => "; its letter is gone, so submit it anew to try it again",
            };
            format!(
                "dead{when}{reason} after {}{error}{what}",
                counted(ending.attempt.into(), "failed attempt")
            )
        }
        state => format!("{state}{when}{error}; submit it anew to run it"),
    }
}

pub(super) fn running(ack_wait_ms: u64, is_served: bool) -> String {
    let lost = format!(
        "it is given to another after {} without a sign of life",
        span(ack_wait_ms)
    );
    match is_served {
        true => format!("it was given to a worker; {lost}"),
        false => format!("it was given to a worker, and none that is there now has its model; {lost}"),
    }
}

pub(super) fn paused(since: Option<EpochMs>, now: EpochMs) -> String {
    match since {
        Some(at) => format!(
            "its queue was paused {} ago; `fairlane queue resume` lets it go on",
            span(now.since(at))
        ),
        None => "its consumer is paused with another tool; resume it there".to_owned(),
    }
}

pub(super) fn no_queue(is_known: bool, is_led: bool) -> String {
    match (is_known, is_led) {
        (true, true) => "its queue has no consumer yet; the leading coordinator makes one within seconds, if the lane has a place for it".to_owned(),
        (true, false) => "its queue has no consumer, and no coordinator leads that would make one; start one with `fairlane coordinator`".to_owned(),
        (false, _) => "no class or model of this policy covers it, so nobody delivers it; the audit of a coordinator gives it up as unroutable".to_owned(),
    }
}

pub(super) fn absent(absence: Absence) -> String {
    match absence {
        Absence::Nobody => "no worker is there; start one with `fairlane worker`".to_owned(),
        Absence::OtherModels { workers } => {
            format!(
                "none of the workers ({workers}) has its model; start one that does with `fairlane worker`"
            )
        }
        Absence::HeldBack { workers } => format!(
            "the workers with its model ({workers}) were told to take nothing, or stop; `fairlane worker uncordon` lets them go on"
        ),
        Absence::Lost { workers } => format!(
            "the workers with its model ({workers}) were not heard for too long; start one with `fairlane worker`"
        ),
    }
}

pub(super) fn due(timer: &Timer, now: EpochMs) -> String {
    let when = match timer.due > now {
        true => format!("in {}", span(timer.due.since(now))),
        false => format!("since {} ago", span(now.since(timer.due))),
    };
    let error = timer.error.as_ref();
    let error = error.map_or(String::new(), |(kind, text)| format!(": {kind}: {text}"));
    match timer.is_retry {
        true => format!(
            "it is tried again after {}{error}; due {when}",
            counted(timer.attempt.into(), "failed attempt")
        ),
        false => format!("it is to start later (run_at); due {when}"),
    }
}

pub(super) fn parents(open: &[Parent], failed: &[Parent]) -> String {
    let named = |parent: &Parent| match parent.state {
        Some(state) => format!("{} ({state})", parent.id),
        None => format!("{} (not known)", parent.id),
    };
    let also = match failed.is_empty() {
        true => String::new(),
        false => format!("; not completed: {}", listed(failed, named)),
    };
    match open.is_empty() {
        true => format!("everything it depends on has ended, and a coordinator acts on that next{also}"),
        false => format!(
            "{} it depends on {} open: {}{also}",
            counted(open.len() as u64, "task"),
            if open.len() == 1 { "is" } else { "are" },
            listed(open, named)
        ),
    }
}

pub(super) fn key(held: &KeyHeld, now: EpochMs) -> String {
    let lease = |holder: &Holder| match holder.until {
        Some(at) => format!(", free in {} unless heard of", span(at.since(now))),
        None => String::new(),
    };
    let named = |holder: &Holder| match &holder.worker {
        Some(worker) => format!("{} on {worker}{}", holder.task, lease(holder)),
        None => format!("{}, which is queued{}", holder.task, lease(holder)),
    };
    let places = counted(held.limit.into(), "place");
    match held.holders.is_empty() {
        true => format!(
            "its key {:?} is free; a coordinator queues who waits for it",
            held.key
        ),
        false => format!(
            "its key {:?} has {places}, held by {}",
            held.key,
            listed(&held.holders, named)
        ),
    }
}

pub(super) fn overload(level: Option<(u8, Cause)>, archived: u64) -> String {
    let level = match level {
        Some((0, _)) => "no level of overload holds any more".to_owned(),
        Some((level, cause)) => format!("level {level} of overload holds ({cause})"),
        None => "no coordinator has told of the load".to_owned(),
    };
    format!(
        "overload put it aside; {level}, and {} lie aside, the most urgent and oldest go back first; `fairlane archive replay` puts it back at once",
        counted(archived, "task")
    )
}

pub(super) fn by_hand(why: Option<ParkReason>) -> String {
    let why = match why {
        Some(ParkReason::Timeout) => "it ran out of time",
        Some(ParkReason::Infeasible) => "it could not meet its deadline",
        Some(ParkReason::Overload) | None => "why cannot be read",
    };
    format!("it lies in the archive ({why}) until somebody takes it out with `fairlane archive replay`")
}

pub(super) fn max_wait(at: EpochMs, then: OnMaxWait, now: EpochMs) -> String {
    let then = match then {
        OnMaxWait::Promote => "is moved to the more urgent lane",
        OnMaxWait::Demote => "is moved to the less urgent lane",
        OnMaxWait::Expire => "ends as expired",
    };
    format!(
        "after {} more it {then}, if there is one (max_wait_ms)",
        span(at.since(now))
    )
}

pub(super) fn lift(at: EpochMs, rule: &str, now: EpochMs) -> String {
    match at > now {
        true => format!(
            "after {} more it is moved to core as soon as that has room ({rule})",
            span(at.since(now))
        ),
        false => {
            format!("it has waited for long enough to be moved to core, as soon as that has room ({rule})")
        }
    }
}
