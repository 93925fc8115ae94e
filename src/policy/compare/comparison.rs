//! What was seen of two policies, and what that says.

use std::collections::BTreeSet;

use super::batches::Batches;
use super::contrast::{self, Contrast};
use super::figure::Figure;
use crate::policy::rollout::Evidence;
use crate::task::ClassName;

/// The probability that any of all intervals of a comparison is ever wrong, at most; 0 to 1, both left out.
pub const ALPHA: f64 = 0.05;

/// What was seen of two policies at the same time.
#[derive(Debug, Clone)]
pub struct Comparison {
    batches: Batches,
    /// Classes of either policy, which are known before anything is seen: so many intervals there can be.
    classes: BTreeSet<ClassName>,
    looks: u64,
    /// As of the last batch that was filled: nothing changes in between.
    contrasts: Vec<Contrast>,
}

impl Comparison {
    /// Nothing was seen yet. `classes` are those of both policies.
    #[must_use]
    pub fn new(classes: BTreeSet<ClassName>) -> Self {
        Self {
            batches: Batches::default(),
            classes,
            looks: 0,
            contrasts: Vec::new(),
        }
    }

    /// Adds what became of tasks since the last look. Says whether there is more to tell than before.
    pub fn look(&mut self, a: &Evidence, b: &Evidence) -> bool {
        self.looks += 1;
        let is_full = self.batches.look([a, b]);
        if is_full {
            self.contrasts = self.contrasted();
        }
        is_full
    }

    /// How often it was looked.
    #[must_use]
    pub const fn looks(&self) -> u64 {
        self.looks
    }

    /// Every figure over all classes, then of each class by name, as of the last batch that was filled.
    #[must_use]
    pub fn contrasts(&self) -> &[Contrast] {
        &self.contrasts
    }

    fn contrasted(&self) -> Vec<Contrast> {
        let each = Figure::ALL.len() * self.classes.len();
        let all = Figure::ALL.iter().filter(|figure| figure.adds_up()).count();
        let alpha = ALPHA / (each + all) as f64;
        let total = Figure::ALL.into_iter().filter(|figure| figure.adds_up());
        let mut found: Vec<Contrast> = total
            .filter_map(|figure| contrast::of(&self.batches, figure, None, alpha))
            .collect();
        for class in &self.classes {
            found.extend(
                Figure::ALL
                    .into_iter()
                    .filter_map(|figure| contrast::of(&self.batches, figure, Some(class), alpha)),
            );
        }
        found
    }
}
