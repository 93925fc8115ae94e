//! What a task waits for: checked before it is accepted, and shown while it waits.

use std::collections::HashSet;

use super::desk::Desk;
use super::problem::{Code, Problem};
use super::tenancy;
use crate::broker::blocking::Aside;
use crate::broker::subject::RecordKey;
use crate::policy::Waits;
use crate::task::{BlockedOn, State, Task, TaskId};
use crate::wire::Submission;

/// Tasks that are looked at for a loop: far more than a chain of the allowed length has as a rule.
const LOOKS_MAX: usize = 64;

/// Where a task is put when it is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entry {
    /// On its lane.
    Queued,
    /// Aside, until the tasks it depends on have completed.
    Blocked,
}

impl Entry {
    /// Where the first one of the same submissions was put.
    pub(super) const fn of(standing: &Submission) -> Self {
        match standing.held {
            Some(_) => Self::Blocked,
            None => Self::Queued,
        }
    }
}

/// What is known of a task that another one depends on.
enum Parent {
    Completed,
    /// It has not ended, or otherwise than by completing.
    Open,
    Unknown,
}

impl Desk {
    /// Names what `task` depends on as it is called inside, and says where the task belongs.
    ///
    /// # Errors
    /// [`Problem`] for a task that nobody knows, for one that would wait for itself, and for a chain that is too long.
    /// A task that was submitted before is not checked again.
    pub(super) async fn entry(&self, task: &mut Task, record: &RecordKey) -> Result<Entry, Problem> {
        if task.facts.depends_on.is_empty() {
            return Ok(Entry::Queued);
        }
        let mut seen = HashSet::new();
        let mut parents = Vec::new();
        for given in &task.facts.depends_on {
            let parent = tenancy::internal(&task.tenant, given).map_err(|p| p.in_field("depends_on"))?;
            if seen.insert(parent.clone()) {
                parents.push(parent);
            }
        }
        task.facts.depends_on = parents;
        if let Some((first, _)) = self.broker.submission(record).await? {
            return Ok(Entry::of(&first));
        }
        self.refuse_loop(task).await?;
        // What has completed is left out: its record may be gone by the time that the last of them has.
        let mut open = Vec::new();
        for parent in &task.facts.depends_on {
            match self.parent(task, parent).await? {
                Parent::Completed => (),
                Parent::Open => open.push(parent.clone()),
                Parent::Unknown => return Err(unknown(task, parent)),
            }
        }
        task.facts.depends_on = open;
        Ok(match task.facts.depends_on.is_empty() {
            true => Entry::Queued,
            false => Entry::Blocked,
        })
    }

    async fn parent(&self, task: &Task, parent: &TaskId) -> Result<Parent, Problem> {
        let ended = self.broker.result(parent).await?;
        let ended = ended.filter(|ended| ended.record.tenant == task.tenant);
        if let Some(ended) = ended.filter(|ended| ended.record.state.is_terminal()) {
            return Ok(match ended.record.state {
                State::Completed => Parent::Completed,
                _ => Parent::Open,
            });
        }
        let record = RecordKey::Task(parent.clone());
        if let Some((submission, _)) = self.broker.submission(&record).await? {
            let is_own = submission.tenant == task.tenant;
            return Ok(if is_own { Parent::Open } else { Parent::Unknown });
        }
        let is_own = |found: Submission| found.tenant == task.tenant;
        Ok(match self.outlived(parent).await?.is_some_and(is_own) {
            true => Parent::Open,
            false => Parent::Unknown,
        })
    }

    /// Goes up along the tasks that wait, as far as they are.
    async fn refuse_loop(&self, task: &Task) -> Result<(), Problem> {
        let (mut waits, mut seen) = (Waits::default(), HashSet::new());
        let mut next = task.facts.depends_on.clone();
        // As their tenant calls them, since a loop is told by its names.
        let told = |id: &TaskId| id.for_tenant(&task.tenant);
        let all_told = |ids: &[TaskId]| ids.iter().map(told).collect::<Vec<_>>();
        while let Some(id) = next.pop() {
            if seen.len() >= LOOKS_MAX || !seen.insert(id.clone()) {
                continue;
            }
            let Some(aside) = self.broker.aside(&id).await? else {
                continue;
            };
            let above = aside.blocked.task.facts.depends_on;
            // A loop among those that wait is theirs to end by.
            if waits.add(&told(&id), 0, &all_told(&above)).is_ok() {
                next.extend(above);
            }
        }
        let added = waits.add(&told(&task.id), 0, &all_told(&task.facts.depends_on));
        added.map(drop).map_err(|error| {
            let what = format!("depends_on: {error}");
            Problem::new(Code::BadDependency, what).in_field("depends_on")
        })
    }

    /// What a task that lies aside waits for, as its tenant calls it: tasks, or its key.
    pub(super) async fn waits_for(&self, aside: &Aside) -> Result<(Vec<String>, Option<String>), Problem> {
        let task = &aside.blocked.task;
        if aside.blocked.on == BlockedOn::Key {
            return Ok((Vec::new(), task.facts.concurrency_key.clone()));
        }
        let mut open = Vec::new();
        for parent in &task.facts.depends_on {
            let ended = self.broker.fence(parent).await?;
            if ended.is_none_or(|ended| ended.record.state != State::Completed) {
                open.push(parent.for_tenant(&task.tenant).to_string());
            }
        }
        Ok((open, None))
    }
}

fn unknown(task: &Task, parent: &TaskId) -> Problem {
    let parent = parent.for_tenant(&task.tenant);
    let what = format!(
        "depends_on: no task {parent}: it was not submitted through a gateway by this tenant and has no record, or \
         that has aged out; submit it first, or leave it out"
    );
    Problem::new(Code::UnknownDependency, what).in_field("depends_on")
}
