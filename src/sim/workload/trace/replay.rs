//! From recorded rows to a workload.

use super::Trace;
use super::file::{DAY_US, Row, SPAN_DAYS_MAX};
use crate::sim::workload::class::Rank;
use crate::sim::workload::payers::Payers;
use crate::sim::workload::spec::SLOTS_MAX;
use crate::sim::workload::tasks::{self, Draft, Predictor};
use crate::sim::workload::{Job, Source, Spec, WorkClass, Workload, WorkloadError};
use crate::task::Lane;

/// Offered work over capacity that slots are given for where nobody says how many.
const NATURAL_LOAD: f64 = 0.7;
/// SLO of a class over its mean service.
const SLO_OVER_SERVICE: u64 = 5;

impl Trace {
    /// The recorded tasks at the recorded times, or, where a load is asked for, with all times stretched alike so that
    /// it comes out. Without `slots`, as few as keep the load at the recorded speed at or below 0.7. Classes are of the
    /// same share and priority. `seed` draws who pays, where the trace does not say, and the predictor's errors.
    pub(in crate::sim::workload) fn workload(
        &self,
        spec: &Spec,
        seed: u64,
    ) -> Result<Workload, WorkloadError> {
        let work_us = self.rows.iter().map(|row| row.service_us).sum();
        let slots = match spec.slots {
            Some(slots) => slots,
            None => self.slots(work_us)?,
        };
        let end_us = match spec.load {
            Some(load) => tasks::window_us(work_us, slots, load),
            None => self.span_us(),
        };
        if end_us > SPAN_DAYS_MAX * DAY_US {
            return Err(WorkloadError::TooLong {
                days: end_us as f64 / DAY_US as f64,
                max: SPAN_DAYS_MAX,
            });
        }
        Ok(Workload {
            name: self.name.clone(),
            load: Some(tasks::load(work_us, slots, end_us)),
            slots,
            classes: (0..self.classes.len()).map(|place| self.class(place)).collect(),
            source: Source::Open(self.jobs(seed, end_us)),
            warmup_us: tasks::warmup_us(end_us),
            end_us,
        })
    }

    fn slots(&self, work_us: u64) -> Result<u32, WorkloadError> {
        let needed = tasks::load(work_us, 1, self.span_us()) / NATURAL_LOAD;
        let needed = needed.ceil().max(1.0);
        if needed > f64::from(SLOTS_MAX) {
            return Err(WorkloadError::TooFast {
                needed,
                max: SLOTS_MAX,
            });
        }
        Ok(needed as u32)
    }

    fn class(&self, place: usize) -> WorkClass {
        let own = self.rows.iter().filter(|row| row.class == place);
        let (count, work_us) = own.fold((0, 0), |(count, work), row| (count + 1, work + row.service_us));
        let slo_us: u64 = SLO_OVER_SERVICE * work_us / u64::max(count, 1);
        WorkClass {
            name: self.classes[place].clone(),
            share: 1,
            priority: 1,
            lane: Lane::Core,
            slo_ms: slo_us.div_ceil(1_000),
            shards: 1,
            hand: 1,
        }
    }

    fn jobs(&self, seed: u64, end_us: u64) -> Vec<Job> {
        let mut payers = Payers::new(seed, 0);
        let mut predictor = Predictor::new(seed, 0);
        let job = |row: &Row| {
            let draft = Draft {
                class: row.class,
                tenant: row.tenant.unwrap_or_else(|| payers.draw()),
                service_us: row.service_us,
                hint_us: predictor.hint_us(row.service_us),
            };
            draft.at(stretched(row.at_us, self.span_us(), end_us), Rank::EVEN)
        };
        self.rows.iter().map(job).collect()
    }
}

/// `at_us` of `span_us` as the same part of `end_us`, rounded down.
fn stretched(at_us: u64, span_us: u64, end_us: u64) -> u64 {
    let product = u128::from(at_us) * u128::from(end_us);
    u64::try_from(product / u128::from(span_us)).unwrap_or(end_us)
}
