//! What can hold a task back, and what else there is to say of why it stands where it does.

use super::facts::{Ahead, Ending, KeyHeld, LaneFill, Parent, Timer};
use super::rivals::Rivals;
use crate::policy::OnMaxWait;
use crate::policy::overload::{Cause, Level};
use crate::task::{ClassName, EpochMs, Lane, ParkReason};

/// One thing that says why.
#[derive(Debug, Clone, PartialEq)]
pub enum Reason {
    /// It has ended.
    Ended(Ending),
    /// It was given to a worker.
    Running {
        /// After so long without a sign of life it is given to another, in ms.
        ack_wait_ms: u64,
        /// Whether a live worker serves its model.
        is_served: bool,
    },
    /// Nobody delivers its queue.
    NoQueue {
        /// Whether the policy has its class and its model, so that a coordinator makes a consumer.
        is_known: bool,
        /// Whether a coordinator leads.
        is_led: bool,
    },
    /// Somebody holds its queue back.
    Paused {
        /// Since when; none where it was held back with another tool.
        since: Option<EpochMs>,
    },
    /// Nobody runs its model.
    NoWorker(Absence),
    /// As many of its class are out as may be.
    ClassLimit {
        /// Tasks of the class that are out on the lane.
        out: u64,
        /// As many may be.
        max: u64,
    },
    /// As many of its lane are out as may be.
    LaneLimit {
        /// Tasks of the lane that are out.
        out: u64,
        /// As many may be.
        max: u64,
    },
    /// As many of its queue are out as may be at once for now.
    QueueLimit {
        /// Tasks of the queue that are out.
        out: u64,
        /// As many may be.
        max: u64,
    },
    /// Its class or model may start only so many in a time.
    Rate {
        /// Whose rate it is.
        of: &'static str,
        /// Starts per second.
        per_s: f64,
        /// Tasks under that rate that wait.
        waiting: u64,
    },
    /// Every slot that could run it is taken.
    SlotsBusy {
        /// Slots of workers that take tasks of its model.
        slots: u64,
        /// Those workers.
        workers: u64,
    },
    /// Tasks of its own queue go before it.
    Behind(Ahead),
    /// Other queues are served before it or beside it.
    Others(Rivals),
    /// Nothing that was seen.
    Next,
    /// It waits for its time.
    Due(Timer),
    /// Its time has come, and its lane has no room.
    LaneFull(LaneFill),
    /// No coordinator leads, and it needs one.
    NoLeader,
    /// It waits for other tasks.
    Parents {
        /// Those that have not ended.
        open: Vec<Parent>,
        /// Those that ended otherwise than by completing.
        failed: Vec<Parent>,
    },
    /// It waits for a place of its key.
    Key(KeyHeld),
    /// Overload put it aside.
    Overload {
        /// The level that holds; none where nobody has said of late.
        level: Option<(Level, Cause)>,
        /// Tasks that overload put aside.
        archived: u64,
    },
    /// It lies in the archive until somebody takes it out.
    ByHand {
        /// Why it does, unless that cannot be read.
        why: Option<ParkReason>,
    },
    /// It failed, and a coordinator has yet to say what follows.
    Verdict {
        /// Since when.
        since: EpochMs,
    },
    /// It is on its way from one place to another.
    Between,
    /// What its class says about too long a wait.
    MaxWait {
        /// When that is.
        at: EpochMs,
        /// What follows then.
        then: OnMaxWait,
        /// The lane it waits on.
        lane: Lane,
        /// Its class.
        class: ClassName,
    },
    /// What the rule between classes moves up from normal, as far as core has room.
    Lift {
        /// When that is at the earliest.
        at: EpochMs,
        /// The rule.
        rule: &'static str,
    },
    /// It ends as expired where it has not started by then.
    Deadline {
        /// When.
        at: EpochMs,
    },
}

/// Why nobody runs a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absence {
    /// No worker is there.
    Nobody,
    /// Workers are there, and none has the model.
    OtherModels {
        /// How many.
        workers: u64,
    },
    /// Those that have it were told to take nothing.
    HeldBack {
        /// How many.
        workers: u64,
    },
    /// Those that have it were not heard for too long.
    Lost {
        /// How many.
        workers: u64,
    },
}

impl Reason {
    /// The word programs go by; it never changes.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Ended(_) => "ended",
            Self::Running { .. } => "running",
            Self::NoQueue { .. } => "no_queue",
            Self::Paused { .. } => "paused",
            Self::NoWorker(_) => "no_worker",
            Self::ClassLimit { .. } => "class_limit",
            Self::LaneLimit { .. } => "lane_limit",
            Self::QueueLimit { .. } => "queue_limit",
            Self::Rate { .. } => "rate",
            Self::SlotsBusy { .. } => "slots_busy",
            Self::Behind(_) => "behind",
            Self::Others(_) => "other_queues",
            Self::Next => "next",
            Self::Due(_) => "due",
            Self::LaneFull(_) => "lane_full",
            Self::NoLeader => "no_leader",
            Self::Parents { .. } => "depends_on",
            Self::Key(_) => "concurrency_key",
            Self::Overload { .. } => "overload",
            Self::ByHand { .. } => "archived",
            Self::Verdict { .. } => "verdict",
            Self::Between => "between",
            Self::MaxWait { .. } => "max_wait",
            Self::Lift { .. } => "lift",
            Self::Deadline { .. } => "deadline",
        }
    }

    /// Whether it alone keeps a task from starting, whatever else is done.
    #[must_use]
    pub const fn is_hard(&self) -> bool {
        matches!(
            self,
            Self::NoQueue { .. }
                | Self::Paused { .. }
                | Self::NoWorker(_)
                | Self::LaneFull(_)
                | Self::NoLeader
        )
    }
}
