//! Moving a queued task to another lane, and telling of it.

use super::Coordinator;
use crate::broker::WriteError;
use crate::broker::raw::Raw;
use crate::task::{EventKind, Lane, Task};
use crate::wire::{Held, TaskEvent, read_history};

/// Moves a task whose message is still on its lane `to` another, as that hop. Returns the lane it is on then and
/// its sequence there: where the other one is full it goes to the end of its own, and where it has left the lane
/// meanwhile it is not moved.
pub(super) async fn relocate(
    of: &Coordinator,
    task: &Task,
    to: (Lane, u32),
    message: &Raw,
    why: &str,
) -> Result<(Lane, u64), WriteError> {
    let (lane, hop) = to;
    let held = Held {
        task: Task {
            lane,
            hop,
            ..task.clone()
        },
        history: read_history(&message.original.headers()),
        lane: task.lane,
        sequence: message.sequence,
    };
    let Some(copy) = of.broker.hold_copy(&held, &message.original).await? else {
        return Ok((task.lane, message.sequence));
    };
    let (on, sequence) = of.broker.move_held(&held, copy, &message.original).await?;
    tracing::debug!(task.id = %task.id, from = %task.lane, to = %on, why, "a queued task is moved");
    of.metrics.moved(on, &task.class);
    let kind = if lane < task.lane {
        EventKind::Promote
    } else {
        EventKind::Demote
    };
    let detail = match on == task.lane {
        true => format!("{why}, and {lane} is full: it waits on, at the end of {on}"),
        false => why.to_owned(),
    };
    let event = TaskEvent::of(&held.task, kind, detail);
    of.broker.tell(&task.class, &task.id, &event).await;
    Ok((on, sequence))
}
