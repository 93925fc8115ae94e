//! The two priority tiers a worker pulls from.

use std::fmt;
use std::str::FromStr;

/// A priority tier with a stream of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Lane {
    /// What people wait for.
    Core,
    /// Everything else.
    Normal,
}

impl Lane {
    /// Every lane, most urgent first.
    pub const ALL: [Lane; 2] = [Lane::Core, Lane::Normal];

    /// The next less urgent lane; none below the lowest.
    #[must_use]
    pub const fn lower(self) -> Option<Lane> {
        match self {
            Lane::Core => Some(Lane::Normal),
            Lane::Normal => None,
        }
    }

    /// The next more urgent lane; none above the highest.
    #[must_use]
    pub const fn higher(self) -> Option<Lane> {
        match self {
            Lane::Core => None,
            Lane::Normal => Some(Lane::Core),
        }
    }

    /// The lane's subject token.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Lane::Core => "core",
            Lane::Normal => "normal",
        }
    }
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that names no lane.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no lane {0:?}; the lanes are core and normal")]
pub struct ParseLaneError(String);

impl FromStr for Lane {
    type Err = ParseLaneError;
    fn from_str(text: &str) -> Result<Self, ParseLaneError> {
        Lane::ALL
            .into_iter()
            .find(|l| l.as_str() == text)
            .ok_or_else(|| ParseLaneError(text.to_owned()))
    }
}
