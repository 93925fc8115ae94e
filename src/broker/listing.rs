//! Going through tasks wherever they are, a page at a time.

use std::fmt;
use std::str::FromStr;

use super::connect::Broker;
use super::error::RequestError;
use super::queues::Queue;
use super::raw::Raw;
use super::scan::Scope;
use super::subject;
use crate::task::{ClassName, EpochMs, ErrorKind, Lane, Route, Shard, State, Task, TaskId};
use crate::wire::header::{ATTEMPT, BLOCKED, CLASS, HOP, LANE};
use crate::wire::{Arrival, Origin, ReadHeaders, read_facts, read_fence, read_history, salvage};

/// Where tasks are, in the order in which they are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    /// Queued on core, or running.
    Core,
    /// Queued on normal, or running.
    Normal,
    /// Waiting for their time: new, or failed and to be tried again; or for the verdict.
    Retry,
    /// Waiting for other tasks, or for their key.
    Held,
    /// Parked.
    Archive,
    /// Ended.
    Results,
}

impl Place {
    /// Every place, in order.
    pub const ALL: [Place; 6] = [
        Place::Core,
        Place::Normal,
        Place::Retry,
        Place::Held,
        Place::Archive,
        Place::Results,
    ];

    const fn as_str(self) -> &'static str {
        match self {
            Place::Core => "core",
            Place::Normal => "normal",
            Place::Retry => "retry",
            Place::Held => "held",
            Place::Archive => "archive",
            Place::Results => "results",
        }
    }

    pub(super) const fn stream(self) -> &'static str {
        match self {
            Place::Core => subject::lane_stream(Lane::Core),
            Place::Normal => subject::lane_stream(Lane::Normal),
            Place::Retry => subject::RETRY,
            Place::Held => subject::HELD,
            Place::Archive => subject::ARCHIVE,
            Place::Results => subject::RESULTS,
        }
    }

    /// Whether tasks in this state can be there.
    #[must_use]
    pub const fn may_hold(self, state: State) -> bool {
        match self {
            Place::Core | Place::Normal => matches!(state, State::Queued | State::Running),
            Place::Retry => matches!(state, State::Retrying | State::Scheduled),
            Place::Held => matches!(state, State::Blocked),
            Place::Archive => matches!(state, State::Archived),
            Place::Results => state.is_terminal(),
        }
    }

    /// The lane, where it is one.
    #[must_use]
    pub const fn lane(self) -> Option<Lane> {
        match self {
            Place::Core => Some(Lane::Core),
            Place::Normal => Some(Lane::Normal),
            _ => None,
        }
    }
}

/// Where a list goes on: `<place>:<sequence>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// In which place.
    pub place: Place,
    /// At or after this message.
    pub sequence: u64,
}

impl Cursor {
    /// Before everything.
    pub const START: Cursor = Cursor {
        place: Place::Core,
        sequence: 1,
    };

    /// The beginning of the next place; none after the last.
    #[must_use]
    pub fn next_place(self) -> Option<Cursor> {
        let at = Place::ALL.iter().position(|place| *place == self.place)?;
        let place = *Place::ALL.get(at + 1)?;
        Some(Cursor { place, sequence: 1 })
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.place.as_str(), self.sequence)
    }
}

impl FromStr for Cursor {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let read = || {
            let (place, sequence) = text.split_once(':')?;
            let place = Place::ALL.into_iter().find(|known| known.as_str() == place)?;
            let sequence = sequence.parse().ok()?;
            Some(Cursor { place, sequence })
        };
        read().ok_or_else(|| {
            "no cursor; take the one that the list before ended with, such as core:120".to_owned()
        })
    }
}

/// One task of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    /// Which task.
    pub id: TaskId,
    /// Its class, as far as its message says.
    pub class: Option<ClassName>,
    /// What it is there.
    pub state: State,
    /// The lane it is on or goes back to, if it is to.
    pub lane: Option<Lane>,
    /// Executions that have failed.
    pub attempt: u32,
    /// Times it was published again.
    pub hop: u32,
    /// Whether an execution of it ran out of time.
    pub is_timed_out: bool,
    /// Since when it is there.
    pub since: EpochMs,
    /// Where it stands in the list.
    pub at: Cursor,
    /// The task, where its message is the whole of it: on a lane, or failed.
    pub task: Option<Task>,
}

impl Broker {
    /// The tasks of one page of a place, and where to go on in it; none at the end of the place. `queues` are
    /// those of the lane, see [`Broker::queues`]: they tell which tasks are with a worker.
    ///
    /// # Errors
    /// [`RequestError`] when the stream is missing or the server does not answer.
    pub async fn listed(
        &self,
        from: Cursor,
        queues: &[Queue],
    ) -> Result<(Vec<Listed>, Option<Cursor>), RequestError> {
        let place = from.place;
        let page = self.page(Scope::of(place.stream()), from.sequence).await?;
        let next = page.last().map(|last| Cursor {
            place,
            sequence: last.sequence + 1,
        });
        let found = page.iter().filter_map(|message| listed(place, message, queues));
        Ok((found.collect(), next))
    }
}

pub(super) fn listed(place: Place, message: &Raw, queues: &[Queue]) -> Option<Listed> {
    let headers = message.original.headers();
    let last_token = || TaskId::new(message.subject.rsplit('.').next()?).ok();
    let (id, lane, state, task) = match place {
        Place::Core | Place::Normal => {
            let route = subject::parse_task(&message.subject)?;
            let is_out = queues
                .iter()
                .any(|queue| queue.route == route && message.sequence <= queue.delivered);
            let state = if is_out { State::Running } else { State::Queued };
            let task = identify(&route, message, Origin::Lane(message.sequence));
            (task.id.clone(), place.lane(), state, Some(task))
        }
        Place::Retry if subject::is_of_schedule(&message.subject) => return None,
        Place::Retry => match subject::parse_retry(&message.subject) {
            None => (last_token()?, None, timed(message), None),
            Some((lane, class, model)) => {
                let shard = Shard::Stable(0);
                let route = Route {
                    lane,
                    class,
                    model,
                    shard,
                };
                let task = identify(&route, message, Origin::Elsewhere(message.sequence));
                (task.id.clone(), Some(lane), timed(message), Some(task))
            }
        },
        // A safe copy of a task that is being moved is listed where it goes.
        Place::Held => {
            headers.header(BLOCKED)?;
            let lane = headers.header(LANE).and_then(|lane| lane.parse().ok());
            (last_token()?, lane, State::Blocked, None)
        }
        Place::Archive => (last_token()?, None, State::Archived, None),
        Place::Results => (last_token()?, None, read_fence(&headers)?.state, None),
    };
    let number = |name| headers.header(name).and_then(|text| text.trim().parse().ok());
    let class = headers
        .header(CLASS)
        .or_else(|| class_token(place, &message.subject));
    Some(Listed {
        id,
        class: class.and_then(|name| ClassName::new(name).ok()),
        state,
        lane,
        attempt: number(ATTEMPT).unwrap_or(0),
        hop: number(HOP).unwrap_or(0),
        is_timed_out: read_history(&headers)
            .iter()
            .any(|entry| entry.kind == ErrorKind::Timeout),
        since: message.stored_at,
        at: Cursor {
            place,
            sequence: message.sequence,
        },
        task,
    })
}

/// What a task of `FL_RETRY` is: one that was never published to a lane is new, and waits for its `run_at`.
pub(super) fn timed(message: &Raw) -> State {
    let hop = message.original.header(HOP).map(str::trim);
    match message.subject.starts_with(subject::REPORTS) || hop != Some("0") {
        true => State::Retrying,
        false => State::Scheduled,
    }
}

/// The class as the subject names it.
fn class_token(place: Place, subject: &str) -> Option<&str> {
    let at = match place {
        Place::Core | Place::Normal => 3,
        Place::Retry => 4,
        Place::Archive => 2,
        Place::Held | Place::Results => return None,
    };
    subject.split('.').nth(at)
}

pub(super) fn identify(route: &Route, message: &Raw, origin: Origin) -> Task {
    let headers = message.original.headers();
    let arrival = Arrival {
        route,
        headers: &headers,
        body: &message.original.body,
        origin,
        stored_at: message.stored_at,
    };
    read_facts(&arrival).unwrap_or_else(|malformed| salvage(&arrival, &malformed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_and_leads_through_every_place() {
        let mut at = Some(Cursor::START);
        let mut places = Vec::new();
        while let Some(cursor) = at {
            assert_eq!(cursor.to_string().parse(), Ok(cursor));
            places.push(cursor.place);
            at = cursor.next_place();
        }
        assert_eq!(places, Place::ALL);
        for text in ["", "core", "core:", "nowhere:1", "core:x"] {
            assert!(text.parse::<Cursor>().is_err(), "{text}");
        }
    }

    #[test]
    fn every_state_a_stream_can_hold_has_its_place() {
        for state in State::ALL {
            let is_somewhere = Place::ALL.iter().any(|place| place.may_hold(state));
            assert!(is_somewhere, "{state}");
        }
    }
}
