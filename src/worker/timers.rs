//! The clocks of the worker's loop.

use std::time::Duration;

use tokio::time::{Interval, MissedTickBehavior};

/// Signs of life per ack_wait.
pub(super) const BEATS_PER_ACK_WAIT: u32 = 3;

pub(super) fn heartbeat(ack_wait: Duration) -> Interval {
    let mut heartbeat = tokio::time::interval(ack_wait / BEATS_PER_ACK_WAIT);
    // After a stop of the whole process one sign of life is as good as the ones missed.
    heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    heartbeat
}

pub(super) async fn sleep_until(deadline: Option<tokio::time::Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
