//! What was seen of a task and of the mesh around it.

use crate::policy::overload::{Outlook, Standing};
use crate::task::{EpochMs, ErrorKind, Lane, ModelName, ParkReason, Route, State, TaskId};

/// Everything that is judged.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// When it was read.
    pub now: EpochMs,
    /// The queue the task is in or goes to; none where nothing tells.
    pub route: Option<Route>,
    /// Its model by its real name, as far as that is known.
    pub model: Option<ModelName>,
    /// Where it is.
    pub place: Whereabouts,
    /// Since when somebody holds its queue back on request.
    pub paused_since: Option<EpochMs>,
    /// What is around it.
    pub mesh: Mesh,
}

/// Where a task is.
#[derive(Debug, Clone, PartialEq)]
pub enum Whereabouts {
    /// On its lane.
    Lane(OnLane),
    /// With a timer of the server.
    Timer(Timer),
    /// Aside, until these tasks have ended.
    Parents(Vec<Parent>),
    /// Aside, until there is a place of its key.
    Key(KeyHeld),
    /// In the archive; why, unless that cannot be read.
    Archive(Option<ParkReason>),
    /// Failed, and a coordinator has not said yet what follows.
    Verdict {
        /// Since when.
        since: EpochMs,
    },
    /// Nowhere that was looked at: it is moved just now, or it is known by its record alone.
    Between,
    /// It has ended.
    Ended(Ending),
}

/// A task on its lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OnLane {
    /// Its message there.
    pub sequence: u64,
    /// Since when it is there.
    pub since: EpochMs,
    /// Whether it was given out.
    pub is_delivered: bool,
    /// What is before it in its queue.
    pub ahead: Ahead,
    /// When its answer stops being worth having.
    pub deadline: Option<EpochMs>,
    /// Whether the rule between classes may move it up: it has a hop left, and never ran out of time.
    pub may_rise: bool,
}

/// Tasks of its queue that are given out before a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ahead {
    /// How many.
    pub tasks: u64,
    /// Whether they were counted; else there are as many at the most.
    pub is_exact: bool,
}

/// A task that waits for its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timer {
    /// When that is.
    pub due: EpochMs,
    /// Executions that have failed; 0 for a task that never ran.
    pub attempt: u32,
    /// Whether it is tried again, not new.
    pub is_retry: bool,
    /// How it failed last, and what was said.
    pub error: Option<(ErrorKind, String)>,
    /// How full its lane is.
    pub lane: Option<LaneFill>,
}

/// How full a lane is, in messages or in bytes, whichever it is nearer to its bound in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LaneFill {
    /// What it holds.
    pub held: u64,
    /// What it may hold.
    pub max: u64,
}

/// A task that another one depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parent {
    /// As its tenant calls it.
    pub id: TaskId,
    /// What it is; none where that is not known.
    pub state: Option<State>,
}

/// A key that a task waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyHeld {
    /// As its tenant calls it.
    pub key: String,
    /// Its places.
    pub limit: u32,
    /// Who has them.
    pub holders: Vec<Holder>,
}

/// Who has a place of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The task.
    pub task: TaskId,
    /// The worker that runs it; none where the place is kept for a task that is queued.
    pub worker: Option<String>,
    /// When the place is free unless that worker is heard again.
    pub until: Option<EpochMs>,
}

/// How a task has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// As what.
    pub state: State,
    /// When; none where the record is gone.
    pub at: Option<EpochMs>,
    /// Who ran it last; empty where nobody did.
    pub worker: String,
    /// From its first enqueueing to the start of its last execution, in ms.
    pub queued_ms: u64,
    /// How long it ran, in ms.
    pub exec_ms: u64,
    /// Executions that failed.
    pub attempt: u32,
    /// The word and the text of its error.
    pub error: Option<(String, String)>,
    /// Why it lies among the dead letters, where it does.
    pub letter: Option<String>,
}

/// What is around a task.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Mesh {
    /// Every queue of both lanes.
    pub queues: Vec<QueueSeen>,
    /// Every worker of the last minute.
    pub workers: Vec<Crew>,
    /// What the leading coordinator said last of the load.
    pub load: Option<Load>,
    /// How many tasks have ended while the task waited on its lane, where that was counted.
    pub pace: Option<Pace>,
    /// Whether a coordinator leads.
    pub is_led: bool,
}

/// Tasks of the whole mesh that have ended of late, while something waited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// How many.
    pub ended: u64,
    /// Within which time, in ms.
    pub over_ms: u64,
}

/// Fewer endings than this say nothing of how fast tasks end.
const ENDED_MIN: u64 = 3;
/// A shorter time than this, in ms, says nothing of it either.
const OVER_MS_MIN: u64 = 500;

impl Pace {
    /// Tasks per second, where it was long enough to tell.
    #[must_use]
    pub fn per_s(self) -> Option<f64> {
        let is_enough = self.ended >= ENDED_MIN && self.over_ms >= OVER_MS_MIN;
        is_enough.then(|| self.ended as f64 * 1000.0 / self.over_ms as f64)
    }
}

/// One queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueSeen {
    /// Which.
    pub route: Route,
    /// Tasks that were not given out.
    pub waiting: u64,
    /// Tasks that are with workers.
    pub out: u64,
    /// Tasks that may be with workers at once.
    pub limit: u64,
    /// Whether it is held back.
    pub is_paused: bool,
}

/// One worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crew {
    /// Its name.
    pub name: String,
    /// Whether it takes tasks; one that was told to stop or to take none does not.
    pub is_taking: bool,
    /// Whether it was not heard for too long.
    pub is_lost: bool,
    /// Tasks it can run at once.
    pub slots: u32,
    /// Tasks it runs.
    pub running: u32,
    /// The real names of its models.
    pub models: Vec<String>,
}

/// The load, as the leading coordinator said.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Load {
    /// The level that holds.
    pub standing: Standing,
    /// What waits on core, and how fast it goes.
    pub core: Outlook,
    /// The same of normal.
    pub normal: Outlook,
    /// Tasks that overload put aside.
    pub archived: u64,
    /// When it said so.
    pub at: EpochMs,
}

/// What was said so long ago says nothing of now, in ms: the leader says it every second as long as anything waits.
const STALE_MS: u64 = 10_000;

impl Load {
    /// How many tasks leave a lane per second, if that is known and was said of late.
    #[must_use]
    pub fn drain_per_s(&self, lane: Lane, now: EpochMs) -> Option<f64> {
        let outlook = match lane {
            Lane::Core => &self.core,
            Lane::Normal => &self.normal,
        };
        outlook
            .drain_per_s
            .filter(|rate| *rate > 0.0 && now.since(self.at) <= STALE_MS)
    }
}

impl Mesh {
    /// The queue of a route.
    #[must_use]
    pub fn queue(&self, route: &Route) -> Option<&QueueSeen> {
        self.queues.iter().find(|queue| queue.route == *route)
    }
}

impl Crew {
    /// Whether it is there and runs `model`.
    #[must_use]
    pub fn serves(&self, model: &str) -> bool {
        !self.is_lost && self.models.iter().any(|own| own == model)
    }
}
