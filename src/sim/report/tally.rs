//! What is counted of a group of tasks, over all runs.

use crate::sim::record::{End, Record, Run};
use crate::sim::workload::Workload;

use super::figures::Latency;
use super::measure::{is_in_time, mean, ms, service_us, span_s, time_us, wait_us};

/// A group of tasks.
#[derive(Debug)]
pub(super) struct Tally {
    /// Time in system of each that was done, in µs, sorted.
    pub(super) times_us: Vec<u64>,
    /// From arrival to start of each of them, in µs, sorted.
    pub(super) waits_us: Vec<u64>,
    /// Tasks, however they ended.
    tasks: usize,
    /// Tasks that were done within their SLO.
    in_time: usize,
    /// Tasks done per second; mean over the runs.
    pub(super) per_s: f64,
    /// Service of those that were done, in µs.
    pub(super) service_us: u64,
}

impl Tally {
    /// Counts the tasks that `is_of` picks.
    pub(super) fn of(workload: &Workload, runs: &[Run], is_of: impl Fn(&Record) -> bool) -> Self {
        let mut tally = Self {
            times_us: Vec::new(),
            waits_us: Vec::new(),
            tasks: 0,
            in_time: 0,
            per_s: mean(runs, |run| {
                count(run, |r| is_of(r) && r.end == End::Done) as f64 / span_s(run)
            }),
            service_us: 0,
        };
        for run in runs {
            for record in run.records.iter().filter(|&record| is_of(record)) {
                tally.add(workload, run, record);
            }
        }
        tally.times_us.sort_unstable();
        tally.waits_us.sort_unstable();
        tally
    }

    /// Its tasks done within their SLO over all its tasks, 0 to 1; none of none.
    pub(super) fn slo_attained(&self) -> Option<f64> {
        (self.tasks > 0).then(|| self.in_time as f64 / self.tasks as f64)
    }

    fn add(&mut self, workload: &Workload, run: &Run, record: &Record) {
        self.tasks += 1;
        self.in_time += usize::from(is_in_time(&workload.classes[record.class], record));
        self.service_us += service_us(run, record);
        if record.end == End::Done {
            self.times_us.push(time_us(record));
            self.waits_us.push(wait_us(record));
        }
    }
}

/// How many tasks of `run` are so.
pub(super) fn count(run: &Run, is_so: impl Fn(&Record) -> bool) -> usize {
    run.records.iter().filter(|&record| is_so(record)).count()
}

/// Quantiles of sorted times in µs; none of none.
pub(super) fn latency(sorted_us: &[u64]) -> Option<Latency> {
    Some(Latency {
        mean_ms: ms(sorted_us.iter().sum()) / sorted_us.len().max(1) as f64,
        p50_ms: quantile_ms(sorted_us, 50, 100)?,
        p99_ms: quantile_ms(sorted_us, 99, 100)?,
    })
}

/// The least of sorted times in µs that `part` of `parts` of them do not exceed (nearest rank), in ms; none of none.
pub(super) fn quantile_ms(sorted_us: &[u64], part: usize, parts: usize) -> Option<f64> {
    let rank = (sorted_us.len() * part).div_ceil(parts).max(1);
    sorted_us.get(rank - 1).copied().map(ms)
}

/// The distribution of sorted times in µs, as time in ms and part that took no longer; empty of none.
///
/// It leaves out both ends: one task that took long would make half of a picture empty.
pub(super) fn curve(sorted_us: &[u64]) -> Vec<(f64, f64)> {
    /// Steps in which the part goes from 0 to 1: the 99th percentile is one of them.
    const STEPS: usize = 200;
    let at = |step| Some((quantile_ms(sorted_us, step, STEPS)?, step as f64 / STEPS as f64));
    (1..STEPS).filter_map(at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_the_value_of_the_nearest_rank() {
        let hundred: Vec<u64> = (1..=100).map(|n| n * 1_000).collect();
        let of = |part| quantile_ms(&hundred, part, 100);
        assert_eq!(
            [0, 1, 50, 99, 100].map(of),
            [1.0, 1.0, 50.0, 99.0, 100.0].map(Some)
        );

        let three = [1_000, 2_000, 4_000];
        assert_eq!(quantile_ms(&three, 50, 100), Some(2.0));
        assert_eq!(quantile_ms(&three, 99, 100), Some(4.0));
        assert_eq!(quantile_ms(&[], 50, 100), None);
    }

    #[test]
    fn a_curve_climbs_and_leaves_out_both_ends() {
        let curve = curve(&(1..=1_000).map(|n| n * 1_000).collect::<Vec<_>>());

        assert_eq!(curve.len(), 199);
        assert_eq!(curve.first(), Some(&(5.0, 0.005)));
        assert_eq!(curve[99], (500.0, 0.5));
        assert_eq!(curve[197], (990.0, 0.99));
        assert_eq!(curve.last(), Some(&(995.0, 0.995)));
        assert!(curve.is_sorted());
    }
}
