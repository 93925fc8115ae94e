//! Who waits for whom, and what follows when one of those ends.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::ops::Bound;

use super::keys::Keys;
use super::urgency::{lane_of, urgency};
use crate::policy::inheritance::{Change, Waits};
use crate::policy::{OnDependencyFailed, Policy, is_expired};
use crate::task::{EpochMs, KeyId, Lane, State, Task, TaskId};

/// Of a task that others wait for and of which nothing else is known yet.
const UNKNOWN: u32 = u32::MAX;

/// What is to be done. Each may be done again, and one that comes too late does nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Find out whether this task has ended and, if not, where it is queued.
    Look(TaskId),
    /// All that it waited for is there.
    Release(TaskId),
    /// What it waits for will never be there.
    Fail {
        /// Which task.
        task: TaskId,
        /// Why, in words for whoever submitted it.
        why: String,
    },
    /// Its deadline has passed.
    Expire(TaskId),
    /// It has ended where it waits: what lies there is to be taken away.
    Clear(TaskId),
    /// Tasks wait for this key: those whose turn it is are to be let go, as many as it has places.
    Grant(KeyId),
    /// What waits for it is more urgent than its lane.
    Promote {
        /// Which task.
        task: TaskId,
        /// The lane it belongs on.
        to: Lane,
    },
}

/// A task that waits.
#[derive(Debug, Clone)]
pub(super) struct Waiting {
    pub(super) task: Task,
    pub(super) urgency: u32,
    runs_anyway: bool,
    /// Those that have not ended yet.
    open: BTreeSet<TaskId>,
    /// Whether its end or its release has been decided.
    pub(super) is_decided: bool,
}

/// What is known of all that waits. It holds what one leader has read, and is made anew by the next.
#[derive(Debug, Default)]
pub struct Board {
    pub(super) waits: Waits,
    pub(super) waiting: HashMap<TaskId, Waiting>,
    /// By what is waited for: those that wait for it.
    heirs: BTreeMap<TaskId, BTreeSet<TaskId>>,
    /// The last that [`Board::look_again`] looked at; none before a new turn.
    looked_at: Option<TaskId>,
    /// Where those are queued that are waited for.
    pub(super) lanes: HashMap<TaskId, Lane>,
    pub(super) keys: Keys,
    pub(super) steps: VecDeque<Step>,
}

impl Waiting {
    /// For nothing yet.
    pub(super) fn of(policy: &Policy, task: Task) -> Self {
        let class = policy.class(task.class.as_str());
        Self {
            urgency: urgency(policy, &task),
            runs_anyway: class.is_some_and(|c| c.on_dependency_failed == OnDependencyFailed::Run),
            open: BTreeSet::new(),
            is_decided: false,
            task,
        }
    }
}

impl Board {
    /// A task waits for those that it depends on. Said again it replaces what was said before.
    pub fn blocked(&mut self, policy: &Policy, task: Task) {
        self.left(&task.id);
        let id = task.id.clone();
        let parents = task.facts.depends_on.clone();
        let mut entry = Waiting::of(policy, task);
        entry.open = parents.iter().cloned().collect();
        let urgency = entry.urgency;
        self.lanes.remove(&id);
        match self.waits.add(&id, urgency, &parents) {
            Ok(changes) => self.promote(changes),
            Err(error) => {
                entry.is_decided = true;
                entry.open.clear();
                let why = error.to_string();
                self.steps.push_back(Step::Fail {
                    task: id.clone(),
                    why,
                });
            }
        }
        for parent in &entry.open {
            self.heirs.entry(parent.clone()).or_default().insert(id.clone());
            self.meet(parent);
        }
        if entry.open.is_empty() && !entry.is_decided {
            entry.is_decided = true;
            self.steps.push_back(Step::Release(id.clone()));
        }
        self.waiting.insert(id, entry);
    }

    /// Somebody waits for `parent`: looked for unless that has been done since it was last heard to end.
    fn meet(&mut self, parent: &TaskId) {
        if self.waits.effective(parent).is_some() {
            return;
        }
        // Of no priority of its own yet: what inherits only from its heirs.
        if let Ok(changes) = self.waits.add(parent, UNKNOWN, &[]) {
            self.promote(changes);
        }
        self.steps.push_back(Step::Look(parent.clone()));
    }

    /// A task that somebody waits for is queued on `lane`.
    pub fn queued(&mut self, policy: &Policy, task: &Task) {
        if self.waiting.contains_key(&task.id) || !self.is_awaited(&task.id) {
            return;
        }
        self.lanes.insert(task.id.clone(), task.lane);
        if let Ok(changes) = self.waits.add(&task.id, urgency(policy, task), &[]) {
            self.promote(changes);
        }
        let effective = self.waits.effective(&task.id).unwrap_or(UNKNOWN);
        self.consider(&task.id, effective);
    }

    /// A task has ended: nothing waits for it any more, whether it was waiting itself or not.
    pub fn ended(&mut self, id: &TaskId, state: State) {
        if self.waiting.contains_key(id) {
            self.left(id);
            self.steps.push_back(Step::Clear(id.clone()));
        }
        self.lanes.remove(id);
        self.keys.ended(id);
        let changes = self.waits.ended(id);
        for heir in self.heirs.remove(id).unwrap_or_default() {
            self.parent_ended(&heir, id, state);
        }
        self.promote(changes);
    }

    fn parent_ended(&mut self, heir: &TaskId, parent: &TaskId, state: State) {
        let Some(entry) = self.waiting.get_mut(heir) else {
            return;
        };
        entry.open.remove(parent);
        if entry.is_decided {
            return;
        }
        if state != State::Completed && !entry.runs_anyway {
            entry.is_decided = true;
            let parent = parent.for_tenant(&entry.task.tenant);
            self.steps.push_back(Step::Fail {
                task: heir.clone(),
                why: format!("task {parent}, which it depends on, ended as {state}"),
            });
        } else if entry.open.is_empty() {
            entry.is_decided = true;
            self.steps.push_back(Step::Release(heir.clone()));
        }
    }

    /// A task does not wait any more: it was queued, has ended or is gone. Those that wait for it still do.
    pub fn left(&mut self, id: &TaskId) {
        let Some(entry) = self.waiting.remove(id) else {
            return;
        };
        self.keys.left(id);
        // No edges up any more; whoever waits for it passes its urgency on to it alone.
        let mut changes = self.waits.ended(id);
        if let Some(heirs) = self.heirs.get(id) {
            changes.extend(self.waits.add(id, entry.urgency, &[]).unwrap_or_default());
            for heir in heirs.iter().filter_map(|heir| self.waiting.get(heir)) {
                let open: Vec<TaskId> = heir.open.iter().cloned().collect();
                let again = self.waits.add(&heir.task.id, heir.urgency, &open);
                changes.extend(again.unwrap_or_default());
            }
        }
        self.promote(changes);
        for parent in entry.open {
            let Some(heirs) = self.heirs.get_mut(&parent) else {
                continue;
            };
            heirs.remove(id);
            if heirs.is_empty() {
                self.heirs.remove(&parent);
                if !self.waiting.contains_key(&parent) {
                    self.lanes.remove(&parent);
                    self.waits.ended(&parent);
                }
            }
        }
    }

    /// A task does not wait any more and was not queued: it has ended, or is elsewhere. Its end may have been written
    /// before anybody listened, so that those that wait for it would never hear of it: it is looked for.
    pub fn gone(&mut self, id: &TaskId) {
        self.left(id);
        if self.heirs.contains_key(id) {
            self.steps.push_back(Step::Look(id.clone()));
        }
    }

    /// Tasks whose deadline has passed end.
    pub fn expire(&mut self, now: EpochMs) {
        let mut late: Vec<&TaskId> = Vec::new();
        for (id, entry) in &mut self.waiting {
            if !entry.is_decided && is_expired(&entry.task, now) {
                entry.is_decided = true;
                late.push(id);
            }
        }
        late.sort_unstable();
        self.steps.extend(late.into_iter().cloned().map(Step::Expire));
    }

    /// What is to be done next; none when there is nothing.
    pub fn step(&mut self) -> Option<Step> {
        self.steps.pop_front()
    }

    /// A step that could not be taken is to be taken again.
    pub fn again(&mut self, step: Step) {
        self.steps.push_back(step);
    }

    /// The lane on which a task that waits is to be queued: its own, or that of the most urgent that waits for it.
    #[must_use]
    pub fn lane(&self, id: &TaskId) -> Option<Lane> {
        let own = self.waiting.get(id)?.task.lane;
        let effective = self.waits.effective(id);
        Some(effective.map_or(own, |urgency| lane_of(urgency).min(own)))
    }

    /// A task that others wait for runs, or is otherwise where nobody can move it.
    pub fn out_of_reach(&mut self, id: &TaskId) {
        if self.is_awaited(id) {
            self.lanes.insert(id.clone(), Lane::Core);
        }
    }

    /// A task that others wait for is not where it was seen last: it failed there, or was moved. It is sought anew.
    pub fn lost(&mut self, id: &TaskId) {
        self.lanes.remove(id);
    }

    /// Whether it is known where a task is that others wait for.
    #[must_use]
    pub fn is_found(&self, id: &TaskId) -> bool {
        self.lanes.contains_key(id)
    }

    /// Whether others wait for `id`, or for the key that it has.
    #[must_use]
    pub fn is_awaited(&self, id: &TaskId) -> bool {
        self.heirs.contains_key(id) || self.keys.has_one(id)
    }

    /// Tasks that others wait for, that are more urgent than normal for it, and of which nobody knows where they are.
    pub fn sought(&self) -> impl Iterator<Item = &TaskId> {
        self.heirs.keys().filter(|id| {
            let effective = self.waits.effective(id).unwrap_or(UNKNOWN);
            !self.waiting.contains_key(*id)
                && !self.lanes.contains_key(*id)
                && lane_of(effective) == Lane::Core
        })
    }

    /// Whether `id` waits itself.
    #[must_use]
    pub fn is_waiting(&self, id: &TaskId) -> bool {
        self.waiting.contains_key(id)
    }

    /// Whether nothing waits, nothing has a key and nothing is to be done.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.steps.is_empty() && self.keys.are_free()
    }

    /// Looks again at some of the tasks that others wait for, in turn, and that do not wait themselves: the end of one may
    /// have been missed.
    pub fn look_again(&mut self, most: usize) {
        let after = self.looked_at.take();
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let parents = self.heirs.range((from, Bound::Unbounded)).map(|(id, _)| id);
        for id in parents.filter(|id| !self.waiting.contains_key(*id)).take(most) {
            self.steps.push_back(Step::Look(id.clone()));
            self.looked_at = Some(id.clone());
        }
    }

    /// How many tasks wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn promote(&mut self, changes: Vec<Change>) {
        for change in changes {
            self.consider(&change.task, change.to);
        }
    }

    pub(super) fn consider(&mut self, task: &TaskId, effective: u32) {
        let to = lane_of(effective);
        if let Some(lane) = self.lanes.get_mut(task).filter(|lane| to < **lane) {
            // As good as there: once is enough.
            *lane = to;
            let task = task.clone();
            self.steps.push_back(Step::Promote { task, to });
        }
    }
}
