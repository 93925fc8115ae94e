//! A candidate that is asked beside the rule that holds, and not obeyed.
//!
//! Whenever a free slot chooses, the candidate is asked over the same queues with the same heads. It keeps balances of its
//! own: what it picks is charged to it, at the cost that is expected of the queue, and corrected when a task of that queue
//! has ended. So it goes on as if its picks had been served, over the backlogs that the rule in force leaves. A candidate that is
//! the rule in force itself picks the same every time.

use std::collections::BTreeMap;
use std::ops::Deref;

use super::credit::Standing;
use super::facts::{ClassId, Flow, Head, QueueId};
use super::picker::{Picker, Sight};
use super::rules::{ClassTerms, Rules};
use crate::task::Moment;

/// Pairs of classes that are told apart; of two hundred classes there could be forty thousand.
const PAIRS_MAX: usize = 256;

/// What was picked, and what the candidate would have picked at the same moments.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Picks {
    /// Picks by class, as the rule in force made them and as the candidate would have.
    pub classes: BTreeMap<ClassId, [u64; 2]>,
    /// Picks where the candidate would have picked another class.
    pub otherwise: u64,
    /// How many of these were of the class on the left where the candidate would have picked the one on the right, of the
    /// first 256 pairs that came up.
    pub pairs: BTreeMap<(ClassId, ClassId), u64>,
}

impl Picks {
    fn note(&mut self, class: ClassId, instead: ClassId) {
        self.classes.entry(class).or_default()[0] += 1;
        self.classes.entry(instead).or_default()[1] += 1;
        if class == instead {
            return;
        }
        self.otherwise += 1;
        let has_room = self.pairs.len() < PAIRS_MAX;
        match self.pairs.get_mut(&(class, instead)) {
            Some(count) => *count += 1,
            None if has_room => {
                self.pairs.insert((class, instead), 1);
            }
            None => (),
        }
    }
}

/// A candidate to ask.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// What tells comparisons apart: where it is another one, picks are counted anew.
    pub mark: [u64; 2],
    /// How it chooses.
    pub rules: Rules,
    /// What it says of all classes, in the order they were added.
    pub terms: Vec<ClassTerms>,
}

/// The picker in force, and the candidate beside it if there is one. Everything that the one is told the other is told,
/// too.
#[derive(Debug)]
pub(super) struct Watched {
    acting: Picker,
    shadow: Option<Box<Shadow>>,
}

/// The candidate.
#[derive(Debug)]
struct Shadow {
    picker: Picker,
    of: Candidate,
    /// What it picked last, until that is charged.
    picked: Option<QueueId>,
    /// Places of each queue that it was charged for and that have not ended.
    places: Vec<u32>,
    picks: Picks,
}

impl Watched {
    pub(super) fn new(rules: Rules) -> Self {
        Self {
            acting: Picker::new(rules),
            shadow: None,
        }
    }

    /// Puts another picker in force. What was seen of a candidate beside the one before is forgotten with it.
    pub(super) fn replace(&mut self, acting: Picker) {
        (self.acting, self.shadow) = (acting, None);
    }

    /// Whether that candidate is asked already.
    pub(super) fn is_watching(&self, candidate: &Candidate) -> bool {
        let shadow = self.shadow.as_ref();
        shadow.is_some_and(|shadow| shadow.of == *candidate)
    }

    /// Asks a candidate from now on, which begins with `begun`; `places` are those that each queue was charged for. One
    /// that is the rule in force goes on from where that is.
    pub(super) fn watch(&mut self, of: Candidate, places: Vec<u32>, begun: Picker) {
        let is_same = (0..of.terms.len()).all(|at| *self.acting.terms(ClassId(at)) == of.terms[at]);
        let picker = match is_same && *self.acting.rules() == of.rules {
            true => self.acting.clone(),
            false => begun,
        };
        self.shadow = Some(Box::new(Shadow {
            picker,
            of,
            picked: None,
            places,
            picks: Picks::default(),
        }));
    }

    /// Asks nobody from now on.
    pub(super) fn unwatch(&mut self) {
        self.shadow = None;
    }

    /// What the candidate would have picked, since it is asked; none without one.
    pub(super) fn picks(&self) -> Option<&Picks> {
        self.shadow.as_ref().map(|shadow| &shadow.picks)
    }

    /// See [`Picker::pick`]. The candidate is asked as well.
    pub(super) fn pick(&mut self, sight: Sight, now: Moment) -> Option<QueueId> {
        let picked = self.acting.pick(sight, now);
        let class = picked.map(|picked| self.acting.class_of(picked));
        if let (Some(shadow), Some(class)) = (&mut self.shadow, class) {
            shadow.picked = shadow.picker.pick(sight, now);
            if let Some(instead) = shadow.picked.map(|queue| shadow.picker.class_of(queue)) {
                shadow.picks.note(class, instead);
            }
        }
        picked
    }

    /// See [`Picker::charge`]. The candidate is charged for what it picked itself.
    pub(super) fn charge(&mut self, id: QueueId, cost_ms: f64) {
        self.acting.charge(id, cost_ms);
        if let Some(shadow) = &mut self.shadow {
            let queue = shadow.picked.take().unwrap_or(id);
            let cost_ms = match queue == id {
                true => cost_ms,
                false => shadow.picker.estimate_ms(queue),
            };
            // What it alone picks is never settled.
            shadow.places[queue.0] = shadow.places[queue.0].saturating_add(1);
            shadow.picker.charge(queue, cost_ms);
        }
    }

    /// See [`Picker::settle`], of so many places. The candidate's balances are corrected for as many as it has of that queue.
    pub(super) fn settle(
        &mut self,
        id: QueueId,
        flow: Option<Flow>,
        places: u32,
        [charged_ms, cost_ms]: [f64; 2],
    ) {
        self.acting.settle(id, flow, charged_ms, cost_ms);
        if let Some(shadow) = self.shadow.as_mut().filter(|_| places > 0) {
            let settled = places.min(shadow.places[id.0]);
            shadow.places[id.0] -= settled;
            let part = f64::from(settled) / f64::from(places);
            shadow.picker.settle(id, flow, charged_ms * part, cost_ms * part);
        }
    }

    /// See [`Picker::stand`].
    pub(super) fn stand(&mut self, id: QueueId, standing: Standing, head: Option<Head>, now: Moment) {
        let seen = |picker: &Picker| head.filter(|_| picker.compares_heads());
        let (of_acting, shadow) = (seen(&self.acting), &mut self.shadow);
        self.acting.stand(id, standing, of_acting, now);
        if let Some(shadow) = shadow {
            let of_shadow = seen(&shadow.picker);
            shadow.picker.stand(id, standing, of_shadow, now);
        }
    }

    /// Whether either of both looks at heads.
    pub(super) fn looks_at_heads(&self) -> bool {
        let shadow = self.shadow.as_ref();
        self.acting.compares_heads() || shadow.is_some_and(|shadow| shadow.picker.compares_heads())
    }

    /// See [`Picker::add_class`]. A candidate takes it for what the policy in force says of it, until it is asked anew.
    pub(super) fn add_class(&mut self, terms: ClassTerms) -> ClassId {
        if let Some(shadow) = &mut self.shadow {
            shadow.picker.add_class(terms);
            shadow.of.terms.push(terms);
        }
        self.acting.add_class(terms)
    }

    /// See [`Picker::add_queue`].
    pub(super) fn add_queue(&mut self, class: ClassId, lane: u32, estimate_ms: f64) -> QueueId {
        if let Some(shadow) = &mut self.shadow {
            shadow.picker.add_queue(class, lane, estimate_ms);
            shadow.places.push(0);
        }
        self.acting.add_queue(class, lane, estimate_ms)
    }

    /// See [`Picker::start_at`].
    pub(super) fn start_at(&mut self, phase: f64) {
        self.each(|picker| picker.start_at(phase));
    }

    /// See [`Picker::estimate`].
    pub(super) fn estimate(&mut self, id: QueueId, estimate_ms: f64) {
        self.each(|picker| picker.estimate(id, estimate_ms));
    }

    /// See [`Picker::started`].
    pub(super) fn started(&mut self, flow: Option<Flow>, cost_ms: f64) {
        self.each(|picker| picker.started(flow, cost_ms));
    }

    /// See [`Picker::owe`].
    pub(super) fn owe(&mut self, class: ClassId, cost_ms: f64) {
        self.each(|picker| picker.owe(class, cost_ms));
    }

    /// See [`Picker::delayed`].
    pub(super) fn delayed(&mut self, class: ClassId, more_ms: f64) {
        self.each(|picker| picker.delayed(class, more_ms));
    }

    /// See [`Picker::emptied`].
    pub(super) fn emptied(&mut self, class: ClassId) {
        self.each(|picker| picker.emptied(class));
    }

    /// See [`Picker::unpicked`].
    pub(super) fn unpicked(&mut self, id: QueueId, most_ms: f64) {
        self.each(|picker| picker.unpicked(id, most_ms));
    }

    fn each(&mut self, mut tell: impl FnMut(&mut Picker)) {
        tell(&mut self.acting);
        if let Some(shadow) = &mut self.shadow {
            tell(&mut shadow.picker);
        }
    }
}

/// What is read is read off the picker in force.
impl Deref for Watched {
    type Target = Picker;

    fn deref(&self) -> &Picker {
        &self.acting
    }
}
