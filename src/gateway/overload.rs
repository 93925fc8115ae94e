//! What is turned away when there is too much: by the level that the leading coordinator says, and by the deadline of
//! the task.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::Admitted;
use super::desk::Desk;
use super::problem::{Code, Problem};
use crate::broker::publish::{PublishError, Published};
use crate::clock;
use crate::policy::{Cause, Fate, Level, Outlook, Shed, fate, infeasible, retry_after_s};
use crate::task::{EpochMs, ErrorKind, EventKind, Lane, Moment, ParkReason, Task};
use crate::wire::{OverloadNote, Report, TaskEvent, to_rfc3339};

/// A level that nobody confirms for so long does not hold any more: its coordinators are gone, and the lanes have bounds of
/// their own. A leader that dies is followed within half of it.
const VOID_AFTER: Duration = Duration::from_secs(15);

/// The last that was heard of the load.
#[derive(Default)]
pub(super) struct Load(watch::Sender<Option<Heard>>);

#[derive(Debug, Clone, Copy)]
struct Heard {
    note: OverloadNote,
    at: Moment,
}

/// Where a task goes that is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// To its lane, or to where it waits until it may go there.
    Entry,
    /// Aside, because of this level.
    Archive(Level),
}

impl Load {
    /// What was heard, if it still counts.
    fn note(&self) -> Option<OverloadNote> {
        let heard = (*self.0.borrow())?;
        (clock::monotonic().since(heard.at) <= VOID_AFTER).then_some(heard.note)
    }
}

impl Desk {
    /// Hears which level of overload holds from now on; ends with the desk's lifecycle.
    pub fn heed_overload(self: &Arc<Self>) {
        let desk = self.clone();
        self.lifecycle.spawn(async move {
            let mut notes = desk.broker.overload_notes();
            loop {
                let note = tokio::select! {
                    note = notes.next() => note,
                    () = desk.lifecycle.soft().cancelled() => return,
                };
                let is_first = desk.load.0.borrow().is_none();
                desk.load.0.send_replace(note.map(|note| heard(note, is_first)));
            }
        });
    }

    /// What is served before a new task of `lane`, and how fast, as far as it is known.
    fn ahead(&self, lane: Lane) -> Option<Outlook> {
        let note = self.load.note()?;
        let Outlook { backlog, drain_per_s } = *note.lane(lane);
        // What lies aside goes first, and nearly all of it is of the lane that is put aside.
        let aside = if lane == Lane::Normal { note.archived } else { 0 };
        Some(Outlook {
            backlog: backlog + aside,
            drain_per_s,
        })
    }

    /// What is to be done on all lanes before the level can be another, and how fast that goes.
    fn all_of_it(&self) -> Option<Outlook> {
        let note = self.load.note()?;
        let rates = [note.core, note.normal]
            .into_iter()
            .filter_map(|lane| lane.drain_per_s);
        Some(Outlook {
            backlog: note.core.backlog + note.normal.backlog + note.archived,
            drain_per_s: rates.reduce(|a, b| a + b),
        })
    }

    /// Where a new task goes, or why it is not taken.
    pub(super) fn place_of(&self, admitted: &Admitted, now: EpochMs) -> Result<Place, Problem> {
        let Admitted { task, run_at, .. } = admitted;
        // What there is to do now says nothing of then, but for the room that timers take.
        if run_at.is_some() {
            return match self.load.note().filter(OverloadNote::refuses_timers) {
                None => Ok(Place::Entry),
                Some(note) => {
                    let what = "tasks that wait for their time take too much of the storage; the task is not accepted; submit it \
                                again later, or without run_at";
                    let problem = Problem::new(Code::TimersFull, what)
                        .with("reason", "Fl-Error-Reason", Cause::Retries.as_str())
                        .with("level", "Fl-Error-Level", note.standing.level.number());
                    Err(told_when(problem, None))
                }
            };
        }
        self.judge_deadline(task, now)?;
        let Some(standing) = self.load.note().map(|note| note.standing) else {
            return Ok(Place::Entry);
        };
        let shed = match fate(&self.policy(), standing.level, task.lane, &task.class) {
            Fate::Take => return Ok(Place::Entry),
            Fate::Archive => return Ok(Place::Archive(standing.level)),
            Fate::Refuse(shed) => shed,
        };
        let (code, why) = match shed {
            Shed::LowerPriority => (
                Code::LowerPriority,
                format!(
                    "there is too much to do, and the {} lane takes only its most urgent classes, not {}",
                    task.lane, task.class
                ),
            ),
            Shed::CoreOnly => (
                Code::CoreOnly,
                "there is far too much to do, and only the core lane takes tasks".to_owned(),
            ),
        };
        let what = format!("{why}; the task is not accepted; submit it again when Retry-After says");
        let problem = Problem::new(code, what)
            .with("reason", "Fl-Error-Reason", standing.cause.as_str())
            .with("level", "Fl-Error-Level", standing.level.number());
        Err(told_when(problem, self.all_of_it()))
    }

    /// Why a stream of `lane` does not take a task.
    pub(super) fn not_published(&self, error: PublishError, lane: Lane) -> Problem {
        let is_full = matches!(error, PublishError::Full { .. });
        let ahead = self.ahead(lane).filter(|ahead| ahead.drain_per_s.is_some());
        match Problem::from(error) {
            problem if is_full && ahead.is_some() => told_when(problem, ahead),
            problem => problem,
        }
    }

    /// Puts a task aside; its sequence in the archive.
    pub(super) async fn put_aside(&self, admitted: &Admitted, level: Level) -> Result<u64, Problem> {
        let Admitted { task, original, .. } = admitted;
        let report = aside(task, level);
        let put = self
            .broker
            .publish_archive(&report, ParkReason::Overload, original)
            .await;
        let (Published::Stored(sequence) | Published::Duplicate(sequence)) = match put {
            Err(PublishError::Full { .. }) => {
                let what = "there is too much to do, and the archive is full, too; the task is not accepted; submit it \
                            again when Retry-After says";
                let problem = Problem::new(Code::ArchiveFull, what)
                    .with("reason", "Fl-Error-Reason", Cause::Archive.as_str())
                    .with("level", "Fl-Error-Level", level.number());
                return Err(told_when(problem, self.all_of_it()));
            }
            put => put?,
        };
        let told = TaskEvent::of(task, EventKind::Archive, report.error);
        self.broker.tell(&task.class, &task.id, &told).await;
        Ok(sequence)
    }

    fn judge_deadline(&self, task: &Task, now: EpochMs) -> Result<(), Problem> {
        let Some(deadline) = task.facts.deadline else {
            return Ok(());
        };
        let policy = self.policy();
        let rules = &policy.overload;
        let model = policy.model(task.model.as_str());
        let cost_ms = model.map_or(0.0, |model| model.cost_initial);
        // A few tasks go by in no time, whatever their rate was.
        let ahead = self.ahead(task.lane).filter(|a| a.backlog >= rules.depth_min);
        let Some(found) = infeasible(rules.infeasible, deadline, cost_ms, ahead.as_ref(), now) else {
            return Ok(());
        };
        let from = to_rfc3339(found.feasible_from);
        let why = if found.is_certain {
            "has passed"
        } else {
            "cannot be met: what waits already lasts for longer"
        };
        let what = format!("deadline: {why}; give {from} or later, or none");
        let reason = if found.is_certain { "passed" } else { "backlog" };
        Err(Problem::new(Code::Infeasible, what)
            .in_field("deadline")
            .with("reason", "Fl-Error-Reason", reason)
            .with("feasible_from", "Fl-Error-Feasible-From", from))
    }
}

/// The first one may have been written long ago, and counts from then; later ones are heard as they are written, whatever
/// the clock says of whoever wrote them.
fn heard(note: OverloadNote, is_first: bool) -> Heard {
    let now = clock::monotonic();
    let at = match is_first {
        true => clock::moment(note.at, now, clock::wall()).min(now),
        false => now,
    };
    Heard { note, at }
}

/// The same problem, with when to come back.
fn told_when(problem: Problem, ahead: Option<Outlook>) -> Problem {
    let seconds = retry_after_s(&ahead.unwrap_or_default(), fastrand::f64());
    problem.after_s(seconds)
}

/// What goes into the archive with a task that overload puts there: it never ran.
fn aside(task: &Task, level: Level) -> Report {
    Report {
        task: task.clone(),
        kind: ErrorKind::Yielded,
        error: format!("put aside on level {level} of overload, until there is room"),
        retry_after_ms: None,
        delivered: 0,
        worker: "gateway".to_owned(),
        exec_ms: 0,
        history: Vec::new(),
    }
}
