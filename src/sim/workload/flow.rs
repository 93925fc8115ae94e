//! Like tasks that come independently of each other: what `flood` and `tenants` are put together from.

use super::class::Rank;
use super::draws::{Draws, Purpose};
use super::gaps::{Gaps, Process};
use super::spec::TASKS_MAX;
use super::tasks::{self, Draft, Goal, Predictor};
use super::{Job, WorkloadError};

/// Poisson arrivals with services of CV 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Flow {
    /// Tells its random numbers from those of the workload's other flows.
    pub(super) number: u32,
    /// The class of its tasks, by place.
    pub(super) class: usize,
    /// Who pays, by number.
    pub(super) tenant: u32,
    /// What each of its tasks says of itself.
    pub(super) rank: Rank,
    /// Slots that its work would keep busy.
    pub(super) offered_slots: f64,
    /// Mean service, in µs.
    pub(super) service_us: f64,
}

/// A service of that mean and CV 1, in µs; at least 1. Lognormal: `sigma² = ln(1 + CV²)` and
/// `mu = ln(mean) − sigma² / 2`.
fn draw_service_us(mean_us: f64, draws: &mut Draws) -> u64 {
    const SIGMA_SQUARED: f64 = std::f64::consts::LN_2;
    let mu = libm::log(mean_us) - SIGMA_SQUARED / 2.0;
    (draws.lognormal(mu, SIGMA_SQUARED.sqrt()).round() as u64).max(1)
}

impl Flow {
    /// Its tasks between 0 and `end_us`, at most `max`.
    fn jobs(&self, seed: u64, end_us: u64, max: u32) -> Result<Vec<Job>, WorkloadError> {
        let mut sizes = Draws::new(seed, Purpose::Sizes, self.number);
        let mut predictor = Predictor::new(seed, self.number);
        let goal = Goal::Work((self.offered_slots * end_us as f64) as u64);
        let drafts = tasks::draw(goal, max, || {
            let service_us = draw_service_us(self.service_us, &mut sizes);
            Draft {
                class: self.class,
                tenant: self.tenant,
                service_us,
                hint_us: predictor.hint_us(service_us),
            }
        })?;
        let times = Gaps::new(Process::Poisson, seed, self.number).times_us(drafts.len(), end_us);
        let jobs = drafts.into_iter().zip(times);
        Ok(jobs.map(|(draft, at_us)| draft.at(at_us, self.rank)).collect())
    }
}

/// The tasks of all flows, in order of arrival; those of one moment in order of their flows.
pub(super) fn jobs(flows: &[Flow], seed: u64, end_us: u64) -> Result<Vec<Job>, WorkloadError> {
    let mut jobs: Vec<Job> = Vec::new();
    for flow in flows {
        let room = TASKS_MAX.saturating_sub(jobs.len() as u32);
        jobs.extend(flow.jobs(seed, end_us, room)?);
    }
    jobs.sort_by_key(|job| job.at_us);
    Ok(jobs)
}

/// Offered work over capacity.
pub(super) fn load(jobs: &[Job], slots: u32, end_us: u64) -> f64 {
    tasks::load(jobs.iter().map(|job| job.service_us).sum(), slots, end_us)
}

#[cfg(test)]
mod tests {
    use super::super::stat::{cv, gaps, mean};
    use super::*;

    const FLOW: Flow = Flow {
        number: 0,
        class: 0,
        tenant: 0,
        rank: Rank::EVEN,
        offered_slots: 4.0,
        service_us: 100_000.0,
    };

    #[test]
    fn services_have_their_mean_and_cv_1() {
        let mut draws = Draws::new(1, Purpose::Sizes, 0);
        let drawn: Vec<f64> = (0..200_000)
            .map(|_| draw_service_us(100_000.0, &mut draws) as f64)
            .collect();
        assert!((mean(&drawn) / 100_000.0 - 1.0).abs() < 0.01, "{}", mean(&drawn));
        assert!((cv(&drawn) - 1.0).abs() < 0.03, "{}", cv(&drawn));
    }

    #[test]
    fn a_flow_offers_its_slots_of_work_at_poisson_times() {
        let jobs = jobs(&[FLOW], 1, 1_000_000_000).unwrap();
        assert!((load(&jobs, 4, 1_000_000_000) - 1.0).abs() < 0.001);
        assert!(
            (jobs.len() as f64 / 40_000.0 - 1.0).abs() < 0.02,
            "{}",
            jobs.len()
        );
        let cv = cv(&gaps(jobs.iter().map(|job| job.at_us)));
        assert!((cv - 1.0).abs() < 0.02, "{cv}");
    }

    #[test]
    fn a_flow_is_the_same_whatever_flows_beside_it() {
        let other = Flow {
            number: 1,
            tenant: 1,
            offered_slots: 40.0,
            ..FLOW
        };
        let both = jobs(&[FLOW, other], 1, 10_000_000).unwrap();
        let own: Vec<Job> = both.into_iter().filter(|job| job.tenant == 0).collect();
        assert_eq!(own, jobs(&[FLOW], 1, 10_000_000).unwrap());
    }
}
