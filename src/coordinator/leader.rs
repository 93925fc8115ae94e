//! Which of several coordinators does what one of them is enough for.
//!
//! The lease is counted by this process's own monotonic clock, from before it was asked for: one that was frozen
//! knows when it wakes that its time is over, whatever the server has given to another meanwhile.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use super::Coordinator;
use crate::broker::leadership::{LEADER, Term};
use crate::clock;
use crate::task::Moment;

/// How long a leader that is gone keeps the others waiting.
const TIME_TO_LIVE: Duration = Duration::from_secs(5);
/// How often the lease is renewed, or asked for: twice may go wrong.
const RENEW_EVERY: Duration = Duration::from_millis(1500);
/// Kept free at the end of a lease for what was begun within it.
const MARGIN: Duration = Duration::from_millis(500);

/// Until when this coordinator leads.
pub(super) struct Leader {
    until: watch::Sender<Option<Moment>>,
}

impl Leader {
    pub(super) fn new() -> Self {
        Self {
            until: watch::Sender::new(None),
        }
    }

    /// Whether it leads at this moment.
    pub(super) fn is_leading(&self) -> bool {
        self.until
            .borrow()
            .is_some_and(|until| clock::monotonic() < until)
    }

    /// Waits until it has lost the lease, as far as it was told.
    pub(super) async fn deposed(&self) {
        let mut until = self.until.subscribe();
        // The sender is this.
        let _ = until.wait_for(Option::is_none).await;
    }

    /// Waits until it leads.
    pub(super) async fn leading(&self) {
        let mut until = self.until.subscribe();
        // The sender is this.
        let _ = until
            .wait_for(|until| until.is_some_and(|until| clock::monotonic() < until))
            .await;
    }
}

/// Takes and keeps the lease until the coordinator stops, and gives it back then.
pub(super) async fn run(of: Arc<Coordinator>) {
    let mut every = tokio::time::interval(RENEW_EVERY);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut term = None;
    loop {
        tokio::select! {
            _ = every.tick() => (),
            () = of.lifecycle.soft().cancelled() => break,
        }
        term = renew(&of, term).await;
        of.metrics.leading(term.is_some());
    }
    of.leader.until.send_replace(None);
    of.metrics.leading(false);
    if let Some(term) = term
        && let Err(error) = of.broker.abdicate(LEADER, term).await
    {
        tracing::debug!(%error, "the lease could not be given back; it ends by itself");
    }
}

async fn renew(of: &Coordinator, term: Option<Term>) -> Option<Term> {
    let asked = clock::monotonic();
    let answered = of.broker.lead(LEADER, of.broker.name(), TIME_TO_LIVE, term).await;
    let renewed = match answered {
        Ok(renewed) => renewed,
        Err(error) => {
            // It may be ours all the same, for as long as was counted before.
            tracing::debug!(%error, "the lease could not be written; trying again");
            return term;
        }
    };
    if renewed.is_some() != term.is_some() {
        tracing::info!(leading = renewed.is_some(), "who leads has changed");
    }
    let until = renewed.map(|_| Moment(asked.0 + TIME_TO_LIVE - MARGIN));
    of.leader.until.send_replace(until);
    renewed
}
