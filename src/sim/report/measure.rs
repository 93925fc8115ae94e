//! What is read off one task and one run.

use crate::sim::record::{End, Record, Run};
use crate::sim::workload::WorkClass;

/// How long it was in the system, in µs.
pub(super) const fn time_us(record: &Record) -> u64 {
    record.ended_us.saturating_sub(record.arrived_us)
}

/// How long it waited before it started or was given up, in µs.
pub(super) fn wait_us(record: &Record) -> u64 {
    let until = record.started_us.unwrap_or(record.ended_us);
    until.saturating_sub(record.arrived_us)
}

/// When it was served, clipped to the time that `run` counts, as start and end in µs; empty if it was not done.
///
/// A task that was given up counts for nothing, even if an earlier attempt had a slot: no record says for how long.
pub(super) fn served_us(run: &Run, record: &Record) -> (u64, u64) {
    match (record.end, record.started_us) {
        (End::Done, Some(started)) => {
            let clip = |at: u64| at.clamp(run.from_us, run.to_us);
            (clip(started), clip(record.ended_us))
        }
        _ => (run.from_us, run.from_us),
    }
}

/// How long it was served within the time that `run` counts, in µs.
pub(super) fn service_us(run: &Run, record: &Record) -> u64 {
    let (start, end) = served_us(run, record);
    end.saturating_sub(start)
}

/// Whether it was done within its class's SLO.
pub(super) fn is_in_time(class: &WorkClass, record: &Record) -> bool {
    record.end == End::Done && time_us(record) <= class.slo_ms.saturating_mul(1_000)
}

/// Whether it waited longer than ten times its class's SLO.
pub(super) fn is_starved(class: &WorkClass, record: &Record) -> bool {
    const SLOS: u64 = 10;
    wait_us(record) > class.slo_ms.saturating_mul(1_000 * SLOS)
}

/// How long `run` counted, in µs.
pub(super) const fn span_us(run: &Run) -> u64 {
    run.to_us.saturating_sub(run.from_us)
}

/// How long `run` counted, in s.
pub(super) fn span_s(run: &Run) -> f64 {
    span_us(run) as f64 / 1e6
}

/// The mean over the runs of what `of` says of each; 0 over none.
pub(super) fn mean(runs: &[Run], of: impl Fn(&Run) -> f64) -> f64 {
    runs.iter().map(of).sum::<f64>() / runs.len().max(1) as f64
}

/// µs as ms.
pub(super) fn ms(us: u64) -> f64 {
    us as f64 / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::report::sample::{class, done, dropped, run};

    #[test]
    fn service_counts_only_within_the_runs_time() {
        let run = run(1_000, 2_000, Vec::new());
        let service = [
            done(0, 0, [0, 100, 900]),
            done(0, 0, [0, 900, 1_100]),
            done(0, 0, [0, 1_200, 1_300]),
            done(0, 0, [0, 1_950, 2_500]),
            dropped(0, 0, [1_000, 1_500]),
        ]
        .map(|record| service_us(&run, &record));

        assert_eq!(service, [0, 100, 100, 50, 0]);
    }

    #[test]
    fn a_task_starves_after_ten_times_its_slo_whether_it_starts_or_not() {
        let class = class("chat", 2);
        let starved = [
            done(0, 0, [0, 20_000, 90_000]),
            done(0, 0, [0, 20_001, 20_002]),
            dropped(0, 0, [0, 20_000]),
            dropped(0, 0, [0, 20_001]),
        ]
        .map(|record| is_starved(&class, &record));

        assert_eq!(starved, [false, true, false, true]);
    }
}
