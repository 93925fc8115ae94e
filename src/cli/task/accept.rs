//! Publishing one task until its stream has it, or until that is not to be expected any more.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use crate::broker::Broker;
use crate::broker::publish::{PublishError, Published};
use crate::clock;
use crate::gateway::Admitted;
use crate::task::Moment;

/// The first pause before another try; it doubles with each.
const PAUSE_MIN: Duration = Duration::from_millis(100);
/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(2);
/// How long after a try without an answer the same task may be sent again. Streams know message ids
/// for 120 s; later, what was stored after all would be stored twice.
const UNANSWERED_MAX: Duration = Duration::from_secs(100);

/// How long nothing gets through before that is told.
const STALLED: Duration = Duration::from_secs(1);

/// Whether a full lane ends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OnFull {
    Refuse,
    Wait,
}

/// How long without any task getting through is too long, over all tasks of one command.
pub(super) struct Patience<'a> {
    limit: Duration,
    on_full: OnFull,
    progress: Cell<Moment>,
    /// Told once when tasks stop getting through, and why.
    trouble: RefCell<Option<String>>,
    say: &'a dyn Fn(&str),
}

impl<'a> Patience<'a> {
    pub(super) fn new(limit: Duration, on_full: OnFull, say: &'a dyn Fn(&str)) -> Self {
        Self {
            limit,
            on_full,
            progress: Cell::new(clock::monotonic()),
            trouble: RefCell::new(None),
            say,
        }
    }

    fn left(&self, started: Moment) -> Duration {
        let since = self.progress.get().max(started);
        self.limit.saturating_sub(clock::monotonic().since(since))
    }

    fn note_progress(&self) {
        self.progress.set(clock::monotonic());
        if self.trouble.take().is_some() {
            (self.say)("tasks are accepted again");
        }
    }

    /// One of many tasks that fails while others pass is no news.
    fn note_stalled(&self, what: &str) {
        if clock::monotonic().since(self.progress.get()) >= STALLED {
            self.note_trouble(what);
        }
    }

    fn note_trouble(&self, what: &str) {
        let said = self.trouble.borrow().as_deref() == Some(what);
        if !said {
            (self.say)(&format!(
                "{what}; trying again for up to {} s",
                self.limit.as_secs()
            ));
            self.trouble.replace(Some(what.to_owned()));
        }
    }
}

/// The stream has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Accepted {
    New,
    /// It had a task of this id before.
    Duplicate,
}

/// The stream does not have it, as far as is known.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum NotAccepted {
    /// The stream, or nobody, said so.
    #[error(transparent)]
    Publish(PublishError),
    /// There was nobody to send it to.
    #[error("the connection to NATS is lost and the task was not sent; submit it when NATS is back")]
    Offline,
}

/// Publishes under the same id until there is an answer. A duplicate after a try without an answer
/// is that try.
pub(super) async fn accept(
    broker: &Broker,
    admitted: &Admitted,
    patience: &Patience<'_>,
) -> Result<Accepted, NotAccepted> {
    let started = clock::monotonic();
    let mut unanswered: Option<(Moment, PublishError)> = None;
    let mut pause = PAUSE_MIN;
    loop {
        // What is sent while there is no connection would only fill the client's buffer.
        if !broker.connected_within(Duration::ZERO).await {
            patience.note_trouble("the connection to NATS is lost");
            if !broker.connected_within(patience.left(started)).await {
                return Err(unanswered.map_or(NotAccepted::Offline, |(_, error)| NotAccepted::Publish(error)));
            }
        }
        let tried_at = clock::monotonic();
        let since = unanswered.as_ref().map_or(tried_at, |(first, _)| *first);
        if let Some((_, error)) = unanswered.take_if(|_| tried_at.since(since) > UNANSWERED_MAX) {
            return Err(NotAccepted::Publish(error));
        }
        let error = match admitted.publish(broker).await {
            Ok(published) => {
                patience.note_progress();
                let ours = unanswered.is_some();
                return Ok(match published {
                    Published::Duplicate(_) if !ours => Accepted::Duplicate,
                    _ => Accepted::New,
                });
            }
            Err(error) => error,
        };
        if !worth_another_try(&error, patience) || patience.left(started).is_zero() {
            return Err(NotAccepted::Publish(error));
        }
        if matches!(error, PublishError::Unknown { .. }) {
            unanswered = Some((since, error));
        }
        tokio::time::sleep(pause.min(patience.left(started))).await;
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

fn worth_another_try(error: &PublishError, patience: &Patience<'_>) -> bool {
    match error {
        PublishError::Full { subject, .. } => {
            let lane = subject.split('.').nth(2).unwrap_or_default();
            let wait = patience.on_full == OnFull::Wait;
            if wait {
                patience.note_stalled(&format!("the {lane} lane is full"));
            }
            wait
        }
        PublishError::Unknown { .. } => {
            patience.note_stalled("NATS does not answer");
            true
        }
        PublishError::NoStream { .. } | PublishError::TooLarge { .. } => false,
    }
}
