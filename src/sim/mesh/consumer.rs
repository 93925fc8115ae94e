//! One pull consumer of the server, as measured on 2.15.1.

use std::collections::{BTreeSet, VecDeque};

use crate::scheduler::intake::{AskEnd, PullId};

/// What a pull asked as, and so where its answers go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Inbox {
    Ask(PullId),
    Wait { generation: u64 },
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Pull {
    /// Unique at the server, for its expiry.
    pub(super) serial: u64,
    pub(super) worker: usize,
    pub(super) inbox: Inbox,
    pub(super) left: u32,
    /// Whether the server has come to serve it; its expiry runs all the same.
    pub(super) awake: bool,
}

/// What the server sends to a worker.
#[derive(Debug, Clone, Copy)]
pub(super) enum Reply {
    Task { task: usize, inbox: Inbox, backlog: u64 },
    Ended { inbox: Inbox, end: AskEnd },
}

/// Tasks by number, in the order the server keeps them.
#[derive(Debug)]
pub(super) struct Consumer {
    pub(super) fresh: VecDeque<usize>,
    /// Handed back: served first. They keep their place and do not count as pending, as on the server.
    again: VecDeque<usize>,
    unacked: BTreeSet<usize>,
    pub(super) limit: usize,
    /// Pulls received so far.
    pub(super) asks: u64,
    pub(super) waits: u64,
    pub(super) pulls: VecDeque<Pull>,
    out: Vec<(usize, Reply)>,
}

impl Consumer {
    pub(super) fn new(limit: u32) -> Self {
        Self {
            fresh: VecDeque::new(),
            again: VecDeque::new(),
            unacked: BTreeSet::new(),
            limit: limit as usize,
            asks: 0,
            waits: 0,
            pulls: VecDeque::new(),
            out: Vec::new(),
        }
    }

    /// Whether a pull would be answered with a task now.
    pub(super) fn is_ready(&self) -> bool {
        !self.again.is_empty() || (!self.fresh.is_empty() && self.unacked.len() < self.limit)
    }

    pub(super) fn is_done(&self) -> bool {
        self.fresh.is_empty() && self.unacked.is_empty()
    }

    /// The task that is delivered next.
    pub(super) fn head(&self) -> Option<usize> {
        self.again.front().or_else(|| self.fresh.front()).copied()
    }

    /// Tasks that wait.
    pub(super) fn depth(&self) -> usize {
        self.fresh.len() + self.again.len()
    }

    /// Whether a task was delivered and not answered.
    pub(super) fn is_out(&self, task: usize) -> bool {
        self.unacked.contains(&task) && !self.again.contains(&task)
    }

    /// A worker is gone, and its pulls with it.
    pub(super) fn gone(&mut self, worker: usize) {
        self.pulls.retain(|p| p.worker != worker);
    }

    /// What is to be sent, in order.
    pub(super) fn take_replies(&mut self) -> Vec<(usize, Reply)> {
        std::mem::take(&mut self.out)
    }

    pub(super) fn publish(&mut self, task: usize) {
        self.fresh.push_back(task);
        self.serve();
    }

    pub(super) fn acked(&mut self, task: usize) {
        self.unacked.remove(&task);
        self.serve();
    }

    pub(super) fn handed_back(&mut self, task: usize) {
        self.again.push_front(task);
        self.serve();
    }

    pub(super) fn pull(&mut self, pull: Pull) {
        match pull.inbox {
            Inbox::Ask(_) => self.asks += 1,
            Inbox::Wait { .. } => self.waits += 1,
        }
        self.pulls.push_back(pull);
        if pull.awake {
            self.serve_first(pull);
        }
    }

    /// The server has come to serve a pull it received before.
    pub(super) fn awake(&mut self, serial: u64) {
        if let Some(pull) = self.pulls.iter_mut().find(|p| p.serial == serial) {
            pull.awake = true;
            let pull = *pull;
            self.serve_first(pull);
        }
    }

    fn serve_first(&mut self, pull: Pull) {
        self.serve();
        let Inbox::Ask(_) = pull.inbox else { return };
        // An ask that got something and left nothing ends at once; one that got nothing stays.
        let empty = self.fresh.is_empty() && self.again.is_empty();
        let at = self.pulls.iter().position(|p| p.serial == pull.serial);
        if let Some(at) = at.filter(|at| empty && self.pulls[*at].left < pull.left) {
            self.end(at, AskEnd::Empty);
        }
    }

    pub(super) fn expired(&mut self, serial: u64) {
        if let Some(at) = self.pulls.iter().position(|p| p.serial == serial) {
            let unfilled = self.pulls[at].left;
            self.end(at, AskEnd::Expired { unfilled });
        }
    }

    pub(super) fn withdrawn(&mut self, worker: usize, generation: u64) {
        let inbox = Inbox::Wait { generation };
        self.pulls.retain(|p| p.worker != worker || p.inbox != inbox);
    }

    fn end(&mut self, at: usize, end: AskEnd) {
        if let Some(pull) = self.pulls.remove(at) {
            let inbox = pull.inbox;
            self.out.push((pull.worker, Reply::Ended { inbox, end }));
        }
    }

    /// One message for each waiting pull in turn.
    fn serve(&mut self) {
        while self.is_ready() {
            let awake = self.pulls.iter().position(|p| p.awake);
            let Some(mut pull) = awake.and_then(|at| self.pulls.remove(at)) else {
                return;
            };
            let next = self.again.pop_front().or_else(|| self.fresh.pop_front());
            let Some(task) = next else { return };
            self.unacked.insert(task);
            let (inbox, backlog) = (pull.inbox, self.fresh.len() as u64);
            self.out.push((pull.worker, Reply::Task { task, inbox, backlog }));
            pull.left -= 1;
            if pull.left > 0 {
                self.pulls.push_back(pull);
            }
        }
    }
}
