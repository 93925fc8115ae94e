//! Writing, showing, holding back and removing schedules.

use bytes::Bytes;
use serde::Serialize;

use super::request::{ScheduleRefusal, make, read_request};
use crate::broker::fetch::Stored;
use crate::clock;
use crate::gateway::{Asked, Code, Desk, Problem};
use crate::task::{EpochMs, TaskId, TenantId};
use crate::wire::{Schedule, to_rfc3339};

/// Times that a change is tried before somebody else's changes.
const HOLD_TRIES: usize = 16;
/// Schedules of all tenants together: the audit looks at each of them.
const SCHEDULES_MAX: usize = 1_000;
/// Schedules of one tenant, so that none of them takes all there may be.
const SCHEDULES_OF_TENANT_MAX: usize = 200;

/// A schedule as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Shown {
    /// Its name.
    pub name: String,
    /// When it fires.
    pub cron: String,
    /// By which clock.
    pub time_zone: String,
    /// What becomes of firings that were missed.
    pub missed: &'static str,
    /// Whether it does not fire meanwhile.
    pub paused: bool,
    /// The next firing, RFC 3339; none while it is paused.
    pub next: Option<String>,
    /// The id of the task that the next firing publishes.
    pub next_task_id: Option<String>,
    /// Whose it is.
    pub tenant: String,
    /// The lane of its tasks.
    pub lane: String,
    /// Their class.
    pub class: String,
    /// Their model.
    pub model: String,
}

/// A schedule that is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Removed {
    /// Its name.
    pub name: String,
    /// `true`.
    pub removed: bool,
}

/// A schedule as it is shown at `now`.
#[must_use]
pub fn shown(of: &Schedule, now: EpochMs) -> Shown {
    let (next, own) = (of.next(now), of.own_name());
    Shown {
        name: own.to_string(),
        cron: of.cron.expression().to_owned(),
        time_zone: of.cron.time_zone().to_owned(),
        missed: of.missed.as_str(),
        paused: of.is_paused,
        next: next.map(to_rfc3339),
        next_task_id: next.map(|at| format!("{own}-{}", at.0)),
        tenant: of.tenant.to_string(),
        lane: of.task.lane.to_string(),
        class: of.task.class.to_string(),
        model: of.task.model.to_string(),
    }
}

impl Desk {
    /// Adds a schedule. Says whether it is new: the same again changes nothing.
    ///
    /// # Errors
    /// [`Problem`], also when there is another one of that name.
    pub async fn add_schedule(
        &self,
        tenant: Option<TenantId>,
        body: &Bytes,
    ) -> Result<(Shown, bool), Problem> {
        let (asking, now) = (read_request(body)?, clock::wall());
        let asked = Asked {
            tenant,
            ..Asked::default()
        };
        let schedule = make(&self.policy(), &asking, &asked, now, self.terms())?;
        self.connected()?;
        let mut standing = self.broker.schedule(&schedule.name).await?;
        if standing.is_none() {
            self.room_for(&schedule).await?;
            if self.broker.put_schedule(&schedule, 0, now).await?.is_some() {
                return Ok((shown(&schedule, now), true));
            }
            // Somebody else was faster.
            standing = self.broker.schedule(&schedule.name).await?;
        }
        match standing {
            Some(standing) if standing.record.is_like(&schedule) => Ok((shown(&standing.record, now), false)),
            _ => {
                let what = format!(
                    "name: there is another schedule {}; remove it first, or choose another name",
                    asking.name
                );
                Err(Problem::new(Code::ScheduleExists, what).in_field("name"))
            }
        }
    }

    async fn room_for(&self, schedule: &Schedule) -> Result<(), Problem> {
        let names = self.broker.schedule_names().await?;
        let is_own = |name: &&TaskId| name.looks_like_one_of(&schedule.tenant);
        let what = if names.len() >= SCHEDULES_MAX {
            format!("there are {SCHEDULES_MAX} schedules, which is as many as there may be; remove some")
        } else if names.iter().filter(is_own).count() >= SCHEDULES_OF_TENANT_MAX {
            format!(
                "you have {SCHEDULES_OF_TENANT_MAX} schedules, which is as many as a tenant may have; remove some"
            )
        } else {
            return Ok(());
        };
        Err(Problem::new(Code::BadSchedule, what).in_field("name"))
    }

    /// A tenant's schedules, by name.
    ///
    /// # Errors
    /// [`Problem`] when NATS does not answer.
    pub async fn schedules(&self, tenant: &TenantId) -> Result<Vec<Shown>, Problem> {
        self.connected()?;
        let mut names = self.broker.schedule_names().await?;
        if *tenant != TenantId::default_tenant() {
            names.retain(|name| name.looks_like_one_of(tenant));
        }
        let (all, now) = (self.broker.schedules_of(&names).await?, clock::wall());
        let own = all.iter().filter(|found| found.record.tenant == *tenant);
        let mut own: Vec<Shown> = own.map(|found| shown(&found.record, now)).collect();
        own.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(own)
    }

    /// One schedule.
    ///
    /// # Errors
    /// [`Problem`], also when there is none of that name.
    pub async fn schedule(&self, tenant: &TenantId, name: &str) -> Result<Shown, Problem> {
        let found = self.standing_schedule(tenant, name).await?;
        Ok(shown(&found.record, clock::wall()))
    }

    /// Holds a schedule back, or lets it fire again: from then on, not for what it did not do meanwhile.
    ///
    /// # Errors
    /// As [`Desk::schedule`].
    pub async fn hold_schedule(
        &self,
        tenant: &TenantId,
        name: &str,
        is_paused: bool,
    ) -> Result<Shown, Problem> {
        for _ in 0..HOLD_TRIES {
            let found = self.standing_schedule(tenant, name).await?;
            let now = clock::wall();
            if found.record.is_paused == is_paused {
                return Ok(shown(&found.record, now));
            }
            let changed = Schedule {
                is_paused,
                since: now,
                ..found.record
            };
            let put = self.broker.put_schedule(&changed, found.sequence, now).await?;
            // Somebody else has changed it in between.
            if put.is_some() {
                return Ok(shown(&changed, now));
            }
        }
        let what = "others change this schedule all the time; try again";
        Err(Problem::new(Code::Unavailable, what))
    }

    /// Takes a schedule away. What it has fired stays.
    ///
    /// # Errors
    /// As [`Desk::schedule`].
    pub async fn remove_schedule(&self, tenant: &TenantId, name: &str) -> Result<Removed, Problem> {
        let standing = self.standing_schedule(tenant, name).await?;
        match self.broker.remove_schedule(&standing.record.name).await? {
            true => Ok(Removed {
                name: name.to_owned(),
                removed: true,
            }),
            false => Err(unknown(name)),
        }
    }

    async fn standing_schedule(&self, tenant: &TenantId, name: &str) -> Result<Stored<Schedule>, Problem> {
        self.connected()?;
        let found = self.broker.schedule(&internal(tenant, name)?).await?;
        let found = found.filter(|found| found.record.tenant == *tenant);
        found.ok_or_else(|| unknown(name))
    }
}

/// What a schedule is called inside.
fn internal(tenant: &TenantId, name: &str) -> Result<TaskId, Problem> {
    let own = TaskId::new(name).and_then(|own| TaskId::of_tenant(tenant, &own));
    own.map_err(|_| Problem::new(Code::BadName, "name: give 1 to 64 of A-Z a-z 0-9 _ -").in_field("name"))
}

fn unknown(name: &str) -> Problem {
    let what = format!("no schedule {name}; GET /v1/schedules lists those there are");
    Problem::new(Code::UnknownSchedule, what).in_field("name")
}

impl From<ScheduleRefusal> for Problem {
    fn from(refusal: ScheduleRefusal) -> Self {
        let code = match &refusal {
            ScheduleRefusal::Unreadable(_) => Code::BodyUnreadable,
            _ => Code::BadSchedule,
        };
        Self::new(code, refusal.to_string()).in_field(refusal.field())
    }
}
