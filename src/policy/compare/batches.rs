//! What was seen, by stretches of time.

use crate::policy::rollout::{Evidence, Tally};
use crate::task::ClassName;

/// Looks in the first batches: at one a second, longer than most waits.
const LOOKS_FIRST: u64 = 5;
/// Two by two they are put together when there are so many. Between half as many and this are kept, however long a
/// comparison lasts, and each is a fixed part of it: so they come to be longer than whatever makes neighbours alike.
const BATCHES_MAX: usize = 40;

/// Batches of equal length, and one that is being filled.
#[derive(Debug, Clone)]
pub(super) struct Batches {
    full: Vec<[Evidence; 2]>,
    open: [Evidence; 2],
    open_looks: u64,
    /// Looks that make a batch.
    length: u64,
}

impl Default for Batches {
    fn default() -> Self {
        Self {
            full: Vec::new(),
            open: Default::default(),
            open_looks: 0,
            length: LOOKS_FIRST,
        }
    }
}

impl Batches {
    /// Says whether a batch was filled.
    pub(super) fn look(&mut self, both: [&Evidence; 2]) -> bool {
        for (open, seen) in self.open.iter_mut().zip(both) {
            open.merge(seen);
        }
        self.open_looks += 1;
        if self.open_looks < self.length {
            return false;
        }
        self.open_looks = 0;
        self.full.push(std::mem::take(&mut self.open));
        if self.full.len() == BATCHES_MAX {
            self.length *= 2;
            let pairs = std::mem::take(&mut self.full);
            self.full = pairs.chunks(2).map(merged).collect();
        }
        true
    }

    /// The tallies of a class in each full batch, of both policies.
    pub(super) fn of<'a>(&'a self, class: &ClassName) -> impl Iterator<Item = [Option<&'a Tally>; 2]> + 'a {
        let class = class.clone();
        self.full
            .iter()
            .map(move |both| [0, 1].map(|at| both[at].classes.get(&class)))
    }

    /// Every class that was seen in a full batch.
    pub(super) fn classes(&self) -> impl Iterator<Item = &ClassName> {
        let seen = self.full.iter().flatten().flat_map(|seen| seen.classes.keys());
        let mut classes: Vec<&ClassName> = seen.collect();
        classes.sort_unstable();
        classes.dedup();
        classes.into_iter()
    }

    /// Full ones.
    pub(super) fn len(&self) -> usize {
        self.full.len()
    }
}

fn merged(some: &[[Evidence; 2]]) -> [Evidence; 2] {
    let mut all: [Evidence; 2] = Default::default();
    for both in some {
        for (all, seen) in all.iter_mut().zip(both) {
            all.merge(seen);
        }
    }
    all
}
