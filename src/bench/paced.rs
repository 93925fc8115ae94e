//! Tasks that take their time, and how long some of them took.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use hdrhistogram::Histogram;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::broker::floor::Tally;
use crate::clock;
use crate::executor::{Executor, Job, Outcome};
use crate::task::{Moment, fnv1a_64};

/// How long a task takes in the mean: the slots are the limit, not the machine.
pub(super) const SERVICE: Duration = Duration::from_millis(20);
/// Longest latency that is told apart, in µs: a minute.
const LONGEST_US: u64 = 60_000_000;

/// How long tasks take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// [`SERVICE`] each. Slots that began together then end together, for as long as they are busy.
    Even,
    /// From half of it to one and a half, evenly spread, by the name of the task.
    Spread,
}

impl Pace {
    /// [`Pace::Even`] where that is asked for.
    #[must_use]
    pub const fn of_flag(even: bool) -> Self {
        if even { Self::Even } else { Self::Spread }
    }

    fn of(self, id: &str) -> Duration {
        match self {
            Self::Even => SERVICE,
            Self::Spread => {
                let part = fnv1a_64(id.as_bytes()) % 1000;
                SERVICE / 2 + SERVICE * u32::try_from(part).unwrap_or(0) / 1000
            }
        }
    }
}

/// Takes its time over every task. Of those whose input says when they were published, it notes how long it was from
/// then to their end.
pub struct Paced {
    pace: Pace,
    began: Moment,
    /// What was published within this time is not noted: costs are learned, consumers are found.
    warm_up: Duration,
    /// Tasks that said when they were published and have ended.
    pub noted: Arc<Tally>,
    others: AtomicU64,
    seen: Mutex<Histogram<u64>>,
}

impl Paced {
    /// Expects so many tasks that say when they were published.
    ///
    /// # Errors
    /// Never with the bounds used here.
    pub fn new(
        pace: Pace,
        expected: usize,
        warm_up: Duration,
    ) -> Result<Arc<Self>, hdrhistogram::CreationError> {
        Ok(Arc::new(Self {
            pace,
            began: clock::monotonic(),
            warm_up,
            noted: Tally::new(expected),
            others: AtomicU64::new(0),
            seen: Mutex::new(Histogram::new_with_max(LONGEST_US, 3)?),
        }))
    }

    /// The time to put into a task's input, in µs.
    #[must_use]
    pub fn now_us(&self) -> u64 {
        u64::try_from(clock::monotonic().since(self.began).as_micros()).unwrap_or(u64::MAX)
    }

    /// The 99th percentile of what was noted, in ms.
    #[must_use]
    pub fn p99_ms(&self) -> f64 {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.value_at_quantile(0.99) as f64 / 1000.0
    }

    /// Tasks that said nothing and have ended.
    #[must_use]
    pub fn others(&self) -> u64 {
        self.others.load(Ordering::Relaxed)
    }
}

impl Executor for Paced {
    fn execute<'a>(&'a self, job: &'a Job, _: &'a CancellationToken) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            tokio::time::sleep(self.pace.of(job.task.id.as_str())).await;
            match job.input.as_u64() {
                None => {
                    self.others.fetch_add(1, Ordering::Relaxed);
                }
                Some(sent_us) => {
                    if sent_us >= self.warm_up.as_micros() as u64 {
                        let took = self.now_us().saturating_sub(sent_us);
                        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
                        seen.saturating_record(took);
                    }
                    self.noted.add();
                }
            }
            Outcome::Completed {
                output: Value::Null,
                usage: json!({}),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_task_takes_half_to_one_and_a_half_of_an_even_one_and_as_long_every_time() {
        let took: Vec<Duration> = (0..1000).map(|n| Pace::Spread.of(&format!("t-{n}"))).collect();
        assert!(
            took.iter()
                .all(|took| (SERVICE / 2..SERVICE * 3 / 2).contains(took))
        );
        let mean = took.iter().sum::<Duration>() / 1000;
        assert!(mean.abs_diff(SERVICE) < SERVICE / 20, "{mean:?}");
        assert_eq!(Pace::Spread.of("t-7"), took[7]);
        assert_eq!(Pace::Even.of("t-7"), SERVICE);
    }
}
