//! One bucket by itself, then all buckets of a task together.

mod one;
mod several;

use std::time::Duration;

use crate::task::Moment;

fn at_ms(ms: u64) -> Moment {
    Moment(Duration::from_millis(ms))
}
