//! A worker: the real intake, slots that are taken for as long as a task costs, and what it did.

use std::collections::{BTreeMap, VecDeque};

use crate::scheduler::facts::Ticket;
use crate::scheduler::intake::{Answer, Event, Intake};
use crate::task::Moment;

#[derive(Debug)]
pub(super) struct Worker {
    pub(super) intake: Intake,
    pub(super) slots: u32,
    /// Leased and not started.
    pub(super) kept: BTreeMap<Ticket, usize>,
    pub(super) started: u32,
    /// The tasks that it runs.
    pub(super) running: Vec<usize>,
    /// Times it has died.
    pub(super) life: u64,
    /// Tasks the server has sent and that have not arrived.
    pub(super) coming: u32,
    pub(super) wake_us: Option<u64>,
    pub(super) draining: bool,
    /// Everything its intake was told and answered, while somebody wants to know.
    pub(super) log: Option<Vec<(Moment, Event, Answer)>>,
    /// Why its picks came out as they did, while somebody wants to know.
    reasons: Option<Reasons>,
    pub(super) asks: u64,
    pub(super) waits: u64,
    /// Since when each slot is neither taken nor promised by the server, oldest first.
    idle_since_us: VecDeque<u64>,
}

/// What is asked of a worker over all its lives.
#[derive(Debug)]
struct Reasons {
    /// Of its queues.
    names: Vec<String>,
    /// Of its earlier lives.
    lines: Vec<String>,
}

impl Worker {
    pub(super) fn new(intake: Intake, slots: u32) -> Self {
        Self {
            intake,
            slots,
            kept: BTreeMap::new(),
            running: Vec::new(),
            life: 0,
            started: 0,
            coming: 0,
            wake_us: None,
            draining: false,
            log: None,
            reasons: None,
            asks: 0,
            waits: 0,
            idle_since_us: std::iter::repeat_n(0, slots as usize).collect(),
        }
    }

    /// Says why for picks from now on, with queues under these names.
    pub(super) fn explain(&mut self, names: Vec<String>) {
        self.intake.explain(names.clone());
        self.reasons = Some(Reasons {
            names,
            lines: Vec::new(),
        });
    }

    /// Why its picks came out as they did, one line each.
    pub(super) fn take_reasons(&mut self) -> Vec<String> {
        let latest = self.intake.take_reasons();
        let mut lines = self
            .reasons
            .take()
            .map(|reasons| reasons.lines)
            .unwrap_or_default();
        lines.extend(latest);
        lines
    }

    /// Comes up after the death of `dead`: what that one has said is not lost, all else is.
    pub(super) fn succeed(&mut self, dead: Self) {
        let Self {
            mut intake,
            life,
            log,
            reasons,
            ..
        } = dead;
        self.life = life + 1;
        self.log = log;
        if let Some(mut reasons) = reasons {
            reasons.lines.extend(intake.take_reasons());
            self.intake.explain(reasons.names.clone());
            self.reasons = Some(reasons);
        }
    }

    /// Tells its intake one event.
    pub(super) fn hear(&mut self, event: Event, now: Moment) -> Answer {
        let answer = self.intake.hear(&event, now);
        if let Some(log) = &mut self.log {
            log.push((now, event, answer));
        }
        answer
    }

    /// Books which slots are idle now.
    pub(super) fn note_idle(&mut self, now_us: u64) {
        let taken = self.started + self.coming + self.kept.len() as u32;
        let idle = self.slots.saturating_sub(taken) as usize;
        while self.idle_since_us.len() > idle {
            self.idle_since_us.pop_front();
        }
        while self.idle_since_us.len() < idle {
            self.idle_since_us.push_back(now_us);
        }
    }

    /// Since when the slot idle for longest has been so.
    pub(super) fn idle_since_us(&self) -> Option<u64> {
        self.idle_since_us.front().copied().filter(|_| !self.draining)
    }
}
