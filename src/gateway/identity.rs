//! An identity for a task that came without one.

use uuid::{NoContext, Timestamp, Uuid};

use crate::task::{EpochMs, TaskId};

/// A new identity: UUID version 7, so that ids sort by time to the millisecond.
#[must_use]
pub fn fresh_id(now: EpochMs) -> TaskId {
    let ms = u64::try_from(now.0).unwrap_or(0);
    // Below a thousand milliseconds, so the product fits.
    let nanos = (ms % 1000) as u32 * 1_000_000;
    let uuid = Uuid::new_v7(Timestamp::from_unix(NoContext, ms / 1000, nanos));
    TaskId::new(&uuid.to_string()).unwrap_or_else(|error| unreachable!("a UUID is a task_id: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fresh_ids_differ_and_sort_by_time() {
        let (early, late) = (EpochMs(1_795_435_200_000), EpochMs(1_795_435_200_001));
        assert_ne!(fresh_id(early), fresh_id(early));
        assert!(fresh_id(early) < fresh_id(late));
        assert!(
            fresh_id(early).as_str().starts_with("01a20"),
            "{}",
            fresh_id(early)
        );
        assert_eq!(fresh_id(EpochMs(-1)).as_str().len(), 36);
    }
}
