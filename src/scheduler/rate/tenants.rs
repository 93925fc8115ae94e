//! The buckets of tenants, which come and go.

use std::collections::BTreeMap;

use super::{Bucket, Rate};
use crate::task::{Moment, TenantId};

/// Buckets below which it is not worth looking for full ones.
const SWEEP_MIN: usize = 1024;

/// A bucket per tenant that is not at rest.
///
/// A full bucket is like none and is forgotten. Full ones are looked for whenever their number may have
/// doubled, so there are at most [`SWEEP_MIN`], or twice as many as were not full at some time: those of tenants with
/// a task that is held or that started within the time in which two bursts are refilled. Looking costs one step
/// per new bucket on average.
#[derive(Debug, Clone, Default)]
pub(super) struct Tenants {
    /// The rate of each tenant that has none of its own; none where it is not limited.
    usual: Option<Rate>,
    own: BTreeMap<TenantId, Rate>,
    live: BTreeMap<TenantId, Bucket>,
    /// How many of `live` were left when full ones were last looked for.
    kept: usize,
}

impl Tenants {
    pub(super) fn set_usual(&mut self, rate: Option<Rate>, now: Moment) {
        self.usual = rate;
        let others = |tenant: &TenantId| !self.own.contains_key(tenant);
        match rate {
            Some(rate) => {
                let buckets = self.live.iter_mut().filter(|(tenant, _)| others(tenant));
                buckets.for_each(|(_, bucket)| bucket.set_rate(rate, now));
            }
            None => self.live.retain(|tenant, _| !others(tenant)),
        }
    }

    pub(super) fn set_own(&mut self, tenant: &TenantId, own: Option<Rate>, now: Moment) {
        match own {
            Some(rate) => self.own.insert(tenant.clone(), rate),
            None => self.own.remove(tenant),
        };
        match (self.rate(tenant), self.live.get_mut(tenant)) {
            (Some(rate), Some(bucket)) => bucket.set_rate(rate, now),
            (None, Some(_)) => drop(self.live.remove(tenant)),
            (_, None) => {}
        }
    }

    /// The bucket as it is, none where the tenant is not limited.
    pub(super) fn get(&self, tenant: &TenantId, now: Moment) -> Option<Bucket> {
        let known = self.live.get(tenant).copied();
        known.or_else(|| self.rate(tenant).map(|rate| Bucket::full(rate, now)))
    }

    /// The bucket to change, none where the tenant is not limited.
    pub(super) fn get_mut(&mut self, tenant: &TenantId, now: Moment) -> Option<&mut Bucket> {
        if !self.live.contains_key(tenant) {
            let rate = self.rate(tenant)?;
            self.sweep(now);
            self.live.insert(tenant.clone(), Bucket::full(rate, now));
        }
        self.live.get_mut(tenant)
    }

    fn rate(&self, tenant: &TenantId) -> Option<Rate> {
        self.own.get(tenant).copied().or(self.usual)
    }

    fn sweep(&mut self, now: Moment) {
        if self.live.len() >= SWEEP_MIN.max(2 * self.kept) {
            self.live.retain(|_, bucket| !bucket.is_full(now));
            self.kept = self.live.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn tenant(number: u32) -> TenantId {
        TenantId::new(&format!("t{number}")).unwrap()
    }

    /// Each tenant starts one task, `gap` after the one before; how many buckets there were at most.
    fn most_buckets(tenants: u32, gap: Duration) -> usize {
        let rate = Rate {
            per_s: 10.0,
            burst: 1.0,
        };
        let mut all = Tenants::default();
        all.set_usual(Some(rate), Moment::default());
        let mut most = 0;
        for number in 0..tenants {
            let now = Moment(gap * number);
            let bucket = all.get_mut(&tenant(number), now).unwrap();
            bucket.take(1);
            bucket.started(1, now);
            most = most.max(all.live.len());
        }
        most
    }

    #[test]
    fn tenants_at_rest_are_forgotten() {
        // A bucket is full again after 100 ms: in that time 100 tenants come, or 5,000.
        assert!(most_buckets(20_000, Duration::from_millis(1)) <= SWEEP_MIN);
        assert!(most_buckets(20_000, Duration::from_micros(20)) <= 2 * 5_000);
    }

    #[test]
    fn what_is_held_is_not_forgotten() {
        let mut all = Tenants::default();
        let rate = Rate {
            per_s: 1000.0,
            burst: 2.0,
        };
        all.set_usual(Some(rate), Moment::default());
        all.get_mut(&tenant(0), Moment::default()).unwrap().take(2);
        let later = Moment(Duration::from_secs(60));
        for number in 1..5_000 {
            all.get_mut(&tenant(number), later);
        }
        assert_eq!(all.get(&tenant(0), later).unwrap().available(later), 0);
        assert!(all.live.len() <= SWEEP_MIN);
    }

    #[test]
    fn a_tenant_has_its_own_rate_else_the_usual_one_else_no_limit() {
        let now = Moment::default();
        let rate = |burst| Some(Rate { per_s: 1.0, burst });
        let available = |all: &Tenants| all.get(&tenant(0), now).map(|bucket| bucket.available(now));
        let mut all = Tenants::default();
        assert_eq!(available(&all), None);
        all.set_usual(rate(5.0), now);
        all.get_mut(&tenant(0), now).unwrap().take(1);
        assert_eq!(available(&all), Some(4));
        all.set_own(&tenant(0), rate(3.0), now);
        assert_eq!(available(&all), Some(2), "what is held stays held");
        all.set_usual(rate(9.0), now);
        assert_eq!(available(&all), Some(2));
        all.set_own(&tenant(0), None, now);
        assert_eq!(available(&all), Some(2), "the level stays");
        all.set_usual(None, now);
        assert_eq!(available(&all), None);
        assert!(all.live.is_empty());
    }
}
