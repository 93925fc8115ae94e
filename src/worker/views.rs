//! What waits elsewhere, as the leading coordinator tells it: beside the worker's loop until it can be used.

use tokio::sync::mpsc;

use super::facts::{Flows, known};
use crate::broker::pull::Puller;
use crate::broker::views::Views;
use crate::clock;
use crate::lifecycle::Lifecycle;
use crate::scheduler::intake::{Intake, View};
use crate::task::{EpochMs, Moment, Route};
use crate::wire::{LaneView, QueueView};

/// Views that wait for the loop: one of each lane. Those behind them stay with the connection.
const WAITING_MAX: usize = 2;

/// Reads views until the worker stops; they are received.
pub(super) fn hear(mut views: Views, lifecycle: &Lifecycle) -> mpsc::Receiver<LaneView> {
    let (tell, heard) = mpsc::channel(WAITING_MAX);
    let soft = lifecycle.soft().clone();
    lifecycle.spawn(async move {
        let hearing = async {
            while let Some(view) = views.next().await {
                if tell.send(view).await.is_err() {
                    return;
                }
            }
        };
        tokio::select! { () = hearing => (), () = soft.cancelled() => () }
    });
    heard
}

/// Tells the intake what was seen of the queues it serves; says whether one of them, whose model is
/// served here, is not known yet.
pub(super) fn tell(
    seen: &LaneView,
    flows: Flows,
    puller: &Puller,
    intake: &mut Intake,
    now: Moment,
    serves: impl Fn(&Route) -> bool,
) -> bool {
    let (wall, mut is_new) = (clock::wall(), false);
    for queue in &seen.queues {
        if !serves(&queue.route) {
            continue;
        }
        if let Some(id) = puller.queue(&queue.route) {
            intake.set_limit(id, queue.limit);
            intake.viewed(id, &view(queue, flows, seen.taken_at, now, wall), now);
        } else {
            is_new = true;
        }
    }
    is_new
}

fn view(of: &QueueView, flows: Flows, taken_at: EpochMs, now: Moment, wall: EpochMs) -> View {
    // What is held back is not given out, however much of it there is; nor is what waits for a place, of which a pull
    // that is open tells sooner. Only its head is compared all the same.
    let gives = !of.is_paused && (flows.compares || of.running < u64::from(of.limit));
    let head = of.head.filter(|_| gives && flows.sees());
    View {
        depth: if gives { of.depth } else { 0 },
        head: head.map(|head| known(flows, &head, now, wall)),
        taken_at: clock::moment(taken_at, now, wall),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::scheduler::facts::Flow;
    use crate::scheduler::rules::{Between, FlowKey, MlfqRules, Rules};
    use crate::task::{ClassName, Lane, ModelToken, Route, Shard};
    use crate::wire::HeadView;

    fn queue(is_paused: bool) -> QueueView {
        let head = HeadView {
            deadline: Some(EpochMs(13_000)),
            tenant: Some(1),
            session: Some(2),
            urgency: Some(7.0),
            ..HeadView::arrived(EpochMs(9_000))
        };
        QueueView {
            route: Route {
                lane: Lane::Core,
                class: ClassName::new("pay").unwrap(),
                model: ModelToken::new("m").unwrap(),
                shard: Shard::Stable(0),
            },
            depth: 5,
            running: 1,
            limit: 20,
            is_paused,
            head: Some(head),
        }
    }

    #[test]
    fn times_on_the_wire_become_times_of_this_process_and_what_is_held_back_is_not_there() {
        let (now, wall) = (Moment(Duration::from_secs(100)), EpochMs(10_000));
        let by_tenant = Rules {
            between: Between::Fifo,
            ..Rules::default()
        };
        let by_session = Rules {
            between: Between::Mlfq(MlfqRules {
                by: FlowKey::Session,
                ..MlfqRules::DEFAULT
            }),
            ..Rules::default()
        };
        for (rules, flow) in [(by_tenant, 1), (by_session, 2)] {
            let flows = Flows::of_rules(&rules, None);
            let seen = view(&queue(false), flows, EpochMs(9_500), now, wall);
            assert_eq!(
                (seen.depth, seen.taken_at),
                (5, Moment(Duration::from_millis(99_500)))
            );
            let head = seen.head.expect("it has one");
            assert_eq!(head.since, Moment(Duration::from_secs(99)));
            assert_eq!(head.deadline, Some(Moment(Duration::from_secs(103))));
            assert_eq!((head.flow, head.urgency), (Some(Flow(flow)), 7.0));
            let held = view(&queue(true), flows, EpochMs(9_500), now, wall);
            assert_eq!((held.depth, held.head), (0, None));
        }
    }

    #[test]
    fn rules_that_compare_no_heads_are_told_of_tasks_that_can_be_had_and_of_nothing_else() {
        let flows = Flows::of_rules(&Rules::default(), None);
        let seen = |running| {
            let queue = QueueView {
                running,
                ..queue(false)
            };
            let seen = view(&queue, flows, EpochMs(1), Moment::default(), EpochMs(1));
            (seen.depth, seen.head)
        };
        assert_eq!(seen(19), (5, None));
        assert_eq!(seen(20), (0, None), "at its limit");
    }

    #[test]
    fn a_policy_that_is_only_asked_sees_heads_and_changes_nothing_else_of_what_is_told() {
        let score = Rules {
            between: Between::Score(crate::scheduler::rules::ScoreWeights::DEFAULT),
            ..Rules::default()
        };
        let acting = Flows::of_rules(&Rules::default(), None);
        let asked = Flows::of_rules(&Rules::default(), Some(&score));
        assert_eq!(
            (asked.by, asked.weighs, asked.compares),
            (acting.by, acting.weighs, acting.compares)
        );
        let at_limit = QueueView {
            running: 20,
            ..queue(false)
        };
        for (of, has_head) in [(queue(false), true), (at_limit, false)] {
            let told = |flows| view(&of, flows, EpochMs(1), Moment::default(), EpochMs(1));
            assert_eq!(told(asked).depth, told(acting).depth);
            assert_eq!(told(asked).head.is_some(), has_head);
            assert!(told(acting).head.is_none());
        }
    }
}
