//! Sixteen tenants of one class, and one of them asks for all there is.
//!
//! With the heavy one 1.3 times the capacity is asked for, and its backlog grows until [`Workload::end_us`]. A report
//! must count no later than that and judge the light tenants.

use super::class::Rank;
use super::flow::{self, Flow};
use super::spec::{Presence, SLOTS};
use super::tasks::warmup_us;
use super::{Source, Spec, WorkClass, Workload, WorkloadError};
use crate::task::Lane;

/// Tenants beside the heavy one, which is tenant 0.
const LIGHT: u32 = 15;
/// Part of the capacity that the light ones offer together where no load is asked for.
const LOAD: f64 = 0.3;
/// Part of the capacity that the heavy one offers.
const HEAVY: f64 = 1.0;
/// Length where no duration is asked for, in s.
const WINDOW_S: u64 = 120;
/// Mean service, in µs; CV 1.
const SERVICE_US: f64 = 50_000.0;
/// SLO of the class, in ms.
const SLO_MS: u64 = 1_000;
/// Buckets and how many of them a tenant may use: a tenant is fully covered by 1, 4 and 8 heavy ones with a chance of
/// 0.2, 16 and 52 %.
const SHARDS: (u16, u16) = (16, 3);

/// One class; load 0.3 of the light ones together, 16 slots and 120 s unless said otherwise.
pub(super) fn build(spec: &Spec, seed: u64) -> Result<Workload, WorkloadError> {
    let slots = spec.slots.unwrap_or(SLOTS);
    let end_us = spec.window_us(WINDOW_S);
    let jobs = flow::jobs(&flows(spec, slots), seed, end_us)?;
    let name = match spec.presence {
        Presence::With => "tenants",
        Presence::Without => "tenants-without",
    };
    Ok(Workload {
        name: name.to_owned(),
        load: Some(flow::load(&jobs, slots, end_us)),
        slots,
        classes: vec![WorkClass {
            name: "shared".to_owned(),
            share: 1,
            priority: 1,
            lane: Lane::Core,
            slo_ms: SLO_MS,
            shards: SHARDS.0,
            hand: SHARDS.1,
        }],
        source: Source::Open(jobs),
        warmup_us: warmup_us(end_us),
        end_us,
    })
}

fn flows(spec: &Spec, slots: u32) -> Vec<Flow> {
    let light = spec.load.unwrap_or(LOAD) / f64::from(LIGHT);
    let flow = |tenant, part| Flow {
        number: tenant,
        class: 0,
        tenant,
        rank: Rank::EVEN,
        offered_slots: part * f64::from(slots),
        service_us: SERVICE_US,
    };
    let heavy = match spec.presence {
        Presence::With => Some(flow(0, HEAVY)),
        Presence::Without => None,
    };
    let others = (1..=LIGHT).map(|tenant| flow(tenant, light));
    heavy.into_iter().chain(others).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::workload::{Job, Kind};

    fn jobs(presence: Presence) -> Vec<Job> {
        let spec = Spec {
            presence,
            ..Spec::new(Kind::Tenants)
        };
        match build(&spec, 1).unwrap().source {
            Source::Open(jobs) => jobs,
            Source::Closed(_) => panic!("the tenants are an open loop"),
        }
    }

    #[test]
    fn the_heavy_one_offers_all_capacity_and_fifteen_others_a_fiftieth_each() {
        let jobs = jobs(Presence::With);
        for tenant in 0..=LIGHT {
            let own = jobs.iter().filter(|job| job.tenant == tenant);
            let part = own.map(|job| job.service_us as f64).sum::<f64>() / (120e6 * 16.0);
            let wanted = if tenant == 0 { 1.0 } else { 0.02 };
            assert!((part / wanted - 1.0).abs() < 0.01, "{tenant}: {part}");
        }
    }

    #[test]
    fn the_light_ones_are_the_same_with_and_without_the_heavy_one() {
        let with = jobs(Presence::With).into_iter();
        let light: Vec<Job> = with.filter(|job| job.tenant != 0).collect();
        assert!(light.len() > 10_000);
        assert_eq!(light, jobs(Presence::Without));
    }
}
