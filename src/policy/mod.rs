//! Verdicts: what is to happen to a task, as pure functions of facts, policy and time.
//!
//! `document` is the validated policy every verdict is taken under; `config` makes it from
//! YAML, and `edition` one with its number. `classify` says where a new task goes and `begin` when, `cron` and `firing` when those come that come again,
//! `retry` what follows a failure and `backoff` how soon, `wait` and `lift` what follows too long a wait, `callback`
//! and `address` when and where a result is delivered, `limits` how many of each consumer may run at once, after what
//! it could use (`demand`) and its share (`water`), `blocked` which task may go that waited for others, `inheritance`
//! how urgent a task is for the sake of those that wait for it, `pause` what is held back, `overload` what is turned
//! away when there is too much, `ledger` whether what was accepted adds up, `why` what holds a task back, `rollout` which
//! tasks act on a candidate policy and what becomes of it, `trial` one that is under way. Nothing here reads a clock, draws a random
//! number or does I/O.

mod address;
mod backoff;
mod begin;
mod blocked;
mod callback;
mod classify;
pub mod compare;
mod cron;
mod demand;
mod document;
mod edition;
mod firing;
mod inheritance;
mod ledger;
mod lift;
mod limits;
mod overload;
mod pause;
mod retry;
pub mod rollout;
mod trial;
mod wait;
mod water;
mod why;

#[cfg(test)]
mod classify_tests;
#[cfg(test)]
mod ending_tests;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod limits_tests;
#[cfg(test)]
mod retry_tests;

pub use address::{AddressError, Reach, callback_url};
pub use backoff::{Growth, RetryRules, RetryTable};
pub use begin::{BeginError, RUN_AHEAD_MS_MAX, begin};
pub use blocked::{Board, Step, lane_of, urgency};
pub use callback::{FailedDelivery, next_delivery};
pub use classify::{ClassRule, Classified, Facts, LaneRule, UnknownClass, classify};
pub use cron::{Cron, CronError};
pub use demand::{Demand, Seen};
pub use document::{
    Aging, BatchWindow, Bounds, CallbackRules, Class, CostUnit, ExecutorKind, KeyRules, LanePolicy, Marking,
    MaxWait, Model, OnDependencyFailed, OnMaxWait, OnOverload, OnTimeout, Policy, ProcessRules,
};
pub use edition::{Edition, PolicyVersion};
pub use firing::{Firings, LATE_MS, MISSED_MAX, Missed, firings};
pub use inheritance::{CHAIN_MAX, Change, Party, Waits, WaitsError};
pub use ledger::{Census, Ended, Ledger, Live, Mistake, balance};
pub use lift::{LIFTS_MAX, Lifts, lift_after_ms, lifted, room};
pub use limits::{CONSUMERS_MAX, Group, Place, lowered, raised, targets};
pub use overload::{
    Cause, DrainRate, Fate, Infeasible, Level, OnInfeasible, Outlook, OverloadRules, Pressure, QueueFill,
    RETRY_AFTER_S_MAX, Room, Shed, Standing, Workers, fate, infeasible, is_retry_full, retry_after_s, step,
};
pub use pause::Pause;
pub use retry::{Failed, Verdict, is_expired, verdict};
pub use trial::{Compare, LotBy, Outcome, Shadow, Trial, TrialEnd, canary_shard};
pub use wait::{WaitVerdict, waited};
pub use why::{
    Absence, Ahead, Basis, Case, Crew, Ending, Estimate, Holder, KeyHeld, LaneFill, Load, Mesh, OnLane,
    Order, Pace, Parent, QueueSeen, Reason, Rival, Rivals, Timer, Unknown, Whereabouts, answer, estimate,
    reasons, rivals,
};
