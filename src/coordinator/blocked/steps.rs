//! Taking the steps that the board says.

use futures_util::future::join_all;

use super::find::{Found, look, promote};
use super::settle;
use super::watch::Watch;
use crate::broker::{RequestError, WriteError};
use crate::coordinator::Coordinator;
use crate::policy::Step;
use crate::task::{Lane, State, Task, TaskId};

/// Steps under way at once: enough to hide the server's answer time when one task lets many go.
const AT_ONCE: usize = 64;

/// What came of a step.
enum Taken {
    /// A task that others wait for has ended.
    Ended(TaskId, State),
    /// It is queued there.
    Queued(Box<Task>, u64),
    /// It cannot be moved where it is.
    OutOfReach(TaskId),
    /// It was moved, and is there now.
    Moved(TaskId, (Lane, u64)),
    /// It is not where it was known to be.
    Lost(TaskId, Option<(Lane, u64)>),
    /// A task waits no more; where it is queued now, if it is.
    Left(TaskId, Option<(Box<Task>, u64)>),
    /// Nothing to note.
    Nothing,
}

impl Watch<'_> {
    /// Takes every step there is. One that fails is taken again at the next look.
    pub(super) async fn work(&mut self) -> Result<(), RequestError> {
        loop {
            let taken: Vec<Step> = std::iter::from_fn(|| self.board.step()).take(AT_ONCE).collect();
            if taken.is_empty() {
                return Ok(());
            }
            self.hear_endings().await?;
            let of = self.of;
            let (keys, taken): (Vec<Step>, Vec<Step>) =
                taken.into_iter().partition(|step| matches!(step, Step::Grant(_)));
            self.grant_all(&keys).await;
            let acts = taken.into_iter().map(|step| {
                let known = match &step {
                    Step::Release(id) => self.board.lane(id).map(|lane| (lane, 0)),
                    Step::Look(task) | Step::Promote { task, .. } => self.places.get(task).copied(),
                    _ => None,
                };
                async move { (act(of, &step, known).await, step) }
            });
            for (acted, step) in join_all(acts).await {
                match acted {
                    Ok(taken) => self.note(taken),
                    Err(error) => {
                        tracing::warn!(?step, %error, "not done yet for a task that waits; trying again");
                        self.later.push(step);
                    }
                }
            }
        }
    }

    fn note(&mut self, taken: Taken) {
        match taken {
            Taken::Ended(id, state) => self.board.ended(&id, state),
            Taken::Queued(task, sequence) => self.queued(&task, sequence),
            Taken::OutOfReach(id) => self.board.out_of_reach(&id),
            Taken::Moved(id, place) => {
                self.places.insert(id, place);
            }
            // Unless it was moved while it was looked for.
            Taken::Lost(id, known) if self.places.get(&id).copied() == known => {
                self.places.remove(&id);
                self.board.lost(&id);
            }
            Taken::Left(id, Some((task, sequence))) => {
                self.board.left(&id);
                self.queued(&task, sequence);
            }
            Taken::Left(id, None) => self.board.gone(&id),
            Taken::Lost(..) | Taken::Nothing => (),
        }
    }

    /// A task that others may wait for is on a lane.
    pub(super) fn queued(&mut self, task: &Task, sequence: u64) {
        if self.board.is_awaited(&task.id) {
            let place = (task.lane, sequence);
            let before = self.places.insert(task.id.clone(), place);
            // One that could not be moved up stays where it is until it has run: each move uses a hop.
            if before != Some(place) || !self.board.is_found(&task.id) {
                self.board.queued(&self.of.policy(), task);
            }
        }
    }

    /// A task that others wait for is with a worker, which was given it there.
    pub(super) fn runs(&mut self, id: &TaskId, place: (Lane, u64)) {
        self.places.insert(id.clone(), place);
        self.board.out_of_reach(id);
    }
}

/// `known` is the lane to release to, or the place to look at first or to promote from.
async fn act(of: &Coordinator, step: &Step, known: Option<(Lane, u64)>) -> Result<Taken, WriteError> {
    Ok(match (step, known) {
        (Step::Look(id), known) => match look(of, id, known).await? {
            Found::Ended(state) => Taken::Ended(id.clone(), state),
            Found::Queued(task, sequence) => Taken::Queued(task, sequence),
            Found::OutOfReach => Taken::OutOfReach(id.clone()),
            Found::Nowhere => Taken::Lost(id.clone(), known),
        },
        (Step::Release(id), Some((lane, _))) => {
            let queued = settle::release(of, id, lane).await?;
            Taken::Left(
                id.clone(),
                queued.map(|(task, sequence)| (Box::new(task), sequence)),
            )
        }
        (Step::Fail { task, why }, _) => {
            settle::fail(of, task, why).await?;
            Taken::Left(task.clone(), None)
        }
        (Step::Expire(id), _) => {
            settle::expire(of, id).await?;
            Taken::Left(id.clone(), None)
        }
        (Step::Clear(id), _) => {
            settle::clear(of, id).await?;
            Taken::Nothing
        }
        (Step::Promote { task, to }, Some((lane, sequence))) => {
            match promote(of, task, *to, lane, sequence).await? {
                Some(place) => Taken::Moved(task.clone(), place),
                None => Taken::Nothing,
            }
        }
        // It left in between; keys are given by their own.
        (Step::Grant(_), _) | (Step::Release(_) | Step::Promote { .. }, None) => Taken::Nothing,
    })
}
