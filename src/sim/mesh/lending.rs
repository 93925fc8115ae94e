//! Whoever lends tokens where rates are limited: it stands beside the server.

use super::event::{Event, Order};
use super::setup::Setup;
use super::world::World;
use crate::scheduler::intake::{Intake, MeterId, QueueId, TokenLoan};
use crate::scheduler::rate::{Account, Lender, Lent, Meter, Plea, Rates, Want};
use crate::sim::task::moment;
use crate::task::ClassName;

impl Setup {
    /// What the lender knows: classes are called by their place.
    pub(super) fn rates(&self) -> Rates {
        let classes = (0..).zip(&self.classes);
        let limited = classes.filter_map(|(at, class)| Some((name(at)?, class.rate?)));
        Rates {
            classes: limited.collect(),
            ..Rates::default()
        }
    }

    /// The classes that have a meter, by its number.
    fn metered(&self) -> Vec<usize> {
        let limited = |at: &usize| self.classes[*at].rate.is_some();
        (0..self.classes.len()).filter(limited).collect()
    }

    /// Has the intake count tokens.
    pub(super) fn meter(&self, intake: &mut Intake) {
        for class in self.metered() {
            let meter = intake.add_meter();
            let queues = (0..self.queues.len()).filter(|queue| self.queues[*queue].class == class);
            queues.for_each(|queue| intake.measure(QueueId(queue), meter));
        }
    }
}

impl World {
    /// A worker sends a plea.
    pub(super) fn plead(&mut self, worker: usize) {
        let now = moment(self.now_us);
        let metered = self.setup.metered();
        let of = &mut self.workers[worker];
        let (told, life) = (of.intake.plea(now), of.life);
        let wants = told.wants.iter();
        let accounts = told.settled.iter().map(|settled| Account {
            loan: settled.loan,
            spent: settled.spent,
            ago: now.since(settled.last),
            back: settled.back,
        });
        let want = |(meter, tokens, waits): &(MeterId, u32, bool)| {
            Some(Want {
                meter: Meter::Class(name(metered[meter.0])?),
                tokens: *tokens,
                waits: *waits,
            })
        };
        let plea = Plea {
            number: told.number,
            wants: wants.filter_map(want).collect(),
            accounts: accounts.collect(),
        };
        self.up(worker, Order::Plead { life, plea });
    }

    /// A plea has come.
    pub(super) fn pleaded(&mut self, worker: usize, life: u64, plea: &Plea) {
        let answers = self
            .lender
            .hear(&format!("{worker} {life}"), plea, moment(self.now_us));
        self.lend(answers);
    }

    /// Tokens may have come.
    pub(super) fn refilled(&mut self) {
        self.lends_at_us = None;
        let answers = self.lender.tick(moment(self.now_us));
        self.lend(answers);
    }

    fn lend(&mut self, answers: Vec<(String, Lent)>) {
        for (who, lent) in answers {
            let Some((worker, life)) = who.split_once(' ') else {
                continue;
            };
            let (Ok(worker), Ok(life)) = (worker.parse(), life.parse()) else {
                continue;
            };
            self.down(worker, Event::Lent { worker, life, lent });
        }
        let next = self.lender.next_deadline(moment(self.now_us));
        let next_us = next.map(|at| at.0.as_nanos().div_ceil(1000) as u64);
        if let Some(at_us) = next_us.filter(|at_us| self.lends_at_us.is_none_or(|known| *at_us < known)) {
            self.lends_at_us = Some(at_us);
            self.at(at_us, Event::Refilled);
        }
    }

    /// An answer has come.
    pub(super) fn lent(&mut self, worker: usize, lent: &Lent) {
        let metered = self.setup.metered();
        let id = |meter: &Meter| {
            let found = metered
                .iter()
                .position(|class| name(*class).map(Meter::Class).as_ref() == Some(meter));
            found.map(MeterId)
        };
        let tokens = lent.tokens.iter();
        let loan = TokenLoan {
            number: lent.number,
            tokens: tokens
                .filter_map(|(meter, loan, n)| Some((id(meter)?, *loan, *n)))
                .collect(),
            dry: lent
                .dry
                .iter()
                .filter_map(|(meter, wait)| Some((id(meter)?, *wait)))
                .collect(),
        };
        self.workers[worker].intake.lent(&loan, moment(self.now_us));
    }

    /// One without loans, at the beginning.
    pub(super) fn lender(setup: &Setup) -> Lender {
        Lender::new(setup.rates(), 0, moment(0))
    }
}

fn name(class: usize) -> Option<ClassName> {
    ClassName::new(&format!("c{class}")).ok()
}
