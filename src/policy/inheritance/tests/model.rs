//! The same rules, slow and plain: facts are kept as they were said, and every question is answered from all of them.

use std::collections::{BTreeMap, BTreeSet};

use super::super::CHAIN_MAX;

/// What may happen; tasks and keys by number.
#[derive(Debug, Clone)]
pub(super) enum Op {
    Add { task: u8, own: u32, depends_on: Vec<u8> },
    Holds { key: u8, task: u8 },
    WaitsForKey { key: u8, task: u8 },
    Released { key: u8 },
    Ended { task: u8 },
}

#[derive(Debug, Clone, Default)]
pub(super) struct Model {
    own: BTreeMap<u8, u32>,
    depends_on: BTreeMap<u8, BTreeSet<u8>>,
    holder: BTreeMap<u8, u8>,
    waiting: BTreeSet<(u8, u8)>,
}

impl Model {
    /// The state after `op`, none where it is to be refused.
    pub(super) fn after(&self, op: &Op) -> Option<Model> {
        let mut next = self.clone();
        match op {
            Op::Add {
                task,
                own,
                depends_on,
            } => {
                next.own.insert(*task, *own);
                next.depends_on
                    .insert(*task, depends_on.iter().copied().collect());
            }
            Op::Holds { key, task } => {
                next.waiting.remove(&(*key, *task));
                next.holder.insert(*key, *task);
            }
            Op::WaitsForKey { key, task } => {
                next.waiting.insert((*key, *task));
            }
            Op::Released { key } => {
                next.holder.remove(key);
            }
            Op::Ended { task } => {
                next.own.remove(task);
                next.depends_on.remove(task);
                for parents in next.depends_on.values_mut() {
                    parents.remove(task);
                }
                next.holder.retain(|_, holder| holder != task);
                next.waiting.retain(|(_, waiter)| waiter != task);
            }
        }
        let mut waiters = next
            .depends_on
            .keys()
            .chain(next.waiting.iter().map(|(_, task)| task));
        let ends = waiters.all(|task| !next.behind(*task).contains(task));
        let shallow = || {
            next.depends_on
                .keys()
                .all(|task| next.longest(*task, CHAIN_MAX + 1) <= CHAIN_MAX)
        };
        (ends && shallow()).then_some(next)
    }

    /// Whom `task` waits for by itself.
    pub(super) fn waits_for(&self, task: u8) -> BTreeSet<u8> {
        let keys = self
            .waiting
            .iter()
            .filter(|(_, waiter)| *waiter == task)
            .map(|(key, _)| key);
        let holders = keys.filter_map(|key| self.holder.get(key).copied());
        self.depends_on
            .get(&task)
            .into_iter()
            .flatten()
            .copied()
            .chain(holders)
            .collect()
    }

    pub(super) fn tasks(&self) -> impl Iterator<Item = u8> {
        self.own.keys().copied()
    }

    /// The least among its own and those of all that wait for it, directly or not.
    pub(super) fn effective(&self, task: u8) -> Option<u32> {
        let own = self.own.get(&task)?;
        let heirs = self.tasks().filter(|other| self.behind(*other).contains(&task));
        heirs.map(|heir| self.own[&heir]).chain([*own]).min()
    }

    /// All that `task` waits for, directly or not.
    fn behind(&self, task: u8) -> BTreeSet<u8> {
        let mut found = BTreeSet::new();
        let mut next: Vec<u8> = self.waits_for(task).into_iter().collect();
        while let Some(party) = next.pop() {
            if found.insert(party) {
                next.extend(self.waits_for(party));
            }
        }
        found
    }

    fn longest(&self, task: u8, at_most: usize) -> usize {
        let parents = self.depends_on.get(&task).into_iter().flatten();
        let below = parents
            .filter(|_| at_most > 0)
            .map(|parent| 1 + self.longest(*parent, at_most - 1));
        below.max().unwrap_or(0)
    }
}
