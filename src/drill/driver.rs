//! Submits every task until somebody has confirmed it, however often the door is shut.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use tokio::sync::watch;

use super::checker::Client;
use super::tasks::{Door, Planned};
use crate::clock;
use crate::task::EpochMs;
use crate::wire::to_rfc3339;

/// Submissions under way at once.
const AT_ONCE: usize = 32;
/// Tasks that are accepted and have not ended: so many that every blow falls on work, and so few that tasks
/// are still submitted when the last one falls.
const OUTSTANDING_MAX: usize = 400;
/// The same for the tasks in the middle: so many that the mesh is overloaded.
const FLOOD_MAX: usize = 1_200;
/// Which part of the tasks that is.
const FLOOD: std::ops::Range<f64> = 0.3..0.6;
/// Before a submission that was not confirmed is tried again.
const AGAIN_AFTER: Duration = Duration::from_millis(50);
/// How long one try may take.
const TRY_TIMEOUT: Duration = Duration::from_secs(5);

/// Who has been told what.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    accepted: Mutex<Vec<String>>,
    /// When those that are to start later may start, in ms since the epoch.
    not_before: Mutex<HashMap<String, i64>>,
}

impl Ledger {
    /// The tasks that somebody has confirmed so far.
    pub(super) fn accepted(&self) -> Vec<String> {
        locked(&self.accepted).clone()
    }

    /// When the tasks may start that were to start later, in ms since the epoch.
    pub(super) fn not_before(&self) -> HashMap<String, i64> {
        locked(&self.not_before).clone()
    }
}

fn locked<T>(of: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    of.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// The ways in.
pub(super) struct Doors {
    pub(super) bare: Client,
    pub(super) http: reqwest::Client,
    /// Where the gateway takes tasks.
    pub(super) url: String,
}

/// Ends when every task is accepted.
pub(super) async fn drive(
    tasks: &[Planned],
    doors: &Doors,
    ledger: &Ledger,
    progress: &watch::Receiver<usize>,
) {
    stream::iter(tasks.iter().enumerate())
        .map(|(n, task)| async move {
            let mut progress = progress.clone();
            let most = match FLOOD.contains(&(n as f64 / tasks.len() as f64)) {
                true => FLOOD_MAX,
                false => OUTSTANDING_MAX,
            };
            // Without anybody who counts there is nothing to wait for.
            let _ = progress.wait_for(|ended| n < ended + most).await;
            submit(task, doors, ledger).await;
            locked(&ledger.accepted).push(task.id.clone());
        })
        .buffer_unordered(AT_ONCE)
        .for_each(|()| async {})
        .await;
}

async fn submit(task: &Planned, doors: &Doors, ledger: &Ledger) {
    let mut body = task.body.clone();
    if let Some(ms) = task.delay_ms {
        // The same however often it is submitted.
        let at = clock::wall().0.saturating_add_unsigned(ms);
        body["run_at"] = to_rfc3339(EpochMs(at)).into();
        locked(&ledger.not_before).insert(task.id.clone(), at);
    }
    let body = body.to_string();
    loop {
        let tried = tokio::time::timeout(TRY_TIMEOUT, once(task, body.clone(), doors)).await;
        match tried {
            Ok(Ok(())) => return,
            Ok(Err(why)) => tracing::debug!(task.id = %task.id, why, "not confirmed; submitting it again"),
            Err(_) => tracing::debug!(task.id = %task.id, "no answer; submitting it again"),
        }
        tokio::time::sleep(AGAIN_AFTER).await;
    }
}

async fn once(task: &Planned, body: String, doors: &Doors) -> Result<(), String> {
    let subject = match &task.door {
        Door::Bare(subject) => subject,
        Door::Rest => {
            let request = doors.http.post(&doors.url).body(body);
            let request = request.header("content-type", "application/json");
            let answer = request.send().await.map_err(|error| error.to_string())?;
            return match answer.status().as_u16() {
                202 => Ok(()),
                status => Err(format!("the gateway answered {status}")),
            };
        }
    };
    doors
        .bare
        .publish(subject, &format!("task:{}:0", task.id), body)
        .await
}
