//! From services to tasks: how many there are, what a predictor says of them, when they arrive.

use super::class::Rank;
use super::draws::{Draws, Purpose};
use super::spec::TASKS_MAX;
use super::{Job, WorkloadError};

/// Deviation of the logarithm of a predictor's answer over the truth, where predictors are good.
const PREDICTOR_SIGMA: f64 = 0.5;

/// Part of a workload that is run and not counted.
const WARMUP_PART: u64 = 10;

/// A task that has no time yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Draft {
    /// Its class, by place.
    pub(super) class: usize,
    /// Who pays, by number.
    pub(super) tenant: u32,
    /// How long it occupies a slot, in µs; at least 1.
    pub(super) service_us: u64,
    /// What a predictor would have said of that.
    pub(super) hint_us: u64,
}

impl Draft {
    /// The task, arriving then, without a deadline of its own.
    pub(super) const fn at(self, at_us: u64, rank: Rank) -> Job {
        Job {
            at_us,
            class: self.class,
            tenant: self.tenant,
            service_us: self.service_us,
            hint_us: self.hint_us,
            deadline_us: None,
            urgency: rank.urgency,
            business_weight: rank.business_weight,
        }
    }
}

/// What a predictor says.
#[derive(Debug, Clone)]
pub(super) struct Predictor(Draws);

impl Predictor {
    /// That of `flow` under `seed`.
    pub(super) fn new(seed: u64, flow: u32) -> Self {
        Self(Draws::new(seed, Purpose::Hints, flow))
    }

    /// What it says of a task that occupies a slot for `service_us`: right at the median; at least 1.
    pub(super) fn hint_us(&mut self, service_us: u64) -> u64 {
        let said = service_us as f64 * self.0.lognormal(0.0, PREDICTOR_SIGMA);
        (said.round() as u64).max(1)
    }
}

/// How many tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Goal {
    /// So many; at least 1.
    Tasks(u32),
    /// As many as come nearest to so much service, in µs; at least 1.
    Work(u64),
}

/// Draws tasks until `goal` is reached, at most `max`.
pub(super) fn draw(
    goal: Goal,
    max: u32,
    mut next: impl FnMut() -> Draft,
) -> Result<Vec<Draft>, WorkloadError> {
    let mut drafts: Vec<Draft> = Vec::new();
    let mut work_us = 0;
    loop {
        let draft = next();
        let is_reached = match goal {
            Goal::Tasks(tasks) => drafts.len() >= tasks as usize,
            Goal::Work(wanted_us) => !drafts.is_empty() && work_us + draft.service_us / 2 >= wanted_us,
        };
        if is_reached {
            return Ok(drafts);
        }
        if drafts.len() >= max as usize {
            return Err(WorkloadError::TooMany { max: TASKS_MAX });
        }
        work_us += draft.service_us;
        drafts.push(draft);
    }
}

/// Service of all, in µs.
pub(super) fn work_us(drafts: &[Draft]) -> u64 {
    drafts.iter().map(|draft| draft.service_us).sum()
}

/// Offered work over capacity.
pub(super) fn load(work_us: u64, slots: u32, end_us: u64) -> f64 {
    work_us as f64 / (f64::from(slots) * end_us as f64)
}

/// The window in which that work is that load, in µs; at least 1.
pub(super) fn window_us(work_us: u64, slots: u32, load: f64) -> u64 {
    ((work_us as f64 / (f64::from(slots) * load)) as u64).max(1)
}

/// Until when tasks are not counted, in µs.
pub(super) const fn warmup_us(end_us: u64) -> u64 {
    end_us / WARMUP_PART
}

#[cfg(test)]
mod tests {
    use super::super::stat::quantile;
    use super::*;

    const DRAFT: Draft = Draft {
        class: 0,
        tenant: 0,
        service_us: 10,
        hint_us: 10,
    };

    #[test]
    fn as_many_tasks_are_drawn_as_come_nearest_to_the_work_and_at_least_one() {
        for (wanted_us, count) in [(0, 1), (14, 1), (16, 2), (100, 10), (104, 10), (106, 11)] {
            let drafts = draw(Goal::Work(wanted_us), 100, || DRAFT).unwrap();
            assert_eq!(drafts.len(), count, "{wanted_us}");
        }
        assert_eq!(draw(Goal::Tasks(7), 100, || DRAFT).unwrap().len(), 7);
    }

    #[test]
    fn more_tasks_than_there_is_room_for_are_refused() {
        assert!(draw(Goal::Work(1_000), 100, || DRAFT).is_ok());
        assert_eq!(
            draw(Goal::Work(1_010), 100, || DRAFT),
            Err(WorkloadError::TooMany { max: 10_000_000 })
        );
    }

    #[test]
    fn a_predictor_is_right_at_the_median_and_off_by_half_a_logarithm() {
        let mut predictor = Predictor::new(1, 0);
        let said: Vec<f64> = (0..100_000)
            .map(|_| predictor.hint_us(1_000_000) as f64 / 1e6)
            .collect();
        assert!((quantile(&said, 0.5) - 1.0).abs() < 0.01);
        let sigma = quantile(&said, 0.841_34).ln();
        assert!((sigma - 0.5).abs() < 0.01, "{sigma}");
    }
}
