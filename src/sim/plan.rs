//! What is simulated: a scheduling policy, and who carries it out.

use std::fmt;
use std::time::Duration;

use super::report::text::counted;
use super::task::Hints;
use super::workload::{WorkClass, Workload};
use crate::scheduler::rate::Rate;
use crate::scheduler::rules::{ClassTerms, Rules};

/// One policy, as it is to be run.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// What the policy is called in reports.
    pub policy: String,
    /// The rule between classes.
    pub rules: Rules,
    /// What the rules know of each class of the workload, by place.
    pub classes: Vec<ClassPlan>,
    /// Who carries it out.
    pub mode: Mode,
    /// What schedulers are told of a task's cost.
    pub hints: Hints,
}

/// One class of the workload under a policy.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClassPlan {
    /// Share, priority and the order within it.
    pub terms: ClassTerms,
    /// Tasks of it that may run at once.
    pub max_concurrent: Option<u32>,
    /// How many of its tasks may start in a time; one scheduler that knows all takes no notice of it.
    pub rate: Option<Rate>,
}

/// Who carries a policy out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// One scheduler that knows every queue and pulls in no time.
    Ideal,
    /// Workers that know what a real one knows.
    Mesh(Mesh),
}

/// Workers, and what parts them from the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mesh {
    /// How many, at least 1; the workload's slots are divided over them.
    pub workers: u32,
    /// From a pull to its answer, in µs, give or take a tenth; at least 2.
    pub round_trip_us: u64,
    /// Deaths of workers, spread at random over the arrivals.
    pub crashes: u32,
    /// Silence after which the server delivers again, in ms.
    pub ack_wait_ms: u64,
    /// Percent of asks that the server dawdles over.
    pub slow_percent: u64,
}

impl Default for Mesh {
    fn default() -> Self {
        Self {
            workers: 1,
            round_trip_us: 500,
            crashes: 0,
            ack_wait_ms: 10_000,
            slow_percent: 0,
        }
    }
}

/// Who serves, and what they are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServedBy {
    /// Who carries the policy out.
    pub mode: Mode,
    /// What schedulers are told of a task's cost.
    pub hints: Hints,
}

/// For people, on one line.
impl fmt::Display for ServedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.mode {
            Mode::Ideal => f.write_str("one scheduler that knows every queue")?,
            Mode::Mesh(mesh) => fmt::Display::fmt(mesh, f)?,
        }
        match self.hints {
            Hints::ByTask => f.write_str(", each task's cost hinted at"),
            Hints::ByClass => Ok(()),
        }
    }
}

impl fmt::Display for Mesh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let trip = humantime::format_duration(Duration::from_micros(self.round_trip_us));
        write!(f, "{}, round trip {trip}", counted(self.workers.into(), "worker"))?;
        if self.crashes > 0 {
            let silence = humantime::format_duration(Duration::from_millis(self.ack_wait_ms));
            let deaths = counted(self.crashes.into(), "death");
            write!(f, ", {deaths} noticed after {silence}")?;
        }
        if self.slow_percent > 0 {
            write!(f, ", {} % of asks read late", self.slow_percent)?;
        }
        Ok(())
    }
}

impl Plan {
    /// Who serves under it.
    #[must_use]
    pub const fn served_by(&self) -> ServedBy {
        ServedBy {
            mode: self.mode,
            hints: self.hints,
        }
    }

    /// `rules` over the classes as the workload has them.
    #[must_use]
    pub fn of(rules: Rules, workload: &Workload, mode: Mode) -> Self {
        Self {
            policy: rules.between.as_str().to_owned(),
            rules,
            classes: workload.classes.iter().map(ClassPlan::of).collect(),
            mode,
            hints: Hints::ByClass,
        }
    }
}

impl ClassPlan {
    /// A class as its workload has it.
    #[must_use]
    pub fn of(class: &WorkClass) -> Self {
        let terms = ClassTerms::new(f64::from(class.share), class.priority);
        Self {
            terms: ClassTerms {
                slo_ms: Some(class.slo_ms),
                ..terms
            },
            max_concurrent: None,
            rate: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    #[test]
    fn who_serves_is_said_on_one_line() {
        let check = |mode: Mode, hints: Hints, told: Expect| {
            told.assert_eq(&ServedBy { mode, hints }.to_string());
        };
        check(
            Mode::Ideal,
            Hints::ByTask,
            expect!["one scheduler that knows every queue, each task's cost hinted at"],
        );
        check(
            Mode::Mesh(Mesh::default()),
            Hints::ByClass,
            expect!["1 worker, round trip 500us"],
        );
        let rough = Mesh {
            workers: 4,
            round_trip_us: 2_000,
            crashes: 5,
            ack_wait_ms: 3_000,
            slow_percent: 10,
        };
        check(
            Mode::Mesh(rough),
            Hints::ByClass,
            expect!["4 workers, round trip 2ms, 5 deaths noticed after 3s, 10 % of asks read late"],
        );
    }
}
