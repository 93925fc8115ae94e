//! The states of a task and the one function that moves between them.

use std::fmt;

/// Where a task stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum State {
    /// Waits for its time.
    Scheduled,
    /// Waits for other tasks.
    Blocked,
    /// Waits on a lane.
    Queued,
    /// A worker holds it.
    Running,
    /// Waits out a back-off.
    Retrying,
    /// Parked, by overload or by time-outs.
    Archived,
    /// Terminal: has its result.
    Completed,
    /// Terminal: stopped on request.
    Cancelled,
    /// Terminal: a dead letter.
    Dead,
    /// Terminal: its deadline passed.
    Expired,
}

/// What can happen to a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Event {
    /// Its time came (`run_at`, or the back-off ended).
    Due,
    /// Every task it depends on completed.
    Unblocked,
    /// A worker took it.
    Started,
    /// The worker gave it back, or its lease ran out.
    HandedBack,
    /// It moved to another lane while queued, or after a failure.
    Moved,
    /// The execution produced its result.
    Finished,
    /// The execution failed and is to be tried again later.
    RetryLater,
    /// It was parked.
    Park,
    /// It was taken out of the archive, or replayed as a dead letter.
    Replayed,
    /// It was cancelled.
    Cancel,
    /// It was given up for good.
    GiveUp,
    /// Its deadline passed.
    Expire,
}

impl State {
    /// Every state.
    pub const ALL: [State; 10] = [
        State::Scheduled,
        State::Blocked,
        State::Queued,
        State::Running,
        State::Retrying,
        State::Archived,
        State::Completed,
        State::Cancelled,
        State::Dead,
        State::Expired,
    ];

    /// The word on the wire (`Fl-State`).
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            State::Scheduled => "scheduled",
            State::Blocked => "blocked",
            State::Queued => "queued",
            State::Running => "running",
            State::Retrying => "retrying",
            State::Archived => "archived",
            State::Completed => "completed",
            State::Cancelled => "cancelled",
            State::Dead => "dead",
            State::Expired => "expired",
        }
    }

    /// Reads the word on the wire.
    #[must_use]
    pub fn parse(text: &str) -> Option<State> {
        State::ALL.into_iter().find(|s| s.as_str() == text)
    }

    /// Whether nothing but a replay can follow.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(
            self,
            State::Completed | State::Cancelled | State::Dead | State::Expired
        )
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Event {
    /// Every event.
    pub const ALL: [Event; 12] = [
        Event::Due,
        Event::Unblocked,
        Event::Started,
        Event::HandedBack,
        Event::Moved,
        Event::Finished,
        Event::RetryLater,
        Event::Park,
        Event::Replayed,
        Event::Cancel,
        Event::GiveUp,
        Event::Expire,
    ];
}

/// An event that cannot happen in a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a {state} task cannot take the event {event:?}")]
pub struct IllegalTransition {
    /// Where the task stood.
    pub state: State,
    /// What was said to happen.
    pub event: Event,
}

/// The state that follows.
///
/// # Errors
/// [`IllegalTransition`] for a pair that cannot occur; the caller's record is then wrong.
pub fn next(state: State, event: Event) -> Result<State, IllegalTransition> {
    use Event as E;
    use State as S;
    Ok(match (state, event) {
        (S::Scheduled | S::Retrying, E::Due) | (S::Blocked, E::Unblocked) => S::Queued,
        (S::Queued, E::Started) => S::Running,
        (S::Running, E::HandedBack | E::Moved) | (S::Queued, E::Moved) => S::Queued,
        (S::Running, E::Finished) => S::Completed,
        (S::Running, E::RetryLater) => S::Retrying,
        (S::Running | S::Queued | S::Retrying, E::Park) => S::Archived,
        (S::Archived | S::Dead, E::Replayed) => S::Queued,
        (from, E::Cancel) if !from.is_terminal() => S::Cancelled,
        (from, E::GiveUp) if !from.is_terminal() => S::Dead,
        (from, E::Expire) if !from.is_terminal() => S::Expired,
        (state, event) => return Err(IllegalTransition { state, event }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    #[test]
    fn every_pair_of_state_and_event_has_its_answer() {
        let mut table = String::new();
        for state in State::ALL {
            let row: Vec<String> = Event::ALL
                .into_iter()
                .filter_map(|event| next(state, event).ok().map(|to| format!("{event:?}→{to}")))
                .collect();
            table.push_str(&format!("{state}: {}\n", row.join(" ")));
        }
        expect![[r#"
            scheduled: Due→queued Cancel→cancelled GiveUp→dead Expire→expired
            blocked: Unblocked→queued Cancel→cancelled GiveUp→dead Expire→expired
            queued: Started→running Moved→queued Park→archived Cancel→cancelled GiveUp→dead Expire→expired
            running: HandedBack→queued Moved→queued Finished→completed RetryLater→retrying Park→archived Cancel→cancelled GiveUp→dead Expire→expired
            retrying: Due→queued Park→archived Cancel→cancelled GiveUp→dead Expire→expired
            archived: Replayed→queued Cancel→cancelled GiveUp→dead Expire→expired
            completed: 
            cancelled: 
            dead: Replayed→queued
            expired: 
        "#]].assert_eq(&table);
    }

    #[test]
    fn nothing_but_a_replayed_dead_letter_leaves_a_terminal_state() {
        for state in State::ALL.into_iter().filter(|s| s.is_terminal()) {
            for event in Event::ALL {
                let stays = next(state, event).is_err();
                assert!(
                    stays || (state, event) == (State::Dead, Event::Replayed),
                    "{state} {event:?}"
                );
            }
        }
    }
}
