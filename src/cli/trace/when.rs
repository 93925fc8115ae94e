//! A time on the command line: a moment, or how long ago it was.

use std::time::Duration;

use crate::task::EpochMs;
use crate::wire::parse_rfc3339;

/// A time as it was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    /// Then.
    At(EpochMs),
    /// So long before now.
    Ago(Duration),
}

impl When {
    /// One of the two forms.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let age = humantime::parse_duration(text).map(Self::Ago);
        age.or_else(|_| parse_rfc3339(text).map(Self::At)).map_err(|_| {
            "give a time such as 2026-11-23T12:00:00Z, or how long ago it was, such as 30m, 2h or 3d"
                .to_owned()
        })
    }

    /// Which moment that is.
    pub(super) fn before(self, now: EpochMs) -> EpochMs {
        match self {
            Self::At(at) => at,
            Self::Ago(age) => {
                let ms = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
                EpochMs(now.0.saturating_sub_unsigned(ms))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_stands_and_an_age_is_counted_back_from_now() {
        let now = EpochMs(1_795_435_200_000);
        let of = |text: &str| When::parse(text).map(|when| when.before(now).0);
        assert_eq!(of("2026-11-23T11:59:59.5Z"), Ok(now.0 - 500));
        assert_eq!(of("2h"), Ok(now.0 - 7_200_000));
        assert!(of("yesterday").unwrap_err().contains("such as 30m"));
    }
}
