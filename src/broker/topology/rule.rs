//! What a live stream cannot become. Each rule was tried on nats-server 2.15.1, which refuses the same.

use serde_json::Value;

use super::compare::FieldChange;

/// Decided when the stream is made.
const FIXED: [&str; 4] = ["storage", "mirror", "persist_mode", "allow_msg_counter"];

/// Can be switched on, never off.
const ONE_WAY: [&str; 5] = [
    "allow_msg_schedules",
    "allow_msg_ttl",
    "deny_delete",
    "deny_purge",
    "sealed",
];

/// Whether a live stream refuses `change`.
///
/// Retention is held fixed altogether, although the server lets limits become interest: that
/// deletes at once whatever has no consumer.
pub(super) fn forbids(change: &FieldChange) -> bool {
    let field = change.field.as_str();
    field == "retention"
        || FIXED.contains(&field)
        || (ONE_WAY.contains(&field) && change.from == Value::Bool(true))
}
