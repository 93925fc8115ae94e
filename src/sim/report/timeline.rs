//! Service over time.

use crate::sim::record::Run;
use crate::sim::workload::Workload;

use super::figures::Timeline;
use super::measure::{served_us, span_s, span_us};

/// Buckets of a timeline: as many as a small picture can show.
const BUCKETS: u64 = 120;

/// The service of each class over the time of `run`.
pub(super) fn timeline(workload: &Workload, run: &Run) -> Timeline {
    // A run of fewer µs than buckets has one bucket a µs.
    let buckets = BUCKETS.min(span_us(run));
    let mut served = vec![vec![0_u64; buckets as usize]; workload.classes.len()];
    for record in &run.records {
        let (start, end) = served_us(run, record);
        spread(
            &mut served[record.class],
            span_us(run),
            start - run.from_us,
            end - run.from_us,
        );
    }
    let bucket_us = span_us(run) as f64 / buckets as f64;
    let part = |us: u64| us as f64 / (bucket_us * f64::from(run.slots.max(1)));
    Timeline {
        bucket_s: span_s(run) / buckets as f64,
        classes: served
            .into_iter()
            .map(|buckets| buckets.into_iter().map(part).collect())
            .collect(),
    }
}

/// Adds the time from `start` to `end` to the buckets that `span_us` is cut into; all in µs.
fn spread(buckets: &mut [u64], span_us: u64, start: u64, end: u64) {
    let count = buckets.len() as u128;
    let begins = |bucket: usize| (u128::from(span_us) * bucket as u128 / count) as u64;
    let mut at = start;
    let mut bucket = (u128::from(start) * count / u128::from(span_us)) as usize;
    while at < end {
        let until = begins(bucket + 1).min(end);
        buckets[bucket] += until.saturating_sub(at);
        at = at.max(until);
        bucket += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::report::sample::{done, run, workload};

    #[test]
    fn a_task_is_spread_over_the_time_it_was_served() {
        let mut buckets = [0; 4];
        spread(&mut buckets, 100, 20, 60);
        spread(&mut buckets, 100, 99, 100);
        spread(&mut buckets, 100, 30, 30);

        assert_eq!(buckets, [5, 25, 10, 1]);
    }

    #[test]
    fn no_service_is_lost_where_buckets_are_not_of_whole_microseconds() {
        for span in [1, 7, 119, 121, 1_000] {
            for (start, end) in [(0, span), (span / 3, span / 2), (span - 1, span)] {
                let mut buckets = vec![0; BUCKETS.min(span) as usize];
                spread(&mut buckets, span, start, end);
                assert_eq!(
                    buckets.iter().sum::<u64>(),
                    end - start,
                    "{start} to {end} of {span}"
                );
            }
        }
    }

    #[test]
    fn one_of_two_slots_is_half_of_the_time() {
        let busy = run(0, 120_000_000, vec![done(1, 0, [0, 0, 60_000_000])]);
        let Timeline { bucket_s, classes } = timeline(&workload(), &busy);

        assert_eq!(bucket_s, 1.0);
        assert_eq!(classes[0], [0.0; 120]);
        assert_eq!(classes[1][..60], [0.5; 60]);
        assert_eq!(classes[1][60..], [0.0; 60]);
    }
}
