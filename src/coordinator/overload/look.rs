//! What the level is judged by, read off the server. No task's path waits for it.

use std::time::Duration;

use crate::broker::RequestError;
use crate::broker::inspect::StreamState;
use crate::broker::queues::Queue;
use crate::broker::subject;
use crate::clock;
use crate::coordinator::Coordinator;
use crate::policy::{DrainRate, Pressure, Workers};
use crate::task::{Lane, Moment, Shard};

/// Queues whose oldest task is asked for at once: those where most wait.
const HEADS_MAX: usize = 32;
/// Workers that are in no registry and of whom nothing was seen for so long are gone. One that is idle asks at least every
/// few seconds.
const SILENT_MAX: Duration = Duration::from_secs(15);

/// Remembers what it takes to tell rates.
#[derive(Default)]
pub(super) struct Observer {
    before: Option<Books>,
    rates: [DrainRate; 2],
    all: DrainRate,
    crew: CrewSeen,
}

/// What was seen of workers.
#[derive(Default)]
struct CrewSeen {
    /// Whether none was in the registry at the last look.
    was_alone: bool,
    /// When somebody who is in no registry showed last.
    stranger_at: Option<Moment>,
}

/// The books of both lanes at one time.
#[derive(Clone, Copy)]
struct Books {
    at: Moment,
    /// Messages that were ever published, and those that are there, by lane.
    lanes: [(u64, u64); 2],
    waiting: [u64; 2],
}

/// One look.
pub(super) struct Seen {
    pub(super) pressure: Pressure,
    pub(super) queues: Vec<Queue>,
    pub(super) rates: [DrainRate; 2],
    pub(super) archive: StreamState,
}

impl Seen {
    /// Tasks that wait on a lane and that nobody holds back.
    pub(super) fn waiting(&self, lane: Lane) -> u64 {
        waiting(&self.queues, lane)
    }

    /// How fast tasks leave a lane.
    pub(super) const fn rate(&self, lane: Lane) -> &DrainRate {
        &self.rates[index(lane)]
    }
}

impl Observer {
    pub(super) async fn look(&mut self, of: &Coordinator) -> Result<Seen, RequestError> {
        let mut queues = Vec::new();
        let mut lanes = Vec::new();
        for lane in Lane::ALL {
            lanes.push(of.broker.fill(subject::lane_stream(lane)).await?);
            queues.extend(of.broker.queues(lane).await?);
        }
        let archive = of.broker.fill(subject::ARCHIVE).await?;
        let waiting = Lane::ALL.map(|lane| waiting(&queues, lane));
        let settled = self.note(&lanes, waiting, &queues);
        let signs = settled + queues.iter().map(|queue| queue.pulls).sum::<u64>();
        let workers = self.crew.look(*of.workers.borrow(), signs, clock::monotonic());
        let all: u64 = waiting.iter().sum();
        let policy = of.policy();
        let rules = &policy.overload;
        let oldest_ms = match all {
            // Fewer may be as old as they like.
            few if (few as f64) < rules.depth_min as f64 * rules.leave_at => 0,
            _ => oldest_ms(of, &queues).await?,
        };
        let pressure = Pressure {
            waiting: all,
            oldest_ms,
            drain_per_s: self.all.per_s(),
            lane_full: lanes.iter().map(fullness).fold(0.0, f64::max),
            archive_full: fullness(&archive),
            retry_full: retry_full(of).await?,
            is_archive_in_use: false,
            workers,
        };
        Ok(Seen {
            pressure,
            queues,
            rates: self.rates,
            archive,
        })
    }

    /// Takes the books; how many tasks have left both lanes since the last time.
    fn note(&mut self, lanes: &[StreamState], waiting: [u64; 2], queues: &[Queue]) -> u64 {
        let at = clock::monotonic();
        let now = Books {
            at,
            lanes: [0, 1].map(|n| (lanes[n].last_sequence, lanes[n].messages)),
            waiting,
        };
        let Some(before) = self.before.replace(now) else {
            return 0;
        };
        let over = at.since(before.at);
        let left = |n: usize| {
            let ((published, there), (published_before, there_before)) = (now.lanes[n], before.lanes[n]);
            (there_before + published.saturating_sub(published_before)).saturating_sub(there)
        };
        let (left, was_busy) = ([left(0), left(1)], |n: usize| {
            waiting[n] > 0 && before.waiting[n] > 0
        });
        // Where nobody works nothing is learned of how fast those are who will come back.
        if left == [0, 0] && !is_anybody_there(queues) {
            return 0;
        }
        for (n, rate) in self.rates.iter_mut().enumerate() {
            rate.note(left[n], over, was_busy(n));
        }
        let settled = left.iter().sum();
        self.all.note(settled, over, was_busy(0) || was_busy(1));
        settled
    }
}

impl CrewSeen {
    /// By how many workers were heard of late. One does not have to say that it is there: it shows by asking for tasks, or
    /// by ending some. What is out shows nothing, because it stays out when its worker dies.
    fn look(&mut self, heard: Option<usize>, signs: u64, now: Moment) -> Workers {
        let Some(heard) = heard else {
            return Workers::Unknown;
        };
        let was_alone = std::mem::replace(&mut self.was_alone, heard == 0);
        if heard > 0 {
            self.stranger_at = None;
            return Workers::Alive;
        }
        if !was_alone {
            // What was ended since the last look may be the work of one that has just left.
            return Workers::Unknown;
        }
        if signs > 0 {
            self.stranger_at = Some(now);
        }
        match self.stranger_at.filter(|at| now.since(*at) <= SILENT_MAX) {
            Some(_) => Workers::Alive,
            None => Workers::Gone,
        }
    }
}

const fn index(lane: Lane) -> usize {
    match lane {
        Lane::Core => 0,
        Lane::Normal => 1,
    }
}

fn waiting(queues: &[Queue], lane: Lane) -> u64 {
    let free = queues.iter().filter(|q| q.route.lane == lane && !q.is_paused);
    free.map(|queue| queue.waiting).sum()
}

fn is_anybody_there(queues: &[Queue]) -> bool {
    queues.iter().any(|queue| queue.out > 0 || queue.pulls > 0)
}

/// For how long the oldest task waits that nobody holds back. What waits on the canary track waits for a candidate, which is
/// judged for that: nothing else is turned away for it.
async fn oldest_ms(of: &Coordinator, queues: &[Queue]) -> Result<u64, RequestError> {
    let is_free = |queue: &&Queue| {
        queue.waiting > 0 && !queue.is_paused && matches!(queue.route.shard, Shard::Stable(_))
    };
    let mut free: Vec<&Queue> = queues.iter().filter(is_free).collect();
    free.sort_by_key(|queue| std::cmp::Reverse(queue.waiting));
    let (now, mut oldest) = (clock::wall(), 0);
    for queue in free.into_iter().take(HEADS_MAX) {
        let since = of.broker.waits_since(&queue.route, queue.delivered).await?;
        oldest = oldest.max(since.map_or(0, |since| now.since(since)));
    }
    Ok(oldest)
}

/// How full a stream is by the bound it comes nearer to, 0 to 1.
fn fullness(state: &StreamState) -> f64 {
    let part = |held: u64, max: Option<u64>| {
        max.filter(|max| *max > 0)
            .map_or(0.0, |max| held as f64 / max as f64)
    };
    part(state.messages, state.messages_max).max(part(state.bytes, state.bytes_max))
}

/// The part of the storage quota that reports and retries take; 0 where no quota is known.
async fn retry_full(of: &Coordinator) -> Result<f64, RequestError> {
    let quota = of.broker.storage_quota().await?;
    let Some(quota) = quota.or(of.policy().overload.storage_bytes) else {
        return Ok(0.0);
    };
    let held = of.broker.fill(subject::RETRY).await?.bytes;
    Ok(held as f64 / quota.max(1) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_as_full_as_the_bound_it_comes_nearer_to() {
        let state = StreamState {
            messages: 10,
            messages_max: Some(100),
            bytes: 30,
            bytes_max: Some(60),
            age_max_ms: None,
            first: None,
            published: 10,
            last_sequence: 10,
        };
        assert_eq!(fullness(&state), 0.5);
        let by_count = StreamState {
            bytes_max: None,
            ..state
        };
        assert_eq!(fullness(&by_count), 0.1);
        let unbounded = StreamState {
            messages_max: None,
            bytes_max: None,
            ..state
        };
        assert_eq!(fullness(&unbounded), 0.0);
    }

    #[test]
    fn workers_are_gone_when_none_was_heard_and_nobody_else_shows() {
        use Workers::{Alive, Gone, Unknown};
        let mut seen = CrewSeen::default();
        for (at_s, heard, signs, workers) in [
            (0, None, 9, Unknown),
            (1, Some(2), 0, Alive),
            // Ended by the one that has gone.
            (2, Some(0), 7, Unknown),
            (3, Some(0), 0, Gone),
            (4, Some(1), 0, Alive),
            (5, Some(0), 0, Unknown),
            // One that does not say that it is there.
            (6, Some(0), 1, Alive),
            (21, Some(0), 0, Alive),
            (22, Some(0), 0, Gone),
        ] {
            let now = Moment(Duration::from_secs(at_s));
            assert_eq!(seen.look(heard, signs, now), workers, "at {at_s} s");
        }
    }

    #[test]
    fn what_has_left_is_told_from_the_books_and_nobody_teaches_nothing() {
        let lane = |last_sequence, messages| StreamState {
            messages,
            messages_max: None,
            bytes: 0,
            bytes_max: None,
            age_max_ms: None,
            first: None,
            published: messages,
            last_sequence,
        };
        let mut observer = Observer::default();
        assert_eq!(observer.note(&[lane(10, 10), lane(0, 0)], [10, 0], &[]), 0);
        // Five more came, and eight are there.
        assert_eq!(observer.note(&[lane(15, 8), lane(4, 0)], [8, 0], &[]), 7 + 4);
        let known = observer.all.per_s().expect("it was busy");
        assert_eq!(observer.note(&[lane(15, 8), lane(4, 0)], [8, 0], &[]), 0);
        assert_eq!(observer.all.per_s(), Some(known));
    }
}
