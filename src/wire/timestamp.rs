//! RFC 3339 in bodies, milliseconds since the epoch everywhere else.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::task::EpochMs;

/// 0000-01-01T00:00:00Z and 9999-12-31T23:59:59.999Z: what four digits of a year can say.
const WRITABLE_MS: (i64, i64) = (-62_167_219_200_000, 253_402_300_799_999);

/// A text that is no time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no RFC 3339 time such as 2026-11-23T12:00:00Z")]
pub struct TimestampError {
    /// What stood there, cut to a readable length.
    text: String,
}

/// Reads an RFC 3339 time with any offset; what is finer than a millisecond is dropped.
///
/// # Errors
/// [`TimestampError`] when `text` is no such time.
pub fn parse_rfc3339(text: &str) -> Result<EpochMs, TimestampError> {
    let refused = || TimestampError {
        text: super::text::cut(text, 64).to_owned(),
    };
    let at = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| refused())?;
    i64::try_from(at.unix_timestamp_nanos().div_euclid(1_000_000))
        .map(EpochMs)
        .map_err(|_| refused())
}

/// Writes a time in UTC, with milliseconds when there are any. Years outside 0000 to 9999
/// cannot be written: the nearest that can stands for them.
#[must_use]
pub fn to_rfc3339(at: EpochMs) -> String {
    let ms = at.0.clamp(WRITABLE_MS.0, WRITABLE_MS.1);
    let utc = OffsetDateTime::from_unix_timestamp(ms.div_euclid(1000)).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let (year, month, day) = (utc.year(), u8::from(utc.month()), utc.day());
    let (hour, minute, second) = utc.to_hms();
    let fraction = match ms.rem_euclid(1000) {
        0 => String::new(),
        rest => format!(".{rest:03}"),
    };
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_time_reads_with_any_offset_and_writes_in_utc() {
        for (text, ms, written) in [
            ("1970-01-01T00:00:00Z", 0, "1970-01-01T00:00:00Z"),
            (
                "2026-11-23T13:00:00+01:00",
                1_795_435_200_000,
                "2026-11-23T12:00:00Z",
            ),
            (
                "2026-11-23T12:00:00.25Z",
                1_795_435_200_250,
                "2026-11-23T12:00:00.250Z",
            ),
            ("1969-12-31T23:59:59.9999Z", -1, "1969-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(parse_rfc3339(text), Ok(EpochMs(ms)), "{text}");
            assert_eq!(to_rfc3339(EpochMs(ms)), written);
        }
    }

    #[test]
    fn a_text_that_is_no_time_is_refused_with_an_example() {
        for bad in [
            "",
            "tomorrow",
            "2026-11-23",
            "2026-11-23T12:00:00",
            "2026-13-01T00:00:00Z",
            "1795435200000",
        ] {
            assert!(parse_rfc3339(bad).is_err(), "{bad}");
        }
        let told = parse_rfc3339("soon").unwrap_err().to_string();
        assert_eq!(told, r#""soon" is no RFC 3339 time such as 2026-11-23T12:00:00Z"#);
    }

    #[test]
    fn a_time_beyond_four_digits_of_a_year_is_written_as_the_last_that_fits() {
        assert_eq!(to_rfc3339(EpochMs(i64::MAX)), "9999-12-31T23:59:59.999Z");
        assert_eq!(to_rfc3339(EpochMs(i64::MIN)), "0000-01-01T00:00:00Z");
    }

    proptest! {
        #[test]
        fn every_writable_time_comes_back(ms in WRITABLE_MS.0..=WRITABLE_MS.1) {
            prop_assert_eq!(parse_rfc3339(&to_rfc3339(EpochMs(ms))), Ok(EpochMs(ms)));
        }

        #[test]
        fn no_text_makes_it_panic(text in any::<String>()) {
            let _ = parse_rfc3339(&text);
        }
    }
}
