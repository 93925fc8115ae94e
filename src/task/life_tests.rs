//! Random lives of a task: what `next` says agrees with where the task's messages would be.
//!
//! The reference model knows no states. It keeps the messages that a mesh would hold of a task, and reads the state off
//! them in the order of what is true: record, archive, timer, lane.

use proptest::prelude::*;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};

use super::{Event, State, next};

/// Where the task's messages are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Messages {
    /// Waits for `run_at`.
    scheduled: bool,
    /// Waits for its parents.
    blocked: bool,
    /// Lies on a lane.
    queued: bool,
    /// A worker holds what lies on the lane.
    held: bool,
    /// Waits out a back-off.
    timer: bool,
    /// Lies in the archive.
    parked: bool,
    /// Its terminal record.
    record: Option<State>,
}

impl Messages {
    fn state(self) -> State {
        match self {
            Messages {
                record: Some(state), ..
            } => state,
            Messages { parked: true, .. } => State::Archived,
            Messages { timer: true, .. } => State::Retrying,
            Messages { scheduled: true, .. } => State::Scheduled,
            Messages { blocked: true, .. } => State::Blocked,
            Messages { held: true, .. } => State::Running,
            _ => State::Queued,
        }
    }

    /// Whether an event can come about: somebody must hold a message to do it with.
    fn allows(self, event: Event) -> bool {
        let alive = self.record.is_none();
        let waits = self.queued && !self.held;
        match event {
            Event::Due => alive && (self.timer || self.scheduled),
            Event::Unblocked => alive && self.blocked,
            Event::Started => alive && waits,
            Event::HandedBack | Event::Finished | Event::RetryLater => alive && self.held,
            Event::Moved => alive && self.queued,
            Event::Park => alive && (self.queued || self.timer),
            Event::Replayed => (alive && self.parked) || self.record == Some(State::Dead),
            Event::Cancel | Event::GiveUp | Event::Expire => alive,
        }
    }

    fn after(self, event: Event) -> Self {
        let on_lane = Messages {
            queued: true,
            ..Messages::default()
        };
        let ended = |state| Messages {
            record: Some(state),
            ..Messages::default()
        };
        match event {
            Event::Due | Event::Unblocked | Event::HandedBack | Event::Moved | Event::Replayed => on_lane,
            Event::Started => Messages {
                held: true,
                ..on_lane
            },
            Event::Finished => ended(State::Completed),
            Event::RetryLater => Messages {
                timer: true,
                ..Messages::default()
            },
            Event::Park => Messages {
                parked: true,
                ..Messages::default()
            },
            Event::Cancel => ended(State::Cancelled),
            Event::GiveUp => ended(State::Dead),
            Event::Expire => ended(State::Expired),
        }
    }
}

struct Lives;

impl ReferenceStateMachine for Lives {
    type State = Messages;
    type Transition = Event;

    fn init_state() -> BoxedStrategy<Messages> {
        let scheduled = Messages {
            scheduled: true,
            ..Messages::default()
        };
        let blocked = Messages {
            blocked: true,
            ..Messages::default()
        };
        let queued = Messages {
            queued: true,
            ..Messages::default()
        };
        prop_oneof![Just(scheduled), Just(blocked), Just(queued)].boxed()
    }

    fn transitions(_: &Messages) -> BoxedStrategy<Event> {
        // Also those that cannot come about: they must be refused.
        proptest::sample::select(Event::ALL.to_vec()).boxed()
    }

    fn apply(messages: Messages, event: &Event) -> Messages {
        if messages.allows(*event) {
            messages.after(*event)
        } else {
            messages
        }
    }
}

struct Life;

impl StateMachineTest for Life {
    type SystemUnderTest = State;
    type Reference = Lives;

    fn init_test(messages: &Messages) -> State {
        messages.state()
    }

    fn apply(state: State, after: &Messages, event: Event) -> State {
        match next(state, event) {
            Ok(followed) => followed,
            Err(refused) => {
                assert_eq!((refused.state, refused.event), (state, event));
                assert_eq!(after.state(), state, "{event:?} came about all the same");
                state
            }
        }
    }

    fn check_invariants(state: &State, messages: &Messages) {
        assert_eq!(*state, messages.state());
        let places = [
            messages.scheduled,
            messages.blocked,
            messages.queued,
            messages.timer,
            messages.parked,
        ];
        let there = places.iter().filter(|is_there| **is_there).count();
        assert_eq!(
            there + usize::from(messages.record.is_some()),
            1,
            "nowhere, or in two places"
        );
    }
}

prop_state_machine! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn a_life_is_what_its_messages_say(sequential 1..60 => Life);
}
