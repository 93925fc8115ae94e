//! Who got how much.

use std::collections::BTreeMap;

use crate::scheduler::fairness;
use crate::sim::record::{End, Run};
use crate::sim::workload::{Source, Workload};

use super::figures::{Report, TenantFigures};
use super::measure::{ms, service_us, time_us};
use super::tally::quantile_ms;

/// Jain's index of the service that each tenant had in `run`.
pub(super) fn jain(workload: &Workload, run: &Run) -> f64 {
    let mut service_us: BTreeMap<u32, u64> = clients(workload).map(|tenant| (tenant, 0)).collect();
    for record in &run.records {
        *service_us.entry(record.tenant).or_default() += self::service_us(run, record);
    }
    fairness::jain(service_us.values().map(|&x| x as f64))
}

/// Each tenant's figures over all runs, by number; none where there are too many to be read.
pub(super) fn tenants(workload: &Workload, runs: &[Run]) -> Vec<TenantFigures> {
    /// Service and times in system of its done tasks, in µs.
    type Had = (u64, Vec<u64>);
    let mut had: BTreeMap<u32, Had> = clients(workload).map(|tenant| (tenant, Had::default())).collect();
    for run in runs {
        for record in &run.records {
            let (service, times) = had.entry(record.tenant).or_default();
            *service += service_us(run, record);
            if record.end == End::Done {
                times.push(time_us(record));
            }
        }
    }
    if had.len() > Report::TENANTS_MAX {
        return Vec::new();
    }
    let figures = |(tenant, (service, mut times)): (u32, Had)| {
        times.sort_unstable();
        TenantFigures {
            tenant,
            service_ms: ms(service) / runs.len() as f64,
            p99_ms: quantile_ms(&times, 99, 100),
        }
    };
    had.into_iter().map(figures).collect()
}

/// Tenants that are there whether or not a task of theirs ever ends: one that is starved in a closed loop has no record.
fn clients(workload: &Workload) -> impl Iterator<Item = u32> {
    let clients = match &workload.source {
        Source::Open(_) => &[],
        Source::Closed(clients) => clients.as_slice(),
    };
    clients.iter().map(|client| client.tenant)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::report::sample::{closed, done, dropped, run, workload};

    #[test]
    fn three_tenants_of_which_one_had_twice_as_much_are_at_eight_ninths() {
        let records = vec![
            done(0, 7, [0, 0, 100]),
            done(0, 8, [0, 100, 200]),
            done(0, 9, [0, 200, 400]),
        ];
        // (1 + 1 + 2)² / (3 · (1 + 1 + 4))
        assert_eq!(jain(&workload(), &run(0, 400, records)), 16.0 / 18.0);
    }

    #[test]
    fn a_tenant_that_had_nothing_counts() {
        let records = vec![done(0, 1, [0, 0, 100]), dropped(0, 2, [0, 100])];
        assert_eq!(jain(&workload(), &run(0, 100, records.clone())), 0.5);

        let one_of_four = run(0, 100, records[..1].to_vec());
        assert_eq!(jain(&closed(&[1, 2, 3, 4]), &one_of_four), 0.25);
    }

    #[test]
    fn nothing_for_anybody_is_equal() {
        assert_eq!(
            jain(&workload(), &run(0, 100, vec![dropped(0, 2, [0, 100])])),
            1.0
        );
    }

    #[test]
    fn tenants_are_listed_up_to_sixty_four() {
        let of = |n: u32| run(0, 100, (0..n).map(|tenant| done(0, tenant, [0, 0, 1])).collect());

        assert_eq!(tenants(&workload(), &[of(64)]).len(), 64);
        assert_eq!(tenants(&workload(), &[of(65)]), []);
    }

    #[test]
    fn a_tenants_service_is_the_mean_over_the_seeds() {
        let first = run(0, 9_000, vec![done(0, 3, [0, 0, 1_000])]);
        let second = run(0, 9_000, vec![done(0, 3, [0, 1_000, 4_000])]);
        let figures = TenantFigures {
            tenant: 3,
            service_ms: 2.0,
            p99_ms: Some(4.0),
        };

        assert_eq!(tenants(&workload(), &[first, second]), [figures]);
    }
}
