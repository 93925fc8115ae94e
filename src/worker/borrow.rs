//! Between the intake, which counts tokens by number, and the lender, who knows their names.

use std::time::Duration;

use super::queues::Classes;
use crate::broker::RequestError;
use crate::broker::rates::Borrower;
use crate::scheduler::intake::{TokenLoan, TokenPlea};
use crate::scheduler::rate::{Account, Lent, Plea, Settled, Want};
use crate::task::Moment;

/// The worker's way to the lender, where its policy has rates.
pub(super) struct Borrowing(Option<Borrower>);

impl Borrowing {
    pub(super) const fn new(borrower: Option<Borrower>) -> Self {
        Self(borrower)
    }

    /// What is lent next; never anything where nothing is borrowed.
    pub(super) async fn next(&mut self) -> Lent {
        if let Some(borrower) = &mut self.0
            && let Some(lent) = borrower.next().await
        {
            return lent;
        }
        std::future::pending().await
    }

    pub(super) async fn send(
        &self,
        plea: &TokenPlea,
        classes: &Classes,
        now: Moment,
    ) -> Result<(), RequestError> {
        match &self.0 {
            Some(borrower) => borrower.plead(&named(plea, classes, now)).await,
            None => Ok(()),
        }
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
