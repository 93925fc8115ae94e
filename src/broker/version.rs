//! Which nats-servers will do.

use std::fmt;
use std::str::FromStr;

/// A server's version, compared number by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ServerVersion([u32; 3]);

/// No version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a version is three numbers such as 2.15.1")]
pub struct VersionError;

impl ServerVersion {
    /// Versions before it lose tasks: work queues at `max_deliver`, places that stick, lost schedules.
    pub const OLDEST: Self = Self([2, 14, 6]);
    /// What everything here was measured on.
    pub const RECOMMENDED: Self = Self([2, 15, 1]);
}

impl FromStr for ServerVersion {
    type Err = VersionError;

    /// Reads `2.15.1`, or with a suffix such as `-RC.1`, which is dropped.
    fn from_str(text: &str) -> Result<Self, VersionError> {
        let numbers = text.split(['-', '+', ' ']).next().unwrap_or_default();
        let mut parts = numbers
            .split('.')
            .map(|part| part.parse().map_err(|_| VersionError));
        let mut part = || parts.next().unwrap_or(Err(VersionError));
        Ok(Self([part()?, part()?, part()?]))
    }
}

impl fmt::Display for ServerVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch] = self.0;
        write!(f, "{major}.{minor}.{patch}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_number_by_number() {
        let version = |text: &str| text.parse::<ServerVersion>();
        assert!(version("2.9.10").unwrap() < ServerVersion::OLDEST);
        assert!(version("2.15.0").unwrap() > ServerVersion::OLDEST);
        assert_eq!(version("2.15.1-RC.1"), Ok(ServerVersion::RECOMMENDED));
        assert_eq!(ServerVersion::OLDEST.to_string(), "2.14.6");
        for bad in ["2.16", "", "v2.15.1", "GNU bash, version 5.2"] {
            assert_eq!(version(bad), Err(VersionError), "{bad}");
        }
    }
}
