//! How many retries of a class are granted with their usual delay.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

use crate::policy::Policy;
use crate::task::ClassName;

/// One bucket per class that has a budget. Each coordinator has its own, so that none asks another
/// before a verdict. A bucket begins anew, full, when the policy gives its class another budget.
#[derive(Default)]
pub(super) struct Budgets(Mutex<HashMap<ClassName, Bucket>>);

struct Bucket {
    per_minute: NonZeroU32,
    limiter: DefaultDirectRateLimiter,
}

impl Budgets {
    /// Takes one retry of `class` from its budget under `policy`; false when it is used up.
    pub(super) fn take(&self, policy: &Policy, class: &ClassName) -> bool {
        let per_minute = policy.retry_of(class).budget_per_minute.and_then(NonZeroU32::new);
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(per_minute) = per_minute else {
            buckets.remove(class);
            return true;
        };
        let bucket = buckets
            .entry(class.clone())
            .or_insert_with(|| Bucket::new(per_minute));
        if bucket.per_minute != per_minute {
            *bucket = Bucket::new(per_minute);
        }
        bucket.limiter.check().is_ok()
    }
}

impl Bucket {
    fn new(per_minute: NonZeroU32) -> Self {
        Self {
            per_minute,
            limiter: RateLimiter::direct(Quota::per_minute(per_minute)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::default_policy;

    #[test]
    fn a_class_has_the_budget_of_the_policy_that_holds_and_others_have_none() {
        let mut policy = default_policy();
        let (bounded, free) = (policy.classes[0].name.clone(), policy.classes[1].name.clone());
        let mut budget = |per_minute| {
            let mut retry = policy.retry.clone();
            retry.budget_per_minute = per_minute;
            policy.classes[0].retry = Some(retry);
            policy.clone()
        };
        let (two, three, none) = (budget(Some(2)), budget(Some(3)), budget(None));
        let budgets = Budgets::default();
        let take = |policy: &Policy, times: usize| -> Vec<bool> {
            (0..times).map(|_| budgets.take(policy, &bounded)).collect()
        };
        assert_eq!(take(&two, 3), [true, true, false]);
        assert_eq!(take(&three, 4), [true, true, true, false]);
        assert_eq!(take(&none, 2), [true, true]);
        assert!((0..100).all(|_| budgets.take(&two, &free)));
    }
}
