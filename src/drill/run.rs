//! The course of a drill.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::pin;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::checker::{Breach, Client, Observed, Promise, Trouble, Watch, examine, judge, runs};
use super::driver::{Doors, Ledger, drive};
use super::fleet::Fleet;
use super::member::Launch;
use super::operator::Operator;
use super::outcome::{Happened, Outcome};
use super::plan::{KEY_LEASE, POLICY, Plan};
use super::tasks::Planned;

/// After the last task was accepted, everything has to have ended within this time: no matter how often a worker crashed,
/// each task has at most a few more tries before it. While tasks are submitted, one of them has to end within it.
const PATIENCE: Duration = Duration::from_secs(300);
/// How often it is looked whether anything is left, once every task has ended.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Lost tasks of which is told what befell them.
const LOST_TOLD_MAX: usize = 20;
/// A coordinator's report comes back after half a minute if it dies with it.
const LEFT_PATIENCE: Duration = Duration::from_secs(60);

/// Where a drill takes place. The streams are applied.
#[derive(Debug, Clone)]
pub struct Stage {
    /// The server.
    pub nats: String,
    /// What the processes are made of.
    pub program: PathBuf,
    /// Where the policy and the logs of all processes are written; it exists.
    pub folder: PathBuf,
    /// Where the gateway is to listen.
    pub http: SocketAddr,
}

/// A drill that could not be carried out. It says nothing about the mesh.
#[derive(Debug, thiserror::Error)]
pub enum DrillError {
    /// A file could not be written, or a process not be started.
    #[error("cannot set the stage: {0}")]
    Stage(#[from] std::io::Error),
    /// The server could not be asked.
    #[error(transparent)]
    Checker(#[from] Trouble),
    /// No HTTP client can be made.
    #[error("cannot make an HTTP client: {0}")]
    Http(#[from] reqwest::Error),
}

/// Carries out `plan`, and says how it went. `told` is given how many tasks have ended so far.
///
/// # Errors
/// [`DrillError`] when it could not be carried out.
pub async fn run(plan: &Plan, stage: &Stage, told: impl Fn(usize)) -> Result<Outcome, DrillError> {
    let began = Instant::now();
    let client = Client::connect(&stage.nats).await?;
    let watch = Watch::start(&client).await?;
    // Told twice, it stays what it is.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let doors = Doors {
        bare: client.clone(),
        http: reqwest::Client::builder().no_proxy().build()?,
        url: format!("http://{}/v1/tasks", stage.http),
    };
    let launch = launch(stage)?;
    let journal = launch.journal.clone();
    let operator = Operator {
        program: stage.program.clone(),
        nats: stage.nats.clone(),
    };
    let mut fleet = Fleet::start(plan, launch)?;
    let ledger = Ledger::default();
    tokio::select! {
        stopped = fleet.keep(watch.ended()) => return Err(stopped.into()),
        () = show(watch.ended(), told) => (),
        () = operator.tend() => (),
        () = course(plan, &doors, &ledger, &client, watch.ended()) => (),
    }
    let (blows, lives) = fleet.stop().await;
    let observed: Observed = client.observe().await?;
    let submitted: HashSet<String> = plan.tasks.iter().map(|task| task.id.clone()).collect();
    let accepted = ledger.accepted();
    let found = judge(&submitted, &accepted, &observed);
    tell_of_lost(&client, &accepted, &observed).await?;
    let (promises, lease_ms) = (promises(plan, &ledger), KEY_LEASE.as_millis() as i64);
    let ran = runs(&std::fs::read_to_string(journal)?);
    let broken = examine(&promises, &ran, &lives, &observed, lease_ms);
    for (_, what) in &broken {
        tracing::error!(seed = plan.seed, what, "a promise was broken");
    }
    let count = |breach: Breach| broken.iter().filter(|(of, _)| *of == breach).count() as u64;
    Ok(Outcome {
        redeliveries: watch.redeliveries(),
        took_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
        too_early: count(Breach::TooEarly),
        overheld: count(Breach::Overheld),
        wrong_end: count(Breach::WrongEnd),
        happened: Happened::new(&promises, &ran, &lives, &observed, lease_ms),
        ..Outcome::new(plan.seed, accepted.len(), found, &observed, blows)
    })
}

/// Says what is known of tasks that have no end: whoever looks for the cause has nothing else once the server is gone.
async fn tell_of_lost(client: &Client, accepted: &[String], observed: &Observed) -> Result<(), Trouble> {
    let lost = accepted.iter().filter(|id| !observed.records.contains_key(*id));
    let lost: Vec<String> = lost.take(LOST_TOLD_MAX).cloned().collect();
    if lost.is_empty() {
        return Ok(());
    }
    tracing::error!(?lost, "tasks have no end");
    for what in client.told_of(&lost).await? {
        tracing::error!(what, "told of a task that has no end");
    }
    Ok(())
}

fn promises(plan: &Plan, ledger: &Ledger) -> Vec<Promise> {
    let mut not_before = ledger.not_before();
    let promise = |task: &Planned| Promise {
        task: task.id.clone(),
        after: task.after.clone(),
        key: task.key.clone(),
        not_before: not_before.remove(&task.id),
    };
    plan.tasks.iter().map(promise).collect()
}

/// Submits everything, and waits until it has come to rest or for too long.
async fn course(
    plan: &Plan,
    doors: &Doors,
    ledger: &Ledger,
    client: &Client,
    mut ended: watch::Receiver<usize>,
) {
    let all = plan.tasks.len();
    let progress = ended.clone();
    let driven = drive(&plan.tasks, doors, ledger, &progress);
    if unless_stuck(driven, ended.clone()).await.is_none() {
        tracing::warn!("no task has ended for too long while tasks were submitted");
        return;
    }
    // The watcher lives as long as this.
    let all_ended = ended.wait_for(|ended| *ended >= all);
    if tokio::time::timeout(PATIENCE, all_ended).await.is_err() {
        tracing::warn!("not every task has ended in time");
        return;
    }
    let settle = async {
        // What cannot be asked now may be later; too late is said in the end.
        while !client.left().await.is_ok_and(|left| left == 0) {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    if tokio::time::timeout(LEFT_PATIENCE, settle).await.is_err() {
        tracing::warn!("messages are left in lanes, timers, aside or in the archive");
    }
}

/// Does `work` for as long as there is progress: how long all of it takes depends on the machine and on the number of
/// tasks. None where there was none for too long.
async fn unless_stuck<T>(work: impl Future<Output = T>, mut progress: watch::Receiver<usize>) -> Option<T> {
    let mut work = pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return Some(done),
            waited = tokio::time::timeout(PATIENCE, progress.changed()) => match waited {
                Ok(Ok(())) => (),
                // Nobody counts any more, or there was nothing to count.
                Ok(Err(_)) | Err(_) => return None,
            },
        }
    }
}

async fn show(mut ended: watch::Receiver<usize>, told: impl Fn(usize)) {
    while ended.changed().await.is_ok() {
        told(*ended.borrow_and_update());
    }
    std::future::pending::<()>().await;
}

fn launch(stage: &Stage) -> std::io::Result<Launch> {
    let policy = stage.folder.join("policy.yaml");
    std::fs::write(&policy, POLICY)?;
    Ok(Launch {
        program: stage.program.clone(),
        nats: stage.nats.clone(),
        policy,
        logs: stage.folder.clone(),
        journal: journal(stage)?,
        http: stage.http.to_string(),
    })
}

/// A new file for what is executed.
fn journal(stage: &Stage) -> std::io::Result<PathBuf> {
    let path = stage.folder.join("executions.txt");
    std::fs::write(&path, "")?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn submitting_may_take_as_long_as_tasks_end_meanwhile() {
        let (ended, progress) = watch::channel(0);
        let slow = async {
            for n in 1..=10 {
                tokio::time::sleep(PATIENCE / 2).await;
                ended.send(n).unwrap();
            }
        };
        assert_eq!(unless_stuck(slow, progress.clone()).await, Some(()));
        let stuck = std::future::pending::<()>();
        assert_eq!(unless_stuck(stuck, progress).await, None);
    }
}
