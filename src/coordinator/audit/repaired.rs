//! Telling that something was put in order.

use crate::coordinator::Coordinator;
use crate::metrics::Repair;
use crate::task::{EventKind, Task};
use crate::wire::TaskEvent;

/// Counts it, logs it, and adds it to what befell the task.
pub(super) async fn repaired(of: &Coordinator, what: Repair, task: &Task, detail: &str) {
    tracing::warn!(task.id = %task.id, task.class = %task.class, ?what, detail, "found and put in order");
    of.metrics.repair(what);
    let event = TaskEvent::of(task, EventKind::Repair, detail);
    of.broker.tell(&task.class, &task.id, &event).await;
}
