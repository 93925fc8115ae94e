//! Runs for tests, made by hand.

use crate::scheduler::rules::Rules;
use crate::sim::plan::{Mesh, Mode, Plan};
use crate::sim::record::{End, Record, Run};
use crate::sim::workload::{Client, Source, WorkClass, Workload};
use crate::task::Lane;

use super::figures::Report;
use super::measure::time_us;
use super::summary::summarise;

/// A class with that SLO.
pub(super) fn class(name: &str, slo_ms: u64) -> WorkClass {
    WorkClass {
        name: name.to_owned(),
        share: 1,
        priority: 0,
        lane: Lane::Core,
        slo_ms,
        shards: 1,
        hand: 1,
    }
}

/// Two classes, `chat` with an SLO of 25 ms and `batch` with one of 3 ms.
pub(super) fn workload() -> Workload {
    Workload {
        name: "steady".to_owned(),
        load: Some(0.5),
        slots: 2,
        classes: vec![class("chat", 25), class("batch", 3)],
        source: Source::Open(Vec::new()),
        warmup_us: 0,
        end_us: 0,
    }
}

/// The same with a client for each of `tenants`.
pub(super) fn closed(tenants: &[u32]) -> Workload {
    let client = |&tenant| Client {
        class: 0,
        tenant,
        service_us: 1,
    };
    Workload {
        load: None,
        source: Source::Closed(tenants.iter().map(client).collect()),
        ..workload()
    }
}

/// A task that was done: when it arrived, started and ended, in µs.
pub(super) fn done(class: usize, tenant: u32, [arrived_us, started_us, ended_us]: [u64; 3]) -> Record {
    Record {
        class,
        tenant,
        arrived_us,
        started_us: Some(started_us),
        ended_us,
        end: End::Done,
        deliveries: 1,
    }
}

/// A task that was dropped: when it arrived and was given up, in µs.
pub(super) fn dropped(class: usize, tenant: u32, [arrived_us, ended_us]: [u64; 2]) -> Record {
    Record {
        started_us: None,
        end: End::Dropped,
        ..done(class, tenant, [arrived_us, arrived_us, ended_us])
    }
}

/// A run of two slots, whose clock saw what its records say.
pub(super) fn run(from_us: u64, to_us: u64, records: Vec<Record>) -> Run {
    Run {
        from_us,
        to_us,
        in_system_us: records.iter().map(time_us).sum::<u64>() as f64,
        slots: 2,
        bypass_max: 0,
        is_whole: false,
        records,
    }
}

/// Two runs of [`workload`]: 100 ms with a task that waited too long and one that was dropped, 50 ms with one parked.
pub(super) fn runs() -> [Run; 2] {
    let parked = Record {
        end: End::Parked,
        ..dropped(1, 2, [1_010_000, 1_015_000])
    };
    let first = vec![
        done(0, 1, [0, 0, 10_000]),
        done(0, 2, [0, 10_000, 20_000]),
        done(1, 1, [20_000, 60_000, 80_000]),
        dropped(0, 2, [30_000, 40_000]),
    ];
    let second = vec![done(0, 1, [1_000_000, 1_000_000, 1_030_000]), parked];
    [
        Run {
            bypass_max: 5,
            ..run(0, 100_000, first)
        },
        Run {
            bypass_max: 3,
            ..run(1_000_000, 1_050_000, second)
        },
    ]
}

/// A plan under that name, carried out by one worker.
pub(super) fn plan(policy: &str) -> Plan {
    Plan {
        policy: policy.to_owned(),
        ..Plan::of(Rules::default(), &workload(), Mode::Mesh(Mesh::default()))
    }
}

/// The report on [`runs`].
pub(super) fn report(policy: &str) -> Report {
    summarise(&plan(policy), &workload(), &runs()).expect("the runs keep to Little's law")
}
