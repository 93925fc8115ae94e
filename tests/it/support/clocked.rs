//! An executor that notes when each task starts.

use std::sync::Arc;
use std::time::Duration;

use fairlane::clock;
use fairlane::executor::{Executor, Job, Outcome};
use fairlane::task::Moment;
use futures_util::future::BoxFuture;
use serde_json::json;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Far more than any test starts before it reads.
const STARTS_MAX: usize = 100_000;

/// Each task takes the same time.
pub(crate) struct Clocked {
    starts: mpsc::Sender<(String, Moment)>,
    service: Duration,
}

/// Classes of tasks and when they started.
pub(crate) struct Times(mpsc::Receiver<(String, Moment)>);

impl Clocked {
    /// Tasks take `service`.
    pub(crate) fn new(service: Duration) -> (Arc<Self>, Times) {
        let (starts, times) = mpsc::channel(STARTS_MAX);
        (Arc::new(Self { starts, service }), Times(times))
    }
}

impl Executor for Clocked {
    fn execute<'a>(&'a self, job: &'a Job, _: &'a CancellationToken) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let told = (job.task.class.to_string(), clock::monotonic());
            self.starts.try_send(told).expect("the test reads the starts");
            // The time a task takes is what is tested here, so it is really spent.
            tokio::time::sleep_until(tokio::time::Instant::now() + self.service).await;
            Outcome::Completed {
                output: json!("done"),
                usage: json!({}),
            }
        })
    }
}

impl Times {
    /// The next start.
    pub(crate) async fn next(&mut self) -> (String, Moment) {
        let next = tokio::time::timeout(super::PATIENCE, self.0.recv()).await;
        next.expect("tasks go on starting").expect("the executor stays")
    }

    /// When tasks start for so long from the first one on, in order.
    pub(crate) async fn over(&mut self, span: Duration) -> Vec<Moment> {
        let (_, first) = self.next().await;
        let mut starts = vec![first];
        loop {
            let (_, at) = self.next().await;
            if at.since(first) > span {
                starts.sort_unstable();
                return starts;
            }
            starts.push(at);
        }
    }

    /// Whether nothing has started since the last one that was read.
    pub(crate) fn is_silent(&mut self) -> bool {
        self.0.is_empty()
    }
}

/// The most tokens that were owed at once: as a bucket that leaks at the rate would hold.
pub(crate) fn most_owed(per_s: f64, starts: &[Moment]) -> f64 {
    let (mut owed, mut last, mut most) = (0.0_f64, None, 0.0_f64);
    for at in starts {
        let since = last.map_or(0.0, |last| at.since(last).as_secs_f64());
        owed = (owed - per_s * since).max(0.0) + 1.0;
        (last, most) = (Some(*at), most.max(owed));
    }
    most
}
