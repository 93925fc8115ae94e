//! What waits for what, and what may happen to that.

use std::fmt;
use std::sync::Arc;

use super::chain;
use super::graph::{Before, Graph};
use crate::task::TaskId;

/// Dependencies in one chain at most. It bounds how far urgency travels, and with it the work of one change.
pub const CHAIN_MAX: usize = 16;

/// Who can wait or be waited for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Party {
    /// A task.
    Task(TaskId),
    /// A `concurrency_key`: tasks wait for it, and it waits for the one that holds it.
    Key(Arc<str>),
}

impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Task(id) => write!(f, "{id}"),
            Self::Key(key) => write!(f, "key {key:?}"),
        }
    }
}

/// A task whose effective priority is another one now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Which.
    pub task: TaskId,
    /// What it was before; of a task that was just added, its own.
    pub from: u32,
    /// What it is now; lower is more urgent.
    pub to: u32,
}

/// Why a wait is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WaitsError {
    /// It would never end.
    #[error("it would wait for itself: {}", .path.iter().map(Party::to_string).collect::<Vec<_>>().join(" -> "))]
    Cycle {
        /// Each waits for the one after it; the last is the first.
        path: Vec<Party>,
    },
    /// Too many would wait one for the other.
    #[error("{task} would be part of a chain of more than {CHAIN_MAX} dependencies; make the chain shorter")]
    TooDeep {
        /// The task that was to be added.
        task: TaskId,
    },
}

/// Tasks, what each waits for, and the effective priority of each.
///
/// Invariants: no waits lead back to where they began, so every wait can end; no task waits for one whose
/// effective priority is lower than its own; nothing is kept that no task in it, no wait and no holder needs.
///
/// An operation visits the tasks whose effective priority it changes, and those that these wait for. A check for
/// loops visits what the task waits for, directly or not.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Waits {
    graph: Graph,
}

impl Waits {
    /// Adds a task, or gives a known one another priority and other dependencies; the keys that it holds or waits
    /// for stay. It may depend on tasks that are not known: they inherit when they are added. One that
    /// has ended must not be named: the caller knows that from its fence. Returns what changed, by task.
    ///
    /// # Errors
    /// [`WaitsError`] for a loop, and for a chain of more than [`CHAIN_MAX`] dependencies; then nothing is changed.
    pub fn add(&mut self, task: &TaskId, own: u32, depends_on: &[TaskId]) -> Result<Vec<Change>, WaitsError> {
        let party = Party::Task(task.clone());
        let parents: Vec<Party> = depends_on.iter().cloned().map(Party::Task).collect();
        self.refuse_loop(&[&party], &parents)?;
        if chain::length(&self.graph, &party, &parents, CHAIN_MAX) > CHAIN_MAX {
            return Err(WaitsError::TooDeep { task: task.clone() });
        }
        let mut before = Before::new();
        if self.effective(task).is_none() {
            before.insert(party.clone(), own);
        }
        self.graph.set_own(&party, Some(own), &mut before);
        let dropped = |to: &&Party| matches!(to, Party::Task(_)) && !parents.contains(to);
        let dropped: Vec<Party> = self.graph.waits_for(&party).filter(dropped).cloned().collect();
        for to in dropped {
            self.graph.disconnect(&party, &to, &mut before);
        }
        for to in &parents {
            self.graph.connect(&party, to, &mut before);
        }
        Ok(self.changes(before))
    }

    /// `task` has taken `key`, and waits for it no longer. Whoever held it before does not any more.
    ///
    /// # Errors
    /// [`WaitsError::Cycle`] where the task waits for another one that waits for the key; then nothing is changed.
    pub fn holds(&mut self, key: &str, task: &TaskId) -> Result<Vec<Change>, WaitsError> {
        let (key, holder) = (Party::Key(key.into()), Party::Task(task.clone()));
        let others: Vec<Party> = self
            .graph
            .waits_for(&holder)
            .filter(|to| **to != key)
            .cloned()
            .collect();
        self.refuse_loop(&[&key, &holder], &others)?;
        let mut before = Before::new();
        self.graph.disconnect(&holder, &key, &mut before);
        self.set_holder(&key, Some(&holder), &mut before);
        Ok(self.changes(before))
    }

    /// `task` waits until it may take `key`, whoever holds it.
    ///
    /// # Errors
    /// [`WaitsError::Cycle`] where the holder waits for the task, or is the task; then nothing is changed.
    pub fn waits_for_key(&mut self, key: &str, task: &TaskId) -> Result<Vec<Change>, WaitsError> {
        let (key, waiter) = (Party::Key(key.into()), Party::Task(task.clone()));
        self.refuse_loop(&[&waiter], std::slice::from_ref(&key))?;
        let mut before = Before::new();
        self.graph.connect(&waiter, &key, &mut before);
        Ok(self.changes(before))
    }

    /// Nobody holds `key` any more. Those that wait for it wait on, until one of them holds it.
    pub fn released(&mut self, key: &str) -> Vec<Change> {
        let mut before = Before::new();
        self.set_holder(&Party::Key(key.into()), None, &mut before);
        self.changes(before)
    }

    /// `task` has ended: nothing waits for it, it waits for nothing, and it holds no key. What others inherited from it
    /// is given back.
    pub fn ended(&mut self, task: &TaskId) -> Vec<Change> {
        let party = Party::Task(task.clone());
        let mut before = Before::new();
        let heirs: Vec<Party> = self.graph.heirs(&party).cloned().collect();
        let targets: Vec<Party> = self.graph.waits_for(&party).cloned().collect();
        for to in targets {
            self.graph.disconnect(&party, &to, &mut before);
        }
        for heir in heirs {
            self.graph.disconnect(&heir, &party, &mut before);
        }
        self.graph.set_own(&party, None, &mut before);
        self.changes(before)
    }

    /// The effective priority of `task`, lower is more urgent; none where it was not added or has ended.
    #[must_use]
    pub fn effective(&self, task: &TaskId) -> Option<u32> {
        self.graph.effective(&Party::Task(task.clone()))
    }

    fn set_holder(&mut self, key: &Party, holder: Option<&Party>, before: &mut Before) {
        let others: Vec<Party> = self
            .graph
            .waits_for(key)
            .filter(|to| Some(*to) != holder)
            .cloned()
            .collect();
        for other in others {
            self.graph.disconnect(key, &other, before);
        }
        if let Some(holder) = holder {
            self.graph.connect(key, holder, before);
        }
    }

    /// Refuses that the last of `line`, in which each waits for the next, waits for all of `targets`, if that leads back
    /// to its first.
    fn refuse_loop(&self, line: &[&Party], targets: &[Party]) -> Result<(), WaitsError> {
        let back = line
            .first()
            .and_then(|first| chain::way(&self.graph, targets, first));
        match back {
            Some(way) => Err(WaitsError::Cycle {
                path: line.iter().copied().cloned().chain(way).collect(),
            }),
            None => Ok(()),
        }
    }

    fn changes(&self, before: Before) -> Vec<Change> {
        let changed = before.into_iter().filter_map(|(party, from)| {
            let to = self.graph.effective(&party).filter(|to| *to != from)?;
            match party {
                Party::Task(task) => Some(Change { task, from, to }),
                Party::Key(_) => None,
            }
        });
        changed.collect()
    }
}
