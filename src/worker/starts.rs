//! Setting a delivered task going, beside the loop.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::leases::HeldId;
use super::serve::Done;
use super::shell::Shell;
use crate::broker::delivery::Delivery;
use crate::scheduler::intake::QueueId;
use crate::scheduler::rules::Infeasible;
use crate::task::Route;

impl Shell {
    pub(super) fn give_up(&mut self, queue: QueueId, delivery: Delivery, how: Infeasible) {
        let route: Arc<Route> = self.puller.route(queue).clone();
        let metrics = &self.service.options.metrics;
        metrics.class(route.lane, &route.class).started();
        self.lifecycle
            .spawn(self.service.clone().give_up(route, delivery, how));
    }

    pub(super) fn start(&mut self, queue: QueueId, held: HeldId, delivery: Delivery) {
        let route: Arc<Route> = self.puller.route(queue).clone();
        self.service
            .options
            .metrics
            .class(route.lane, &route.class)
            .started();
        let served = self.service.clone().serve(queue, held, route, delivery);
        let ended = Ended {
            tell: self.tell_done.clone(),
            done: Done {
                queue,
                held,
                flow: None,
                cost_ms: 0.0,
            },
        };
        self.lifecycle.spawn(async move {
            // Whole, or only its field would be captured and the rest dropped here.
            let mut ended = ended;
            ended.done = served.await;
            drop(ended);
        });
    }
}

/// Frees the slot however the task ends, a panic included: without it the worker would wait for ever.
struct Ended {
    tell: mpsc::Sender<Done>,
    done: Done,
}

impl Drop for Ended {
    fn drop(&mut self) {
        // The channel holds one place per slot, and the shell outlives its tasks.
        if self.tell.try_send(self.done).is_err() {
            tracing::debug!("a task ended after its worker");
        }
    }
}
