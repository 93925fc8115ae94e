//! From what a client sends to a schedule, or to the reason why not.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;

use crate::gateway::{Asked, Refusal, Terms, admit};
use crate::policy::{Cron, CronError, Missed, Policy};
use crate::task::{EpochMs, NameError, TaskId, TenantId};
use crate::wire::{Codec, Schedule, parse_body};

/// The largest body of a schedule's task, in bytes: schedules are read again and again, all of them.
pub const TASK_BYTES_MAX: usize = 256 * 1024;
/// The longest name, in bytes: the id of a firing adds 14, and a tenant's prefix 9.
const NAME_LEN_MAX: usize = 64;

/// A schedule as it is asked for.
#[derive(Debug, Clone)]
pub struct Asking {
    /// What its owner calls it.
    pub name: String,
    /// Five fields.
    pub cron: String,
    /// By which clock.
    pub time_zone: String,
    /// What becomes of firings that were missed: `skip`, `once` or `all`.
    pub missed: String,
    /// The body of the task that every firing publishes.
    pub task: Bytes,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    name: String,
    cron: String,
    #[serde(default = "utc")]
    time_zone: String,
    #[serde(default = "skip")]
    missed: String,
    task: Value,
}

fn utc() -> String {
    "UTC".to_owned()
}

fn skip() -> String {
    Missed::Skip.as_str().to_owned()
}

/// A schedule that is not taken. Each names the field, what is wrong with it and what to do.
#[derive(Debug, thiserror::Error)]
pub enum ScheduleRefusal {
    /// No JSON, or a field of it is wrong.
    #[error(
        "cannot read the schedule: {0}; send {{\"name\", \"cron\", \"task\": {{\"model\", \"input\"}}}}, and time_zone and missed where they matter"
    )]
    Unreadable(#[source] serde_json::Error),
    /// Its name is none.
    #[error("name: give 1 to {NAME_LEN_MAX} of A-Z a-z 0-9 _ -")]
    Name(#[source] NameError),
    /// Its name is too long.
    #[error("name: {0} bytes; at most {NAME_LEN_MAX} are allowed")]
    LongName(usize),
    /// Its time is none.
    #[error(transparent)]
    Cron(CronError),
    /// No such word.
    #[error("missed: no {0:?}; give skip, once or all")]
    Missed(String),
    /// Its task is not taken.
    #[error("task.{0}")]
    Task(#[source] Refusal),
    /// Its task brings what every firing has of its own.
    #[error("task.{0}: a firing has its own or none; leave it out")]
    Own(&'static str),
}

impl ScheduleRefusal {
    /// The field it is about.
    #[must_use]
    pub fn field(&self) -> String {
        match self {
            Self::Unreadable(_) => "body".to_owned(),
            Self::Name(_) | Self::LongName(_) => "name".to_owned(),
            Self::Cron(CronError::Zone(_)) => "time_zone".to_owned(),
            Self::Cron(_) => "cron".to_owned(),
            Self::Missed(_) => "missed".to_owned(),
            Self::Task(refusal) => format!("task.{}", refusal.field()),
            Self::Own(field) => format!("task.{field}"),
        }
    }
}

/// Reads what is sent to `/v1/schedules`.
///
/// # Errors
/// [`ScheduleRefusal::Unreadable`].
pub fn read_request(body: &[u8]) -> Result<Asking, ScheduleRefusal> {
    let read: Body = serde_json::from_slice(body).map_err(ScheduleRefusal::Unreadable)?;
    Ok(Asking {
        name: read.name,
        cron: read.cron,
        time_zone: read.time_zone,
        missed: read.missed,
        task: read.task.to_string().into(),
    })
}

/// Makes a schedule of it. Its task is checked and placed as any other; what the policy says of it now holds for every
/// firing.
///
/// # Errors
/// [`ScheduleRefusal`] for the first thing that is wrong.
pub fn make(
    policy: &Policy,
    asking: &Asking,
    asked: &Asked,
    now: EpochMs,
    terms: Terms,
) -> Result<Schedule, ScheduleRefusal> {
    let own_name = TaskId::new(&asking.name).map_err(ScheduleRefusal::Name)?;
    if asking.name.len() > NAME_LEN_MAX {
        return Err(ScheduleRefusal::LongName(asking.name.len()));
    }
    let cron = Cron::new(&asking.cron, &asking.time_zone).map_err(ScheduleRefusal::Cron)?;
    let missed = Missed::parse(&asking.missed);
    let missed = missed.ok_or_else(|| ScheduleRefusal::Missed(asking.missed.chars().take(64).collect()))?;
    let terms = Terms {
        body_max: terms.body_max.min(TASK_BYTES_MAX),
        ..terms
    };
    let id = || own_name.clone();
    let admitted = admit(policy, asking.task.clone(), None, asked, now, id, terms);
    let admitted = admitted.map_err(ScheduleRefusal::Task)?;
    for (field, is_given) in own_facts(&asking.task) {
        if is_given {
            return Err(ScheduleRefusal::Own(field));
        }
    }
    let tenant: TenantId = admitted.task.tenant.clone();
    let name = TaskId::of_tenant(&tenant, &own_name).map_err(ScheduleRefusal::Name)?;
    Ok(Schedule {
        cron,
        missed,
        since: now,
        is_paused: false,
        codec: Codec::of(None, &asking.task),
        body: admitted.original.body,
        task: crate::task::Task {
            id: name.clone(),
            ..admitted.task
        },
        name,
        tenant,
    })
}

fn own_facts(body: &[u8]) -> [(&'static str, bool); 4] {
    let Ok(read) = parse_body(None, body) else {
        return [("task_id", false); 4];
    };
    [
        ("task_id", read.task_id.is_some()),
        ("deadline", read.deadline.is_some()),
        ("run_at", read.run_at.is_some()),
        ("depends_on", !read.depends_on.is_empty()),
    ]
}
