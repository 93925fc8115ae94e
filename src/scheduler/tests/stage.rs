//! Queues of which everything is known, and the slots that serve them.

use std::collections::VecDeque;
use std::time::Duration;

use crate::scheduler::credit::Standing;
use crate::scheduler::facts::{ClassId, Head, QueueId};
use crate::scheduler::picker::{Picker, Sight};
use crate::scheduler::rules::{Between, ClassTerms, Rules};
use crate::task::Moment;

/// A task.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Job {
    pub(super) head: Head,
    /// What it costs, in ms of one slot.
    pub(super) cost_ms: f64,
    /// What it is charged until it is done.
    pub(super) estimate_ms: f64,
}

impl Job {
    /// One that costs what it was expected to cost.
    pub(super) fn of(head: Head, cost_ms: f64) -> Self {
        Self {
            head,
            cost_ms,
            estimate_ms: cost_ms,
        }
    }
}

#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) class: ClassId,
    pub(super) waiting: VecDeque<Job>,
    /// What it may do while it holds tasks.
    pub(super) allowed: Standing,
}

impl Line {
    pub(super) fn standing(&self) -> Standing {
        match self.waiting.is_empty() {
            true => Standing::Absent,
            false => self.allowed,
        }
    }

    /// The head, where it may be served.
    pub(super) fn ready(&self) -> Option<&Job> {
        self.waiting.front().filter(|_| self.allowed == Standing::Ready)
    }
}

pub(super) struct Stage {
    pub(super) picker: Picker,
    pub(super) now: Moment,
    pub(super) lines: Vec<Line>,
    slots: usize,
    running: Vec<(Moment, QueueId, Job)>,
}

impl Stage {
    /// Classes of those terms, each with so many queues, on the lane of its place in the class.
    pub(super) fn new(rules: Rules, classes: &[ClassTerms], queues_each: u32) -> Self {
        let mut stage = Self {
            picker: Picker::new(rules),
            now: Moment::default(),
            lines: Vec::new(),
            slots: 1,
            running: Vec::new(),
        };
        for terms in classes {
            let class = stage.picker.add_class(*terms);
            (0..queues_each).for_each(|_| stage.add_queue(class, 0));
        }
        stage
    }

    pub(super) fn add_queue(&mut self, class: ClassId, lane: u32) {
        self.picker.add_queue(class, lane, 1.0);
        self.lines.push(Line {
            class,
            waiting: VecDeque::new(),
            allowed: Standing::Ready,
        });
    }

    pub(super) fn with_slots(self, slots: usize) -> Self {
        Self { slots, ..self }
    }

    pub(super) fn pass(&mut self, ms: u64) {
        self.now = self.now + Duration::from_millis(ms);
    }

    pub(super) fn put(&mut self, queue: usize, job: Job) {
        self.lines[queue].waiting.push_back(job);
    }

    /// The tasks that may be served at once, with their queues.
    pub(super) fn ready(&self) -> impl Iterator<Item = (QueueId, &Job)> {
        let lines = self.lines.iter().enumerate();
        lines.filter_map(|(at, line)| Some((QueueId(at), line.ready()?)))
    }

    pub(super) fn is_backlogged(&self, class: ClassId) -> bool {
        let of = |line: &&Line| line.class == class;
        self.lines.iter().filter(of).any(|line| line.ready().is_some())
    }

    /// Picks a task, takes it out of its queue and charges what it is expected to cost.
    pub(super) fn pick(&mut self, sight: Sight) -> Option<(QueueId, Job)> {
        self.tell();
        let queue = self.picker.pick(sight, self.now)?;
        let job = self.lines[queue.0].waiting.pop_front()?;
        self.picker.charge(queue, job.estimate_ms);
        self.picker.started(job.head.flow, job.estimate_ms);
        self.tell();
        Some((queue, job))
    }

    /// Corrects the charge of a task that is done.
    pub(super) fn settle(&mut self, queue: QueueId, job: &Job) {
        self.picker
            .settle(queue, job.head.flow, job.estimate_ms, job.cost_ms);
    }

    /// Picks a task and settles it at once, as a single slot would.
    pub(super) fn serve_one(&mut self, sight: Sight) -> Option<(QueueId, Job)> {
        let (queue, job) = self.pick(sight)?;
        self.settle(queue, &job);
        Some((queue, job))
    }

    /// Waits for a slot, settling what ends, and starts a task in it.
    pub(super) fn serve(&mut self, sight: Sight) -> Option<(QueueId, Job)> {
        while self.running.len() >= self.slots {
            let ends = |at: &usize| self.running[*at].0;
            let first = (0..self.running.len()).min_by_key(ends)?;
            let (end, queue, job) = self.running.swap_remove(first);
            self.now = self.now.max(end);
            self.settle(queue, &job);
        }
        let (queue, job) = self.pick(sight)?;
        let end = self.now + Duration::from_secs_f64(job.cost_ms / 1000.0);
        self.running.push((end, queue, job));
        Some((queue, job))
    }

    fn tell(&mut self) {
        for (at, line) in self.lines.iter().enumerate() {
            let head = line.waiting.front().map(|job| job.head);
            self.picker.stand(QueueId(at), line.standing(), head, self.now);
        }
        for line in &self.lines {
            let mine = |other: &&Line| other.class == line.class;
            let empty = |line: &Line| line.waiting.is_empty();
            if self.lines.iter().filter(mine).all(empty) {
                self.picker.emptied(line.class);
            }
        }
    }
}

/// That rule with that bound on passing over.
pub(super) fn rules(between: Between, bypass_max: Option<u32>) -> Rules {
    Rules {
        between,
        bypass_max,
        ..Rules::default()
    }
}
