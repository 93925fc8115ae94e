//! Saying that the worker is there, and hearing what it is told, beside its loop: a slow server must not hold it up.
//!
//! The loop is asked for what it does about once a second and answers between two steps. One that does not
//! answer is not said to be there: whoever lists workers finds it lost.

use tokio::sync::{mpsc, oneshot};
use tokio::time::MissedTickBehavior;

use super::options::WorkerOptions;
use crate::broker::Broker;
use crate::broker::orders::Orders;
use crate::broker::registry::BEAT_EVERY;
use crate::clock;
use crate::lifecycle::Lifecycle;
use crate::task::EpochMs;
use crate::wire::{Beat, Obeyed, Order, PolicyMark, Shadowed, WorkerState};

/// Calls that wait for the loop: heartbeats and orders come one by one.
const CALLS_MAX: usize = 4;

/// What the loop does at one moment.
#[derive(Debug, Clone)]
pub(super) struct Load {
    pub(super) state: WorkerState,
    pub(super) free: u32,
    pub(super) running: u32,
    pub(super) shadow: Option<Shadowed>,
}

/// A question to the loop, which may be an order.
pub(super) struct Call {
    pub(super) order: Option<Order>,
    pub(super) answer: oneshot::Sender<Load>,
}

/// Says that a worker is there.
pub(super) struct Presence {
    broker: Broker,
    options: WorkerOptions,
    host: String,
    started_at: EpochMs,
    calls: mpsc::Sender<Call>,
}

impl Presence {
    /// What comes from it is received by the loop.
    pub(super) fn new(broker: Broker, options: WorkerOptions) -> (Self, mpsc::Receiver<Call>) {
        let (calls, called) = mpsc::channel(CALLS_MAX);
        let presence = Self {
            broker,
            options,
            host: host(),
            started_at: clock::wall(),
            calls,
        };
        (presence, called)
    }

    /// Goes on until the loop has ended; then the worker is taken out of the registry.
    pub(super) fn run(self, orders: Orders, lifecycle: &Lifecycle) {
        lifecycle.spawn(async move {
            tokio::join!(self.beat(), self.obey(orders));
            let left = tokio::time::timeout(BEAT_EVERY, self.broker.leave(&self.options.id)).await;
            if !matches!(left, Ok(Ok(()))) {
                tracing::debug!("the registry still has this worker; it will be taken for lost");
            }
        });
    }

    async fn beat(&self) {
        let mut every = tokio::time::interval(BEAT_EVERY);
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut warned = false;
        let mut changes = self.options.policy.changes();
        loop {
            tokio::select! {
                _ = every.tick() => (),
                // Whoever changes the policy waits for everybody to say so.
                Ok(_) = changes.changed() => (),
                () = self.calls.closed() => return,
            }
            let Some(load) = self.ask(None).await else { return };
            let beat = self.of(load);
            match tokio::time::timeout(BEAT_EVERY, self.broker.beat(&beat)).await {
                Ok(Ok(())) => warned = false,
                Ok(Err(error)) if !warned => {
                    warned = true;
                    tracing::warn!(%error, "nobody is told that this worker is there; `fairlane streams plan` shows whether the bucket fl_registry exists");
                }
                Ok(Err(_)) | Err(_) => tracing::debug!("a heartbeat was not stored"),
            }
        }
    }

    async fn obey(&self, mut orders: Orders) {
        loop {
            let heard = tokio::select! {
                heard = orders.next(&self.broker) => heard,
                () = self.calls.closed() => return,
            };
            let Some((order, answer)) = heard else { return };
            let obeyed = match order {
                Ok(order) => self.carry_out(order).await,
                Err(what) => Err(what),
            };
            answer.send(obeyed).await;
        }
    }

    async fn carry_out(&self, order: Order) -> Result<Obeyed, String> {
        let load = self.ask(Some(order)).await.ok_or("it has stopped")?;
        tracing::info!(
            order = order.as_str(),
            state = load.state.as_str(),
            "told what to do"
        );
        if load.state == WorkerState::Draining && order != Order::Drain {
            return Err("it is stopping already".to_owned());
        }
        Ok(Obeyed {
            worker: self.options.id.clone(),
            state: load.state,
            running: load.running,
        })
    }

    /// None when the loop has ended.
    async fn ask(&self, order: Option<Order>) -> Option<Load> {
        let (answer, answered) = oneshot::channel();
        self.calls.send(Call { order, answer }).await.ok()?;
        answered.await.ok()
    }

    fn of(&self, load: Load) -> Beat {
        let WorkerOptions {
            id,
            slots,
            policy,
            executors,
            ..
        } = &self.options;
        let (live, policy) = (policy, policy.of_worker(id));
        let served = policy
            .models
            .iter()
            .filter(|model| executors.has(&model.name.token()));
        Beat {
            worker: id.clone(),
            host: self.host.clone(),
            fairlane: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: self.started_at,
            state: load.state,
            slots: *slots,
            free: load.free,
            running: load.running,
            models: served.map(|model| model.name.as_str().to_owned()).collect(),
            labels: self.options.labels.clone(),
            policy: PolicyMark::of(&policy, live.refused().map(|refused| refused.version)),
            shadow: load.shadow,
        }
    }
}

/// What the machine is called, for people.
fn host() -> String {
    let read = std::fs::read_to_string("/proc/sys/kernel/hostname");
    read.map_or_else(|_| "unknown".to_owned(), |name| name.trim().to_owned())
}
