//! Saying by which policy tasks are let in: a consumer goes only once no gateway knows its class any more.

use std::sync::Arc;

use tokio::time::MissedTickBehavior;

use super::desk::Desk;
use crate::broker::registry::BEAT_EVERY;
use crate::clock;
use crate::task::WorkerId;
use crate::wire::{GatewayBeat, PolicyMark};

impl Desk {
    /// Says so until the gateway stops.
    pub fn say_what_holds(self: &Arc<Self>) {
        let name = self.broker.name().to_owned();
        let Ok(gateway) = WorkerId::new(&name) else {
            tracing::warn!(%name, "the name of this gateway is none that the registry can keep; nobody is told what it acts on");
            return;
        };
        let desk = self.clone();
        self.lifecycle.spawn(async move {
            let soft = desk.lifecycle.soft().clone();
            tokio::select! { () = desk.beat(gateway) => (), () = soft.cancelled() => () }
        });
    }

    async fn beat(&self, gateway: WorkerId) {
        let started_at = clock::wall();
        let mut every = tokio::time::interval(BEAT_EVERY);
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut changes = self.policy_changes();
        loop {
            tokio::select! {
                _ = every.tick() => (),
                Ok(()) = changes.changed() => (),
            }
            let beat = GatewayBeat {
                gateway: gateway.clone(),
                fairlane: env!("CARGO_PKG_VERSION").to_owned(),
                started_at,
                policy: self.policy_mark(),
            };
            let said = tokio::time::timeout(BEAT_EVERY, self.broker.gateway_beat(&beat)).await;
            if !matches!(said, Ok(Ok(()))) {
                tracing::debug!("what this gateway acts on was not stored; trying again");
            }
        }
    }

    fn policy_mark(&self) -> PolicyMark {
        PolicyMark::of(&self.policy(), self.policy_refused())
    }
}
