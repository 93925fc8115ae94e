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
