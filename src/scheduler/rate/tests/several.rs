//! A task's buckets together: all or none, and no bucket minds another.

use std::collections::BTreeMap;
use std::time::Duration;

use expect_test::expect;
use proptest::prelude::*;

use super::super::{Binding, Bucket, Buckets, Owners, Rate};
use super::time::at_ms;
use crate::task::{ClassName, ModelName, Moment, TenantId};

const RATE: Rate = Rate {
    per_s: 2.0,
    burst: 3.0,
};

/// The owners of one task, by number; number 3 of each kind has no rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Numbers {
    class: usize,
    tenant: usize,
    model: usize,
}

struct Names {
    classes: Vec<ClassName>,
    tenants: Vec<TenantId>,
    models: Vec<ModelName>,
}

impl Names {
    fn new() -> Self {
        let four = || (0..4).map(|n| n.to_string());
        Self {
            classes: four()
                .map(|n| ClassName::new(&format!("c{n}")).unwrap())
                .collect(),
            tenants: four().map(|n| TenantId::new(&format!("t{n}")).unwrap()).collect(),
            models: four()
                .map(|n| ModelName::new(&format!("m{n}")).unwrap())
                .collect(),
        }
    }

    fn of(&self, numbers: Numbers) -> Owners<'_> {
        Owners {
            class: &self.classes[numbers.class],
            tenant: Some(&self.tenants[numbers.tenant]),
            model: &self.models[numbers.model],
        }
    }

    /// Buckets with a rate for the first three of each kind.
    fn buckets(&self) -> Buckets {
        let mut buckets = Buckets::default();
        for at in 0..3 {
            let rate = Rate {
                burst: RATE.burst + at as f64,
                ..RATE
            };
            buckets.set_class(&self.classes[at], Some(rate), at_ms(0));
            buckets.set_tenant(&self.tenants[at], Some(rate), at_ms(0));
            buckets.set_model(&self.models[at], Some(rate), at_ms(0));
        }
        buckets
    }
}

/// The same rates, each bucket by itself.
fn apart() -> BTreeMap<(char, usize), Bucket> {
    let one = |kind, at: usize| {
        let rate = Rate {
            burst: RATE.burst + at as f64,
            ..RATE
        };
        ((kind, at), Bucket::full(rate, at_ms(0)))
    };
    ['c', 't', 'm']
        .iter()
        .flat_map(|kind| (0..3).map(move |at| one(*kind, at)))
        .collect()
}

fn numbers() -> impl Strategy<Value = Numbers> {
    (0_usize..4, 0_usize..4, 0_usize..4).prop_map(|(class, tenant, model)| Numbers { class, tenant, model })
}

#[derive(Debug, Clone, Copy)]
enum Then {
    Starts,
    DoesNot,
    Waits,
}

proptest! {
    /// A task is let start exactly when its own three buckets have a token, each of them counted by
    /// itself over the tasks that were let start: whoever is refused, however often, changes nothing.
    #[test]
    fn a_rate_limited_head_never_blocks_another_class_tenant_or_model(
        tries in prop::collection::vec(
            (numbers(), 0_u64..400, 1_u32..3, prop_oneof![Just(Then::Starts), Just(Then::DoesNot), Just(Then::Waits)]),
            1..120,
        ),
    ) {
        let names = Names::new();
        let (mut buckets, mut apart) = (names.buckets(), apart());
        let mut now = at_ms(0);
        for (numbers, ms, n, then) in tries {
            now = now + Duration::from_millis(ms);
            let of = names.of(numbers);
            let keys = [('c', numbers.class), ('t', numbers.tenant), ('m', numbers.model)];
            let room = keys.iter().filter_map(|key| apart.get(key)).map(|own| own.available(now)).min();
            prop_assert_eq!(buckets.available(&of, now), room.unwrap_or(u32::MAX));
            let taken = buckets.take(&of, n, now);
            prop_assert_eq!(taken.is_ok(), room.is_none_or(|room| room >= n));
            if let Err(binding) = taken {
                let last = keys.iter().filter_map(|key| apart.get(key)).map(|own| own.ready_at(now, n));
                let last = last.map(|at| at.unwrap_or(Moment(Duration::MAX))).max();
                prop_assert_eq!(binding.ready_at().unwrap_or(Moment(Duration::MAX)), last.unwrap());
                continue;
            }
            for key in keys {
                let Some(own) = apart.get_mut(&key) else { continue };
                own.take(n);
                match then {
                    Then::Starts => own.started(n, now),
                    Then::DoesNot => own.give_back(n),
                    Then::Waits => {}
                }
            }
            match then {
                Then::Starts => buckets.started(&of, n, now),
                Then::DoesNot => buckets.give_back(&of, n, now),
                Then::Waits => {}
            }
        }
    }
}

/// Starts `n` tasks at once.
fn start(buckets: &mut Buckets, of: &Owners<'_>, n: u32) {
    buckets.take(of, n, at_ms(0)).unwrap();
    buckets.started(of, n, at_ms(0));
}

#[test]
fn what_binds_is_what_is_ready_last() {
    let names = Names::new();
    let numbers = |class, tenant, model| Numbers { class, tenant, model };
    let cases = [
        ("no rate at all", vec![], numbers(3, 3, 3), 100),
        ("a token of each", vec![], numbers(0, 1, 2), 1),
        ("the class is dry", vec![numbers(0, 3, 3)], numbers(0, 1, 2), 1),
        ("the tenant is dry", vec![numbers(3, 0, 3)], numbers(1, 0, 2), 2),
        ("the model is dry", vec![numbers(3, 3, 0)], numbers(1, 2, 0), 1),
        ("class and model are", vec![numbers(0, 3, 0)], numbers(0, 1, 0), 1),
        (
            "class and tenant lack one and two",
            vec![numbers(1, 0, 3)],
            numbers(1, 0, 3),
            2,
        ),
        (
            "more than the class ever has",
            vec![numbers(3, 3, 2)],
            numbers(0, 3, 2),
            4,
        ),
    ];
    let mut table = String::new();
    for (what, before, of, n) in cases {
        let mut buckets = names.buckets();
        for other in before {
            start(&mut buckets, &names.of(other), 3);
        }
        let told = match buckets.binding(&names.of(of), n, at_ms(0)) {
            None => "starts".to_owned(),
            Some(binding) => said(&binding),
        };
        table += &format!("{what}: {told}\n");
    }
    expect![[r#"
        no rate at all: starts
        a token of each: starts
        the class is dry: class c0 in Some(500ms)
        the tenant is dry: tenant t0 in Some(1s)
        the model is dry: model m0 in Some(500ms)
        class and model are: class c0 in Some(500ms)
        class and tenant lack one and two: tenant t0 in Some(1s)
        more than the class ever has: class c0 in None
    "#]]
    .assert_eq(&table);
}

fn said(binding: &Binding) -> String {
    let wait = binding.ready_at().map(|at| at.since(at_ms(0)));
    match binding {
        Binding::Class { class, .. } => format!("class {class} in {wait:?}"),
        Binding::Tenant { tenant, .. } => format!("tenant {tenant} in {wait:?}"),
        Binding::Model { model, .. } => format!("model {} in {wait:?}", model.as_str()),
    }
}

#[test]
fn without_a_known_tenant_only_class_and_model_count() {
    let names = Names::new();
    let mut buckets = names.buckets();
    let known = names.of(Numbers {
        class: 1,
        tenant: 0,
        model: 1,
    });
    start(&mut buckets, &known, 3);
    let unknown = Owners {
        tenant: None,
        ..known
    };
    assert_eq!(buckets.available(&known, at_ms(0)), 0);
    assert_eq!(buckets.available(&unknown, at_ms(0)), 1);
}

#[test]
fn a_rate_that_is_taken_away_limits_nothing() {
    let names = Names::new();
    let mut buckets = names.buckets();
    let of = names.of(Numbers {
        class: 0,
        tenant: 3,
        model: 0,
    });
    start(&mut buckets, &of, 3);
    assert_eq!(buckets.available(&of, at_ms(0)), 0);
    buckets.set_class(of.class, None, at_ms(0));
    buckets.set_model(of.model, None, at_ms(0));
    assert_eq!(buckets.available(&of, at_ms(0)), u32::MAX);
    buckets.set_tenants(Some(RATE), at_ms(0));
    assert_eq!(buckets.available(&of, at_ms(0)), 3);
}
