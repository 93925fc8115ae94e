//! The only place that reads a clock.

use std::sync::OnceLock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::task::{EpochMs, Moment};

/// The origin of [`monotonic`]: the first time it was asked.
static ORIGIN: OnceLock<Instant> = OnceLock::new();

/// Wall time.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the one place that may read it")]
pub fn wall() -> EpochMs {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    EpochMs(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// Monotonic time since the process first asked.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the one place that may read it")]
pub fn monotonic() -> Moment {
    let now = Instant::now();
    Moment(now.saturating_duration_since(*ORIGIN.get_or_init(|| now)))
}

/// `moment` for the runtime's timers.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the one place that may read it")]
pub fn instant(moment: Moment) -> tokio::time::Instant {
    let origin = *ORIGIN.get_or_init(Instant::now);
    tokio::time::Instant::from_std(origin + moment.0)
}
