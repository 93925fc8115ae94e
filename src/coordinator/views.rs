//! The leader's sweep over the lanes: how much waits where and what is next, told to whoever chooses; and once a
//! second the limits that follow from it.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Interval, MissedTickBehavior};

use super::heads::Heads;
use super::limits::{Demands, settle};
use super::{Coordinator, gauges};
use crate::broker::RequestError;
use crate::broker::queues::Queue;
use crate::clock;
use crate::task::{Lane, Moment};
use crate::wire::{LaneView, QueueView};

/// How often lanes are looked over, and how often limits follow.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often where the rule between classes compares heads.
const LOOK_AT_HEADS_EVERY: Duration = Duration::from_millis(250);
/// A step that is due within this time is taken: timers are late by as much, and one look later would be much later.
const SLACK: Duration = Duration::from_millis(50);

/// What the sweep of one lane remembers.
#[derive(Default)]
struct Memory {
    heads: Heads,
    demands: Demands,
    settled_at: Option<Moment>,
    is_failing: bool,
}

/// Sweeps until the coordinator stops, whenever it leads.
pub(super) async fn run(of: Arc<Coordinator>) {
    let mut changes = of.policy_changes();
    let mut told = gauges::Shares::default();
    let mut every = Every::of(&of);
    let mut memories: [Memory; 2] = Default::default();
    loop {
        let policy = of.policy();
        told.tell(&of, &policy);
        every.follow(&of);
        let next = async {
            tokio::select! {
                _ = every.0.tick() => (),
                // Its limits hold at once.
                Ok(()) = changes.changed() => memories.iter_mut().for_each(|memory| memory.settled_at = None),
            }
            if of.leader.is_leading() {
                return;
            }
            // Somebody else sweeps meanwhile.
            memories = Default::default();
            gauges::nothing_seen(&of);
            of.leader.leading().await;
        };
        tokio::select! {
            () = next => (),
            () = of.lifecycle.soft().cancelled() => return,
        }
        for (lane, memory) in Lane::ALL.into_iter().zip(&mut memories) {
            let swept = sweep(&of, lane, memory).await;
            said(lane, swept, &mut memory.is_failing);
        }
    }
}

/// When the lanes are looked over next.
struct Every(Interval);

impl Every {
    fn of(of: &Coordinator) -> Self {
        let mut every = tokio::time::interval(period(of));
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self(every)
    }

    fn follow(&mut self, of: &Coordinator) {
        if self.0.period() != period(of) {
            *self = Self::of(of);
        }
    }
}

/// How often the lanes are looked over under the policies that are acted on and the one that is asked.
fn period(of: &Coordinator) -> Duration {
    match of.is_any_policy(|policy| policy.scheduler.between.compares_heads()) {
        true => LOOK_AT_HEADS_EVERY,
        false => LOOK_EVERY,
    }
}

async fn sweep(of: &Coordinator, lane: Lane, memory: &mut Memory) -> Result<(), RequestError> {
    let now = clock::monotonic();
    let is_due = memory
        .settled_at
        .is_none_or(|at| now.since(at) + SLACK >= LOOK_EVERY);
    // Limits first, so that workers hear of them at once.
    let queues = if is_due {
        memory.settled_at = Some(now);
        settle(of, lane, &[], &mut memory.demands).await?
    } else {
        of.broker.queues(lane).await?
    };
    let taken_at = clock::wall();
    memory.heads.look(of, &queues).await?;
    if !of.leader.is_leading() {
        return Ok(());
    }
    let seen = queues.iter().map(|queue| seen(queue, &memory.heads)).collect();
    let view = LaneView {
        lane,
        taken_at,
        queues: seen,
    };
    gauges::seen(of, &view);
    of.broker.tell_view(&view).await
}

fn seen(queue: &Queue, heads: &Heads) -> QueueView {
    QueueView {
        route: queue.route.clone(),
        depth: queue.waiting,
        running: queue.out,
        limit: u32::try_from(queue.limit).unwrap_or(u32::MAX),
        is_paused: queue.is_paused,
        head: heads.of(&queue.route),
    }
}

/// Once where it begins to fail: it would be said four times a second.
fn said(lane: Lane, swept: Result<(), RequestError>, is_failing: &mut bool) {
    match swept {
        Err(error) if !*is_failing => {
            tracing::warn!(%lane, %error, "a lane was not looked over; trying again, workers choose by shares meanwhile");
            *is_failing = true;
        }
        Err(error) => tracing::debug!(%lane, %error, "a lane was not looked over"),
        Ok(()) => *is_failing = false,
    }
}
