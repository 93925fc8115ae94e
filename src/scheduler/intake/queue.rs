//! What a worker knows of one consumer.

use std::time::Duration;

use super::asks::{Asks, Released};
use super::facts::QueueSpec;
use super::ledger::Ledger;
use super::outlook::Outlook;
use super::round_trip::RoundTrip;
use super::tokens::MeterId;
use crate::scheduler::lookahead::Window;
use crate::task::Moment;

/// What is known of a queue's backlog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Knowledge {
    /// Nothing, or what was known proved wrong: it may hold many tasks.
    Unknown,
    /// Nothing came when asked: empty, or at its limit.
    Quiet,
    /// So many tasks were left there when the last one came.
    Backlog(u64),
}

/// A wait that the server holds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Waiting {
    pub(super) since: Moment,
    pub(super) until: Moment,
}

#[derive(Debug, Clone)]
pub(super) struct Queue {
    pub(super) spec: QueueSpec,
    pub(super) knowledge: Knowledge,
    pub(super) asks: Asks,
    /// Of the places asked for, those that are for the window and reserve no slot.
    pub(super) ahead: u32,
    /// Tasks of it that run or are kept here.
    pub(super) held: u32,
    pub(super) ledger: Ledger,
    pub(super) outlook: Outlook,
    /// Tasks that are kept because the class looks ahead.
    pub(super) window: Window,
    /// Most tasks in it; 0 where the class does not look ahead.
    pub(super) window_max: u32,
    pub(super) waiting: Option<Waiting>,
    /// When it was last asked, in whichever way.
    pub(super) checked_at: Option<Moment>,
    /// When somebody last saw a task come to it, unless one was delivered since.
    pub(super) woken_at: Option<Moment>,
    /// No pulls before: the server refused one.
    pub(super) unavailable_until: Option<Moment>,
    /// Most places asked at once; 1 once two asks in a row missed and doubled when one is
    /// filled, so that a queue at its limit is not asked for slots it cannot use.
    pub(super) ask_cap: u32,
    /// Asks in a row that brought nothing although tasks were known to be there, each sent after
    /// the one before had missed.
    pub(super) misses: u32,
    pub(super) missed_at: Moment,
    /// Not asked before: it was at its limit, or its server busy.
    pub(super) resting_until: Option<Moment>,
    /// Each start of a task of it takes a token of each.
    pub(super) meters: Vec<MeterId>,
    /// A slot is kept for it until then, for the answer of the lender of tokens.
    pub(super) hoping_until: Option<Moment>,
}

impl Queue {
    pub(super) fn new(spec: QueueSpec, window_max: u32) -> Self {
        Self {
            spec,
            knowledge: Knowledge::Unknown,
            asks: Asks::default(),
            ahead: 0,
            held: 0,
            ledger: Ledger::default(),
            outlook: Outlook::default(),
            window: Window::default(),
            window_max,
            waiting: None,
            checked_at: None,
            woken_at: None,
            unavailable_until: None,
            ask_cap: u32::MAX,
            misses: 0,
            missed_at: Moment::default(),
            resting_until: None,
            meters: Vec::new(),
            hoping_until: None,
        }
    }

    /// Slots held for tasks that are still to come.
    pub(super) fn reserved(&self) -> u32 {
        self.asks.reserved() - self.ahead
    }

    /// Places of the window that nothing was asked for yet.
    pub(super) fn free_ahead(&self) -> u32 {
        let have = self.window.len() as u32 + self.ahead;
        self.window_max.saturating_sub(have)
    }

    /// How many more tasks are to be asked for so that the window is full.
    pub(super) fn room_ahead(&self) -> u32 {
        self.free_ahead().min(self.room())
    }

    /// Books the end of places that were asked for, `slots` of which were reserved before.
    pub(super) fn unreserved(&mut self, before: u32) -> u32 {
        self.ahead = self.ahead.min(self.asks.reserved());
        before.saturating_sub(self.reserved())
    }

    /// How many more tasks it is worth to ask for now.
    pub(super) fn room(&self) -> u32 {
        if self.resting_until.is_some() || self.asks.outstanding() >= PULLS_MAX {
            return 0;
        }
        self.wanted()
            .min(self.ask_cap.saturating_sub(self.asks.reserved()))
    }

    /// Whether there is more than may be asked for just now.
    pub(super) fn is_delayed(&self) -> bool {
        self.wanted() > 0 && self.room() == 0
    }

    /// Tasks known to be there that nobody was asked for yet.
    fn wanted(&self) -> u32 {
        let Knowledge::Backlog(backlog) = self.knowledge else {
            return 0;
        };
        if self.unavailable_until.is_some() {
            return 0;
        }
        u32::try_from(backlog)
            .unwrap_or(u32::MAX)
            .min(self.spec.limit.saturating_sub(self.held))
            .saturating_sub(self.asks.reserved())
    }

    /// Whether no task of it is known that it would give out.
    pub(super) fn is_silent(&self) -> bool {
        self.resting_until.is_some() || !matches!(self.knowledge, Knowledge::Backlog(n) if n > 0)
    }

    /// Whether only a wait can tell when it has a task again.
    pub(super) fn needs_wait(&self) -> bool {
        let idle = self.asks.reserved() == 0;
        let allowed = self.spec.limit > self.held && self.unavailable_until.is_none();
        self.is_silent() && idle && allowed && self.waiting.is_none()
    }

    /// Whether a task was seen to come to it that nobody is likely to have taken yet.
    pub(super) fn is_woken(&self, now: Moment) -> bool {
        self.woken_at.is_some_and(|at| now.since(at) < WOKEN_FOR)
    }

    /// Whether it has not been asked for `interval`.
    pub(super) fn is_stale(&self, now: Moment, interval: Duration) -> bool {
        self.checked_at.is_none_or(|at| now.since(at) >= interval)
    }

    /// An ask brought some of its tasks or none, although more were known to be there. The queue
    /// rests: for a round trip, so that the slot goes to another class first, then ever longer.
    /// After the last rest it counts as [`Knowledge::Quiet`], and a wait tells when it is not.
    pub(super) fn missed(&mut self, released: &Released, now: Moment, round_trip: &RoundTrip) {
        self.checked_at = Some(now);
        // One stall of the server is one miss, however many asks met it.
        if released.sent < self.missed_at {
            self.resting_until = self.resting_until.max(Some(now + round_trip.smoothed()));
            return;
        }
        self.missed_at = now;
        self.misses = if released.filled > 0 { 1 } else { self.misses + 1 };
        let rest = match self.misses {
            0 | 1 => round_trip.smoothed(),
            MISSES_MAX.. => {
                self.knowledge = Knowledge::Quiet;
                return;
            }
            misses => {
                self.ask_cap = 1;
                round_trip.deadline() * (1 << (misses - 2))
            }
        };
        self.resting_until = Some(now + rest.min(REST_MAX));
    }

    /// What was heard says no more that it is empty or at its limit.
    pub(super) fn rested(&mut self) {
        (self.misses, self.resting_until) = (0, None);
    }

    /// What was heard of its backlog.
    pub(super) fn learned(&mut self, backlog: u64, now: Moment) {
        self.woken_at = None;
        self.knowledge = if backlog == 0 {
            Knowledge::Quiet
        } else {
            Knowledge::Backlog(backlog)
        };
        self.checked_at = Some(now);
    }
}

/// Misses in a row after which asking again is no use. The rests between them last a round trip, and
/// one, two and four deadlines.
const MISSES_MAX: u32 = 5;
/// However slow the server.
const REST_MAX: Duration = Duration::from_secs(1);

/// How long a task that was seen to come counts as there: a worker with a free slot has it at once.
const WOKEN_FOR: Duration = Duration::from_millis(50);

/// Asks of one queue under way at once: enough to keep slots filling while answers travel, few
/// enough for the server's `max_waiting` with hundreds of workers.
const PULLS_MAX: usize = 8;
