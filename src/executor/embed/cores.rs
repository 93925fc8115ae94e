//! Passes side by side, one core each.
//!
//! A pass over all cores multiplies matrices on all of them and does everything else on one, and its parts wait for
//! each other at every step. Passes that keep to a core each have none of that.

use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};

/// A thread for each core, in which nothing is divided further.
pub(super) struct Cores(Vec<ThreadPool>);

impl Cores {
    pub(super) fn of_this_machine() -> Result<Self, ThreadPoolBuildError> {
        let count = thread::available_parallelism().map_or(1, NonZero::get);
        let pool = |_| ThreadPoolBuilder::new().num_threads(1).build();
        Ok(Self((0..count).map(pool).collect::<Result<_, _>>()?))
    }

    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    /// `work` on each item, in their order. One item alone may use all cores.
    ///
    /// # Panics
    /// Where `work` does.
    pub(super) fn each<T: Sync, R: Send>(&self, items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
        if items.len() <= 1 {
            return items.iter().map(work).collect();
        }
        let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
        let take_turns = || {
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some(item) = items.get(at) else {
                    return;
                };
                let result = work(item);
                done.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push((at, result));
            }
        };
        thread::scope(|scope| {
            for pool in self.0.iter().take(items.len()) {
                scope.spawn(move || pool.install(take_turns));
            }
        });
        let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
        done.sort_unstable_by_key(|(at, _)| *at);
        done.into_iter().map(|(_, result)| result).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_items() {
        let cores = Cores::of_this_machine().unwrap();
        for count in [0, 1, 2, 17] {
            let items: Vec<u32> = (0..count).collect();
            let expected: Vec<u32> = items.iter().map(|n| n * n).collect();
            assert_eq!(cores.each(&items, |n| n * n), expected);
        }
    }

    #[test]
    #[should_panic = "a scoped thread panicked"]
    fn a_panic_of_one_is_a_panic_of_all() {
        let cores = Cores::of_this_machine().unwrap();
        cores.each(&[1, 2, 3], |n| assert!(*n != 2));
    }
}
