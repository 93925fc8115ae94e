//! Events as data: what an intake was told and what it answered, so that another one can be told the same.

use super::core::Intake;
use super::facts::{Admission, Arrival, AskEnd, Decision, PullId, PullOutcome, QueueId, Source, View};
use crate::scheduler::facts::Flow;
use crate::task::Moment;

/// What an intake can be told.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Event {
    /// See [`Intake::delivered`].
    Delivered(QueueId, Source, Arrival),
    /// See [`Intake::ask_ended`].
    AskEnded(QueueId, PullId, AskEnd),
    /// See [`Intake::wait_ended`]: queue, generation and whether it was refused.
    WaitEnded(QueueId, u64, bool),
    /// See [`Intake::finished`].
    Finished(QueueId, Option<Flow>, f64),
    /// See [`Intake::viewed`].
    Viewed(QueueId, View),
    /// See [`Intake::poll`].
    Polled,
}

/// What it answered.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Answer {
    /// What becomes of a task.
    Admission(Admission),
    /// How an ask came out, if it still counted.
    Outcome(Option<PullOutcome>),
    /// What to do next, if anything.
    Decision(Option<Decision>),
    /// Nothing.
    Heard,
}

impl Intake {
    /// Tells it one event.
    pub fn hear(&mut self, event: &Event, now: Moment) -> Answer {
        match *event {
            Event::Delivered(queue, source, arrival) => {
                Answer::Admission(self.delivered(queue, source, &arrival, now))
            }
            Event::AskEnded(queue, pull, end) => Answer::Outcome(self.ask_ended(queue, pull, end, now)),
            Event::WaitEnded(queue, generation, refused) => {
                self.wait_ended(queue, generation, refused, now);
                Answer::Heard
            }
            Event::Finished(queue, flow, cost_ms) => {
                self.finished(queue, flow, cost_ms);
                Answer::Heard
            }
            Event::Viewed(queue, view) => {
                self.viewed(queue, &view, now);
                Answer::Heard
            }
            Event::Polled => Answer::Decision(self.poll(now)),
        }
    }
}
