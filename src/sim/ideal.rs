//! One scheduler that knows every queue and to which pulling costs nothing: what a mesh of workers is held against.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use super::outcome::{Span, queue_names, run_of};
use super::plan::Plan;
use super::record::{End, Run};
use super::task::{Facts, Task, moment};
use super::workload::{Source, Workload};
use crate::scheduler::cost::{CostId, CostModel};
use crate::scheduler::credit::Standing;
use crate::scheduler::edf;
use crate::scheduler::facts::{QueueId, Ticket};
use crate::scheduler::lookahead::Window;
use crate::scheduler::picker::{Picker, Sight};
use crate::scheduler::rules::{Between, Infeasible};

/// What a task is expected to cost before any was seen, in ms of one slot.
pub(super) const COST_INITIAL_MS: f64 = 20.0;

struct Ideal<'a> {
    plan: &'a Plan,
    now_us: u64,
    tasks: Vec<Task>,
    picker: Picker,
    costs: CostModel,
    queues: Vec<Queue>,
    /// The queues of each class.
    places: Vec<Vec<usize>>,
    hands: Vec<u16>,
    running: u32,
    running_of: Vec<u32>,
    /// When which task is done.
    done: BinaryHeap<Reverse<(u64, usize)>>,
    in_system: u64,
    in_system_us: f64,
    names: Vec<String>,
    /// Why picks came out as they did, while somebody wants to know.
    reasons: Option<Vec<String>>,
}

struct Queue {
    class: usize,
    cost: CostId,
    waiting: VecDeque<usize>,
    window: Window,
    /// What each running task of it was charged.
    charged_ms: Vec<(usize, f64)>,
}

/// Runs `plan` over `workload`.
pub(super) fn run(workload: &Workload, plan: &Plan) -> Run {
    serve(&mut Ideal::new(workload, plan), workload)
}

/// Why picks came out as they did.
pub(super) fn reasons(workload: &Workload, plan: &Plan) -> Vec<String> {
    let mut ideal = Ideal::new(workload, plan);
    ideal.reasons = Some(Vec::new());
    serve(&mut ideal, workload);
    ideal.reasons.unwrap_or_default()
}

fn serve(ideal: &mut Ideal<'_>, workload: &Workload) -> Run {
    match &workload.source {
        Source::Open(jobs) => {
            for job in jobs {
                ideal.run_to(job.at_us, workload.slots);
                ideal.arrive(Facts::of_job(job, ideal.plan.hints, workload.warmup_us));
                ideal.fill(workload.slots);
            }
            ideal.run_to(u64::MAX, workload.slots);
            ideal.result(workload, workload.warmup_us, 0.0)
        }
        Source::Closed(clients) => {
            for (at, client) in clients.iter().enumerate() {
                ideal.arrive(Facts::of_client(at, client));
            }
            ideal.fill(workload.slots);
            ideal.run_to(workload.warmup_us, workload.slots);
            let before_us = ideal.in_system_us;
            ideal.run_to(workload.end_us, workload.slots);
            ideal.result(workload, workload.warmup_us, before_us)
        }
    }
}

impl<'a> Ideal<'a> {
    fn new(workload: &Workload, plan: &'a Plan) -> Self {
        let mut picker = Picker::new(plan.rules);
        let mut costs = CostModel::default();
        let (mut queues, mut places) = (Vec::new(), Vec::new());
        let ids: Vec<_> = plan
            .classes
            .iter()
            .map(|class| picker.add_class(class.terms))
            .collect();
        for (at, class) in workload.classes.iter().enumerate() {
            let cost = costs.add(COST_INITIAL_MS);
            let first = queues.len();
            for _ in 0..class.shards.max(1) {
                picker.add_queue(ids[at], class.lane as u32, COST_INITIAL_MS);
                queues.push(Queue {
                    class: at,
                    cost,
                    waiting: VecDeque::new(),
                    window: Window::default(),
                    charged_ms: Vec::new(),
                });
            }
            places.push((first..queues.len()).collect());
        }
        Self {
            plan,
            now_us: 0,
            tasks: Vec::new(),
            picker,
            costs,
            queues,
            places,
            hands: workload.classes.iter().map(|class| class.hand).collect(),
            running: 0,
            running_of: vec![0; workload.classes.len()],
            done: BinaryHeap::new(),
            in_system: 0,
            in_system_us: 0.0,
            names: queue_names(workload),
            reasons: None,
        }
    }

    /// Moves time on, past every end of a task on the way.
    fn run_to(&mut self, until_us: u64, slots: u32) {
        while let Some(Reverse((at_us, task))) = self.done.peek().copied() {
            if at_us > until_us {
                break;
            }
            self.done.pop();
            self.tick(at_us);
            self.finish(task);
            self.fill(slots);
        }
        if until_us < u64::MAX {
            self.tick(until_us);
        }
    }

    fn tick(&mut self, at_us: u64) {
        self.in_system_us += self.in_system as f64 * (at_us - self.now_us) as f64;
        self.now_us = at_us;
    }

    fn arrive(&mut self, facts: Facts) {
        let places = &self.places[facts.class];
        let shards = u16::try_from(places.len()).unwrap_or(u16::MAX);
        let hand = facts.hand(shards, self.hands[facts.class]);
        let depth = |queue: usize| self.queues[queue].waiting.len() + self.queues[queue].window.len();
        let shortest = hand
            .iter()
            .map(|shard| places[usize::from(*shard)])
            .min_by_key(|at| depth(*at));
        let queue = shortest.unwrap_or(places[0]);
        self.in_system += u64::from(facts.is_counted);
        self.tasks.push(Task::new(queue, facts, self.now_us));
        self.queues[queue].waiting.push_back(self.tasks.len() - 1);
        self.stand(queue);
    }

    /// Fills the window of a queue and says what it may do.
    fn stand(&mut self, at: usize) {
        let queue = &mut self.queues[at];
        let class = &self.plan.classes[queue.class];
        let window = class.terms.lookahead.window.max(1) as usize;
        while queue.window.len() < window {
            let Some(task) = queue.waiting.pop_front() else {
                break;
            };
            let head = self.tasks[task].head();
            let cost_ms = head.cost_ms.unwrap_or(self.costs.estimate_ms(queue.cost));
            queue.window.add(Ticket(task as u64), head, cost_ms);
        }
        let is_full = class
            .max_concurrent
            .is_some_and(|most| self.running_of[queue.class] >= most);
        let standing = match (queue.window.is_empty(), is_full) {
            (true, _) => Standing::Absent,
            (false, true) => Standing::Delayed,
            (false, false) => Standing::Ready,
        };
        let head = queue.window.peek(&class.terms);
        let estimate_ms = self.costs.estimate_ms(queue.cost);
        self.picker.estimate(QueueId(at), estimate_ms);
        self.picker
            .stand(QueueId(at), standing, head, moment(self.now_us));
    }

    /// Says anew what the queues of a class may do, after one of its tasks was started or done. Where service counts by
    /// flow, which may be in any queue, that changes the place of all.
    fn stand_all_of(&mut self, class: usize) {
        if matches!(self.plan.rules.between, Between::Mlfq(_)) {
            (0..self.queues.len()).for_each(|at| self.stand(at));
            return;
        }
        for place in 0..self.places[class].len() {
            self.stand(self.places[class][place]);
        }
    }

    fn fill(&mut self, slots: u32) {
        while self.running < slots {
            if let Some(reasons) = &mut self.reasons {
                let name = |queue: QueueId| self.names[queue.0].clone();
                reasons.extend(self.picker.explain(Sight::Heads, moment(self.now_us), &name));
            }
            let Some(QueueId(at)) = self.picker.pick(Sight::Heads, moment(self.now_us)) else {
                return;
            };
            let class = self.queues[at].class;
            let estimate_ms = self.costs.estimate_ms(self.queues[at].cost);
            self.picker.charge(QueueId(at), estimate_ms);
            match self.take(at) {
                Some(task) => self.start(at, task, estimate_ms),
                None => self.picker.settle(QueueId(at), None, estimate_ms, 0.0),
            }
            self.stand_all_of(class);
        }
    }

    /// The next task of a queue that is worth starting.
    fn take(&mut self, at: usize) -> Option<usize> {
        let terms = &self.plan.classes[self.queues[at].class].terms;
        while let Some(kept) = self.queues[at].window.take(terms) {
            let task = kept.ticket.0 as usize;
            let cautious_ms = self.costs.cautious_ms(self.queues[at].cost);
            let is_late = || !edf::is_feasible(&kept.head, cautious_ms, moment(self.now_us));
            let end = match self.plan.rules.between {
                Between::Edf { infeasible } if infeasible != Infeasible::Serve && is_late() => {
                    match infeasible {
                        Infeasible::Park => End::Parked,
                        Infeasible::Drop | Infeasible::Serve => End::Dropped,
                    }
                }
                _ => return Some(task),
            };
            self.ended(task, end);
            self.stand(at);
        }
        None
    }

    fn start(&mut self, at: usize, task: usize, estimate_ms: f64) {
        let of = &mut self.tasks[task];
        (of.started_us, of.deliveries) = (Some(self.now_us), 1);
        let (flow, done_us) = (of.facts.flow(), self.now_us + of.facts.cost_us);
        self.picker.started(Some(flow), estimate_ms);
        self.queues[at].window.charge(flow, estimate_ms);
        self.queues[at].charged_ms.push((task, estimate_ms));
        self.running += 1;
        self.running_of[self.queues[at].class] += 1;
        self.done.push(Reverse((done_us, task)));
    }

    fn finish(&mut self, task: usize) {
        let Task { queue: at, facts, .. } = self.tasks[task];
        let queue = &mut self.queues[at];
        let charged = queue.charged_ms.iter().position(|(running, _)| *running == task);
        let charged_ms = charged.map_or(0.0, |at| queue.charged_ms.swap_remove(at).1);
        let cost_ms = facts.cost_us as f64 / 1000.0;
        self.costs.settle(queue.cost, cost_ms);
        queue.window.charge(facts.flow(), cost_ms - charged_ms);
        self.picker
            .settle(QueueId(at), Some(facts.flow()), charged_ms, cost_ms);
        self.running -= 1;
        self.running_of[facts.class] -= 1;
        self.ended(task, End::Done);
        self.stand_all_of(facts.class);
    }

    fn ended(&mut self, task: usize, end: End) {
        let of = &mut self.tasks[task];
        (of.finished_us, of.end) = (Some(self.now_us), end);
        let facts = of.facts;
        self.in_system -= u64::from(facts.is_counted);
        if facts.client.is_some() {
            self.arrive(facts);
        }
    }

    fn result(&self, workload: &Workload, from_us: u64, before_us: f64) -> Run {
        let span = Span {
            from_us,
            to_us: self.now_us,
            in_system_us: self.in_system_us - before_us,
        };
        run_of(workload, &self.tasks, span)
    }
}
