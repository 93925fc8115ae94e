//! An executor that tells the test what runs, and ends tasks when the test says so.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use fairlane::executor::{Executor, Job, Outcome};
use futures_util::future::BoxFuture;
use serde_json::json;
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

/// Far more than any test starts before it reads.
const STARTS_MAX: usize = 100_000;

/// Tells every start; runs each task for a fixed time, or until it is let go.
pub(crate) struct Probe {
    starts: mpsc::Sender<(String, String)>,
    running: AtomicU32,
    most: AtomicU32,
    gate: Option<Semaphore>,
    service: Duration,
}

/// The starts of a probe: class and task id, in order.
pub(crate) type Starts = mpsc::Receiver<(String, String)>;

impl Probe {
    /// Every task takes `service`.
    pub(crate) fn timed(service: Duration) -> (Arc<Self>, Starts) {
        Self::new(None, service)
    }

    /// Every task runs until [`Probe::release`] lets one go.
    pub(crate) fn gated() -> (Arc<Self>, Starts) {
        Self::new(Some(Semaphore::new(0)), Duration::ZERO)
    }

    fn new(gate: Option<Semaphore>, service: Duration) -> (Arc<Self>, Starts) {
        let (starts, started) = mpsc::channel(STARTS_MAX);
        let (running, most) = (AtomicU32::new(0), AtomicU32::new(0));
        (
            Arc::new(Self {
                starts,
                running,
                most,
                gate,
                service,
            }),
            started,
        )
    }

    /// Lets `count` tasks end.
    pub(crate) fn release(&self, count: usize) {
        if let Some(gate) = &self.gate {
            gate.add_permits(count);
        }
    }

    /// Most tasks that ran at once.
    pub(crate) fn most(&self) -> u32 {
        self.most.load(Ordering::SeqCst)
    }
}

impl Executor for Probe {
    fn execute<'a>(&'a self, job: &'a Job, _: &'a CancellationToken) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let running = self.running.fetch_add(1, Ordering::SeqCst) + 1;
            self.most.fetch_max(running, Ordering::SeqCst);
            let told = (job.task.class.to_string(), job.task.id.to_string());
            self.starts.try_send(told).expect("the test reads the starts");
            match &self.gate {
                Some(gate) => gate.acquire().await.expect("the gate stays").forget(),
                None => service_time(self.service).await,
            }
            self.running.fetch_sub(1, Ordering::SeqCst);
            Outcome::Completed {
                output: json!("done"),
                usage: json!({}),
            }
        })
    }
}

/// The time a task takes is what is tested here, so it is really spent.
async fn service_time(service: Duration) {
    if !service.is_zero() {
        tokio::time::sleep_until(tokio::time::Instant::now() + service).await;
    }
}
