//! The only place that reads a clock.

use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::task::{EpochMs, Moment};

/// The moment at which [`monotonic`] was first asked: what was enqueued before the process began has one, too.
const BEGAN: Duration = Duration::from_secs(366 * 86_400);

/// When [`monotonic`] was first asked.
static ORIGIN: OnceLock<Instant> = OnceLock::new();

/// Wall time.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the one place that may read it")]
pub fn wall() -> EpochMs {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    EpochMs(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// Monotonic time; a year lies before the process first asked.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the one place that may read it")]
pub fn monotonic() -> Moment {
    let now = Instant::now();
    Moment(BEGAN + now.saturating_duration_since(*ORIGIN.get_or_init(|| now)))
}

/// `moment` for the runtime's timers.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the one place that may read it")]
pub fn instant(moment: Moment) -> tokio::time::Instant {
    let origin = *ORIGIN.get_or_init(Instant::now);
    tokio::time::Instant::from_std(origin + moment.0.saturating_sub(BEGAN))
}

/// When a wall time was, as a moment: `now` and `at` are read at the same time.
#[must_use]
pub fn moment(at: EpochMs, now: Moment, wall: EpochMs) -> Moment {
    let ago = Duration::from_millis(wall.since(at));
    let ahead = Duration::from_millis(at.since(wall));
    Moment(now.0.saturating_sub(ago).saturating_add(ahead))
}
