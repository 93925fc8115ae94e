//! Which queue a free slot is for: one interface over every rule.
//!
//! The shell of a decision says what each queue may do and what is known of its head, and asks for picks; every pick
//! is charged. Rules that compare heads need to see them; where the view is stale they fall back to
//! [`Between::Weighted`], whose balances are kept under every rule.

use super::bypass::Bypass;
use super::counters::Counters;
use super::credit::{Credit, Standing};
use super::facts::{ClassId, Flow, Head, QueueId};
use super::merit::Merit;
use super::mlfq::{Boosted, Mlfq};
use super::rules::{Between, ClassTerms, Rules};
use super::strict::{self, Strict};
use super::tournament::Tournament;
use super::{aging, edf, fifo, score};
use crate::task::Moment;

/// Whether heads may be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight {
    /// What is known of them is fresh.
    Heads,
    /// What is known of them is stale, or nothing.
    Blind,
}

/// What a pick was made by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// The balances, which are the rule.
    Balance,
    /// The balances, for want of a view of the heads.
    Blind,
    /// The rule's own order.
    Rule,
    /// The bound on passing over.
    Bypass,
}

/// All queues, their classes, and the state of the rule between them.
#[derive(Debug, Clone)]
pub struct Picker {
    pub(super) rules: Rules,
    pub(super) classes: Vec<Class>,
    pub(super) queues: Vec<Queue>,
    pub(super) credit: Credit,
    pub(super) ranked: Ranked,
    pub(super) bypass: Option<Bypass>,
    now: Moment,
}

#[derive(Debug, Clone)]
pub(super) struct Class {
    pub(super) terms: ClassTerms,
    queues: Vec<QueueId>,
    by_service: Counters,
    ready: u32,
    delayed: u32,
}

#[derive(Debug, Clone)]
pub(super) struct Queue {
    pub(super) class: ClassId,
    member: usize,
    pub(super) standing: Standing,
    pub(super) head: Option<Head>,
    pub(super) estimate_ms: f64,
    /// Since when it has the head that it has, as far as that was seen here.
    seen: Moment,
}

/// The rule's own order, where it is not that of the balances.
#[derive(Debug, Clone)]
pub(super) enum Ranked {
    /// By the balances.
    Weighted,
    /// By tiers.
    Strict(Strict),
    /// By heads.
    Heads(Tournament<Merit>),
    /// By the levels of heads' flows.
    Levels(Mlfq, Tournament<Merit>),
}

impl Picker {
    /// No classes and queues yet.
    #[must_use]
    pub fn new(rules: Rules) -> Self {
        let ranked = match rules.between {
            Between::Weighted => Ranked::Weighted,
            Between::Strict { floor } => Ranked::Strict(Strict::new(floor)),
            Between::Fifo | Between::Edf { .. } | Between::Aging | Between::Score(_) => {
                Ranked::Heads(Tournament::default())
            }
            Between::Mlfq(rules) => Ranked::Levels(Mlfq::new(rules), Tournament::default()),
        };
        let is_ranked = !matches!(ranked, Ranked::Weighted);
        Self {
            rules,
            classes: Vec::new(),
            queues: Vec::new(),
            credit: Credit::new(rules.quantum_ms),
            ranked,
            bypass: rules.bypass_max.filter(|_| is_ranked).map(Bypass::new),
            now: Moment::default(),
        }
    }

    /// Adds a class.
    pub fn add_class(&mut self, terms: ClassTerms) -> ClassId {
        self.classes.push(Class {
            terms,
            queues: Vec::new(),
            by_service: Counters::default(),
            ready: 0,
            delayed: 0,
        });
        self.credit.add(terms.share)
    }

    /// Adds a queue of that class with nothing in it, on the lane of that place, 0 the most urgent.
    pub fn add_queue(&mut self, class: ClassId, lane: u32, estimate_ms: f64) -> QueueId {
        let id = QueueId(self.queues.len());
        let of = &mut self.classes[class.0];
        of.queues.push(id);
        self.queues.push(Queue {
            class,
            member: of.by_service.add(1.0),
            standing: Standing::Absent,
            head: None,
            estimate_ms,
            seen: Moment::default(),
        });
        match &mut self.ranked {
            Ranked::Strict(strict) => {
                let rank = strict::rank(lane, of.terms.priority);
                strict.add(class, of.terms.share, rank);
            }
            Ranked::Levels(mlfq, _) => mlfq.add(),
            Ranked::Weighted | Ranked::Heads(_) => (),
        }
        if let Some(bypass) = &mut self.bypass {
            bypass.add();
        }
        id
    }

    /// Begins the rounds of the balances at the class in which `phase`, from 0 to 1, falls.
    pub fn start_at(&mut self, phase: f64) {
        self.credit.start_at(phase);
    }

    /// Says what a queue may do from now on, and what is known of its head.
    pub fn stand(&mut self, id: QueueId, standing: Standing, head: Option<Head>, now: Moment) {
        self.now = now;
        // Clocks differ: what is to come in a moment has come now.
        let head = head.map(|head| Head {
            since: head.since.min(now),
            ..head
        });
        let queue = &mut self.queues[id.0];
        let was = std::mem::replace(&mut queue.standing, standing);
        let changed = was != standing;
        if !changed && queue.head == head && !matches!(self.ranked, Ranked::Levels(..)) {
            return;
        }
        queue.head = head;
        if was == Standing::Absent {
            queue.seen = now;
        }
        if changed {
            self.count(id, was, standing);
        }
        self.rank(id);
    }

    /// What a task of the queue is expected to cost, in ms of one slot.
    pub fn estimate(&mut self, id: QueueId, estimate_ms: f64) {
        self.queues[id.0].estimate_ms = estimate_ms;
    }

    /// What a task of the queue is expected to cost, as it was last told.
    pub(super) fn estimate_ms(&self, id: QueueId) -> f64 {
        self.queues[id.0].estimate_ms
    }

    /// The queue whose turn it is, or none when none is ready. Charge it before the next pick.
    pub fn pick(&mut self, sight: Sight, now: Moment) -> Option<QueueId> {
        let (picked, _) = self.decide(sight, now)?;
        self.queues[picked.0].seen = now;
        if let Some(bypass) = &mut self.bypass {
            bypass.picked(picked);
        }
        if self.queues[picked.0].head.is_none() {
            self.rank(picked);
        }
        Some(picked)
    }

    /// The queue whose turn it is, and by what.
    pub(super) fn decide(&mut self, sight: Sight, now: Moment) -> Option<(QueueId, Why)> {
        self.now = now;
        // The balances have a bound of their own.
        let is_blind = self.is_blind(sight);
        let why = match &self.ranked {
            Ranked::Weighted => Why::Balance,
            Ranked::Heads(_) if is_blind => Why::Blind,
            Ranked::Heads(_) | Ranked::Strict(_) | Ranked::Levels(..) => Why::Rule,
        };
        let bypass = self.bypass.as_mut().filter(|_| !is_blind);
        if let Some(due) = bypass.and_then(|bypass| bypass.due()) {
            if let Ranked::Strict(strict) = &mut self.ranked {
                strict.taken(due);
            }
            return Some((due, Why::Bypass));
        }
        self.turn(sight, now).map(|queue| (queue, why))
    }

    fn turn(&mut self, sight: Sight, now: Moment) -> Option<QueueId> {
        match &mut self.ranked {
            Ranked::Strict(strict) => strict.choose(),
            Ranked::Heads(heads) if sight == Sight::Heads => heads.best(now).map(QueueId),
            Ranked::Levels(mlfq, _) => {
                if mlfq.boost(now) == Boosted::All {
                    (0..self.queues.len()).for_each(|at| self.rank(QueueId(at)));
                }
                match &mut self.ranked {
                    Ranked::Levels(_, heads) => heads.best(now).map(QueueId),
                    _ => None,
                }
            }
            Ranked::Weighted | Ranked::Heads(_) => {
                let class = self.credit.choose()?;
                let of = &mut self.classes[class.0];
                of.by_service.choose().map(|member| of.queues[member])
            }
        }
    }

    /// Books what one more task of a queue is expected to cost.
    pub fn charge(&mut self, id: QueueId, cost_ms: f64) {
        if let Ranked::Strict(strict) = &mut self.ranked {
            strict.charge(id, cost_ms);
        }
        self.book(id, None, cost_ms);
    }

    /// Corrects what a task was charged to what it cost, 0 where none came. `flow` is whose it was, where that is known.
    /// Under [`Between::Mlfq`] other queues' heads may be of the same flow: their places are right again once their
    /// standing is told anew.
    pub fn settle(&mut self, id: QueueId, flow: Option<Flow>, charged_ms: f64, cost_ms: f64) {
        if let Ranked::Strict(strict) = &mut self.ranked {
            strict.settle(id, charged_ms, cost_ms);
        }
        self.book(id, flow, cost_ms - charged_ms);
    }

    fn book(&mut self, id: QueueId, flow: Option<Flow>, cost_ms: f64) {
        let Queue { class, member, .. } = self.queues[id.0];
        self.credit.charge(class, cost_ms);
        self.classes[class.0].by_service.charge(member, cost_ms);
        match &mut self.ranked {
            Ranked::Levels(mlfq, _) => {
                mlfq.charge(id, flow, cost_ms);
                self.rank(id);
            }
            Ranked::Weighted | Ranked::Strict(_) | Ranked::Heads(_) => (),
        }
    }

    /// A task of `flow` was started: its `cost_ms` were charged to its queue before anybody knew whose it is.
    pub fn started(&mut self, flow: Option<Flow>, cost_ms: f64) {
        if let (Ranked::Levels(mlfq, _), Some(flow)) = (&mut self.ranked, flow) {
            mlfq.attain(flow, cost_ms);
        }
    }

    /// Gives a class a debt to begin with.
    pub fn owe(&mut self, class: ClassId, cost_ms: f64) {
        self.credit.charge(class, cost_ms);
    }

    /// A class that could not be served keeps the credit of a few rounds and `more_ms`.
    pub fn delayed(&mut self, class: ClassId, more_ms: f64) {
        self.credit.delayed(class, more_ms);
    }

    /// A class has nothing to be served: it keeps its debt, not its credit.
    pub fn emptied(&mut self, class: ClassId) {
        self.credit.emptied(class);
    }

    /// Whether the rule looks at heads: where it does not, nobody needs to find them out.
    #[must_use]
    pub const fn compares_heads(&self) -> bool {
        matches!(self.ranked, Ranked::Heads(_) | Ranked::Levels(..))
    }

    /// Whether the balances stand in for a rule that sees no heads.
    pub(super) const fn is_blind(&self, sight: Sight) -> bool {
        matches!(self.ranked, Ranked::Heads(_)) && matches!(sight, Sight::Blind)
    }

    /// What the rules know of a class.
    #[must_use]
    pub fn terms(&self, class: ClassId) -> &ClassTerms {
        &self.classes[class.0].terms
    }

    /// The class of a queue.
    #[must_use]
    pub fn class_of(&self, id: QueueId) -> ClassId {
        self.queues[id.0].class
    }

    /// The rules in force.
    #[must_use]
    pub const fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Books a change of what a queue may do.
    fn count(&mut self, id: QueueId, was: Standing, is: Standing) {
        let Queue { class, member, .. } = self.queues[id.0];
        let of = &mut self.classes[class.0];
        match was {
            Standing::Ready => {
                of.ready -= 1;
                of.by_service.rest(member);
            }
            Standing::Delayed => of.delayed -= 1,
            Standing::Absent => (),
        }
        match is {
            Standing::Ready => {
                of.ready += 1;
                of.by_service.ready(member);
            }
            Standing::Delayed => of.delayed += 1,
            Standing::Absent => (),
        }
        let standing = match (of.ready, of.delayed) {
            (0, 0) => Standing::Absent,
            (0, _) => Standing::Delayed,
            _ => Standing::Ready,
        };
        self.credit.stand(class, standing);
    }

    /// Puts a queue into the rule's order, or takes it out.
    fn rank(&mut self, id: QueueId) {
        let now = self.now;
        let queue = &self.queues[id.0];
        let head = (queue.standing == Standing::Ready).then(|| queue.known_head());
        let merit = head.and_then(|head| self.merit(id, &head));
        match &mut self.ranked {
            Ranked::Weighted => (),
            Ranked::Strict(strict) if head.is_some() => strict.ready(id),
            Ranked::Strict(strict) => strict.rest(id),
            Ranked::Heads(heads) | Ranked::Levels(_, heads) => heads.set(id.0, merit, now),
        }
        let is_absent = self.queues[id.0].standing == Standing::Absent;
        if let Some(bypass) = &mut self.bypass {
            match head {
                Some(head) => bypass.head(id, head),
                None if is_absent => bypass.gone(id),
                None => bypass.pause(id),
            }
        }
    }

    /// The rule's judgement of a head; none where it does not judge heads.
    pub(super) fn merit(&self, id: QueueId, head: &Head) -> Option<Merit> {
        let queue = &self.queues[id.0];
        let terms = &self.classes[queue.class.0].terms;
        match (&self.rules.between, &self.ranked) {
            (Between::Fifo, _) => Some(fifo::merit(head)),
            (Between::Edf { .. }, _) => Some(edf::merit(head, terms)),
            (Between::Aging, _) => Some(aging::merit(head, terms)),
            (Between::Score(weights), _) => Some(score::merit(head, weights)),
            (Between::Mlfq(_), Ranked::Levels(mlfq, _)) => Some(mlfq.merit(id, head, queue.estimate_ms)),
            _ => None,
        }
    }
}

impl Queue {
    /// Its head; one of which nothing is known came when it was first seen.
    pub(super) fn known_head(&self) -> Head {
        self.head.unwrap_or(Head::arrived(self.seen))
    }
}
