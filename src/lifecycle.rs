//! Starting and stopping: a soft and a hard stop, and every task tracked.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long what was stopped hard may take to notice.
const LAST_WAIT: Duration = Duration::from_secs(5);

/// What a role is stopped by. Clones share the same tokens.
#[derive(Debug, Clone, Default)]
pub struct Lifecycle {
    /// Take nothing new; finish what runs.
    soft: CancellationToken,
    /// Stop now.
    hard: CancellationToken,
    /// Somebody asked twice.
    aborted: CancellationToken,
    /// A part of it panicked or is gone otherwise.
    crashed: CancellationToken,
    tasks: TaskTracker,
    /// Runs beside the work and is not waited for.
    aside: TaskTracker,
}

impl Lifecycle {
    /// Nothing runs and nothing stops yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The soft stop: take nothing new.
    #[must_use]
    pub fn soft(&self) -> &CancellationToken {
        &self.soft
    }

    /// The hard stop: leave everything.
    #[must_use]
    pub fn hard(&self) -> &CancellationToken {
        &self.hard
    }

    /// A lifecycle that stops with this one and can be stopped without it.
    #[must_use]
    pub fn child(&self) -> Self {
        Self {
            soft: self.soft.child_token(),
            hard: self.hard.child_token(),
            aborted: self.aborted.child_token(),
            crashed: CancellationToken::new(),
            tasks: TaskTracker::new(),
            aside: TaskTracker::new(),
        }
    }

    /// Whether it was asked to stop twice.
    #[must_use]
    pub fn is_aborted(&self) -> bool {
        self.aborted.is_cancelled()
    }

    /// Runs something that only accompanies the work, such as a metrics page: nobody waits for it,
    /// so it should end at the hard stop.
    pub fn spawn_aside<F>(&self, work: F)
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.aside.spawn(work);
    }

    /// Runs `work`, tracked; [`Lifecycle::finished`] waits for it. If it panics, everything is
    /// asked to stop: a process that lost a part of itself must not look healthy.
    pub fn spawn<F>(&self, work: F) -> tokio::task::JoinHandle<()>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (soft, crashed) = (self.soft.clone(), self.crashed.clone());
        self.tasks.spawn(async move {
            if AssertUnwindSafe(work).catch_unwind().await.is_err() {
                tracing::error!("a part of this process crashed; stopping the rest");
                crashed.cancel();
                soft.cancel();
            }
        })
    }

    /// Stops everything at once because a part without which nothing can be finished is gone.
    pub fn crash(&self) {
        self.crashed.cancel();
        self.soft.cancel();
        self.hard.cancel();
    }

    /// Whether a part of it is gone.
    #[must_use]
    pub fn is_crashed(&self) -> bool {
        self.crashed.is_cancelled()
    }

    /// Asks everything to finish, waits up to `grace`, then stops the rest. Says whether all
    /// finished by themselves.
    pub async fn stop(&self, grace: Duration) -> bool {
        self.soft.cancel();
        self.tasks.close();
        let finished = tokio::time::timeout(grace, self.tasks.wait()).await.is_ok();
        self.hard.cancel();
        if !finished {
            tracing::warn!(
                grace_ms = grace.as_millis() as u64,
                "grace time is over; stopping what still runs"
            );
            if tokio::time::timeout(LAST_WAIT, self.tasks.wait()).await.is_err() {
                tracing::error!("something does not stop; leaving it");
            }
        }
        finished
    }

    /// Waits until everything that was spawned has ended, once a stop was asked for.
    pub async fn finished(&self) {
        self.soft.cancelled().await;
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// Cancels softly on the first SIGINT or SIGTERM and hard on the second.
///
/// # Errors
/// When the handlers cannot be set.
pub fn on_signals(lifecycle: &Lifecycle) -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let stopping = lifecycle.clone();
    lifecycle.spawn_aside(async move {
        for tokens in [&[&stopping.soft][..], &[&stopping.aborted, &stopping.hard]] {
            tokio::select! { _ = interrupt.recv() => (), _ = terminate.recv() => () }
            tokens.iter().for_each(|token| token.cancel());
        }
    });
    Ok(())
}
