//! Every bucket that a task needs a token of: those of its class, its tenant and its model.

use std::collections::BTreeMap;

use super::tenants::Tenants;
use super::{Bucket, Rate};
use crate::task::{ClassName, ModelName, Moment, TenantId};

/// Whose tokens a task needs.
#[derive(Debug, Clone, Copy)]
pub struct Owners<'a> {
    /// Its class.
    pub class: &'a ClassName,
    /// Who pays; none where that is not known before it is there.
    pub tenant: Option<&'a TenantId>,
    /// Its model.
    pub model: &'a ModelName,
}

/// The rate that a task waits for: the one that has the tokens last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Binding {
    /// The rate of a class.
    Class {
        /// Which.
        class: ClassName,
        /// When it has the tokens, none for never.
        ready_at: Option<Moment>,
    },
    /// The rate of a tenant.
    Tenant {
        /// Which.
        tenant: TenantId,
        /// When it has the tokens, none for never.
        ready_at: Option<Moment>,
    },
    /// The rate of a model.
    Model {
        /// Which.
        model: ModelName,
        /// When it has the tokens, none for never.
        ready_at: Option<Moment>,
    },
}

impl Binding {
    /// When all of a task's buckets have the tokens if nobody takes any before, none for never.
    #[must_use]
    pub const fn ready_at(&self) -> Option<Moment> {
        match self {
            Self::Class { ready_at, .. } | Self::Tenant { ready_at, .. } | Self::Model { ready_at, .. } => {
                *ready_at
            }
        }
    }
}

/// All buckets. A class, tenant or model without a rate is not limited.
///
/// Invariant: tokens are taken of all buckets of a task or of none, so that a task that waits for one rate
/// uses up no other. There are as many buckets as classes and models with a rate, and few more than tenants that
/// are not at rest.
#[derive(Debug, Clone, Default)]
pub struct Buckets {
    classes: BTreeMap<ClassName, Bucket>,
    models: BTreeMap<ModelName, Bucket>,
    tenants: Tenants,
}

impl Buckets {
    /// Sets the rate of a class, none for no limit. A bucket that is there keeps its level.
    pub fn set_class(&mut self, class: &ClassName, rate: Option<Rate>, now: Moment) {
        set(&mut self.classes, class, rate, now);
    }

    /// Sets the rate of a model, none for no limit. A bucket that is there keeps its level.
    pub fn set_model(&mut self, model: &ModelName, rate: Option<Rate>, now: Moment) {
        set(&mut self.models, model, rate, now);
    }

    /// Sets the rate that one tenant has instead of the usual one, none for the usual one.
    pub fn set_tenant(&mut self, tenant: &TenantId, own: Option<Rate>, now: Moment) {
        self.tenants.set_own(tenant, own, now);
    }

    /// Sets the rate of each tenant that has none of its own, none for no limit.
    pub fn set_tenants(&mut self, usual: Option<Rate>, now: Moment) {
        self.tenants.set_usual(usual, now);
    }

    /// Tasks of these owners that tokens can be taken for; `u32::MAX` where none of them is limited.
    #[must_use]
    pub fn available(&self, of: &Owners<'_>, now: Moment) -> u32 {
        let buckets = [
            self.classes.get(of.class).copied(),
            of.tenant.and_then(|tenant| self.tenants.get(tenant, now)),
            self.models.get(of.model).copied(),
        ];
        let tokens = buckets.iter().flatten().map(|bucket| bucket.available(now));
        tokens.min().unwrap_or(u32::MAX)
    }

    /// What keeps `n` tasks of these owners from starting, if anything does. Of several that are ready at
    /// the same time the class is named before the tenant, and the tenant before the model.
    #[must_use]
    pub fn binding(&self, of: &Owners<'_>, n: u32, now: Moment) -> Option<Binding> {
        let lacking = |bucket: &Bucket| (bucket.available(now) < n).then(|| bucket.ready_at(now, n));
        let model = self.models.get(of.model).and_then(lacking);
        let tenant = of.tenant.and_then(|tenant| {
            let ready_at = lacking(&self.tenants.get(tenant, now)?)?;
            let tenant = tenant.clone();
            Some(Binding::Tenant { tenant, ready_at })
        });
        let class = self.classes.get(of.class).and_then(lacking);
        let all = [
            model.map(|ready_at| Binding::Model {
                model: of.model.clone(),
                ready_at,
            }),
            tenant,
            class.map(|ready_at| Binding::Class {
                class: of.class.clone(),
                ready_at,
            }),
        ];
        // Of equal ones this is the last.
        all.into_iter()
            .flatten()
            .max_by_key(|binding| binding.ready_at().map_or((1, Moment::default()), |at| (0, at)))
    }

    /// Holds tokens for `n` tasks of these owners, to be followed by [`Buckets::started`] or
    /// [`Buckets::give_back`] for each.
    ///
    /// # Errors
    /// [`Binding`] where some bucket has less; then nothing is taken of any.
    pub fn take(&mut self, of: &Owners<'_>, n: u32, now: Moment) -> Result<(), Binding> {
        if let Some(binding) = self.binding(of, n, now) {
            return Err(binding);
        }
        self.each(of, now, |bucket| bucket.take(n));
        Ok(())
    }

    /// `n` tasks that tokens were taken for have started.
    pub fn started(&mut self, of: &Owners<'_>, n: u32, now: Moment) {
        self.each(of, now, |bucket| bucket.started(n, now));
    }

    /// `n` tasks that tokens were taken for do not start.
    pub fn give_back(&mut self, of: &Owners<'_>, n: u32, now: Moment) {
        self.each(of, now, |bucket| bucket.give_back(n));
    }

    fn each(&mut self, of: &Owners<'_>, now: Moment, change: impl FnMut(&mut Bucket)) {
        let buckets = [
            self.classes.get_mut(of.class),
            of.tenant.and_then(|tenant| self.tenants.get_mut(tenant, now)),
            self.models.get_mut(of.model),
        ];
        buckets.into_iter().flatten().for_each(change);
    }
}

fn set<K: Ord + Clone>(buckets: &mut BTreeMap<K, Bucket>, key: &K, rate: Option<Rate>, now: Moment) {
    let Some(rate) = rate else {
        buckets.remove(key);
        return;
    };
    buckets
        .entry(key.clone())
        .and_modify(|bucket| bucket.set_rate(rate, now))
        .or_insert_with(|| Bucket::full(rate, now));
}
