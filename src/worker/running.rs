//! The tasks that run, so that one of them can be told to stop.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::serve::{Done, PAUSE_MAX, PAUSE_MIN, Service};
use crate::broker::cancels::Cancels;
use crate::broker::fetch::decides;
use crate::task::{Task, TaskId};

/// What stops the executions of a task. Held for two map operations per task and never across an
/// await.
#[derive(Debug, Default)]
pub(super) struct Running(Mutex<HashMap<TaskId, Vec<Stop>>>);

/// One execution. A task is executed twice at once only when the server has delivered it twice.
#[derive(Debug, Clone)]
struct Stop {
    delivery: u64,
    /// The sequence its fence must have passed to decide it.
    fence: u64,
    stop: CancellationToken,
}

impl Running {
    /// Notes an execution for as long as what is returned lives.
    pub(super) fn note<'a>(
        &'a self,
        task: &'a Task,
        delivery: u64,
        stop: &CancellationToken,
    ) -> impl Drop + use<'a> {
        let noted = Stop {
            delivery,
            fence: task.fence,
            stop: stop.clone(),
        };
        self.lock().entry(task.id.clone()).or_default().push(noted);
        Noted {
            running: self,
            id: &task.id,
            delivery,
        }
    }

    fn of(&self, id: &TaskId) -> Vec<Stop> {
        self.lock().get(id).cloned().unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<TaskId, Vec<Stop>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Noted<'a> {
    running: &'a Running,
    id: &'a TaskId,
    delivery: u64,
}

impl Drop for Noted<'_> {
    fn drop(&mut self) {
        let mut running = self.running.lock();
        if let Some(stops) = running.get_mut(self.id) {
            stops.retain(|stop| stop.delivery != self.delivery);
            if stops.is_empty() {
                running.remove(self.id);
            }
        }
    }
}

impl Service {
    /// Stops what was cancelled, until the loop that is told of ends is over: executors end with the last of those who
    /// hold them, and this is one.
    pub(super) async fn hear_cancels(self: Arc<Self>, mut cancels: Cancels, loop_of: mpsc::Sender<Done>) {
        loop {
            let id = tokio::select! {
                id = cancels.next() => id,
                () = loop_of.closed() => return,
                () = self.hard.cancelled() => return,
            };
            let Some(id) = id else {
                return;
            };
            let stops = self.running.of(&id);
            if !stops.is_empty() {
                self.stop_decided(&id, &stops).await;
            }
        }
    }

    /// Only the fence decides: an execution that is stopped without one would lose its task.
    async fn stop_decided(&self, id: &TaskId, stops: &[Stop]) {
        let mut pause = PAUSE_MIN;
        while pause <= PAUSE_MAX {
            match self.broker.fence(id).await {
                Ok(found) => {
                    let decided = |stop: &&Stop| found.as_ref().is_some_and(|f| decides(f, stop.fence));
                    for decided in stops.iter().filter(decided) {
                        tracing::info!(task.id = %id, "cancelled while it runs");
                        decided.stop.cancel();
                    }
                    return;
                }
                Err(error) => tracing::debug!(task.id = %id, %error, "cannot read the fence; trying again"),
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => pause *= 2,
                () = self.hard.cancelled() => return,
            }
        }
    }
}
