//! A counter for every value of a label, made once.

use metrics::{Counter, SharedString, counter};

use super::label::Label;

/// Counters of one name that differ in one label. Each shows from the start, as 0: a rate over a
/// series that has just appeared misses its first event.
#[derive(Debug)]
pub(super) struct Tally<L>(Vec<(L, Counter)>);

impl<L: Label> Tally<L> {
    /// The counters of `name`, which all carry the labels `fixed`.
    pub(super) fn new(
        name: &'static str,
        label: &'static str,
        fixed: &[(&'static str, SharedString)],
    ) -> Self {
        let counter = |value: L| {
            let mut labels = fixed.to_vec();
            labels.push((label, value.text().into()));
            counter!(name, &labels)
        };
        Self(
            L::all()
                .into_iter()
                .map(|value| (value, counter(value)))
                .collect(),
        )
    }

    /// One more of this value.
    pub(super) fn count(&self, value: L) {
        self.count_many(value, 1);
    }

    /// So many more of this value. A walk over at most a dozen: cheaper than hashing.
    pub(super) fn count_many(&self, value: L, more: u64) {
        if let Some((_, counter)) = self.0.iter().find(|(known, _)| *known == value) {
            counter.increment(more);
        }
    }
}
