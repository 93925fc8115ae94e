//! Traces of records.

use std::collections::BTreeMap;

use super::{Left, Recording, Summary, Wanted};
use crate::sim::workload::{Kind, Source, Spec, Trace, build};
use crate::task::{ClassName, EpochMs, State, TenantId};
use crate::wire::Ending;
use expect_test::expect;
use proptest::prelude::*;

/// 2026-11-23T12:00:00Z.
const NOON: i64 = 1_795_435_200_000;

const ALL: Wanted = Wanted {
    classes: Vec::new(),
    since: None,
    until: None,
    tasks_max: 100,
};

fn ending(state: State, class: &str, queued_ms: u64, exec_ms: u64) -> Ending {
    Ending {
        state,
        class: ClassName::new(class).ok(),
        tenant: TenantId::default_tenant(),
        attempt: 0,
        queued_ms: Some(queued_ms),
        exec_ms: Some(exec_ms),
    }
}

fn done(class: &str, queued_ms: u64, exec_ms: u64) -> Ending {
    ending(State::Completed, class, queued_ms, exec_ms)
}

/// A trace of records that were stored so many ms after noon.
fn recorded(wanted: Wanted, records: &[(i64, Ending)]) -> (Summary, String) {
    let mut recording = Recording::new(wanted);
    for (at, ending) in records {
        recording.add(EpochMs(NOON + at), Some(ending));
    }
    recording.finish()
}

#[test]
fn a_task_arrives_before_its_wait_and_its_execution_and_rows_stand_in_order_of_arrival() {
    let mut endings =
        [("bulk", 9_000, 900), ("pay", 10, 0), ("pay", 100, 250)].map(|(c, q, e)| done(c, q, e));
    endings[2].tenant = TenantId::new("acme").unwrap();
    let at = [10_000, 3_000, 10_400];
    let records: Vec<_> = at.into_iter().zip(endings).collect();
    let (summary, text) = recorded(ALL, &records);
    expect![[r#"
        TIMESTAMP,ContextTokens,GeneratedTokens,Class,ServiceMs,Tenant
        2026-11-23 12:00:00.100,0,0,bulk,900,default
        2026-11-23 12:00:02.990,0,0,pay,0.5,default
        2026-11-23 12:00:10.050,0,0,pay,250,acme
    "#]]
    .assert_eq(&text);
    assert_eq!((summary.read, summary.tasks, summary.service_ms), (3, 3, 1_150));
    assert_eq!(
        (summary.first, summary.last),
        (Some(EpochMs(NOON + 100)), Some(EpochMs(NOON + 10_050)))
    );
    assert_eq!(
        summary.classes,
        BTreeMap::from([("bulk".to_owned(), 1), ("pay".to_owned(), 2)])
    );
    assert_eq!(summary.busy_slots(), Some(1_150.0 / 9_950.0));
}

#[test]
fn what_did_not_complete_is_counted_and_a_retried_task_is_there_once() {
    let retried = Ending {
        attempt: 2,
        ..done("pay", 5_000, 20)
    };
    let unnamed = Ending {
        class: None,
        ..done("pay", 0, 1)
    };
    let untimed = Ending {
        exec_ms: None,
        ..done("pay", 0, 1)
    };
    let records = [
        (6_000, retried),
        (6_001, ending(State::Dead, "pay", 1, 1)),
        (6_002, ending(State::Cancelled, "pay", 1, 1)),
        (6_003, ending(State::Expired, "pay", 1, 1)),
        (6_004, unnamed),
        (6_005, untimed),
        (6_006, done("pay", 0, 86_400_001)),
        (6_007, done("pay", u64::MAX, u64::MAX)),
    ];
    let (summary, text) = recorded(ALL, &records);
    let left = Left {
        dead: 1,
        cancelled: 1,
        expired: 1,
        unreadable: 4,
    };
    assert_eq!(
        (summary.tasks, summary.retried, summary.left, left.all()),
        (1, 1, left, 7)
    );
    assert!(
        text.ends_with("\n2026-11-23 12:00:00.980,0,0,pay,20,default\n"),
        "{text}"
    );
}

#[test]
fn classes_and_arrivals_that_were_not_asked_for_are_not_there() {
    let wanted = Wanted {
        classes: vec![ClassName::new("pay").unwrap()],
        since: Some(EpochMs(NOON + 10)),
        until: Some(EpochMs(NOON + 20)),
        ..ALL
    };
    let records = [
        (15, done("pay", 1, 5)),
        (15, done("pay", 0, 5)),
        (25, done("pay", 0, 6)),
        (25, done("pay", 0, 5)),
        (15, done("bulk", 0, 1)),
        (15, ending(State::Dead, "bulk", 0, 1)),
        (90, ending(State::Dead, "pay", 5, 0)),
    ];
    let (summary, text) = recorded(wanted, &records);
    assert_eq!((summary.tasks, summary.read, summary.left.all()), (2, 7, 0));
    let times: Vec<&str> = text.lines().skip(1).map(|line| &line[17..23]).collect();
    assert_eq!(times, ["00.010", "00.019"]);
}

#[test]
fn of_too_many_those_stay_that_arrived_last() {
    let wanted = Wanted { tasks_max: 3, ..ALL };
    let records: Vec<_> = (0..10).map(|n| (n * 7 % 10, done("pay", 0, 0))).collect();
    let (summary, text) = recorded(wanted, &records);
    assert_eq!((summary.tasks, summary.beyond_max), (3, 7));
    let times: Vec<&str> = text.lines().skip(1).map(|line| &line[17..23]).collect();
    assert_eq!(times, ["00.007", "00.008", "00.009"]);
}

proptest! {
    #[test]
    fn every_trace_reads_back_with_every_task_at_its_time_and_of_its_length(
        records in prop::collection::vec((0_i64..100_000, 0_u64..50_000, 0_u64..5_000, 0_u8..3), 2..60)
    ) {
        let records: Vec<_> = records
            .into_iter()
            .map(|(at, queued, exec, class)| (at, done(&format!("c{class}"), queued, exec)))
            .collect();
        let (summary, text) = recorded(ALL, &records);
        let mut came: Vec<(i64, u64)> = records
            .iter()
            .map(|(at, of)| {
                let (queued, exec) = (of.queued_ms.unwrap_or(0), of.exec_ms.unwrap_or(0));
                (at - (queued + exec).cast_signed(), exec)
            })
            .collect();
        came.sort_by_key(|(at, _)| *at);
        prop_assume!(came.first().map(|(at, _)| at) != came.last().map(|(at, _)| at));
        let trace = Trace::parse("t.csv", &text).unwrap();
        prop_assert_eq!(trace.tasks(), summary.tasks);
        let made = build(&Spec { slots: Some(4), ..Spec::new(Kind::Trace(trace)) }, 1).unwrap();
        let Source::Open(jobs) = made.source else { panic!("a trace is an open loop") };
        let read: Vec<(i64, u64)> = jobs.iter().map(|job| (job.at_us.cast_signed(), job.service_us)).collect();
        let first = came[0].0;
        let wanted: Vec<(i64, u64)> = came
            .iter()
            .map(|(at, exec)| ((at - first) * 1_000, (exec * 1_000).max(500)))
            .collect();
        prop_assert_eq!(read, wanted);
    }
}
