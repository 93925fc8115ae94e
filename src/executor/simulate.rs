//! No model: waits as long as the task says, and fails or hangs as often as it says.
//!
//! What happens is drawn from a hash of the task's id and attempt, so that a run can be repeated
//! and a retry may come out otherwise.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde::Deserialize;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::contract::{Executor, Job, Outcome};
use crate::clock;
use crate::failpoint;
use crate::task::{ErrorKind, fnv1a_64};

/// The executor; it has nothing to load.
#[derive(Debug, Clone, Copy, Default)]
pub struct Simulate;

/// What a task asks of it. Anything but an object is answered at once and as it is.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Script {
    /// Service time, in ms.
    service_ms: f64,
    /// Adds an exponentially distributed time of this mean, in ms.
    service_mean_ms: f64,
    /// How often it fails, from 0 to 1.
    fail_rate: f64,
    /// How it then fails; `retryable` unless said.
    fail_kind: Option<String>,
    /// How often it never ends, from 0 to 1.
    hang_rate: f64,
    /// How long a failure asks to wait, in ms.
    retry_after_ms: Option<u64>,
    /// Fails while the attempt is lower than this.
    fail_attempts: u32,
    /// How often it takes its worker down with it, from 0 to 1; for drills, in builds that have failpoints.
    crash_rate: f64,
}

/// Executions of this process so far.
static EXECUTIONS: AtomicU64 = AtomicU64::new(0);

/// An execution, written down for a drill from its beginning to its end, also where it is broken off.
struct Execution<'a> {
    job: &'a Job,
    number: u64,
}

impl<'a> Execution<'a> {
    fn begin(job: &'a Job) -> Self {
        let number = EXECUTIONS.fetch_add(1, Ordering::Relaxed);
        let execution = Self { job, number };
        execution.note("start");
        execution
    }

    fn note(&self, what: &str) {
        failpoint::journal(|| {
            let (pid, now) = (std::process::id(), clock::wall().0);
            format!("{what} {} {pid} {} {now}\n", self.job.task.id, self.number)
        });
    }
}

impl Drop for Execution<'_> {
    fn drop(&mut self) {
        self.note("end");
    }
}

/// The longest service time, in ms: a day.
const SERVICE_MS_MAX: f64 = 86_400_000.0;

impl Executor for Simulate {
    fn execute<'a>(&'a self, job: &'a Job, cancel: &'a CancellationToken) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let _execution = Execution::begin(job);
            let script = match script(job) {
                Ok(script) => script,
                Err(what) => return Outcome::failed(ErrorKind::Permanent, what),
            };
            // Drawn anew each time: a crash leaves no attempt by which the next one would be told apart.
            if fastrand::f64() < script.crash_rate {
                failpoint::crash();
            }
            if draw(job, 1) < script.hang_rate {
                cancel.cancelled().await;
                return Outcome::failed(ErrorKind::Cancelled, "cancelled while hanging");
            }
            let service = script.service_ms - script.service_mean_ms * (1.0 - draw(job, 2)).ln();
            if service > 0.0 {
                let service = Duration::from_secs_f64(service.min(SERVICE_MS_MAX) / 1000.0);
                tokio::select! {
                    () = tokio::time::sleep(service) => (),
                    () = cancel.cancelled() => return Outcome::failed(ErrorKind::Cancelled, "cancelled"),
                }
            }
            if job.task.attempt < script.fail_attempts || draw(job, 3) < script.fail_rate {
                let kind = script.fail_kind.as_deref().and_then(|k| k.parse().ok());
                return Outcome::Failed {
                    kind: kind.unwrap_or(ErrorKind::Retryable),
                    message: "failed because the task says so".to_owned(),
                    retry_after_ms: script.retry_after_ms,
                };
            }
            Outcome::Completed {
                output: job.input.clone(),
                usage: json!({ "service_ms": service }),
            }
        })
    }
}

fn script(job: &Job) -> Result<Script, String> {
    if !job.input.is_object() {
        return Ok(Script::default());
    }
    let script: Script =
        serde_json::from_value(job.input.clone()).map_err(|e| format!("input of a simulated model: {e}"))?;
    let times = [script.service_ms, script.service_mean_ms];
    if times.iter().any(|ms| !ms.is_finite() || *ms < 0.0) {
        return Err("input of a simulated model: service times must be 0 or more".to_owned());
    }
    if script.crash_rate > 0.0 && !failpoint::IS_BUILT_IN {
        return Err("input.crash_rate: this build crashes for nobody; leave it out".to_owned());
    }
    if let Some(kind) = &script.fail_kind {
        kind.parse::<ErrorKind>()
            .map_err(|e| format!("input.fail_kind: {e}"))?;
    }
    Ok(script)
}

/// A number from 0 up to 1, the same for the same task, attempt and purpose.
fn draw(job: &Job, purpose: u64) -> f64 {
    let seed = format!("{}:{}:{purpose}", job.task.id, job.task.attempt);
    // The low bits of FNV-1a mix poorly for short texts; one multiplication spreads them.
    let mixed = fnv1a_64(seed.as_bytes()).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> 11) as f64 / (1_u64 << 53) as f64
}
