//! A policy with its number in the history of the mesh.

use std::fmt;
use std::ops::Deref;

use super::Policy;

/// Which of the stored policies: 1 is the first, and each that is applied gets the next number.
///
/// 0 is no stored one: what a process was started with, which holds while the server has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct PolicyVersion(pub u64);

impl PolicyVersion {
    /// What a process was started with.
    pub const OWN: Self = Self(0);

    /// The one that comes after it.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for PolicyVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A policy as a process acts on it. It is immutable: whoever holds one acts on one policy to the end.
#[derive(Debug, Clone)]
pub struct Edition {
    /// Its number.
    pub version: PolicyVersion,
    /// What tells it apart from others, whatever their numbers: [`Policy::fingerprint`].
    pub fingerprint: u64,
    policy: Policy,
}

impl Edition {
    /// A policy under its number.
    #[must_use]
    pub fn new(version: PolicyVersion, policy: Policy) -> Self {
        Self {
            version,
            fingerprint: policy.fingerprint(),
            policy,
        }
    }

    /// What a process was started with.
    #[must_use]
    pub fn own(policy: Policy) -> Self {
        Self::new(PolicyVersion::OWN, policy)
    }

    /// Its number, if it is a stored one: what tasks and results say they were handled under.
    #[must_use]
    pub fn stored(&self) -> Option<u64> {
        Some(self.version.0).filter(|version| *version > 0)
    }
}

impl Deref for Edition {
    type Target = Policy;

    fn deref(&self) -> &Policy {
        &self.policy
    }
}
