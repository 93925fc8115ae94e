//! The values labels can take.

use crate::task::{DeadReason, ErrorKind, State};

/// A closed set of label values.
pub(super) trait Label: Copy + Eq + 'static {
    /// Every value.
    fn all() -> Vec<Self>;
    /// The value as it is shown.
    fn text(self) -> &'static str;
}

macro_rules! label {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$vdoc])* $variant,)+ }

        impl Label for $name {
            fn all() -> Vec<Self> {
                vec![$($name::$variant,)+]
            }
            fn text(self) -> &'static str {
                match self { $($name::$variant => $text,)+ }
            }
        }
    };
}

label!(
    /// How a worker asked for tasks.
    PullKind {
        /// For as many as there are free slots, answered at once.
        Ask = "ask",
        /// For one, answered when it comes.
        Wait = "wait",
    }
);
label!(
    /// How a pull came out.
    PullOutcome {
        /// Every place was filled.
        Filled = "filled",
        /// Some places were filled.
        Partial = "partial",
        /// Nothing is there.
        Empty = "empty",
        /// Something is there, but the limit is reached.
        Limited = "limited",
        /// No answer by the deadline.
        Overdue = "overdue",
        /// The server refused it.
        Refused = "refused",
        /// Its time ran out with nothing to tell.
        Expired = "expired",
    }
);
label!(
    /// Why a task was given back without being run.
    HandBackReason {
        /// It came when every slot was taken.
        NoSlot = "no_slot",
        /// The worker takes nothing new any more.
        Drain = "drain",
    }
);
label!(
    /// What began a run that tasks share.
    BatchReason {
        /// It had as many tasks as it may.
        Full = "full",
        /// It had as many tokens as it may, or the next task would have gone over.
        Tokens = "tokens",
        /// Its first task had waited for the window.
        Window = "window",
        /// Nothing ran, and nothing else was on its way.
        Idle = "idle",
    }
);
label!(
    /// What became of the delivery of a result.
    CallbackOutcome {
        /// The receiver has it.
        Delivered = "delivered",
        /// Not taken; it is delivered again later.
        Retried = "retried",
        /// Not taken as often as is allowed.
        GivenUp = "given_up",
        /// The receiver wants no more of it.
        Gone = "gone",
        /// The address is none that results are delivered to.
        Refused = "refused",
        /// The record was not there any more, or cannot be read.
        Expired = "expired",
    }
);
label!(
    /// How a submission came in.
    Door {
        /// Over HTTP.
        Rest = "rest",
        /// Over the NATS service.
        Nats = "nats",
    }
);
label!(
    /// What a submission was answered with.
    SubmissionOutcome {
        /// Its lane has it.
        Accepted = "accepted",
        /// It was put aside until there is room.
        Archived = "archived",
        /// It was accepted before.
        Repeated = "repeated",
        /// It is no task, or not one of this mesh.
        Refused = "refused",
        /// Its lane is full.
        LaneFull = "lane_full",
        /// There is too much to do, and it is not urgent enough.
        Shed = "shed",
        /// It cannot meet its deadline.
        Infeasible = "infeasible",
        /// NATS could not be asked.
        Unavailable = "unavailable",
    }
);
label!(
    /// What an audit found and put in order.
    Repair {
        /// Tasks that no consumer covered, and now one does.
        Uncovered = "uncovered",
        /// Tasks of a class or model that the policy does not have; they became dead letters.
        Unroutable = "unroutable",
        /// A message that ends the connection of whoever reads it; taken out.
        Unreadable = "unreadable",
        /// A task that the server had given up; it became a dead letter.
        Undeliverable = "undeliverable",
        /// A timer that the server had not fired; fired.
        Overdue = "overdue",
        /// A dead task without its dead letter; written.
        NoLetter = "no_letter",
        /// A task whose move to another lane was not finished; finished.
        Moved = "moved",
        /// A parked task that had ended; taken out of the archive.
        Parked = "parked",
        /// A schedule whose next firing nobody waited for; set.
        Schedule = "schedule",
    }
);
label!(
    /// What was done about a subject that no consumer covers.
    UncoveredAction {
        /// Class and model are known: it has its consumer now.
        ConsumerCreated = "consumer_created",
        /// They are not: its tasks became dead letters.
        DeadLettered = "dead_lettered",
    }
);

/// How a delivery that took a slot, or was given up before, ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TaskOutcome {
    /// Its result is the task's record.
    Completed,
    /// Its failure was reported.
    Failed(ErrorKind),
    /// Another record stands; this copy was dropped.
    AlreadyDecided,
    /// It could not be read and is a dead letter.
    Malformed,
    /// Its deadline had passed before it could start, or could not be met any more.
    Expired,
    /// It could not meet its deadline any more and lies in the archive.
    Parked,
    /// It waits aside for other tasks or for its key, and was not run.
    Blocked,
    /// It went back unfinished.
    HandedBack,
}

impl Label for TaskOutcome {
    fn all() -> Vec<Self> {
        let failed = ErrorKind::ALL.iter().copied().map(TaskOutcome::Failed);
        let own = [
            TaskOutcome::Completed,
            TaskOutcome::AlreadyDecided,
            TaskOutcome::Malformed,
            TaskOutcome::Expired,
            TaskOutcome::Parked,
            TaskOutcome::Blocked,
            TaskOutcome::HandedBack,
        ];
        own.into_iter().chain(failed).collect()
    }

    fn text(self) -> &'static str {
        match self {
            TaskOutcome::Completed => "completed",
            TaskOutcome::Failed(kind) => kind.as_str(),
            TaskOutcome::AlreadyDecided => "already_decided",
            TaskOutcome::Malformed => ErrorKind::Malformed.as_str(),
            TaskOutcome::Expired => State::Expired.as_str(),
            TaskOutcome::Parked => "parked",
            TaskOutcome::Blocked => "blocked",
            TaskOutcome::HandedBack => "handed_back",
        }
    }
}

impl Label for ErrorKind {
    fn all() -> Vec<Self> {
        ErrorKind::ALL.to_vec()
    }
    fn text(self) -> &'static str {
        self.as_str()
    }
}

impl Label for DeadReason {
    fn all() -> Vec<Self> {
        DeadReason::ALL.to_vec()
    }
    fn text(self) -> &'static str {
        self.as_str()
    }
}
