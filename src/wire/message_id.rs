//! What the server deduplicates by.

use std::fmt;

use crate::task::TaskId;

/// What a publication is. Deduplication is per stream: without the kind, a report would swallow
/// the schedule that answers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MessageKind {
    /// A task on a lane.
    Task,
    /// A failure report.
    Report,
    /// A schedule: the task again, later.
    At,
    /// A dead letter.
    Dead,
    /// A parked task.
    Archive,
    /// The safe copy while a task is moved.
    Held,
    /// A task that waits aside for others or for its key.
    Blocked,
    /// The delivery of a result.
    Callback,
}

impl MessageKind {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            MessageKind::Task => "task",
            MessageKind::Report => "report",
            MessageKind::At => "at",
            MessageKind::Dead => "dead",
            MessageKind::Archive => "archive",
            MessageKind::Held => "held",
            MessageKind::Blocked => "blocked",
            MessageKind::Callback => "callback",
        }
    }
}

impl fmt::Display for MessageKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The value of `Nats-Msg-Id`: `<kind>:<task_id>:<hop>`.
#[must_use]
pub fn message_id(kind: MessageKind, id: &TaskId, hop: u32) -> String {
    format!("{kind}:{id}:{hop}")
}
