//! Bytes and headers as they travel, and the domain values they stand for.
//!
//! Version 1 of the wire, written out for other languages in `docs/protocol.md`. Everything
//! here is pure: it reads and writes bytes and header maps, and knows neither the client nor the
//! subjects. Invariant: what one version wrote, every later version reads.

pub mod header;
mod held;

mod beat;
mod blocked;
mod body;
mod body_fields;
mod body_write;
mod dead;
mod ending;
mod envelope;
mod event;
mod gateway_beat;
mod history;
mod limit;
mod message_id;
mod order;
mod overload;
mod parked;
mod policy;
mod publication;
mod report;
mod result;
mod schedule;
mod shadow_beat;
mod submission;
mod text;
mod timestamp;
mod tokens;
mod view;
mod worth;

#[cfg(test)]
mod tests;

pub use beat::{Beat, PolicyMark, UnreadableBeat, WorkerState, beat_body, read_beat};
pub use blocked::{Blocked, blocked_headers, read_blocked};
pub use body::{BodyError, Codec, TaskBody, body_value, parse_body, write_body};
pub use dead::{DeadLetter, dead_headers, read_dead};
pub use ending::{Ending, read_ending};
pub use envelope::task_headers;
pub use event::{TaskEvent, event_body, read_event};
pub use gateway_beat::{GatewayBeat, gateway_beat_body, read_gateway_beat};
pub use header::{Headers, ReadHeaders};
pub use held::{Held, held_headers, read_held};
pub use history::{HistoryEntry, put_history, read_history};
pub use limit::traceparent;
pub use message_id::{MessageKind, message_id};
pub use order::{Obeyed, Order, obeyed_body, order_body, read_obeyed, read_order};
pub use overload::{OverloadNote, level_event_body, overload_body, read_overload};
pub use parked::{Parked, parked_headers, read_parked};
pub use policy::{
    Rollout, StoredPolicy, UnreadablePolicy, policy_body, read_policy, read_rollout, rollout_body,
};
pub use publication::{Arrival, Incoming, Malformed, Origin, read_facts, read_task, salvage};
pub use report::{Report, read_report, report_headers};
pub use result::{
    Fence, ResultError, ResultRecord, UnreadableResult, read_fence, read_result, result_body, result_headers,
};
pub use schedule::{
    Firing, Schedule, UnreadableSchedule, firing_body, read_firing, read_schedule, schedule_body,
};
pub use shadow_beat::{Shadowed, ShadowedPair};
pub use submission::{Submission, UnreadableSubmission, read_submission, submission_body};
pub use timestamp::{TimestampError, parse_rfc3339, to_rfc3339};
pub use tokens::{lent_body, plea_body, read_lent, read_plea};
pub use view::{HeadView, LaneView, QueueView, UnreadableView, read_view, view_body};
pub use worth::{SESSION, Worth, head_view, read_worth};
