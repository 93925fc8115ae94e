//! What the intake is told and what it answers.

use std::time::Duration;

use crate::scheduler::cost::CostId;
pub use crate::scheduler::facts::QueueId;
use crate::scheduler::facts::{ClassId, Head, Ticket};
use crate::scheduler::rules::Infeasible;
use crate::task::Moment;

/// One ask; travels in the reply subject, so that its status finds back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PullId(pub u64);

/// What is fixed about a queue.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct QueueSpec {
    /// Whose share it is served under.
    pub class: ClassId,
    /// Its lane by place, 0 the most urgent.
    pub lane: u32,
    /// What its tasks cost.
    pub cost: CostId,
    /// Most tasks of it that may be out at once, over the whole mesh.
    pub limit: u32,
}

/// The inbox a task arrived on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The inbox of asks.
    Ask,
    /// An inbox of waits, of whichever generation.
    Wait,
}

/// A task that arrived.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Arrival {
    /// What its queue still held.
    pub backlog: u64,
    /// How often it has been delivered, this time included.
    pub deliveries: u64,
    /// What is known of it.
    pub task: Head,
}

/// What a sweep over a queue saw.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct View {
    /// Tasks that waited in it.
    pub depth: u64,
    /// The oldest of them.
    pub head: Option<Head>,
    /// When that was so.
    pub taken_at: Moment,
}

/// What the shell is to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Send an ask (`no_wait`, with an expiry).
    Ask {
        /// From which queue.
        queue: QueueId,
        /// Under which identity.
        pull: PullId,
        /// For how many tasks.
        batch: u32,
        /// When the server is to give up.
        expires: Duration,
    },
    /// Send a wait for one task, on the inbox of this generation.
    Wait {
        /// From which queue.
        queue: QueueId,
        /// On which inbox; a new number asks for a new inbox.
        generation: u64,
        /// When the server is to give up.
        expires: Duration,
    },
    /// Start a task that was kept; it has a slot.
    Start {
        /// Of which queue.
        queue: QueueId,
        /// Which one.
        ticket: Ticket,
    },
    /// End a task that was kept: it cannot meet its deadline any more.
    GiveUp {
        /// Of which queue.
        queue: QueueId,
        /// Which one.
        ticket: Ticket,
        /// What becomes of it.
        how: Infeasible,
    },
    /// Give a task that was kept back to the server.
    HandBack {
        /// Of which queue.
        queue: QueueId,
        /// Which one.
        ticket: Ticket,
    },
    /// Send what [`super::Intake::plea`] gives to the lender of tokens.
    Plead,
    /// Withdraw every wait of this generation by giving up its inbox.
    CloseWaits {
        /// Which inbox.
        generation: u64,
    },
}

/// What becomes of a task that arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// A slot is taken for it; start it now.
    Start,
    /// Keep its lease until a decision names this ticket: the class looks ahead, or the task has been handed back
    /// before and one more tour would make it look like poison.
    Keep(Ticket),
    /// No slot is free; give it back at once. It costs the task no attempt.
    HandBack,
    /// It cannot meet its deadline any more.
    GiveUp(Infeasible),
}

/// How an ask ended, as the server tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AskEnd {
    /// 404: nothing (more) is there.
    Empty,
    /// 408 with the places that stay unfilled.
    Expired {
        /// `Nats-Pending-Messages`.
        unfilled: u32,
    },
    /// 409, 503: the consumer is gone or takes no more pulls.
    Refused,
}

/// How an ask came out, for metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PullOutcome {
    /// Every place was filled.
    Filled,
    /// Some places were filled, then the queue was empty or at its limit.
    Partial,
    /// Nothing came and the queue is empty.
    Empty,
    /// Nothing came although tasks are there: the queue is at its limit.
    Limited,
    /// No answer by the deadline.
    Overdue,
    /// The server refused it.
    Refused,
}
