//! Whether a rate holds over many workers and is used up, and what a limited class costs a ready one.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::clock;
use crate::config::{Faults, parse_policy};
use crate::executor::{Executor, Job, Outcome};
use crate::policy::Policy;
use crate::task::Moment;

/// `limited` has the larger share; no other limit binds.
const POLICY: &str = "
version: 1
lanes:
  core:   { concurrency: 4096, timeout_ms: 30000, ack_wait_ms: 2000, max_priority: 9 }
  normal: { concurrency: 4096, timeout_ms: 30000 }
classes:
  limited: { priority: 1, share: 90, rate: { per_s: 50, burst: 10 } }
  ready:   { priority: 2, share: 10 }
default_class: ready
models:
  m: { executor: simulate, cost: { unit: ms, initial: 5 } }
";
/// The rate above.
pub const PER_S: f64 = 50.0;
const BURST: f64 = 10.0;
/// How long a task takes: the slots are the limit, not the machine.
const SERVICE: Duration = Duration::from_millis(5);

/// The policy of this measurement.
///
/// # Errors
/// Never, unless the text above is broken.
pub fn policy() -> Result<Arc<Policy>, Faults> {
    Ok(Arc::new(parse_policy("bench/rates.yaml", POLICY)?))
}

/// Notes when each task starts, by class.
#[derive(Default)]
pub struct StartClock {
    starts: Mutex<Vec<(bool, Moment)>>,
    started: Notify,
}

impl StartClock {
    /// Waits until a task of that class has started; when that was.
    pub async fn first(&self, is_limited: bool) -> Moment {
        loop {
            let started = self.started.notified();
            if let Some(at) = self.of(is_limited).first() {
                return *at;
            }
            started.await;
        }
    }

    /// When tasks of that class started, in order.
    #[must_use]
    pub fn of(&self, is_limited: bool) -> Vec<Moment> {
        let starts = self.starts.lock().unwrap_or_else(PoisonError::into_inner);
        let of = starts.iter().filter(|(limited, _)| *limited == is_limited);
        let mut of: Vec<Moment> = of.map(|(_, at)| *at).collect();
        of.sort_unstable();
        of
    }
}

impl Executor for StartClock {
    fn execute<'a>(&'a self, job: &'a Job, _: &'a CancellationToken) -> BoxFuture<'a, Outcome> {
        let start = (job.task.class.as_str() == "limited", clock::monotonic());
        let mut starts = self.starts.lock().unwrap_or_else(PoisonError::into_inner);
        starts.push(start);
        drop(starts);
        self.started.notify_one();
        Box::pin(async {
            tokio::time::sleep(SERVICE).await;
            Outcome::Completed {
                output: Value::Null,
                usage: json!({}),
            }
        })
    }
}

/// How a rate came out.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Kept {
    /// Workers at a time.
    pub workers: u32,
    /// Workers that were taken away and replaced meanwhile.
    pub replaced: u32,
    /// Tasks that started.
    pub starts: usize,
    /// The part of the tokens that came meanwhile and were used.
    pub used: f64,
    /// The most tokens that were owed at once, as a bucket that leaks at the rate would hold; the burst is the bound, but for
    /// what a task takes from where its token is spent to where its start is seen.
    pub most_owed: f64,
    /// That bound.
    pub burst: f64,
}

impl Kept {
    /// Of starts in order, over `span` from the first one.
    #[must_use]
    pub fn of(workers: u32, replaced: u32, starts: &[Moment], span: Duration) -> Self {
        let first = starts.first().copied().unwrap_or_default();
        let within = starts.iter().filter(|at| at.since(first) <= span).count();
        let (mut owed, mut last, mut most_owed) = (0.0_f64, first, 0.0_f64);
        for at in starts {
            owed = (owed - PER_S * at.since(last).as_secs_f64()).max(0.0) + 1.0;
            (last, most_owed) = (*at, most_owed.max(owed));
        }
        Self {
            workers,
            replaced,
            starts: starts.len(),
            used: within as f64 / (PER_S * span.as_secs_f64()),
            most_owed,
            burst: BURST,
        }
    }
}

/// What `bench rates` prints.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rates {
    /// Each run of the limited class alone.
    pub kept: Vec<Kept>,
    /// Starts per second of the ready class alone, median.
    pub alone_per_s: f64,
    /// Starts per second of both classes together, where the limited one has a backlog; median.
    pub beside_per_s: f64,
    /// Beside over alone, each pair.
    pub ratios: Vec<f64>,
}

impl Rates {
    /// Puts it together, from pairs of starts per second alone and beside.
    #[must_use]
    pub fn of(kept: Vec<Kept>, pairs: &[(f64, f64)]) -> Self {
        let median = |of: &dyn Fn(&(f64, f64)) -> f64| super::summary::median(pairs.iter().map(of).collect());
        Self {
            kept,
            alone_per_s: median(&|pair| pair.0),
            beside_per_s: median(&|pair| pair.1),
            ratios: pairs.iter().map(|pair| pair.1 / pair.0).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_owed_leaks_at_the_rate() {
        let at = |ms| Moment(Duration::from_millis(ms));
        let starts = [at(0), at(0), at(20), at(20), at(1_000)];
        let kept = Kept::of(1, 0, &starts, Duration::from_millis(100));
        assert!((kept.most_owed - 3.0).abs() < 1e-9, "{kept:?}");
        assert!((kept.used - 0.8).abs() < 1e-9, "{kept:?}");
    }
}
