//! What every door leads to.

use std::sync::Arc;

use tokio::sync::{Semaphore, watch};

use super::Terms;
use super::hands::Backlogs;
use super::overload::Load;
use super::problem::{Code, Problem};
use super::tenancy;
use crate::broker::Broker;
use crate::broker::publish::HEADER_ROOM;
use crate::config::{LivePolicy, OnTrial};
use crate::lifecycle::Lifecycle;
use crate::metrics::GatewayMetrics;
use crate::policy::{Edition, PolicyVersion, Reach};
use crate::task::{TaskId, TenantId};

/// Callers that may wait for a result at once in one process. Each is a subscription at the server.
const WAITS_MAX: usize = 4096;

/// Takes submissions and tells what became of them. It keeps nothing: any other gateway can go on.
pub struct Desk {
    pub(super) broker: Broker,
    policy: Arc<LivePolicy>,
    reach: Reach,
    pub(super) metrics: Arc<GatewayMetrics>,
    pub(super) lifecycle: Lifecycle,
    pub(super) waits: Arc<Semaphore>,
    pub(super) load: Load,
    pub(super) backlogs: Arc<Backlogs>,
    pub(super) writes_policies: bool,
    pub(super) chooses_tracks: bool,
}

/// Who asks, and for which of its tasks.
#[derive(Debug, Clone)]
pub struct Named {
    /// Who pays, and who alone may see the task.
    pub tenant: TenantId,
    /// What it calls the task.
    pub id: TaskId,
}

impl Desk {
    /// A desk that obeys `policy` as it holds, and takes a `callback_url` within `reach`.
    #[must_use]
    pub fn new(
        broker: Broker,
        policy: Arc<LivePolicy>,
        reach: Reach,
        metrics: Arc<GatewayMetrics>,
        lifecycle: Lifecycle,
    ) -> Self {
        let backlogs = Backlogs::follow(&broker, &policy, &lifecycle);
        Self {
            backlogs,
            broker,
            policy,
            reach,
            metrics,
            lifecycle,
            waits: Arc::new(Semaphore::new(WAITS_MAX)),
            load: Load::default(),
            writes_policies: false,
            chooses_tracks: false,
        }
    }

    /// The same, that also lets callers choose the track of a task where `allowed`, by `Fl-Track` or a
    /// label; unless said, it does not.
    #[must_use]
    pub fn choosing_tracks(self, allowed: bool) -> Self {
        Self {
            chooses_tracks: allowed,
            ..self
        }
    }

    /// The same, that also lets callers change the policy of the mesh where `allowed`; unless said, it does not.
    #[must_use]
    pub fn writing_policies(self, allowed: bool) -> Self {
        Self {
            writes_policies: allowed,
            ..self
        }
    }

    /// The same with room for `most` callers that wait for results at once; 4096 unless said.
    #[must_use]
    pub fn waiting_at_most(self, most: usize) -> Self {
        Self {
            waits: Arc::new(Semaphore::new(most)),
            ..self
        }
    }

    /// The largest body that is taken, in bytes.
    #[must_use]
    pub fn body_max(&self) -> usize {
        self.broker.max_payload().saturating_sub(HEADER_ROOM)
    }

    /// What holds now. One answer is given under one policy: ask once for it.
    pub(super) fn policy(&self) -> Arc<Edition> {
        self.policy.now()
    }

    /// The rollout under way.
    pub(super) fn trial(&self) -> Option<Arc<OnTrial>> {
        self.policy.trial()
    }

    /// Hears that another policy holds.
    pub(super) fn policy_changes(&self) -> watch::Receiver<PolicyVersion> {
        self.policy.changes()
    }

    /// The stored policy that this gateway cannot act on.
    pub(super) fn policy_refused(&self) -> Option<PolicyVersion> {
        self.policy.refused().map(|refused| refused.version)
    }

    pub(super) fn terms(&self) -> Terms {
        Terms {
            body_max: self.body_max(),
            reach: self.reach,
        }
    }

    /// What is asked while there is no connection would wait in the client's buffer for nobody knows how long.
    pub(super) fn connected(&self) -> Result<(), Problem> {
        if self.broker.is_connected() {
            return Ok(());
        }
        let what = "the connection to NATS is lost; nothing was done; try again";
        Err(Problem::new(Code::Unavailable, what))
    }
}

impl Named {
    /// Reads a task's name.
    ///
    /// # Errors
    /// [`Problem`] when it is none.
    pub fn new(tenant: TenantId, id: &str) -> Result<Self, Problem> {
        let id = TaskId::new(id);
        let id = id.map_err(|error| Problem::new(Code::BadName, error.to_string()).in_field("task_id"))?;
        Ok(Self { tenant, id })
    }

    pub(super) fn internal(&self) -> Result<TaskId, Problem> {
        tenancy::internal(&self.tenant, &self.id)
    }

    pub(super) fn unknown(&self) -> Problem {
        let what = format!(
            "no task {}: it was not submitted through a gateway by this tenant, or its record has aged out",
            self.id
        );
        Problem::new(Code::UnknownTask, what).in_field("task_id")
    }
}
