//! What is compared.

use std::str::FromStr;

use crate::sim::report::{ClassFigures, Latency, Report};

use super::bound::Of;

/// A figure of one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Measure {
    /// Mean time from arrival to start.
    WaitMean,
    /// Its median.
    WaitP50,
    /// Its 99th percentile.
    WaitP99,
    /// Mean time from arrival to end.
    TimeMean,
    /// Its median.
    TimeP50,
    /// Its 99th percentile.
    TimeP99,
    /// Tasks that were done within their class's SLO, as a part of all.
    SloAttained,
    /// Tasks that waited for more than ten times their class's SLO, as a part of all.
    Starved,
    /// Tasks that were dropped or put aside, as a part of all.
    GivenUp,
    /// Tasks that were done per second.
    Throughput,
    /// The most tasks that passed one that was the first of its queue.
    BypassMax,
}

/// What a figure is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Ms,
    /// A part of all tasks, 0 to 1.
    Part,
    PerS,
    Tasks,
}

/// A text that names no measure.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no measure {0:?}; the measures are {names}", names = Measure::ALL.map(Measure::as_str).join(", "))]
pub struct UnknownMeasure(String);

impl Measure {
    /// Every measure, in the order of help and tables.
    pub const ALL: [Self; 11] = [
        Self::WaitMean,
        Self::WaitP50,
        Self::WaitP99,
        Self::TimeMean,
        Self::TimeP50,
        Self::TimeP99,
        Self::SloAttained,
        Self::Starved,
        Self::GivenUp,
        Self::Throughput,
        Self::BypassMax,
    ];

    /// Its word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WaitMean => "wait_mean",
            Self::WaitP50 => "wait_p50",
            Self::WaitP99 => "wait_p99",
            Self::TimeMean => "time_mean",
            Self::TimeP50 => "time_p50",
            Self::TimeP99 => "time_p99",
            Self::SloAttained => "slo_attained",
            Self::Starved => "starved",
            Self::GivenUp => "given_up",
            Self::Throughput => "throughput",
            Self::BypassMax => "bypass_max",
        }
    }

    /// Whether it means something only where a policy says what is in time.
    #[must_use]
    pub const fn needs_slo(self) -> bool {
        matches!(self, Self::SloAttained | Self::Starved)
    }

    /// Whether it is of all tasks together and not of a class.
    #[must_use]
    pub const fn is_of_all(self) -> bool {
        matches!(self, Self::BypassMax)
    }

    /// Whether more of it is better.
    #[must_use]
    pub const fn is_better_high(self) -> bool {
        matches!(self, Self::SloAttained | Self::Throughput)
    }

    pub(super) const fn unit(self) -> Unit {
        match self {
            Self::WaitMean
            | Self::WaitP50
            | Self::WaitP99
            | Self::TimeMean
            | Self::TimeP50
            | Self::TimeP99 => Unit::Ms,
            Self::SloAttained | Self::Starved | Self::GivenUp => Unit::Part,
            Self::Throughput => Unit::PerS,
            Self::BypassMax => Unit::Tasks,
        }
    }

    /// Reads it off a report; none where there was no task to read it off. `has_slo` says of each class whether a policy
    /// says what is in time.
    pub(super) fn of(self, report: &Report, of: Of, has_slo: &[bool]) -> Option<f64> {
        let Of::Class(place) = of else {
            return self.of_all(report, has_slo);
        };
        let class = report.classes.get(place)?;
        let part = |count: usize| (class.tasks > 0).then(|| count as f64 / class.tasks as f64);
        match self {
            Self::SloAttained => class.slo_attained,
            Self::Starved => part(class.starved),
            Self::GivenUp => part(class.given_up),
            Self::Throughput => Some(class.throughput_per_s),
            Self::BypassMax => None,
            _ => self.of_times(class.wait, class.latency),
        }
    }

    fn of_all(self, report: &Report, has_slo: &[bool]) -> Option<f64> {
        let judged = || {
            let classes = report.classes.iter().zip(has_slo);
            classes.filter(|(_, has)| **has).map(|(class, _)| class)
        };
        let tasks = || judged().map(|class| class.tasks).sum::<usize>();
        let of_judged = |count: f64| (tasks() > 0).then(|| count / tasks() as f64);
        match self {
            Self::SloAttained => {
                let in_time = |class: &ClassFigures| class.slo_attained.unwrap_or(0.0) * class.tasks as f64;
                of_judged(judged().map(in_time).sum())
            }
            Self::Starved => of_judged(judged().map(|class| class.starved).sum::<usize>() as f64),
            Self::GivenUp => {
                let given_up = report.dropped + report.parked;
                (report.tasks > 0).then(|| given_up as f64 / report.tasks as f64)
            }
            Self::Throughput => Some(report.throughput_per_s),
            Self::BypassMax => Some(report.bypass_max as f64),
            _ => self.of_times(report.wait, report.latency),
        }
    }

    fn of_times(self, wait: Option<Latency>, time: Option<Latency>) -> Option<f64> {
        Some(match self {
            Self::WaitMean => wait?.mean_ms,
            Self::WaitP50 => wait?.p50_ms,
            Self::WaitP99 => wait?.p99_ms,
            Self::TimeMean => time?.mean_ms,
            Self::TimeP50 => time?.p50_ms,
            Self::TimeP99 => time?.p99_ms,
            _ => return None,
        })
    }
}

impl FromStr for Measure {
    type Err = UnknownMeasure;
    fn from_str(text: &str) -> Result<Self, UnknownMeasure> {
        Self::ALL
            .into_iter()
            .find(|measure| measure.as_str() == text)
            .ok_or_else(|| UnknownMeasure(text.to_owned()))
    }
}
