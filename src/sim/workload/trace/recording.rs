//! From how tasks have ended to a trace of how they came.
//!
//! A task came when it was first enqueued: at the time of its record, less its execution, less the time before that. This
//! holds however often it was tried, since both times are counted from the first enqueue and of the last execution.
//! Records come in the order of ends, rows stand in the order of arrivals.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::file::{DAY_US, SPAN_DAYS_MAX};
use super::line::{SERVICE_MS_MAX, header};
use crate::task::{ClassName, EpochMs, State, TenantId};
use crate::wire::{Ending, to_rfc3339};

/// What stands for an execution of less than a millisecond, in ms: records count whole ones.
const BELOW_ONE_MS: &str = "0.5";

/// Which tasks are to be in a trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Those of these classes; of all where it is empty.
    pub classes: Vec<ClassName>,
    /// Those that arrived then or later.
    pub since: Option<EpochMs>,
    /// Those that arrived earlier.
    pub until: Option<EpochMs>,
    /// At most so many, at least 1: those that arrived last.
    pub tasks_max: usize,
}

/// Records that tell of no task that could be replayed, by the reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Left {
    /// Their tasks were given up: the record has no execution that did its work.
    pub dead: u64,
    /// Their tasks were cancelled.
    pub cancelled: u64,
    /// Their tasks' deadlines passed.
    pub expired: u64,
    /// They do not say which class, how long it waited or how long it ran, or say what cannot be.
    pub unreadable: u64,
}

/// What is in a trace, and what is not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Summary {
    /// Records that were read, whether wanted or not.
    pub read: u64,
    /// Tasks of the trace.
    pub tasks: usize,
    /// How many of them each class has, by name.
    pub classes: BTreeMap<String, usize>,
    /// How many of them had failed before: they are in the trace once, with their last execution.
    pub retried: usize,
    /// When the first arrived; none where there is none.
    pub first: Option<EpochMs>,
    /// When the last arrived.
    pub last: Option<EpochMs>,
    /// Executions of all of them, in ms.
    pub service_ms: u64,
    /// Records that were wanted and left out.
    pub left: Left,
    /// Tasks that were left out because they arrived before as many others as a trace may have.
    pub beyond_max: u64,
}

impl Left {
    /// All of them.
    #[must_use]
    pub const fn all(&self) -> u64 {
        self.dead + self.cancelled + self.expired + self.unreadable
    }
}

impl Summary {
    /// How many slots the tasks kept busy between the first arrival and the last, on average; none of no time.
    #[must_use]
    pub fn busy_slots(&self) -> Option<f64> {
        let span_ms = self.last?.since(self.first?);
        (span_ms > 0).then(|| self.service_ms as f64 / span_ms as f64)
    }
}

/// A trace in the making.
#[derive(Debug)]
pub struct Recording {
    wanted: Wanted,
    /// Invariant: at most twice as many as are wanted.
    rows: Vec<Row>,
    /// Each name once, as many rows bear it.
    names: BTreeSet<ClassName>,
    tenants: BTreeSet<TenantId>,
    summary: Summary,
}

#[derive(Debug, Clone)]
struct Row {
    arrived: EpochMs,
    class: ClassName,
    tenant: TenantId,
    service_ms: u64,
    is_retried: bool,
}

impl Recording {
    /// An empty one.
    #[must_use]
    pub fn new(wanted: Wanted) -> Self {
        Self {
            wanted,
            rows: Vec::new(),
            names: BTreeSet::new(),
            tenants: BTreeSet::new(),
            summary: Summary::default(),
        }
    }

    /// Takes the next record, which was stored at `at`.
    pub fn add(&mut self, at: EpochMs, ending: Option<&Ending>) {
        self.summary.read += 1;
        let Some(ending) = ending else {
            self.summary.left.unreadable += 1;
            return;
        };
        let before_ms = ending
            .queued_ms
            .unwrap_or(0)
            .saturating_add(ending.exec_ms.unwrap_or(0));
        let arrived = EpochMs(at.0.saturating_sub_unsigned(before_ms));
        if !self.wants(arrived, ending.class.as_ref()) {
            return;
        }
        let left = &mut self.summary.left;
        match (ending.state, &ending.class, ending.queued_ms, ending.exec_ms) {
            (State::Dead, ..) => left.dead += 1,
            (State::Cancelled, ..) => left.cancelled += 1,
            (State::Expired, ..) => left.expired += 1,
            (_, Some(class), Some(_), Some(service_ms)) if can_be(before_ms, service_ms) => {
                let row = Row {
                    arrived,
                    class: shared(&mut self.names, class),
                    tenant: shared(&mut self.tenants, &ending.tenant),
                    service_ms,
                    is_retried: ending.attempt > 0,
                };
                self.keep(row);
            }
            _ => left.unreadable += 1,
        }
    }

    /// How many records were taken so far.
    #[must_use]
    pub const fn read(&self) -> u64 {
        self.summary.read
    }

    /// What is in it, and its text: a file that [`super::Trace::read`] takes, unless all its tasks arrived in one ms, the
    /// last one more than 31 days after the first, or they are of more than 200 classes.
    #[must_use]
    pub fn finish(mut self) -> (Summary, String) {
        self.cut();
        let mut text = header();
        text.push('\n');
        for row in &self.rows {
            write_row(row, &mut text);
        }
        let (rows, mut summary) = (&self.rows, self.summary);
        summary.tasks = rows.len();
        summary.retried = rows.iter().filter(|row| row.is_retried).count();
        summary.first = rows.first().map(|row| row.arrived);
        summary.last = rows.last().map(|row| row.arrived);
        summary.service_ms = rows.iter().map(|row| row.service_ms).sum();
        for row in rows {
            *summary.classes.entry(row.class.to_string()).or_default() += 1;
        }
        (summary, text)
    }

    fn wants(&self, arrived: EpochMs, class: Option<&ClassName>) -> bool {
        let wanted = &self.wanted;
        let of_class = wanted.classes.is_empty() || class.is_some_and(|class| wanted.classes.contains(class));
        of_class
            && wanted.since.is_none_or(|since| arrived >= since)
            && wanted.until.is_none_or(|until| arrived < until)
    }

    fn keep(&mut self, row: Row) {
        self.rows.push(row);
        if self.rows.len() >= self.wanted.tasks_max.saturating_mul(2) {
            self.cut();
        }
    }

    /// Sorts them, those of one moment as they ended, and leaves out the first that are too many.
    fn cut(&mut self) {
        self.rows.sort_by_key(|row| row.arrived);
        let excess = self.rows.len().saturating_sub(self.wanted.tasks_max);
        self.rows.drain(..excess);
        self.summary.beyond_max += excess as u64;
    }
}

/// Whether a task can have waited and run for so long: no longer than a trace lasts, and than one takes.
fn can_be(before_ms: u64, service_ms: u64) -> bool {
    before_ms <= SPAN_DAYS_MAX * (DAY_US / 1_000) && service_ms as f64 <= SERVICE_MS_MAX
}

fn shared<T: Clone + Ord>(known: &mut BTreeSet<T>, name: &T) -> T {
    match known.get(name) {
        Some(known) => known.clone(),
        None => {
            known.insert(name.clone());
            name.clone()
        }
    }
}

fn write_row(row: &Row, text: &mut String) {
    // The format has a blank for the T and no zone.
    let time = to_rfc3339(row.arrived).replace('T', " ");
    let time = time.trim_end_matches('Z');
    let (class, tenant) = (&row.class, &row.tenant);
    // Writing to a text cannot fail. No record says how many tokens there were: the service stands for them.
    let _ = match row.service_ms {
        0 => writeln!(text, "{time},0,0,{class},{BELOW_ONE_MS},{tenant}"),
        ms => writeln!(text, "{time},0,0,{class},{ms},{tenant}"),
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::workload::{Kind, Source, Spec, Trace, build};
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
}
