//! Pauses between the lives of a process that keeps failing.

use std::time::Duration;

/// Pause before the third life in a row; doubles up to [`PAUSE_MAX`].
const PAUSE_MIN: Duration = Duration::from_millis(100);
/// Longest pause: how late a repaired handler is noticed.
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// Failures since the last answer.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The process failed; how long to wait before the next. The first is replaced at once: one
    /// task that crashes its process must not cost the next ones time.
    pub(super) fn failed(&mut self) -> Duration {
        self.failures = self.failures.saturating_add(1);
        match self.failures {
            1 => Duration::ZERO,
            n => PAUSE_MIN.saturating_mul(1 << (n - 2).min(16)).min(PAUSE_MAX),
        }
    }

    /// It answered a task. To be ready is not enough: a process that dies right after would be
    /// started without end.
    pub(super) fn answered(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_replaced_at_once_and_pauses_double_up_to_their_bound() {
        let mut backoff = Backoff::default();
        let pauses: Vec<u128> = (0..12).map(|_| backoff.failed().as_millis()).collect();
        assert_eq!(
            pauses,
            [
                0, 100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000
            ]
        );
        backoff.answered();
        assert_eq!(backoff.failed(), Duration::ZERO);
    }
}
