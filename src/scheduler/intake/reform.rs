//! Going over to another policy in the middle of work.
//!
//! What runs, what is kept and what was asked for stays as it is. Balances begin anew, as those of a worker that has
//! just started, but for what is under way: who has the slots at that moment has been charged for them.

use super::core::Intake;
use super::facts::QueueId;
use super::spread::{Debt, phase};
use super::tokens::MeterId;
use crate::scheduler::facts::ClassId;
use crate::scheduler::picker::Picker;
use crate::scheduler::rules::{ClassTerms, Rules};
use crate::scheduler::shadow::{Candidate, Picks};

impl Intake {
    /// Chooses by other rules and terms from now on; `terms` are those of all classes, in the order they were added.
    /// Where nothing of it is new, nothing changes.
    ///
    /// # Panics
    /// When a class has no terms.
    pub fn reform(&mut self, rules: Rules, terms: &[ClassTerms]) {
        assert_eq!(terms.len(), self.debts.len(), "every class has terms");
        let is_same = (0..terms.len()).all(|at| *self.picker.terms(ClassId(at)) == terms[at]);
        if is_same && *self.picker.rules() == rules {
            return;
        }
        self.picker.replace(self.begun(rules, terms));
        for queue in &mut self.queues {
            let window = self.picker.terms(queue.spec.class).lookahead.window;
            queue.window_max = if window > 1 { window } else { 0 };
        }
        self.begin_debts();
        // What is free is divided by the new rules at once.
        self.hurried = true;
    }

    /// Asks a candidate at every pick from now on what it would have picked, or nobody. What holds goes on being obeyed. Picks
    /// are counted anew with another candidate or another mark, and whenever what holds chooses otherwise.
    ///
    /// # Panics
    /// When a class has no terms.
    pub fn watch(&mut self, candidate: Option<Candidate>) {
        let Some(candidate) = candidate else {
            return self.picker.unwatch();
        };
        assert_eq!(candidate.terms.len(), self.debts.len(), "every class has terms");
        if self.picker.is_watching(&candidate) {
            return;
        }
        let begun = self.begun(candidate.rules, &candidate.terms);
        let places = self.queues.iter().map(|queue| queue.ledger.places()).collect();
        self.picker.watch(candidate, places, begun);
    }

    /// What the candidate would have picked since it is asked; none without one.
    #[must_use]
    pub fn shadowed(&self) -> Option<&Picks> {
        self.picker.picks()
    }

    /// A picker as of a worker that has just started, charged for what is under way.
    fn begun(&self, rules: Rules, terms: &[ClassTerms]) -> Picker {
        let mut picker = Picker::new(rules);
        for terms in terms {
            picker.add_class(*terms);
        }
        picker.start_at(phase(self.seed));
        for (at, queue) in self.queues.iter().enumerate() {
            let estimate_ms = self.costs.estimate_ms(queue.spec.cost);
            picker.add_queue(queue.spec.class, queue.spec.lane, estimate_ms);
            let under_way_ms = queue.ledger.charged_ms();
            if under_way_ms > 0.0 {
                picker.charge(QueueId(at), under_way_ms);
            }
        }
        picker
    }

    /// Each start of a task of this queue takes a token of these meters from now on, and of no others.
    pub fn measure_by(&mut self, id: QueueId, meters: Vec<MeterId>) {
        if self.queues[id.0].meters == meters {
            return;
        }
        self.forget_hopes();
        self.queues[id.0].meters = meters;
        self.count_promises();
    }

    /// As of a worker that has just started: many that go over at the same moment do not choose in step.
    fn begin_debts(&mut self) {
        self.debts.fill(Debt::default());
        for class in (0..self.debts.len()).map(ClassId) {
            let first = self.queues.iter().find(|queue| queue.spec.class == class);
            if let Some(estimate_ms) = first.map(|queue| self.costs.estimate_ms(queue.spec.cost)) {
                self.owe(class, estimate_ms);
            }
        }
    }
}
