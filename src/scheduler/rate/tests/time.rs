//! Times in whole milliseconds.

use std::time::Duration;

use crate::task::Moment;

pub(super) fn at_ms(ms: u64) -> Moment {
    Moment(Duration::from_millis(ms))
}
