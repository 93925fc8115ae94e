//! The tasks that run, by id, so that a notice finds them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::leases::HeldId;
use crate::task::TaskId;

/// One entry for each execution. Two copies of one task may run at once.
#[derive(Debug, Default)]
pub(super) struct Running {
    /// A lock, because executions enter and leave on threads of their own; it is never held across
    /// an await.
    entries: Mutex<BTreeMap<(TaskId, HeldId), Arc<Notify>>>,
}

/// An execution that can be told something; over when dropped.
pub(super) struct Entered<'a> {
    running: &'a Running,
    key: (TaskId, HeldId),
    told: Arc<Notify>,
}

impl Running {
    pub(super) fn enter(&self, id: &TaskId, held: HeldId) -> Entered<'_> {
        let (key, told) = ((id.clone(), held), Arc::new(Notify::new()));
        self.entries().insert(key.clone(), told.clone());
        Entered {
            running: self,
            key,
            told,
        }
    }

    /// Tells every execution of a task.
    pub(super) fn tell(&self, id: &TaskId) {
        let every = (id.clone(), HeldId::MIN)..=(id.clone(), HeldId::MAX);
        for (_, told) in self.entries().range(every) {
            // Kept for one that is not listening yet.
            told.notify_one();
        }
    }

    fn entries(&self) -> MutexGuard<'_, BTreeMap<(TaskId, HeldId), Arc<Notify>>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entered<'_> {
    /// Waits until it is told.
    pub(super) async fn told(&self) {
        self.told.notified().await;
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.running.entries().remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn id(text: &str) -> TaskId {
        TaskId::new(text).unwrap()
    }

    #[test]
    fn a_notice_reaches_every_execution_of_its_task_and_no_other() {
        let running = Running::default();
        let ours = [running.enter(&id("t-1"), 1), running.enter(&id("t-1"), 7)];
        let others = [running.enter(&id("t-0"), 2), running.enter(&id("t-10"), 3)];
        running.tell(&id("t-1"));
        assert!(ours.iter().all(|one| one.told().now_or_never().is_some()));
        assert!(others.iter().all(|one| one.told().now_or_never().is_none()));
    }

    #[test]
    fn what_has_ended_leaves_nothing_behind() {
        let running = Running::default();
        drop(running.enter(&id("t"), 1));
        running.tell(&id("t"));
        assert!(running.entries().is_empty());
    }
}
