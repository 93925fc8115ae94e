//! Where a task queues.

use super::{ClassName, Lane, ModelToken, Shard, Task};

/// One queue of the mesh: what a task's subject says.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Route {
    /// The lane it is queued on.
    pub lane: Lane,
    /// Its business scenario.
    pub class: ClassName,
    /// The model that is to answer, as a subject token.
    pub model: ModelToken,
    /// The bucket of its tenant.
    pub shard: Shard,
}

impl Route {
    /// The queue `task` belongs to.
    #[must_use]
    pub fn of(task: &Task) -> Self {
        Self {
            lane: task.lane,
            class: task.class.clone(),
            model: task.model.token(),
            shard: task.shard,
        }
    }
}
