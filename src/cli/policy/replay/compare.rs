//! A trace under the policy that holds and under a candidate.

use super::args::Asked;
use crate::broker::{Broker, RequestError};
use crate::cli::exit::Stop;
use crate::cli::output::table;
use crate::cli::spread::spread;
use crate::gateway::NOTE_BYTES_MAX;
use crate::sim::report::Report;
use crate::sim::whatif::{Comparison, Known, ReplayError, Replayed, questions, replay, rows};
use crate::sim::workload::Trace;

/// Replays what is asked under both, the one that holds first, on the mesh's own slots where a server is there to ask.
pub(in crate::cli::policy) async fn compare(
    asked: &Asked,
    both: [&Known; 2],
    broker: Option<&Broker>,
) -> anyhow::Result<Comparison> {
    let trace = Trace::read(&asked.trace).map_err(|error| Stop::usage(error.to_string()))?;
    let (workers, slots) = places(asked, broker).await?;
    let replayed = Replayed::new(trace, both, workers, slots).map_err(stop)?;
    let questions =
        questions(&asked.bounds, &replayed.classes()).map_err(|error| Stop::usage(error.to_string()))?;
    let pairs = usize::try_from(asked.seeds).unwrap_or(usize::MAX);
    let runs = spread(2 * pairs, |at| replay(&replayed, both[at % 2], at as u64 / 2 + 1));
    let runs: Result<Vec<Report>, ReplayError> = runs.into_iter().collect();
    let mut runs = runs.map_err(stop)?.into_iter();
    let mut reports = Vec::with_capacity(pairs);
    while let (Some(holds), Some(candidate)) = (runs.next(), runs.next()) {
        reports.push((holds, candidate));
    }
    let judged = replayed.judged(&questions, &reports);
    Comparison::of(&reports, workers, judged)
        .ok_or_else(|| Stop::usage("there is no run; give --seeds").into())
}

/// Workers, and slots of all of them together where anybody says.
async fn places(asked: &Asked, broker: Option<&Broker>) -> Result<(u32, Option<u32>), RequestError> {
    let (there, all) = match broker {
        Some(broker) if asked.workers.is_none() || asked.slots.is_none() => mesh(broker).await?,
        _ => (0, 0),
    };
    let workers = asked.workers.unwrap_or(there.max(1));
    let slots = match (asked.slots, asked.workers) {
        (Some(each), _) => Some(each.saturating_mul(workers)),
        (None, None) if all > 0 => Some(all),
        // So many workers of the mesh's own size.
        (None, Some(workers)) if all > 0 => Some(all.div_ceil(there.max(1)).saturating_mul(workers)),
        _ => None,
    };
    Ok((workers, slots))
}

/// Workers that are there, and slots of all of them.
async fn mesh(broker: &Broker) -> Result<(u32, u32), RequestError> {
    let workers = broker.workers().await?;
    let there = workers.iter().filter(|worker| !worker.is_lost());
    let counted = there.map(|worker| worker.beat.slots);
    Ok(counted.fold((0, 0), |(count, all), slots: u32| {
        (count + 1, all.saturating_add(slots))
    }))
}

/// What another trace, policy or flag mends is a matter of usage.
fn stop(error: ReplayError) -> anyhow::Error {
    match error {
        ReplayError::Report(error) => error.into(),
        ReplayError::UnknownClass { .. } => Stop::refused(error.to_string()).into(),
        ReplayError::NoClasses | ReplayError::NoSlot { .. } | ReplayError::Workload(_) => {
            Stop::usage(error.to_string()).into()
        }
    }
}

/// For people.
pub(in crate::cli::policy) fn text(comparison: &Comparison) -> String {
    let rows = rows(comparison);
    format!(
        "{}\n\n{}\n\n{}",
        comparison.headline(),
        table(rows.header, rows.rows),
        comparison.sentence()
    )
}

/// What a rollout's message says of the replay before it, as far as there is room.
pub(in crate::cli::policy) fn noted(message: &str, comparison: &Comparison) -> String {
    let replay = format!(
        "replay of {}: no worse in {} figures",
        comparison.trace,
        comparison.judged.len()
    );
    let noted = match message {
        "" => replay,
        message => format!("{message} ({replay})"),
    };
    match noted.len() <= NOTE_BYTES_MAX {
        true => noted,
        false => message.to_owned(),
    }
}
