//! What a pool knows of its processes.

use tokio::sync::watch;

use crate::task::Moment;

/// How the processes of a pool are.
#[derive(Debug, Clone, Default)]
pub(super) struct Health {
    /// Processes that are ready, whether they run a task or not.
    up: u32,
    /// Since when none is; None while one is.
    down_since: Option<Moment>,
    /// Whether one ever was.
    was_up: bool,
    /// Places whose first process failed before it was ready.
    never_up: u32,
    /// Why the last one failed.
    last_failure: Option<String>,
}

impl Health {
    /// None is up yet.
    pub(super) fn down(now: Moment) -> watch::Sender<Self> {
        watch::Sender::new(Self {
            down_since: Some(now),
            ..Self::default()
        })
    }

    /// One more is ready.
    pub(super) fn rose(&mut self) {
        self.up += 1;
        self.down_since = None;
        self.was_up = true;
    }

    /// One that was ready is gone.
    pub(super) fn fell(&mut self, now: Moment) {
        self.up = self.up.saturating_sub(1);
        if self.up == 0 {
            self.down_since = Some(now);
        }
    }

    /// One failed.
    pub(super) fn failed(&mut self, why: String, is_first_of_place: bool) {
        self.never_up += u32::from(is_first_of_place);
        self.last_failure = Some(why);
    }

    /// Since when none is up.
    pub(super) fn down_since(&self) -> Option<Moment> {
        self.down_since
    }

    /// Whether one was up, or the first of all `places` has failed.
    pub(super) fn is_known(&self, places: u32) -> bool {
        self.was_up || self.never_up >= places
    }

    /// Whether one ever was up.
    pub(super) fn was_up(&self) -> bool {
        self.was_up
    }

    /// Why the last one failed, in words.
    pub(super) fn last_failure(&self) -> &str {
        self.last_failure.as_deref().unwrap_or("it is still starting")
    }
}
