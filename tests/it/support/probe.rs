//! An executor that tells the test what runs, and ends tasks when the test says so.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fairlane::executor::{Executor, Job, Outcome};
use futures_util::future::BoxFuture;
use serde_json::json;
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

/// Far more than any test starts before it reads.
const STARTS_MAX: usize = 100_000;

/// The input of a task that no gate holds.
pub(crate) const PASSES: &str = r#""passes""#;

/// Tells every start; runs each task for a fixed time, or until it is let go.
pub(crate) struct Probe {
    starts: mpsc::Sender<(String, String)>,
    /// Tasks that run, and the most that ever did, by class and under "" in all.
    running: Mutex<HashMap<String, (u32, u32)>>,
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
        (
            Arc::new(Self {
                starts,
                running: Mutex::default(),
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
        self.most_of("")
    }

    /// Tasks that run now.
    pub(crate) fn running(&self) -> u32 {
        let running = self.running.lock().expect("no test panics in here");
        running.get("").map_or(0, |(now, _)| *now)
    }

    /// Counts the most anew, from what runs now.
    pub(crate) fn forget_most(&self) {
        let mut running = self.running.lock().expect("no test panics in here");
        running.values_mut().for_each(|(now, most)| *most = *now);
    }

    /// Tasks that ever began.
    pub(crate) fn started(&self) -> usize {
        STARTS_MAX - self.starts.capacity()
    }

    /// Most tasks of one class that ran at once.
    pub(crate) fn most_of(&self, class: &str) -> u32 {
        let running = self.running.lock().expect("no test panics in here");
        running.get(class).map_or(0, |(_, most)| *most)
    }

    fn count<'a>(&'a self, class: &'a str) -> Running<'a> {
        let mut running = self.running.lock().expect("no test panics in here");
        for key in [class, ""] {
            let (now, most) = running.entry(key.to_owned()).or_default();
            *now += 1;
            *most = (*most).max(*now);
        }
        Running { probe: self, class }
    }
}

/// A task that runs; over when this is dropped, as it is on a timeout.
struct Running<'a> {
    probe: &'a Probe,
    class: &'a str,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let mut running = self.probe.running.lock().expect("no test panics in here");
        for key in [self.class, ""] {
            if let Some((now, _)) = running.get_mut(key) {
                *now -= 1;
            }
        }
    }
}

impl Executor for Probe {
    fn execute<'a>(&'a self, job: &'a Job, _: &'a CancellationToken) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let class = job.task.class.as_str();
            let _running = self.count(class);
            let told = (class.to_owned(), job.task.id.to_string());
            self.starts.try_send(told).expect("the test reads the starts");
            match &self.gate {
                Some(_) if job.input == "passes" => (),
                Some(gate) => gate.acquire().await.expect("the gate stays").forget(),
                None => service_time(self.service).await,
            }
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
