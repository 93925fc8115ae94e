//! Telling busy workers of tasks that came to queues in which few wait.
//!
//! The leading coordinator hears a task as it is published, where few come; what it does not hear it sees when it looks at
//! the lane, of which the server counts all subjects in one answer. One process that does so is far cheaper than every
//! worker's asking every queue.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;

use super::Coordinator;
use super::ears::Ears;
use crate::broker::subject;
use crate::clock;
use crate::lifecycle::Lifecycle;
use crate::task::{Lane, Moment, Route};

/// How often lanes are looked at while a task is in one of them.
const BUSY_EVERY: Duration = Duration::from_millis(20);
/// How often while none is: workers with free slots wait for tasks themselves.
const IDLE_EVERY: Duration = Duration::from_millis(100);
/// How long a lane that could not be looked at is left alone.
const FAILED_PAUSE: Duration = Duration::from_secs(1);
/// A queue with more tasks than this is known to whoever pulls from it.
const FEW: usize = 16;

/// What is known of a lane.
#[derive(Default)]
struct Watched {
    /// Tasks by subject, at the last look.
    seen: Seen,
    /// It could not be looked at: not looked at again before.
    failed_until: Option<Moment>,
}

type Seen = HashMap<String, usize>;

/// Listens and looks until the coordinator stops, while it leads.
pub(super) async fn run(of: Arc<Coordinator>) {
    let lifecycle: Lifecycle = of.lifecycle.clone();
    let lead = async {
        loop {
            of.leader.leading().await;
            lead(&of).await;
        }
    };
    tokio::select! { () = lead => (), () = lifecycle.soft().cancelled() => () }
}

async fn lead(of: &Coordinator) {
    let mut lanes: [Watched; 2] = Default::default();
    let mut changes = of.policy_changes();
    let mut ears = Ears::of_policy(&of.policy());
    let mut next = clock::monotonic();
    while of.leader.is_leading() {
        tokio::select! {
            heard = ears.next() => {
                // Whatever else has come by now is told in one message.
                let others = std::iter::from_fn(|| ears.next().now_or_never());
                let heard: Vec<Route> = std::iter::once(heard).chain(others).flatten().collect();
                tell(of, &mut lanes, heard.clone()).await;
                ears.renew(&of.broker, &heard).await;
            }
            Ok(()) = changes.changed() => ears = Ears::of_policy(&of.policy()),
            () = tokio::time::sleep_until(clock::instant(next)) => {
                let pause = look(of, &mut lanes).await;
                if lanes.iter().any(|lane| lane.failed_until.is_some()) {
                    // Where there is no stream, publishers are to be told so, which they are while nobody listens.
                    ears = Ears::of_policy(&of.policy());
                } else {
                    let has_many = |on: &str| lanes.iter().any(|lane| lane.seen.get(on).is_some_and(|n| *n > FEW));
                    ears.open(&of.broker, has_many).await;
                }
                next = clock::monotonic() + pause;
            }
        }
    }
}

async fn tell(of: &Coordinator, lanes: &mut [Watched; 2], mut heard: Vec<Route>) {
    for route in &heard {
        for (watched, _) in lanes
            .iter_mut()
            .zip(Lane::ALL)
            .filter(|(_, lane)| *lane == route.lane)
        {
            // Or the next look would tell of it as well.
            *watched.seen.entry(subject::task(route)).or_default() += 1;
        }
    }
    heard.sort_unstable();
    heard.dedup();
    for lane in Lane::ALL {
        let on_lane: Vec<Route> = heard.iter().filter(|route| route.lane == lane).cloned().collect();
        if !on_lane.is_empty() {
            of.broker.wake(lane, &on_lane).await;
        }
    }
}

/// Tells what has come since the last look; how long until the next.
async fn look(of: &Coordinator, lanes: &mut [Watched; 2]) -> Duration {
    let mut pause = IDLE_EVERY;
    for (watched, lane) in lanes.iter_mut().zip(Lane::ALL) {
        if watched
            .failed_until
            .is_some_and(|until| clock::monotonic() < until)
        {
            continue;
        }
        match of.broker.lane_subjects(lane).await {
            Ok(now) => {
                let risen = risen(&watched.seen, &now);
                if !risen.is_empty() {
                    of.broker.wake(lane, &risen).await;
                }
                if !now.is_empty() {
                    pause = pause.min(BUSY_EVERY);
                }
                *watched = Watched {
                    seen: now.into_iter().collect(),
                    failed_until: None,
                };
            }
            Err(error) => {
                tracing::debug!(%lane, %error, "cannot look at a lane");
                watched.failed_until = Some(clock::monotonic() + FAILED_PAUSE);
            }
        }
    }
    pause
}

/// Queues in which more tasks are than at the last look, and yet few.
fn risen(before: &Seen, now: &[(String, usize)]) -> Vec<Route> {
    let has_risen =
        |(on, tasks): &&(String, usize)| *tasks <= FEW && *tasks > before.get(on).copied().unwrap_or(0);
    let risen = now.iter().filter(has_risen);
    risen.filter_map(|(on, _)| subject::parse_task(on)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_is_told_of_when_it_gains_a_task_and_few_wait_in_it() {
        let on = |class: &str| format!("fl.task.core.{class}.m.0");
        let before: Seen = [
            (on("same"), 2),
            (on("fewer"), 3),
            (on("more"), 1),
            (on("flooded"), 99),
        ]
        .into();
        let now = [
            (on("same"), 2),
            (on("fewer"), 2),
            (on("more"), 2),
            (on("new"), 1),
            (on("flooded"), 120),
            ("fl.task.core.broken".to_owned(), 1),
        ];
        let told: Vec<String> = risen(&before, &now)
            .iter()
            .map(|route| route.class.to_string())
            .collect();
        assert_eq!(told, ["more", "new"]);
    }
}
