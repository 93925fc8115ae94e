//! Tasks per second: publish, deliver, result, ack, all at the same time.

use std::sync::Arc;
use std::time::Duration;

use super::workload::Workload;
use crate::broker::floor::Tally;
use crate::broker::{Broker, RequestError};
use crate::clock;

/// What one run measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Run {
    /// From the first publish until every task was acked, as tasks per second.
    pub tasks_per_s: f64,
    /// From the first publish until every publish was acked, as tasks per second.
    pub publish_per_s: f64,
}

/// One run of a bare client loop with that many tasks per pull.
///
/// # Errors
/// When the server does not answer.
pub async fn floor(broker: &Broker, workload: &Workload, pull: usize) -> Result<Run, RequestError> {
    let tally = Tally::new(workload.tasks);
    let routes = workload.routes();
    let work = broker.floor_work(&routes, pull, tally.clone());
    run(broker, workload, work).await
}

/// One run through the mesh, which is started already and counts executed tasks in `tally`.
///
/// # Errors
/// When the server does not answer.
pub async fn mesh(broker: &Broker, workload: &Workload, tally: Arc<Tally>) -> Result<Run, RequestError> {
    let work = async {
        tally.wait().await;
        Ok(())
    };
    run(broker, workload, work).await
}

async fn run(
    broker: &Broker,
    workload: &Workload,
    work: impl Future<Output = Result<(), RequestError>>,
) -> Result<Run, RequestError> {
    let (tasks, body, routes) = (workload.tasks(), workload.body(), workload.routes());
    let begun = clock::monotonic();
    let publish = async {
        broker.floor_publish(tasks, body).await?;
        Ok::<_, RequestError>(clock::monotonic().since(begun))
    };
    let (published, ()) = tokio::try_join!(publish, work)?;
    // Executed is not done: a task counts when its ack has taken it off the lane.
    broker.until_empty(&routes).await?;
    let took = clock::monotonic().since(begun);
    Ok(Run {
        tasks_per_s: per_second(workload.tasks, took),
        publish_per_s: per_second(workload.tasks, published),
    })
}

fn per_second(count: usize, took: Duration) -> f64 {
    count as f64 / took.as_secs_f64().max(f64::MIN_POSITIVE)
}
