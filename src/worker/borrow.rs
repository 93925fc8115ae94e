//! Between the intake, which counts tokens by number, and the lender, who knows their names.

use std::time::Duration;

use super::queues::Classes;
use crate::broker::RequestError;
use crate::broker::rates::Borrower;
use crate::scheduler::intake::{TokenLoan, TokenPlea};
use crate::scheduler::rate::{Account, Lent, Plea, Settled, Want};
use crate::task::Moment;

/// The worker's way to the lender.
pub(super) struct Borrowing(Borrower);

impl Borrowing {
    pub(super) const fn new(borrower: Borrower) -> Self {
        Self(borrower)
    }

    /// What is lent next; never anything once the connection is closed for good.
    pub(super) async fn next(&mut self) -> Lent {
        match self.0.next().await {
            Some(lent) => lent,
            None => std::future::pending().await,
        }
    }

    pub(super) async fn send(
        &self,
        plea: &TokenPlea,
        classes: &Classes,
        now: Moment,
    ) -> Result<(), RequestError> {
        self.0.plead(&named(plea, classes, now)).await
    }
}

fn named(plea: &TokenPlea, classes: &Classes, now: Moment) -> Plea {
    let account = |settled: &Settled| Account {
        loan: settled.loan,
        spent: settled.spent,
        ago: now.since(settled.last),
        back: settled.back,
    };
    let wants = plea.wants.iter().map(|(id, tokens, waits)| Want {
        meter: classes.meter(*id).clone(),
        tokens: *tokens,
        waits: *waits,
    });
    Plea {
        number: plea.number,
        wants: wants.collect(),
        accounts: plea.settled.iter().map(account).collect(),
    }
}

/// What is lent, as the intake counts it.
pub(super) fn counted(lent: &Lent, classes: &Classes) -> TokenLoan {
    let tokens = lent.tokens.iter();
    let dry = lent.dry.iter();
    TokenLoan {
        number: lent.number,
        tokens: tokens
            .filter_map(|(meter, loan, count)| Some((classes.meter_id(meter)?, *loan, *count)))
            .collect(),
        dry: dry
            .filter_map(|(meter, wait): &(_, Duration)| Some((classes.meter_id(meter)?, *wait)))
            .collect(),
    }
}
