//! The worker's loop: an await collects one event, a synchronous step changes the intake, effects
//! come last. One owner, no locks.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc, watch};
use tokio::time::Interval;
use tokio_util::sync::CancellationToken;

use super::borrow::{Borrowing, counted};
use super::discovery::Discovery;
use super::facts::Flows;
use super::leases::{HeldId, Leases};
use super::options::WorkerOptions;
use super::presence::{Call, Presence};
use super::queues::{Classes, begin, seed_of};
use super::running::Running;
use super::serve::{Done, Service};
use super::shadow::Asked;
use super::timers::{heartbeat, sleep_until};
use super::views;
use crate::broker::consumer::ConsumerFacts;
use crate::broker::delivery::Delivery;
use crate::broker::pull::Puller;
use crate::broker::pulled::Pulled;
use crate::broker::wakes::Wakes;
use crate::broker::{Broker, RequestError};
use crate::clock;
use crate::lifecycle::Lifecycle;
use crate::metrics::{HandBackReason, PullKind, Readiness};
use crate::policy::PolicyVersion;
use crate::scheduler::facts::Ticket;
use crate::scheduler::intake::{Decision, Intake};
use crate::scheduler::rate::Lent;
use crate::task::Route;
use crate::wire::LaneView;

/// How long the last answers may take to reach the server.
const FLUSH_WITHIN: Duration = Duration::from_secs(2);

/// Under which target every pick says why, at the level trace.
pub(super) const PICKS: &str = "fairlane::picks";

/// One worker.
pub(super) struct Shell {
    pub(super) service: Arc<Service>,
    pub(super) lifecycle: Lifecycle,
    pub(super) readiness: watch::Sender<Readiness>,
    pub(super) intake: Intake,
    pub(super) classes: Classes,
    /// What another policy would do.
    pub(super) asked: Asked,
    pub(super) puller: Puller,
    pub(super) leases: Leases,
    /// Leased and not started.
    pub(super) kept: HashMap<Ticket, (HeldId, Box<Delivery>)>,
    pub(super) done: mpsc::Receiver<Done>,
    pub(super) tell_done: mpsc::Sender<Done>,
    pub(super) heartbeat: Interval,
    found: mpsc::Receiver<Vec<ConsumerFacts>>,
    /// Asks for another look at the consumers.
    pub(super) look: Arc<Notify>,
    policy_changes: watch::Receiver<PolicyVersion>,
    /// The policy that tasks are chosen by.
    pub(super) acting: watch::Sender<PolicyVersion>,
    executor_changes: watch::Receiver<u64>,
    /// What the intake is told of tasks, by the rules that hold.
    pub(super) flows: Flows,
    views: mpsc::Receiver<LaneView>,
    connections: watch::Receiver<u64>,
    wakes: Wakes,
    borrowing: Borrowing,
    pub(super) calls: mpsc::Receiver<Call>,
    /// The soft stop of the lifecycle, or an order.
    pub(super) told_to_drain: CancellationToken,
    /// Takes nothing, and stays.
    pub(super) cordoned: bool,
    pub(super) draining: bool,
}

enum Event {
    Done,
    Pulled,
    Deadline,
    Heartbeat,
    Found(Vec<ConsumerFacts>),
    Viewed(LaneView),
    Called(Call),
    Lent(Lent),
    Reconnected,
    Woken(Vec<Route>),
    Policy,
    Executors,
    Drain,
    Stop,
}

impl Shell {
    pub(super) async fn open(
        broker: Broker,
        options: WorkerOptions,
        lifecycle: Lifecycle,
        told_to_drain: CancellationToken,
        readiness: watch::Sender<Readiness>,
    ) -> Result<Self, RequestError> {
        let (policy_changes, executor_changes) = (options.policy.changes(), options.executors.changes());
        let policy = options.policy.of_worker(&options.id);
        let (intake, classes) = begin(&policy, options.slots, seed_of(options.id.as_str()));
        let puller = Puller::open(broker.clone()).await?;
        let (tell_done, done) = mpsc::channel(options.slots as usize);
        let ack_wait_ms = policy.core.ack_wait_ms.min(policy.normal.ack_wait_ms);
        let heartbeat = heartbeat(Duration::from_millis(ack_wait_ms));
        let connections = broker.connections();
        let hard = lifecycle.hard().clone();
        let mut discovery = Discovery::new(broker.clone());
        let first = discovery.look().await?;
        let cancels = broker.cancels().await?;
        let wakes = broker.wakes().await?;
        let look = Arc::new(Notify::new());
        let found = discovery.run(look.clone(), &lifecycle);
        let views = views::hear(broker.views().await?, &lifecycle);
        let flows = Flows::under(&policy, &options.policy);
        let orders = broker.orders(&options.id).await?;
        let borrowing = Borrowing::new(broker.borrower().await?);
        let (presence, calls) = Presence::new(broker.clone(), options.clone());
        let service = Arc::new(Service {
            broker,
            options,
            hard,
            running: Running::default(),
        });
        let mut shell = Self {
            service: service.clone(),
            lifecycle,
            readiness,
            intake,
            classes,
            asked: Asked::default(),
            puller,
            leases: Leases::default(),
            kept: HashMap::new(),
            done,
            tell_done,
            heartbeat,
            found,
            look,
            policy_changes,
            acting: watch::Sender::new(policy.version),
            executor_changes,
            flows,
            views,
            connections,
            wakes,
            borrowing,
            calls,
            told_to_drain,
            cordoned: false,
            draining: false,
        };
        shell.add_queues(&first);
        presence.run(orders, &shell.lifecycle);
        let cancelling = service.hear_cancels(cancels, shell.tell_done.clone());
        shell.lifecycle.spawn_aside(cancelling);
        Ok(shell)
    }

    /// The policy that tasks are chosen by.
    pub(super) fn acting(&self) -> watch::Receiver<PolicyVersion> {
        self.acting.subscribe()
    }

    /// Works until it is stopped and empty, and every answer it gave has reached the server.
    pub(super) async fn run(mut self) {
        self.work().await;
        // An answer that is lost with the process costs its task another ack_wait.
        let flushed = tokio::time::timeout(FLUSH_WITHIN, self.service.broker.flush()).await;
        if !matches!(flushed, Ok(Ok(()))) {
            tracing::warn!(
                "the last answers may not have reached the server, which then delivers those tasks again"
            );
        }
    }

    async fn work(&mut self) {
        let (mut finished, mut pulled) = (Vec::new(), Vec::new());
        loop {
            self.act().await;
            if self.draining && self.intake.is_quiet() && self.puller.is_quiet() {
                return;
            }
            match self.next_event(&mut finished, &mut pulled).await {
                Event::Done => {
                    self.settle(finished.drain(..));
                    // Many tasks may end at once. What is here was not late, whatever the clock says once they are settled.
                    tokio::select! {
                        biased;
                        () = self.puller.next(&mut pulled) => (),
                        () = std::future::ready(()) => (),
                    }
                    self.take_all(&mut pulled).await;
                }
                Event::Pulled => self.take_all(&mut pulled).await,
                Event::Deadline => (),
                Event::Heartbeat => {
                    let beats = self.leases.keep_alive(&self.service.broker).await;
                    let options = &self.service.options;
                    options.metrics.lease_extensions(beats);
                    options.served.tell(&self.classes, &options.metrics);
                }
                Event::Found(found) => self.add_queues(&found),
                Event::Viewed(seen) => {
                    self.service.options.metrics.view();
                    let now = clock::monotonic();
                    let executors = &self.service.options.executors;
                    let options = &self.service.options;
                    let serves = |route: &Route| {
                        executors.has(&route.model) && options.policy.serves(&options.id, route.shard)
                    };
                    let (flows, intake) = (self.flows, &mut self.intake);
                    if views::tell(&seen, flows, &self.puller, intake, now, serves) {
                        self.look.notify_one();
                    }
                }
                Event::Reconnected => {
                    self.intake.reconnected();
                    self.puller.reconnected();
                }
                Event::Woken(routes) => {
                    let known = routes.iter().filter_map(|route| self.puller.queue(route));
                    let now = clock::monotonic();
                    known.for_each(|queue| self.intake.woken(queue, now));
                }
                Event::Called(call) => self.answer(call),
                Event::Lent(lent) => self
                    .intake
                    .lent(&counted(&lent, &self.classes), clock::monotonic()),
                Event::Policy => self.reform(),
                // A consumer may be there whose model is served only now.
                Event::Executors => self.look.notify_one(),
                Event::Drain => self.drain(),
                Event::Stop => return,
            }
        }
    }

    async fn next_event(&mut self, finished: &mut Vec<Done>, pulled: &mut Vec<Pulled>) -> Event {
        let deadline = self.intake.next_deadline().map(clock::instant);
        let slots = self.service.options.slots as usize;
        tokio::select! {
            biased;
            () = self.told_to_drain.cancelled(), if !self.draining => Event::Drain,
            // Running tasks see the hard stop themselves and hand back; then nothing is left here.
            () = self.lifecycle.hard().cancelled(), if self.draining && self.intake.running() == 0 => Event::Stop,
            Ok(()) = self.policy_changes.changed() => Event::Policy,
            _ = self.heartbeat.tick() => Event::Heartbeat,
            Some(call) = self.calls.recv() => Event::Called(call),
            Some(found) = self.found.recv(), if !self.draining => Event::Found(found),
            Some(seen) = self.views.recv(), if !self.draining => Event::Viewed(seen),
            Ok(()) = self.executor_changes.changed(), if !self.draining => Event::Executors,
            Ok(()) = self.connections.changed() => Event::Reconnected,
            lent = self.borrowing.next() => Event::Lent(lent),
            _ = self.done.recv_many(finished, slots) => Event::Done,
            () = self.puller.next(pulled) => Event::Pulled,
            Some(routes) = self.wakes.next(), if !self.draining => Event::Woken(routes),
            () = sleep_until(deadline) => Event::Deadline,
        }
    }

    /// Carries out what the intake decides.
    async fn act(&mut self) {
        while let Some(decision) = self.intake.poll(clock::monotonic()) {
            let sent = match decision {
                Decision::Ask {
                    queue,
                    pull,
                    batch,
                    expires,
                } => self.puller.ask(queue, pull, batch, expires).await,
                Decision::Wait {
                    queue,
                    generation,
                    expires,
                } => self.puller.wait(queue, generation, expires).await,
                Decision::Plead => {
                    let now = clock::monotonic();
                    let plea = self.intake.plea(now);
                    self.borrowing.send(&plea, &self.classes, now).await
                }
                Decision::CloseWaits { generation } => self.puller.close_waits(generation).await,
                Decision::Start { queue, ticket } => {
                    if let Some((held, delivery)) = self.kept.remove(&ticket) {
                        self.start(queue, held, *delivery);
                    }
                    Ok(())
                }
                Decision::GiveUp { queue, ticket, how } => {
                    if let Some((held, delivery)) = self.kept.remove(&ticket) {
                        self.leases.release(held);
                        self.give_up(queue, *delivery, how);
                    }
                    Ok(())
                }
                Decision::HandBack { ticket, .. } => {
                    if let Some((held, delivery)) = self.kept.remove(&ticket) {
                        self.leases.release(held);
                        self.service.options.metrics.hand_back(HandBackReason::Drain);
                        self.service.broker.hand_back(delivery.lease).await;
                    }
                    Ok(())
                }
            };
            if let Err(error) = sent {
                // The deadline frees what was asked for, and the reconnect asks anew.
                tracing::warn!(%error, "a pull was not sent");
            }
        }
        for why in self.intake.take_reasons() {
            tracing::trace!(target: PICKS, "{why}");
        }
        self.service.options.metrics.blind_picks(self.intake.take_blind());
        for outcome in self.intake.take_ended() {
            self.service.options.metrics.pull(PullKind::Ask, outcome.into());
        }
    }

    fn settle(&mut self, finished: impl Iterator<Item = Done>) {
        for done in finished {
            self.leases.release(done.held);
            let served = &self.service.options.served;
            served.note(&done, &self.classes, &self.intake);
            match done.cost_ms {
                Some(cost_ms) => self.intake.finished(done.queue, done.flow, cost_ms),
                None => self.intake.returned(done.queue, done.flow),
            }
        }
    }
}
