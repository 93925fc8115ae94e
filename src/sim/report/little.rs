//! Which runs are refused.

use crate::sim::record::Run;

use super::measure::{span_s, span_us, time_us};

/// Why there is no report.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ReportError {
    /// There is nothing to report on.
    #[error(
        "policy {policy} on workload {workload}: there is no run, or one in which no task was counted, as the first \
         tenth of its time is not; give more --tasks or --seconds"
    )]
    NoTasks {
        /// The policy's name.
        policy: String,
        /// The workload's name.
        workload: String,
    },
    /// A run contradicts Little's law.
    #[error(
        "policy {policy} on workload {workload}, run {run}: {l:.3} tasks were in the system on average by the clock, \
         {xw:.3} by what ended (tasks per second times their time in system): they differ by {:.1} %, and {:.0} % is \
         allowed; {}",
        apart(*l, *xw) * 100.0,
        APART_MAX * 100.0,
        remedy(*is_whole)
    )]
    LittlesLaw {
        /// The policy's name.
        policy: String,
        /// The workload's name.
        workload: String,
        /// Which run, from 1.
        run: usize,
        /// Tasks in the system, averaged over time by the clock.
        l: f64,
        /// Ended tasks per second, times their mean time in the system in s.
        xw: f64,
        /// Whether the run says that its tasks are all that the clock saw.
        is_whole: bool,
    },
}

/// What may lie between both sides of Little's law, over `X · W`: 2 %.
const APART_MAX: f64 = 0.02;

/// Holds the `place`th run (from 0) to Little's law, `L = X · W` (Little, 1961), and to having any tasks.
///
/// L was kept by the clock while the run ran, X and W come from what it recorded; so they agree only if no task was
/// lost or counted twice, and in a run cut out of a longer one if it is long against what its tasks take.
pub(super) fn check(policy: &str, workload: &str, (place, run): (usize, &Run)) -> Result<(), ReportError> {
    if run.records.is_empty() || span_us(run) == 0 {
        return Err(no_tasks(policy, workload));
    }
    let l = in_system(run);
    // X · W = n / T · ΣW / n
    let xw = run.records.iter().map(time_us).sum::<u64>() as f64 / 1e6 / span_s(run);
    if apart(l, xw) <= APART_MAX {
        return Ok(());
    }
    Err(ReportError::LittlesLaw {
        policy: policy.to_owned(),
        workload: workload.to_owned(),
        run: place + 1,
        l,
        xw,
        is_whole: run.is_whole,
    })
}

/// Nothing to report on.
pub(super) fn no_tasks(policy: &str, workload: &str) -> ReportError {
    ReportError::NoTasks {
        policy: policy.to_owned(),
        workload: workload.to_owned(),
    }
}

/// L: tasks in the system, averaged over time by the clock.
pub(super) fn in_system(run: &Run) -> f64 {
    run.in_system_us / span_us(run) as f64
}

fn apart(l: f64, xw: f64) -> f64 {
    if l == xw { 0.0 } else { (l - xw).abs() / xw }
}

const fn remedy(is_whole: bool) -> &'static str {
    if is_whole {
        "the run has lost tasks, or counted some twice"
    } else {
        "the run must be longer (--seconds), or has lost tasks"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::report::sample::{done, dropped, run};
    use expect_test::{Expect, expect};

    /// Two tasks of 60 and 40 ms in 100 ms, one of them dropped: X · W is 1.
    fn off_by(part: f64) -> Run {
        let records = vec![done(0, 0, [0, 10_000, 60_000]), dropped(0, 1, [60_000, 100_000])];
        Run {
            in_system_us: 100_000.0 * (1.0 + part),
            ..run(0, 100_000, records)
        }
    }

    /// What is said of the run, a line for each clause.
    fn check_refusal(run: &Run, refusal: &Expect) {
        let said =
            check("fifo", "steady", (4, run)).map_err(|error| error.to_string().replace([':', ';'], "\n"));
        refusal.assert_eq(&said.expect_err("the run is refused"));
    }

    #[test]
    fn two_per_cent_are_allowed_either_way() {
        for part in [0.0, 0.019, -0.019] {
            assert_eq!(check("fifo", "steady", (0, &off_by(part))), Ok(()), "{part}");
        }
    }

    #[test]
    fn a_run_that_is_three_per_cent_off_is_refused() {
        check_refusal(
            &off_by(0.03),
            &expect![[r#"
            policy fifo on workload steady, run 5
             1.030 tasks were in the system on average by the clock, 1.000 by what ended (tasks per second times their time in system)
             they differ by 3.0 %, and 2 % is allowed
             the run must be longer (--seconds), or has lost tasks"#]],
        );
        check_refusal(
            &off_by(-0.03),
            &expect![[r#"
            policy fifo on workload steady, run 5
             0.970 tasks were in the system on average by the clock, 1.000 by what ended (tasks per second times their time in system)
             they differ by 3.0 %, and 2 % is allowed
             the run must be longer (--seconds), or has lost tasks"#]],
        );
    }

    #[test]
    fn a_whole_run_need_not_be_longer() {
        let whole = Run {
            is_whole: true,
            ..off_by(-0.5)
        };
        check_refusal(
            &whole,
            &expect![[r#"
            policy fifo on workload steady, run 5
             0.500 tasks were in the system on average by the clock, 1.000 by what ended (tasks per second times their time in system)
             they differ by 50.0 %, and 2 % is allowed
             the run has lost tasks, or counted some twice"#]],
        );
    }

    #[test]
    fn a_run_without_tasks_or_time_is_refused() {
        check_refusal(
            &run(0, 100_000, Vec::new()),
            &expect![[r#"
            policy fifo on workload steady
             there is no run, or one in which no task was counted, as the first tenth of its time is not
             give more --tasks or --seconds"#]],
        );
        check_refusal(
            &run(5, 5, vec![done(0, 0, [5, 5, 5])]),
            &expect![[r#"
            policy fifo on workload steady
             there is no run, or one in which no task was counted, as the first tenth of its time is not
             give more --tasks or --seconds"#]],
        );
    }
}
