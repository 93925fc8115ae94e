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

    fn undecided(&self, key: &KeyId) -> impl Iterator<Item = &Waiting> {
        let of_key = self.keys.waiters.get(key).into_iter().flatten();
        of_key.filter_map(|id| self.waiting.get(id).filter(|entry| !entry.is_decided))
    }

    /// A key that tasks wait for, as they name it.
    #[must_use]
    pub fn key_text(&self, key: &KeyId) -> Option<&str> {
        let mut waiting = self.undecided(key);
        waiting.find_map(|entry| entry.task.facts.concurrency_key.as_deref())
    }

    /// Whether a task waits for `key`.
    #[must_use]
    pub fn waits_for(&self, id: &TaskId, key: &KeyId) -> bool {
        self.keys.wanted.get(id) == Some(key) && self.waiting.get(id).is_some_and(|entry| !entry.is_decided)
    }

    /// The first `most` of the tasks that wait for `key` and that `may` go, whose turn it is first: by the most urgent of
    /// each and those that wait for it, then by when it was enqueued. Behind one key thousands may wait for few places,
    /// so that all of them are never put in order.
    #[must_use]
    pub fn waiters(&self, key: &KeyId, most: usize, may: impl Fn(&TaskId) -> bool) -> Vec<&Task> {
        let ready = self.undecided(key).filter(|entry| may(&entry.task.id));
        let mut all: Vec<(u32, &Task)> = ready
            .map(|entry| {
                let effective = self.waits.effective(&entry.task.id);
                (effective.unwrap_or(entry.urgency), &entry.task)
            })
            .collect();
        let order = |(a_urgency, a): &(u32, &Task), (b_urgency, b): &(u32, &Task)| {
            (a_urgency, a.enqueued_at, &a.id).cmp(&(b_urgency, b.enqueued_at, &b.id))
        };
        if most < all.len() {
            all.select_nth_unstable_by(most, order);
            all.truncate(most);
        }
        all.sort_unstable_by(order);
        all.into_iter().map(|(_, task)| task).collect()
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
