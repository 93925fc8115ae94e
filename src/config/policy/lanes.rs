//! `lanes`: the limits of core and normal.

use super::note::Absent;
use super::section::Section;
use crate::policy::{LanePolicy, OnOverload, OnTimeout};
use crate::task::Lane;

/// Bound on priorities, so that a typing mistake is seen.
pub(super) const PRIORITY_MAX: u32 = 1_000_000;
/// Bound on counts of running tasks: more than any mesh runs at once.
pub(super) const CONCURRENCY_MAX: u32 = 1_000_000;
const TIMEOUT_MS_MAX: u64 = 86_400_000;
/// Less would redeliver a task whose worker merely has much to do.
const ACK_WAIT_MS_MIN: u64 = 1_000;
const ACK_WAIT_MS_MAX: u64 = 3_600_000;

/// What holds for a lane of which nothing is said.
const CORE: LanePolicy = LanePolicy {
    concurrency: 100,
    timeout_ms: 3_000,
    on_timeout: OnTimeout::Demote,
    on_overload: OnOverload::RejectLower,
    max_priority: Some(2),
    ack_wait_ms: 10_000,
};
const NORMAL: LanePolicy = LanePolicy {
    concurrency: 20,
    timeout_ms: 10_000,
    on_timeout: OnTimeout::Demote,
    on_overload: OnOverload::Archive,
    max_priority: None,
    ack_wait_ms: 10_000,
};

/// Core, then normal.
pub(super) fn read(document: &mut Section<'_>) -> (LanePolicy, LanePolicy) {
    let mut lanes = document.child("lanes");
    let (core, normal) = (lane(&mut lanes, Lane::Core), lane(&mut lanes, Lane::Normal));
    lanes.close(&[]);
    (core, normal)
}

fn lane(lanes: &mut Section<'_>, lane: Lane) -> LanePolicy {
    let default = match lane {
        Lane::Core => CORE,
        Lane::Normal => NORMAL,
    };
    let mut section = lanes.child(lane.as_str()).about(format!("lane {lane}"));
    let on_timeout = [
        ("demote", OnTimeout::Demote),
        ("archive", OnTimeout::Archive),
        ("retry", OnTimeout::Retry),
    ];
    let on_overload = [
        ("reject_lower", OnOverload::RejectLower),
        ("archive", OnOverload::Archive),
    ];
    let policy = LanePolicy {
        concurrency: section.u32("concurrency", 1..=CONCURRENCY_MAX, Some(default.concurrency)),
        timeout_ms: section.u64("timeout_ms", 1..=TIMEOUT_MS_MAX, Some(default.timeout_ms)),
        on_timeout: section.word("on_timeout", &on_timeout, Some(default.on_timeout)),
        on_overload: section.word("on_overload", &on_overload, Some(default.on_overload)),
        ack_wait_ms: section.u64(
            "ack_wait_ms",
            ACK_WAIT_MS_MIN..=ACK_WAIT_MS_MAX,
            Some(default.ack_wait_ms),
        ),
        max_priority: max_priority(&mut section, lane, default.max_priority),
    };
    section.close(&[]);
    policy
}

fn max_priority(section: &mut Section<'_>, lane: Lane, default: Option<u32>) -> Option<u32> {
    match lane {
        Lane::Core => section.u32_or_none("max_priority", 0..=PRIORITY_MAX, Absent::Is(default)),
        Lane::Normal => {
            let what = "is for core alone, leave it out; classes above core's max_priority go to normal";
            section.refuse("max_priority", what);
            None
        }
    }
}
