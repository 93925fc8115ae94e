//! Why a policy is not applied, tried out or asked.

use std::fmt;

use super::trials::TrialPlace;
use crate::broker::RequestError;
use crate::broker::records::RecordError;
use crate::config::Faults;
use crate::policy::PolicyVersion;

/// A document that was not applied.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// It is faulty.
    #[error(transparent)]
    Faults(#[from] Faults),
    /// It, or what is said of it, is too long.
    #[error("{what} has {bytes} bytes, at most {max} are allowed; make it shorter")]
    TooLong {
        /// What.
        what: &'static str,
        /// How long it is.
        bytes: usize,
        /// How long it may be.
        max: usize,
    },
    /// Another policy holds than the caller thinks.
    #[error(
        "policy {stands} holds, not {expected}: somebody applied another one meanwhile; look at `fairlane policy diff {expected} {stands}`, then apply yours on top of it"
    )]
    Outdated {
        /// What the caller thinks.
        expected: PolicyVersion,
        /// What holds.
        stands: PolicyVersion,
    },
    /// Somebody else made another policy hold, or tried one out, at the same moment.
    #[error(
        "somebody else applied a policy or tried one out at the same moment, and yours was not taken; look at `fairlane policy history`, then say it again on top of that"
    )]
    Conflict,
    /// The rollout went on before what was meant for it was done.
    #[error(
        "the rollout of policy {0} went on at the same moment; look at `fairlane policy rollout status`, then say it again if you still mean it"
    )]
    WentOn(PolicyVersion),
    /// Another rollout is under way than the caller has seen, or it is in another stage, or it has ended.
    #[error(
        "{} is on trial, not {expected}, which was named; look at `fairlane policy rollout status`, then say it again if you still mean it",
        named(.stands)
    )]
    OtherTrial {
        /// What the caller has seen.
        expected: TrialPlace,
        /// What is on trial; none where nothing is.
        stands: Option<TrialPlace>,
    },
    /// Another policy is asked than the caller has seen, or none is any more.
    #[error(
        "{} is asked what it would do, not policy {expected}, which was named; look at `fairlane policy shadow status`, then say it again if you still mean it",
        named(&.stands.map(|stands| format!("policy {stands}")))
    )]
    OtherShadow {
        /// What the caller has seen.
        expected: PolicyVersion,
        /// Which is asked; none where none is.
        stands: Option<PolicyVersion>,
    },
    /// Others wrote first, however often it was tried.
    #[error(
        "others changed the same record at the same moment, again and again, and nothing was done; say it again"
    )]
    Busy,
    /// A comparison is to be held in its stage, or let go on.
    #[error(
        "policy {0} is only compared with the one that holds, and stays in its one stage anyway: there is nothing to pause or resume; `fairlane policy ab stop` ends it, `fairlane policy rollout promote` makes it hold"
    )]
    Compared(PolicyVersion),
    /// A rollout is under way.
    #[error(
        "policy {0} is on trial; wait until that has ended, or end it with `fairlane policy rollout promote` or `fairlane policy rollout abort` (a comparison: `fairlane policy ab stop`)"
    )]
    OnTrial(PolicyVersion),
    /// There is no such stored policy.
    #[error("there is no stored policy {0}; `fairlane policy history` lists those there are")]
    Unknown(PolicyVersion),
    /// There is no rollout.
    #[error(
        "no policy is on trial; `fairlane policy rollout FILE` or `fairlane policy ab FILE` begins with one"
    )]
    NoTrial,
    /// No policy is asked.
    #[error("no policy is asked what it would do; `fairlane policy shadow FILE` begins with one")]
    NoShadow,
    /// It cannot be tried out beside the policy that holds.
    #[error(
        "this policy cannot be tried out beside the one that holds: {0}; make it hold at once with `fairlane policy apply`, or change that"
    )]
    NoRoom(String),
    /// There is nothing to go back to.
    #[error("there is no policy before the one that holds; `fairlane policy history` lists those there are")]
    NoneBefore,
    /// Nothing is stored that a policy could be tried out beside.
    #[error(
        "no policy is stored yet, so there is nothing to try one out beside; apply one first with `fairlane policy apply FILE`"
    )]
    NoneStored,
    /// The server did not do it.
    #[error(transparent)]
    Record(#[from] RecordError),
}

impl From<RequestError> for ApplyError {
    fn from(error: RequestError) -> Self {
        Self::Record(error.into())
    }
}

/// What there is instead of what was named.
fn named(of: &Option<impl fmt::Display>) -> String {
    of.as_ref().map_or_else(|| "none".to_owned(), ToString::to_string)
}
