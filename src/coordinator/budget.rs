//! How many retries of a class are granted with their usual delay.

use std::collections::HashMap;
use std::num::NonZeroU32;

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

use crate::policy::Policy;
use crate::task::ClassName;

/// One bucket per class that has a budget. Each coordinator has its own, so that none asks another
/// before a verdict.
pub(super) struct Budgets(HashMap<ClassName, DefaultDirectRateLimiter>);

impl Budgets {
    pub(super) fn of(policy: &Policy) -> Self {
        let buckets = policy.classes.iter().filter_map(|class| {
            let per_minute = policy.retry_of(&class.name).budget_per_minute?;
            let quota = Quota::per_minute(NonZeroU32::new(per_minute)?);
            Some((class.name.clone(), RateLimiter::direct(quota)))
        });
        Self(buckets.collect())
    }

    /// Takes one retry of `class` from its budget; false when it is used up.
    pub(super) fn take(&self, class: &ClassName) -> bool {
        self.0.get(class).is_none_or(|bucket| bucket.check().is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::default_policy;

    #[test]
    fn a_class_has_its_budget_and_others_have_none() {
        let mut policy = default_policy();
        let mut retry = policy.retry.clone();
        retry.budget_per_minute = Some(2);
        policy.classes[0].retry = Some(retry);
        let budgets = Budgets::of(&policy);
        let (bounded, free) = (&policy.classes[0].name, &policy.classes[1].name);
        let taken: Vec<bool> = (0..3).map(|_| budgets.take(bounded)).collect();
        assert_eq!(taken, [true, true, false]);
        assert!((0..100).all(|_| budgets.take(free)));
    }
}
