//! What may be asked of a workload.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::{Kind, WorkloadError};

/// A workload to be made. What is not given has a default that its kind documents.
#[derive(Debug, Clone, PartialEq)]
pub struct Spec {
    /// Which.
    pub kind: Kind,
    /// Offered work over capacity, 0.001 to 100. In `flood` each class offers so much of its own share, in `tenants`
    /// the light ones offer it together; what floods is fixed.
    pub load: Option<f64>,
    /// Slots it is made for, 1 to 100,000.
    pub slots: Option<u32>,
    /// How much of it.
    pub length: Option<Length>,
    /// Standard deviation of the gaps between arrivals over their mean, 0.1 to 10; `mix` alone.
    pub cv: Option<f64>,
    /// Whether what floods is there; `flood` and `tenants`.
    pub presence: Presence,
}

/// How much of a workload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// So many tasks, 1 to 10,000,000; the window follows from the load.
    Tasks(u32),
    /// Tasks arrive for so long, 1 s to 30 days.
    For(Duration),
}

/// Whether what floods is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Presence {
    /// It is.
    #[default]
    With,
    /// It is not, and everything else is the same to the microsecond: in `flood` the class `backup` is as modest as
    /// the others, in `tenants` tenant 0 sends nothing.
    Without,
}

/// The most tasks of one workload: about a gigabyte.
pub(super) const TASKS_MAX: u32 = 10_000_000;
/// The most slots of one workload.
pub(super) const SLOTS_MAX: u32 = 100_000;

/// Slots where none are asked for.
pub(super) const SLOTS: u32 = 16;

const LOAD: RangeInclusive<f64> = 0.001..=100.0;
const CV: RangeInclusive<f64> = 0.1..=10.0;
const DURATION_S: RangeInclusive<f64> = 1.0..=2_592_000.0;

impl Spec {
    /// That kind, with its defaults.
    #[must_use]
    pub const fn new(kind: Kind) -> Self {
        Self {
            kind,
            load: None,
            slots: None,
            length: None,
            cv: None,
            presence: Presence::With,
        }
    }

    /// What it asks for is in range and its kind has it.
    pub(super) fn check(&self) -> Result<(), WorkloadError> {
        within("--load", self.load, LOAD)?;
        within(
            "the number of all workers' --slots",
            self.slots.map(f64::from),
            1.0..=f64::from(SLOTS_MAX),
        )?;
        within("--cv", self.cv, CV)?;
        match self.length {
            Some(Length::Tasks(tasks)) => {
                within("--tasks", Some(f64::from(tasks)), 1.0..=f64::from(TASKS_MAX))?
            }
            Some(Length::For(time)) => within("--seconds", Some(time.as_secs_f64()), DURATION_S)?,
            None => (),
        }
        self.refusals()
            .iter()
            .find(|(is_asked_for, ..)| *is_asked_for)
            .map_or(Ok(()), |&(_, what, why)| {
                Err(WorkloadError::NotTaken {
                    kind: self.kind.as_str(),
                    what,
                    why,
                })
            })
    }

    /// Choices the kind does not have: whether this asks for one, its name, and why not.
    fn refusals(&self) -> Vec<(bool, &'static str, &'static str)> {
        let load = self.load.is_some();
        let tasks = matches!(self.length, Some(Length::Tasks(_)));
        let length = self.length.is_some();
        let lasts = "it lasts for a time; give --seconds, or leave it out";
        let cv = (
            self.cv.is_some(),
            "--cv",
            "only mix has one, all others have theirs; leave it out",
        );
        let without = (
            self.presence == Presence::Without,
            "--without",
            "only flood and tenants have somebody who floods; leave it out",
        );
        match self.kind {
            Kind::Reference => vec![
                (load, "--load", "its clients wait for their answers; leave it out"),
                (tasks, "--tasks", lasts),
                cv,
                without,
            ],
            Kind::Code | Kind::Conv => vec![cv, without],
            Kind::Mix => vec![without],
            Kind::Flood | Kind::Tenants => vec![(tasks, "--tasks", lasts), cv],
            Kind::Trace(_) => vec![
                (
                    length,
                    "--tasks or --seconds",
                    "it is as long as its file; cut the file, or leave it out",
                ),
                cv,
                without,
            ],
        }
    }

    /// How long tasks arrive, in µs; `default_s` where that is not said.
    pub(super) fn window_us(&self, default_s: u64) -> u64 {
        match self.length {
            Some(Length::For(time)) => micros(time),
            Some(Length::Tasks(_)) | None => default_s * 1_000_000,
        }
    }
}

/// In µs.
pub(super) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

fn within(what: &'static str, found: Option<f64>, range: RangeInclusive<f64>) -> Result<(), WorkloadError> {
    match found {
        Some(found) if !range.contains(&found) => Err(WorkloadError::OutOfRange {
            what,
            found,
            min: *range.start(),
            max: *range.end(),
        }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    fn check(change: impl Fn(&mut Spec), kind: Kind, told: Expect) {
        let mut spec = Spec::new(kind);
        change(&mut spec);
        told.assert_eq(&spec.check().unwrap_err().to_string());
    }

    #[test]
    fn every_kind_takes_its_defaults() {
        assert!(
            Kind::MADE
                .iter()
                .all(|kind| Spec::new(kind.clone()).check().is_ok())
        );
    }

    #[test]
    fn a_number_outside_its_range_is_refused_with_the_range() {
        check(
            |spec| spec.load = Some(0.0),
            Kind::Code,
            expect!["--load is 0; give 0.001 to 100"],
        );
        check(
            |spec| spec.load = Some(f64::NAN),
            Kind::Code,
            expect!["--load is NaN; give 0.001 to 100"],
        );
        check(
            |spec| spec.slots = Some(0),
            Kind::Code,
            expect!["the number of all workers' --slots is 0; give 1 to 100000"],
        );
        check(
            |spec| spec.cv = Some(11.0),
            Kind::Mix,
            expect!["--cv is 11; give 0.1 to 10"],
        );
        check(
            |spec| spec.length = Some(Length::Tasks(0)),
            Kind::Code,
            expect!["--tasks is 0; give 1 to 10000000"],
        );
        check(
            |spec| spec.length = Some(Length::For(Duration::from_millis(10))),
            Kind::Flood,
            expect!["--seconds is 0.01; give 1 to 2592000"],
        );
    }

    #[test]
    fn a_choice_that_a_kind_does_not_have_is_refused_with_the_reason() {
        check(
            |spec| spec.load = Some(0.9),
            Kind::Reference,
            expect![
                "the workload reference takes no --load: its clients wait for their answers; leave it out"
            ],
        );
        check(
            |spec| spec.length = Some(Length::Tasks(100)),
            Kind::Flood,
            expect![
                "the workload flood takes no --tasks: it lasts for a time; give --seconds, or leave it out"
            ],
        );
        check(
            |spec| spec.cv = Some(2.0),
            Kind::Conv,
            expect![
                "the workload conv takes no --cv: only mix has one, all others have theirs; leave it out"
            ],
        );
        check(
            |spec| spec.presence = Presence::Without,
            Kind::Mix,
            expect![
                "the workload mix takes no --without: only flood and tenants have somebody who floods; leave it out"
            ],
        );
    }
}
