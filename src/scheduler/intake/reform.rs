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
        let mut picker = Picker::new(rules);
        for terms in terms {
            picker.add_class(*terms);
        }
        picker.start_at(phase(self.seed));
        for queue in &self.queues {
            let estimate_ms = self.costs.estimate_ms(queue.spec.cost);
            picker.add_queue(queue.spec.class, queue.spec.lane, estimate_ms);
        }
        self.picker = picker;
        for at in 0..self.queues.len() {
            let (class, under_way_ms) = (self.queues[at].spec.class, self.queues[at].ledger.charged_ms());
            if under_way_ms > 0.0 {
                self.picker.charge(QueueId(at), under_way_ms);
            }
            let window = self.picker.terms(class).lookahead.window;
            self.queues[at].window_max = if window > 1 { window } else { 0 };
        }
        self.begin_debts();
        // What is free is divided by the new rules at once.
        self.hurried = true;
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
