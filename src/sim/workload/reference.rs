//! The closed loop behind "FIFO 842 ms, 17/s; MLFQ 315 ms, 46/s".
//!
//! Both rows are Little's law for about 14 clients on one slot: 10 that send tasks of 15 ms and 4 that send tasks of
//! 170 ms, each when it has the answer to its last. In such a loop an order raises completions by serving more of the
//! short ones; the long ones pay.

use super::class::{ClassPlan, Rank};
use super::spec::Length;
use super::tasks::warmup_us;
use super::{Client, Source, Spec, Workload};
use crate::task::Lane;

/// Clients of the class `short`, and the service of their tasks in µs.
const SHORT: (u32, u64) = (10, 15_000);
/// Clients of the class `long`, and the service of their tasks in µs.
const LONG: (u32, u64) = (4, 170_000);

const CLASSES: [ClassPlan; 2] = [
    ClassPlan {
        name: "short",
        share: 2,
        priority: 1,
        lane: Lane::Core,
        slo_ms: 250,
        rank: Rank::EVEN,
    },
    ClassPlan {
        name: "long",
        share: 1,
        priority: 3,
        lane: Lane::Normal,
        slo_ms: 2_000,
        rank: Rank::EVEN,
    },
];

/// Not counted at first, in µs, where no duration is asked for.
const WARMUP_US: u64 = 30_000_000;
/// Length where no duration is asked for, in s: five minutes are counted.
const WINDOW_S: u64 = 330;

/// The closed loop; 1 slot and 330 s unless said otherwise. Every client is a tenant.
pub(super) fn build(spec: &Spec) -> Workload {
    let end_us = spec.window_us(WINDOW_S);
    let warmup_us = match spec.length {
        Some(Length::For(_)) => warmup_us(end_us),
        Some(Length::Tasks(_)) | None => WARMUP_US,
    };
    let client = |class, tenant, service_us| Client {
        class,
        tenant,
        service_us,
    };
    let short = (0..SHORT.0).map(|number| client(0, number, SHORT.1));
    let long = (0..LONG.0).map(|number| client(1, SHORT.0 + number, LONG.1));
    Workload {
        name: "reference".to_owned(),
        load: None,
        slots: spec.slots.unwrap_or(1),
        classes: CLASSES.iter().map(ClassPlan::class).collect(),
        source: Source::Closed(short.chain(long).collect()),
        warmup_us,
        end_us,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::workload::Kind;
    use std::time::Duration;

    #[test]
    fn fourteen_clients_of_their_own_tenants_wait_for_one_slot() {
        let made = build(&Spec::new(Kind::Reference));
        assert_eq!(
            (made.slots, made.load, made.warmup_us, made.end_us),
            (1, None, 30_000_000, 330_000_000)
        );
        let Source::Closed(clients) = made.source else {
            panic!("the reference is a closed loop")
        };
        let of = |class| clients.iter().filter(move |client| client.class == class);
        assert_eq!((of(0).count(), of(1).count()), (10, 4));
        assert!(of(0).all(|client| client.service_us == 15_000));
        assert!(of(1).all(|client| client.service_us == 170_000));
        assert!(
            clients
                .iter()
                .zip(0..)
                .all(|(client, number)| client.tenant == number)
        );
    }

    #[test]
    fn a_duration_of_its_own_is_counted_after_its_first_tenth() {
        let made = build(&Spec {
            length: Some(Length::For(Duration::from_secs(60))),
            ..Spec::new(Kind::Reference)
        });
        assert_eq!((made.warmup_us, made.end_us), (6_000_000, 60_000_000));
    }
}
