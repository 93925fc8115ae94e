//! Times that come again: five fields and a time zone.

use std::fmt;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use croner::parser::{CronParser, Seconds, Year};

use crate::task::EpochMs;

/// Minute, hour, day of the month, month, day of the week.
const FIELDS: usize = 5;

/// An expression such as `30 3 * * 1-5` in a time zone. Equal where it is written alike.
#[derive(Clone)]
pub struct Cron {
    expression: String,
    pattern: croner::Cron,
    zone: Tz,
}

/// What is no such expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CronError {
    /// More or fewer than five fields.
    #[error(
        "cron: {0} fields; give five: minute, hour, day of the month, month, day of the week, such as 30 3 * * 1-5"
    )]
    Fields(usize),
    /// A field that is none.
    #[error("cron: {0}")]
    Pattern(String),
    /// No time that it names ever comes.
    #[error("cron: no such time ever comes; is there a day that no month has?")]
    Never,
    /// No time zone.
    #[error("time_zone: no zone {0:?}; give a name of the IANA database, such as UTC or Europe/Berlin")]
    Zone(String),
}

impl Cron {
    /// Reads an expression. Ranges, lists, steps and names of days and months are known, and `L`, `W` and `#`.
    ///
    /// # Errors
    /// [`CronError`].
    pub fn new(expression: &str, time_zone: &str) -> Result<Self, CronError> {
        let fields = expression.split_whitespace().count();
        if fields != FIELDS {
            return Err(CronError::Fields(fields));
        }
        let parser = CronParser::builder()
            .seconds(Seconds::Disallowed)
            .year(Year::Disallowed)
            .build();
        let pattern = parser
            .parse(expression)
            .map_err(|error| CronError::Pattern(error.to_string()))?;
        let zone = time_zone
            .parse()
            .map_err(|_| CronError::Zone(time_zone.chars().take(64).collect()))?;
        let cron = Self {
            expression: expression.to_owned(),
            pattern,
            zone,
        };
        match cron.next(EpochMs(0)) {
            Some(_) => Ok(cron),
            None => Err(CronError::Never),
        }
    }

    /// The expression as it was written.
    #[must_use]
    pub fn expression(&self) -> &str {
        &self.expression
    }

    /// The zone's name.
    #[must_use]
    pub fn time_zone(&self) -> &'static str {
        self.zone.name()
    }

    /// The first time after `after`; none where there is none any more.
    ///
    /// Where the clock goes forward, a fixed time that is left out comes right after the gap; where it goes back, one
    /// that is there twice comes once. A time that comes every few minutes or hours goes by the clock on the wall.
    #[must_use]
    pub fn next(&self, after: EpochMs) -> Option<EpochMs> {
        let after = DateTime::<Utc>::from_timestamp(after.0.div_euclid(1000), 0)?;
        let local = after.with_timezone(&self.zone);
        let found = self.pattern.find_next_occurrence(&local, false).ok()?;
        Some(EpochMs(found.timestamp().checked_mul(1000)?))
    }
}

impl PartialEq for Cron {
    fn eq(&self, other: &Self) -> bool {
        self.expression == other.expression && self.zone == other.zone
    }
}

impl fmt::Debug for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cron({:?} in {})", self.expression, self.zone.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> EpochMs {
        EpochMs(DateTime::parse_from_rfc3339(text).unwrap().timestamp_millis())
    }

    /// The next times, in the zone's own words.
    fn times(expression: &str, zone: &str, after: &str, count: usize) -> Vec<String> {
        let cron = Cron::new(expression, zone).unwrap();
        let tz: Tz = zone.parse().unwrap();
        let all = std::iter::successors(cron.next(at(after)), |last| cron.next(*last));
        all.take(count)
            .map(|at| {
                DateTime::from_timestamp_millis(at.0)
                    .unwrap()
                    .with_timezone(&tz)
                    .to_string()
            })
            .collect()
    }

    #[test]
    fn a_time_comes_again_by_the_clock_on_the_wall() {
        assert_eq!(
            times("30 3 * * 1-5", "Europe/Berlin", "2026-11-27T12:00:00Z", 2),
            ["2026-11-30 03:30:00 CET", "2026-12-01 03:30:00 CET"]
        );
        assert_eq!(
            times("*/20 9 * * *", "Asia/Kolkata", "2026-11-27T03:30:30Z", 3),
            [
                "2026-11-27 09:20:00 IST",
                "2026-11-27 09:40:00 IST",
                "2026-11-28 09:00:00 IST"
            ]
        );
        assert_eq!(
            times("0 0 29 2 *", "UTC", "2026-01-01T00:00:00Z", 2),
            ["2028-02-29 00:00:00 UTC", "2032-02-29 00:00:00 UTC"]
        );
    }

    #[test]
    fn an_hour_that_is_left_out_or_comes_twice_counts_once() {
        // At 02:00 the clock goes to 03:00.
        assert_eq!(
            times("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", 2),
            ["2026-03-29 03:00:00 CEST", "2026-03-30 02:30:00 CEST"]
        );
        // At 03:00 the clock goes back to 02:00.
        assert_eq!(
            times("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", 2),
            ["2026-10-25 02:30:00 CEST", "2026-10-26 02:30:00 CET"]
        );
    }

    #[test]
    fn what_is_no_expression_is_refused_with_what_to_do() {
        for (expression, zone, told) in [
            ("* * * *", "UTC", "cron: 4 fields; give five"),
            ("@daily", "UTC", "cron: 1 fields; give five"),
            ("0 0 * * * *", "UTC", "cron: 6 fields; give five"),
            ("60 * * * *", "UTC", "cron: "),
            ("0 0 30 2 *", "UTC", "cron: no such time ever comes"),
            ("0 0 * * *", "Berlin", "time_zone: no zone \"Berlin\""),
        ] {
            let error = Cron::new(expression, zone).unwrap_err().to_string();
            assert!(error.starts_with(told), "{expression} {zone}: {error}");
        }
    }
}
