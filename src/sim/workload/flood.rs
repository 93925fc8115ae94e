//! Four modest classes, and one of them floods.
//!
//! While it floods, the tasks that arrive are more than the slots can serve, and its backlog grows until
//! [`Workload::end_us`]. A report must count no later than that and judge the other classes: what is left of the
//! flood by then says nothing.

use super::class::{ClassPlan, Rank};
use super::flow::{self, Flow};
use super::spec::{Presence, SLOTS};
use super::tasks::warmup_us;
use super::{Source, Spec, Workload, WorkloadError};
use crate::task::Lane;

/// Part of its own share of the slots that a class offers where no load is asked for.
const LOAD: f64 = 0.3;
/// What the class that floods offers instead, in shares of its own: with a share of 10 %, all slots.
const FLOOD: f64 = 10.0;
/// Length where no duration is asked for, in s.
const WINDOW_S: u64 = 120;
/// Mean service of all classes, in µs; CV 1.
const SERVICE_US: f64 = 100_000.0;

/// SLO of what people wait for, in ms.
const PROMPT_SLO_MS: u64 = 1_000;
/// SLO of what is watched, in ms.
const METRICS_SLO_MS: u64 = 5_000;
/// SLO of what is to be done some time, in ms.
const BACKUP_SLO_MS: u64 = 60_000;

/// The last one floods.
const CLASSES: [ClassPlan; 4] = [
    ClassPlan {
        name: "payment",
        share: 40,
        priority: 1,
        lane: Lane::Core,
        slo_ms: PROMPT_SLO_MS,
        rank: Rank::new(9.0, 9.0),
    },
    ClassPlan {
        name: "auth",
        share: 30,
        priority: 1,
        lane: Lane::Core,
        slo_ms: PROMPT_SLO_MS,
        rank: Rank::new(8.0, 7.0),
    },
    ClassPlan {
        name: "metrics",
        share: 20,
        priority: 3,
        lane: Lane::Normal,
        slo_ms: METRICS_SLO_MS,
        rank: Rank::new(4.0, 4.0),
    },
    ClassPlan {
        name: "backup",
        share: 10,
        priority: 5,
        lane: Lane::Normal,
        slo_ms: BACKUP_SLO_MS,
        rank: Rank::new(1.0, 1.0),
    },
];

/// Four classes, each a tenant of its own; load 0.3 of each share, 16 slots and 120 s unless said otherwise.
pub(super) fn build(spec: &Spec, seed: u64) -> Result<Workload, WorkloadError> {
    let slots = spec.slots.unwrap_or(SLOTS);
    let end_us = spec.window_us(WINDOW_S);
    let jobs = flow::jobs(&flows(spec, slots), seed, end_us)?;
    let name = match spec.presence {
        Presence::With => "flood",
        Presence::Without => "flood-without",
    };
    Ok(Workload {
        name: name.to_owned(),
        load: Some(flow::load(&jobs, slots, end_us)),
        slots,
        classes: CLASSES.iter().map(ClassPlan::class).collect(),
        source: Source::Open(jobs),
        warmup_us: warmup_us(end_us),
        end_us,
    })
}

fn flows(spec: &Spec, slots: u32) -> Vec<Flow> {
    let modest = spec.load.unwrap_or(LOAD);
    let shares: u32 = CLASSES.iter().map(|plan| plan.share).sum();
    let last = CLASSES.len() - 1;
    let flow = |(class, plan): (usize, &ClassPlan)| {
        let part = match spec.presence {
            Presence::With if class == last => FLOOD,
            _ => modest,
        };
        Flow {
            number: class as u32,
            class,
            tenant: class as u32,
            rank: plan.rank,
            offered_slots: part * f64::from(plan.share) / f64::from(shares) * f64::from(slots),
            service_us: SERVICE_US,
        }
    };
    CLASSES.iter().enumerate().map(flow).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::workload::{Job, Kind};

    fn jobs(presence: Presence) -> Vec<Job> {
        let spec = Spec {
            presence,
            ..Spec::new(Kind::Flood)
        };
        match build(&spec, 1).unwrap().source {
            Source::Open(jobs) => jobs,
            Source::Closed(_) => panic!("the flood is an open loop"),
        }
    }

    /// Work of a class over its share of the slots.
    fn offered(jobs: &[Job], class: usize) -> f64 {
        let work = jobs.iter().filter(|job| job.class == class);
        let work_s = work.map(|job| job.service_us as f64 / 1e6).sum::<f64>();
        work_s / (120.0 * 16.0 * f64::from(CLASSES[class].share) / 100.0)
    }

    #[test]
    fn each_class_offers_its_part_of_its_share_and_backup_ten_of_its_shares() {
        for (presence, wanted) in [
            (Presence::With, [0.3, 0.3, 0.3, 10.0]),
            (Presence::Without, [0.3, 0.3, 0.3, 0.3]),
        ] {
            let jobs = jobs(presence);
            for (class, wanted) in wanted.into_iter().enumerate() {
                let found = offered(&jobs, class);
                assert!((found / wanted - 1.0).abs() < 0.01, "{class}: {found}");
            }
        }
    }

    #[test]
    fn all_but_the_flood_is_the_same_with_and_without_it() {
        let others = |presence| -> Vec<Job> {
            let jobs = jobs(presence).into_iter();
            jobs.filter(|job| job.class != 3).collect()
        };
        assert!(others(Presence::With).len() > 4_000);
        assert_eq!(others(Presence::With), others(Presence::Without));
    }
}
