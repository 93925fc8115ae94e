//! Setting a delivered task going, beside the loop.

use std::sync::Arc;

use super::ended::Ended;
use super::leases::HeldId;
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
        let ended = Ended::of(self.tell_done.clone(), queue, held);
        self.lifecycle.spawn(async move {
            // Whole, or only its field would be captured and the rest dropped here.
            let mut ended = ended;
            ended.done = served.await;
            drop(ended);
        });
    }
}
