//! Dead tasks without their dead letter: whoever wrote the record has gone, and what it was read from too.

use std::time::Duration;

use super::repaired::repaired;
use crate::broker::WriteError;
use crate::broker::audit::FoundRecord;
use crate::broker::publish::Original;
use crate::broker::shelf::Shelf;
use crate::clock;
use crate::coordinator::Coordinator;
use crate::coordinator::judge::bare;
use crate::metrics::Repair;
use crate::task::{DeadReason, EpochMs, ErrorKind, Lane, ModelName, State, Task};

/// How old a record is that is not looked at any more, in ms: what was replayed or thrown away is told by events, and
/// of these the stream keeps a bounded number.
const AGE_MS_MAX: u64 = 3_600_000;
/// How long one sweep goes over records. A mesh that ends more tasks than that is looked over more slowly.
const TIME_MAX: Duration = Duration::from_millis(200);
/// Stands for the model, which a record does not name.
const UNKNOWN: &str = "unknown";

/// Where the next sweep goes on. Every record is looked at once.
#[derive(Default)]
pub(super) struct Letters {
    from: Option<u64>,
}

impl Letters {
    /// Writes the letters that are missing.
    pub(super) async fn look(&mut self, of: &Coordinator) -> Result<(), WriteError> {
        let until = clock::monotonic() + TIME_MAX;
        let mut from = match self.from {
            Some(from) => from,
            None => {
                let since = EpochMs(clock::wall().0.saturating_sub_unsigned(AGE_MS_MAX));
                match of.broker.records_from(since).await? {
                    Some(from) => from,
                    None => return Ok(()),
                }
            }
        };
        loop {
            self.from = Some(from);
            let page = of.broker.records(from).await?;
            for found in &page.found {
                let (_, stored) = found;
                if stored.record.state != State::Dead {
                    continue;
                }
                if clock::wall().since(stored.stored_at) < of.audit_grace_ms {
                    self.from = Some(stored.sequence);
                    return Ok(());
                }
                check(of, found).await?;
            }
            match page.next {
                Some(next) => from = next,
                None => return Ok(()),
            }
            if clock::monotonic() >= until {
                self.from = Some(from);
                return Ok(());
            }
        }
    }
}

async fn check(of: &Coordinator, (id, stored): &FoundRecord) -> Result<(), WriteError> {
    if of.broker.kept(Shelf::Dead, id).await?.is_some() {
        return Ok(());
    }
    if of.broker.letter_taken(id, stored.stored_at).await?.is_some() {
        return Ok(());
    }
    // It may have been replaced since.
    let Some(standing) = of
        .broker
        .result(id)
        .await?
        .filter(|found| found.sequence == stored.sequence)
    else {
        return Ok(());
    };
    let record = standing.record;
    let reason = record.error.as_ref().and_then(|error| error.kind.parse().ok());
    let model = ModelName::new(UNKNOWN).map_err(|error| crate::broker::RequestError {
        operation: format!("name the model {UNKNOWN}"),
        source: Box::new(error),
    })?;
    let task = Task {
        hop: record.hop,
        attempt: record.attempt,
        tenant: record.tenant.clone(),
        ..Task::new(
            id.clone(),
            Lane::Normal,
            record.class.clone(),
            model,
            stored.stored_at,
        )
    };
    let said = record.error.map(|error| error.message).unwrap_or_default();
    let what = format!("its dead letter was missing, and its body is gone with it: {said}");
    let report = bare(task, ErrorKind::Permanent, what);
    let reason = reason.unwrap_or(DeadReason::Permanent);
    of.broker
        .publish_dead(&report, reason, &Original::left_out())
        .await?;
    repaired(of, Repair::NoLetter, &report.task, &report.error).await;
    Ok(())
}
