//! Lending the tokens of rates, wherever this coordinator leads.
//!
//! Whether it leads is looked at before every answer. One that is frozen in between answers late, and what it lends
//! then runs from when the worker asked: it has ended before another one opens.

use std::sync::Arc;

use super::Coordinator;
use crate::broker::rates::Pleas;
use crate::clock;
use crate::scheduler::rate::{Lender, Lent, Rates};
use crate::task::Moment;

/// Room for the loans of one millisecond below the first of the next: a later lender begins above all of an earlier one.
const LOANS_PER_MS_BITS: u32 = 10;

/// Lends until the coordinator stops.
pub(super) async fn run(of: Arc<Coordinator>, mut pleas: Pleas) {
    let mut lender: Option<Lender> = None;
    let mut changes = of.policy_changes();
    loop {
        let now = clock::monotonic();
        let deadline = lender.as_ref().and_then(|lender| lender.next_deadline(now));
        let heard = tokio::select! {
            heard = pleas.next() => match heard {
                Some(heard) => Some(heard),
                None => return,
            },
            () = of.leader.leading(), if lender.is_none() => None,
            // Somebody else may lend in between.
            () = of.leader.deposed(), if lender.is_some() => None,
            () = until(deadline) => None,
            Ok(()) = changes.changed() => {
                if let Some(lender) = &mut lender {
                    lender.reform(rates(&of), clock::monotonic());
                }
                continue;
            }
            () = of.lifecycle.soft().cancelled() => return,
        };
        if !of.leader.is_leading() {
            lender = None;
            continue;
        }
        let now = clock::monotonic();
        let lender = lender.get_or_insert_with(|| {
            let first = u64::try_from(clock::wall().0).unwrap_or(0) << LOANS_PER_MS_BITS;
            Lender::new(rates(&of), first, now)
        });
        let answers = match heard {
            Some((who, plea)) => lender.hear(&who, &plea, now),
            None => lender.tick(now),
        };
        lend(&of, answers).await;
    }
}

/// The rates that hold, and those of a policy on trial for what has none: over both tracks there is one of each.
fn rates(of: &Coordinator) -> Rates {
    let mut rates = of.policy().rates();
    if let Some(on) = of.trial() {
        let Rates { classes, models } = on.edition.rates();
        let (of_class, of_model) = (&mut rates.classes, &mut rates.models);
        classes.into_iter().for_each(|(name, rate)| {
            of_class.entry(name).or_insert(rate);
        });
        models.into_iter().for_each(|(token, rate)| {
            of_model.entry(token).or_insert(rate);
        });
    }
    rates
}

async fn lend(of: &Coordinator, answers: Vec<(String, Lent)>) {
    for (who, lent) in answers {
        if let Err(error) = of.broker.lend(who, &lent).await {
            // What is not told runs out by itself.
            tracing::debug!(%error, "tokens were not lent");
        }
    }
}

async fn until(deadline: Option<Moment>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(clock::instant(deadline)).await,
        None => std::future::pending().await,
    }
}
