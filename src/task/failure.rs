//! How a task can fail, as data. Whether it is tried again is decided in `policy`, once.

use std::fmt;
use std::str::FromStr;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident, $what:literal { $($(#[$vdoc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$vdoc])* $variant,)+ }

        impl $name {
            /// Every one, in the order of the protocol.
            pub const ALL: &'static [$name] = &[$($name::$variant,)+];

            /// The word on the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word,)+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = String;
            fn from_str(text: &str) -> Result<Self, String> {
                Self::ALL.iter().copied().find(|k| k.as_str() == text)
                    .ok_or_else(|| format!(concat!("no ", $what, " {:?}"), text))
            }
        }
    };
}

words!(
    /// What went wrong with one execution (`Fl-Error-Kind`).
    ErrorKind, "error kind" {
        /// May pass if tried again.
        Retryable = "retryable",
        /// Will fail again however often it is tried.
        Permanent = "permanent",
        /// The engine asked for patience.
        RateLimited = "rate_limited",
        /// No output within the lane's or the task's time.
        Timeout = "timeout",
        /// The task cannot be read.
        Malformed = "malformed",
        /// Delivered more often than the crash limit allows.
        SuspectedPoison = "suspected_poison",
        /// Stopped on request.
        Cancelled = "cancelled",
        /// Gave its slot back of its own accord; no attempt used.
        Yielded = "yielded",
        /// This worker does not have the model.
        NoModel = "no_model",
        /// The result does not fit into a message.
        ResultTooLarge = "result_too_large",
    }
);

words!(
    /// Why a task became a dead letter (`Fl-Reason`).
    DeadReason, "reason" {
        /// Every allowed attempt failed.
        AttemptsExhausted = "attempts_exhausted",
        /// The executor said that trying again is of no use.
        Permanent = "permanent",
        /// The task cannot be read.
        Malformed = "malformed",
        /// It seems to crash the workers that take it.
        Poison = "poison",
        /// It ran out of time too often.
        Timeout = "timeout",
        /// It was published again too often.
        HopLimit = "hop_limit",
        /// No class or model of the policy covers its subject.
        Unroutable = "unroutable",
        /// A task it depends on failed.
        DependencyFailed = "dependency_failed",
        /// The archive had no room for it.
        ArchiveFull = "archive_full",
        /// The result does not fit into a message.
        ResultTooLarge = "result_too_large",
    }
);

words!(
    /// Why a task was put into the archive (`Fl-Reason` there).
    ParkReason, "reason to park" {
        /// It ran out of time; somebody takes it out by hand.
        Timeout = "timeout",
        /// There was no room; it goes back by itself.
        Overload = "overload",
        /// It could not meet its deadline any more; somebody takes it out by hand.
        Infeasible = "infeasible",
    }
);

words!(
    /// What a task that lies aside waits for before it is queued (`Fl-Blocked`).
    BlockedOn, "reason to wait" {
        /// Tasks that must complete before it.
        Dependencies = "dependencies",
        /// Its `concurrency_key`, which others hold.
        Key = "key",
    }
);

words!(
    /// What befell a task that did not simply succeed.
    EventKind, "kind of event" {
        /// It failed and is tried again later.
        Retry = "retry",
        /// It ran out of time and went on in a lower lane.
        Demote = "demote",
        /// It waited for too long and goes on waiting in a higher lane.
        Promote = "promote",
        /// What it waited for is there, and it is queued.
        Release = "release",
        /// It was parked.
        Archive = "archive",
        /// It was given up.
        Dead = "dead",
        /// Its deadline passed.
        Expire = "expire",
        /// It was cancelled.
        Cancel = "cancel",
        /// It was put back to work: by hand, or from the archive when there was room again.
        Replay = "replay",
        /// Its dead letter was thrown away.
        Discard = "discard",
        /// Something about it was found that nobody would have come to, and was put in order.
        Repair = "repair",
    }
);
