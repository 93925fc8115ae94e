//! Numbers among the flags that have a point or a unit.

use std::ops::RangeInclusive;
use std::time::Duration;

/// Offered work over capacity.
pub(super) fn load(text: &str) -> Result<f64, String> {
    real(text, 0.001..=100.0)
}

/// Standard deviation over mean.
pub(super) fn cv(text: &str) -> Result<f64, String> {
    real(text, 0.1..=10.0)
}

fn real(text: &str, range: RangeInclusive<f64>) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number| range.contains(number));
    number.ok_or_else(|| format!("give a number from {} to {}", range.start(), range.end()))
}

pub(super) fn round_trip(text: &str) -> Result<Duration, String> {
    const FORM: &str = "give 2us to 1s, such as 500us or 20ms";
    let range = Duration::from_micros(2)..=Duration::from_secs(1);
    let time = humantime::parse_duration(text).map_err(|error| format!("{error}; {FORM}"))?;
    match range.contains(&time) {
        true => Ok(time),
        false => Err(FORM.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    #[test]
    fn numbers_in_range_are_taken() {
        assert_eq!((load("0.001"), load("1e2")), (Ok(0.001), Ok(100.0)));
        assert_eq!((cv("0.1"), cv("10")), (Ok(0.1), Ok(10.0)));
        assert_eq!(round_trip("2ms"), Ok(Duration::from_millis(2)));
    }

    #[test]
    fn others_are_refused_with_what_would_do() {
        fn check<T: std::fmt::Debug>(read: Result<T, String>, told: &Expect) {
            told.assert_eq(&read.unwrap_err());
        }
        for text in ["0", "-1", "nan", "inf", "much", "100.1"] {
            check(load(text), &expect!["give a number from 0.001 to 100"]);
        }
        check(cv("0"), &expect!["give a number from 0.1 to 10"]);
        check(
            round_trip("2s"),
            &expect!["give 2us to 1s, such as 500us or 20ms"],
        );
        check(
            round_trip("-5ms"),
            &expect!["expected number at 0; give 2us to 1s, such as 500us or 20ms"],
        );
    }
}
