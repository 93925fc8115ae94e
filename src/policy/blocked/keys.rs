//! Who waits for a `concurrency_key`, and who has one.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;

use super::board::{Board, Step, Waiting};
use crate::policy::Policy;
use crate::task::{KeyId, Task, TaskId};

/// Keys that tasks wait for, and tasks that were let go with one.
#[derive(Debug, Default)]
pub(super) struct Keys {
    waiters: BTreeMap<KeyId, BTreeSet<TaskId>>,
    /// The key of each task that waits.
    wanted: HashMap<TaskId, KeyId>,
    /// Queued or running, with the place each was given.
    holders: HashMap<TaskId, (KeyId, u32)>,
}

impl Keys {
    pub(super) fn left(&mut self, id: &TaskId) {
        let Some(key) = self.wanted.remove(id) else {
            return;
        };
        if let Some(waiters) = self.waiters.get_mut(&key) {
            waiters.remove(id);
            if waiters.is_empty() {
                self.waiters.remove(&key);
            }
        }
    }

    pub(super) fn ended(&mut self, id: &TaskId) {
        self.holders.remove(id);
    }

    pub(super) fn are_free(&self) -> bool {
        self.holders.is_empty()
    }

    pub(super) fn has_one(&self, id: &TaskId) -> bool {
        self.holders.contains_key(id)
    }
}

impl Board {
    /// A task waits until its key has a place for it. Said again it replaces what was said before. One without a key
    /// waits for nothing.
    pub fn waits_for_key(&mut self, policy: &Policy, task: Task) {
        self.left(&task.id);
        let (id, mut entry) = (task.id.clone(), Waiting::of(policy, task));
        self.keys.ended(&id);
        self.lanes.remove(&id);
        let mut changes = self.waits.add(&id, entry.urgency, &[]).unwrap_or_default();
        match &entry.task.facts.concurrency_key {
            None => {
                entry.is_decided = true;
                self.steps.push_back(Step::Release(id.clone()));
            }
            Some(text) => {
                let key = KeyId::of(&entry.task.tenant, text);
                for place in 0..policy.keys.limit_of(text) {
                    let waits = self.waits.waits_for_key(&place_name(&key, place), &id);
                    changes.extend(waits.unwrap_or_default());
                }
                self.keys.wanted.insert(id.clone(), key.clone());
                self.keys
                    .waiters
                    .entry(key.clone())
                    .or_default()
                    .insert(id.clone());
                self.steps.push_back(Step::Grant(key));
            }
        }
        self.waiting.insert(id, entry);
        self.promote(changes);
    }

    /// The tasks that wait for `key`, whose turn it is first: by the most urgent of each and those that wait for it, then
    /// by when it was enqueued.
    #[must_use]
    pub fn waiters(&self, key: &KeyId) -> Vec<&Task> {
        let of_key = self.keys.waiters.get(key).into_iter().flatten();
        let waiting = of_key.filter_map(|id| self.waiting.get(id).filter(|entry| !entry.is_decided));
        let mut all: Vec<&Waiting> = waiting.collect();
        all.sort_by_key(|entry| {
            let task = &entry.task;
            let effective = self.waits.effective(&task.id).unwrap_or(entry.urgency);
            (effective, task.enqueued_at, task.id.clone())
        });
        all.into_iter().map(|entry| &entry.task).collect()
    }

    /// A task that waited is queued, and has that place of its key.
    pub fn granted(&mut self, policy: &Policy, key: &KeyId, place: u32, task: &Task) {
        self.keys.holders.insert(task.id.clone(), (key.clone(), place));
        self.queued(policy, task);
        let holds = self.waits.holds(&place_name(key, place), &task.id);
        self.promote(holds.unwrap_or_default());
    }

    /// A place of `key` may be free.
    pub fn key_changed(&mut self, key: &KeyId) {
        if self.is_contended(key) {
            self.steps.push_back(Step::Grant(key.clone()));
        }
    }

    /// Whether tasks wait for a key.
    #[must_use]
    pub fn is_contended(&self, key: &KeyId) -> bool {
        self.keys.waiters.contains_key(key)
    }

    /// Keys that tasks wait for, in order, those behind `after`, so many at most.
    #[must_use]
    pub fn contended_after(&self, after: Option<&KeyId>, most: usize) -> Vec<KeyId> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let behind = self.keys.waiters.range((from, Bound::Unbounded));
        behind.take(most).map(|(key, _)| key.clone()).collect()
    }
}

fn place_name(key: &KeyId, place: u32) -> String {
    format!("{key}#{place}")
}
