//! When a new task may start at the earliest.

use crate::task::EpochMs;

/// How far ahead a `run_at` may lie, in ms: 366 days, so that every date of a year can be said. A longer one would be
/// a timer that nobody remembers.
pub const RUN_AHEAD_MS_MAX: u64 = 366 * 86_400_000;

/// A `run_at` that cannot be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BeginError {
    /// It lies further ahead than [`RUN_AHEAD_MS_MAX`].
    #[error("run_at: lies more than {} days ahead; give an earlier time", RUN_AHEAD_MS_MAX / 86_400_000)]
    TooFarAhead,
    /// The deadline passes before it.
    #[error(
        "deadline: passes before run_at, so the task could only expire; give a later deadline or an earlier run_at"
    )]
    AfterDeadline,
}

/// The time a task has to wait for; none where it may start at once, as it may when its `run_at` is past.
///
/// # Errors
/// [`BeginError`].
pub fn begin(
    run_at: Option<EpochMs>,
    deadline: Option<EpochMs>,
    now: EpochMs,
) -> Result<Option<EpochMs>, BeginError> {
    let Some(at) = run_at.filter(|at| *at > now) else {
        return Ok(None);
    };
    if at.since(now) > RUN_AHEAD_MS_MAX {
        return Err(BeginError::TooFarAhead);
    }
    if deadline.is_some_and(|deadline| deadline <= at) {
        return Err(BeginError::AfterDeadline);
    }
    Ok(Some(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: EpochMs = EpochMs(1_000_000);

    #[test]
    fn a_time_that_is_past_is_now_and_one_that_cannot_be_kept_is_refused() {
        let far = NOW.plus_ms(RUN_AHEAD_MS_MAX);
        for (run_at, deadline, begins) in [
            (None, None, Ok(None)),
            (None, Some(NOW), Ok(None)),
            (Some(EpochMs(0)), None, Ok(None)),
            (Some(NOW), Some(EpochMs(0)), Ok(None)),
            (Some(NOW.plus_ms(1)), None, Ok(Some(NOW.plus_ms(1)))),
            (Some(far), None, Ok(Some(far))),
            (Some(far.plus_ms(1)), None, Err(BeginError::TooFarAhead)),
            (
                Some(NOW.plus_ms(5)),
                Some(NOW.plus_ms(6)),
                Ok(Some(NOW.plus_ms(5))),
            ),
            (
                Some(NOW.plus_ms(5)),
                Some(NOW.plus_ms(5)),
                Err(BeginError::AfterDeadline),
            ),
        ] {
            assert_eq!(begin(run_at, deadline, NOW), begins, "{run_at:?} {deadline:?}");
        }
    }
}
