//! Tables of tasks on their lane and what is said of them.

use expect_test::expect;

use super::stage::{NOW, check, load, on_lane, policy, queue, route, seen};
use crate::policy::why::*;
use crate::policy::{MaxWait, OnMaxWait, Policy};
use crate::scheduler::rate::Rate;
use crate::scheduler::rules::{Between, MlfqRules};
use crate::task::{EpochMs, Lane, Route};

#[test]
fn a_task_behind_others_of_its_queue_waits_for_as_long_as_they_take() {
    check(
        &policy(),
        &seen(),
        expect![[r#"
        waits: all 4 slots of 1 worker for its model are busy, 12 tasks before it in payment/core; it starts in about 1.3 s
          slots_busy: all 4 slots of 1 worker for its model are busy
          behind: 12 tasks before it in payment/core
          based on tasks drain at 10.0 a second
    "#]],
    );
}

#[test]
fn other_classes_stand_beside_it_before_it_or_are_compared_with_it_as_the_rule_says() {
    let mut seen = seen();
    seen.mesh.queues = vec![
        queue("payment", 20, 2),
        queue("auth", 5, 1),
        queue("metrics", 100, 1),
    ];
    seen.mesh.workers[0].running = 3;
    on_lane(&mut seen).ahead.is_exact = false;
    let mut policy = policy();
    check(
        &policy,
        &seen,
        expect![[r#"
        waits: at most 12 tasks before it in payment/core, class payment has 53 % of the slots now by weighted, beside auth/core 5, metrics/core 100; it starts in about 2.3 s
          behind: at most 12 tasks before it in payment/core
          other_queues: class payment has 53 % of the slots now by weighted, beside auth/core 5, metrics/core 100
          based on tasks drain at 10.0 a second, 53 % of that for its class while others have work
    "#]],
    );
    for (class, rule, expected) in [
        (
            "metrics",
            Between::Strict { floor: 0.1 },
            expect![[r#"
            waits: at most 12 tasks before it in metrics/core, 25 tasks of more urgent classes first by strict (payment/core 20, auth/core 5); it starts in 3.8 s or later
              behind: at most 12 tasks before it in metrics/core
              other_queues: 25 tasks of more urgent classes first by strict (payment/core 20, auth/core 5)
              based on tasks drain at 10.0 a second
        "#]],
        ),
        (
            "payment",
            Between::Strict { floor: 0.0 },
            expect![[r#"
            waits: at most 12 tasks before it in payment/core, class payment has 62 % of the slots now by strict, beside auth/core 5; it starts in about 1.9 s
              behind: at most 12 tasks before it in payment/core
              other_queues: class payment has 62 % of the slots now by strict, beside auth/core 5
              based on tasks drain at 10.0 a second, 62 % of that for its class while others have work
        "#]],
        ),
        (
            "payment",
            Between::Fifo,
            expect![[r#"
            waits: at most 12 tasks before it in payment/core, fifo compares it with the heads of auth/core 5, metrics/core 100; it starts in 1.3 s to 11 s
              behind: at most 12 tasks before it in payment/core
              other_queues: fifo compares it with the heads of auth/core 5, metrics/core 100
              based on tasks drain at 10.0 a second
        "#]],
        ),
    ] {
        policy.scheduler.between = rule;
        seen.route = Some(route(class));
        check(&policy, &seen, expected);
    }
}

#[test]
fn what_ended_while_it_waited_counts_before_what_the_leader_tells() {
    let mut seen = seen();
    seen.mesh.pace = Some(Pace {
        ended: 40,
        over_ms: 2_000,
    });
    check(
        &policy(),
        &seen,
        expect![[r#"
        waits: all 4 slots of 1 worker for its model are busy, 12 tasks before it in payment/core; it starts in about 650 ms
          slots_busy: all 4 slots of 1 worker for its model are busy
          behind: 12 tasks before it in payment/core
          based on 20.0 tasks/s have ended in the last 2.0 s while it waited
    "#]],
    );
    seen.mesh.queues = vec![queue("payment", 20, 2), queue("auth", 50, 1)];
    seen.mesh.queues[1].route.lane = Lane::Normal;
    check(
        &policy(),
        &seen,
        expect![[r#"
        waits: all 4 slots of 1 worker for its model are busy, 12 tasks before it in payment/core; it starts in about 1.0 s
          slots_busy: all 4 slots of 1 worker for its model are busy
          behind: 12 tasks before it in payment/core
          other_queues: class payment has 62 % of the slots now by weighted, beside auth/normal 50
          based on 20.0 tasks/s have ended in the last 2.0 s while it waited, 62 % of that for its class while others have work
    "#]],
    );
    // Too little to tell.
    seen.mesh.pace = Some(Pace {
        ended: 2,
        over_ms: 2_000,
    });
    check(
        &policy(),
        &seen,
        expect![[r#"
        waits: all 4 slots of 1 worker for its model are busy, 12 tasks before it in payment/core; it starts in about 1.0 s
          slots_busy: all 4 slots of 1 worker for its model are busy
          behind: 12 tasks before it in payment/core
          other_queues: class payment has 62 % of the slots now by weighted, beside auth/normal 50
          based on tasks drain at 20.0 a second, 62 % of that for its class while others have work
    "#]],
    );
}

fn changed(change: &dyn Fn(&mut Case)) -> Case {
    let mut seen = seen();
    change(&mut seen);
    seen
}

#[test]
fn a_queue_that_is_held_back_or_that_nobody_delivers_comes_first() {
    let policy = policy();
    for (change, expected) in [
        (
            (&|s: &mut Case| {
                s.mesh.queues[0].is_paused = true;
                s.paused_since = Some(EpochMs(NOW.0 - 60_000));
            }) as &dyn Fn(&mut Case),
            expect![[r#"
                waits: its queue was paused 60 s ago; `fairlane queue resume` lets it go on; when it starts is unknown: somebody has to do something first
                  paused: its queue was paused 60 s ago; `fairlane queue resume` lets it go on
                  slots_busy: all 4 slots of 1 worker for its model are busy
                  behind: 12 tasks before it in payment/core
            "#]],
        ),
        (
            &|s| s.mesh.queues[0].is_paused = true,
            expect![[r#"
            waits: its consumer is paused with another tool; resume it there; when it starts is unknown: somebody has to do something first
              paused: its consumer is paused with another tool; resume it there
              slots_busy: all 4 slots of 1 worker for its model are busy
              behind: 12 tasks before it in payment/core
        "#]],
        ),
        (
            &|s| s.mesh.queues.clear(),
            expect![[r#"
            waits: its queue has no consumer yet; the leading coordinator makes one within seconds, if the lane has a place for it; when it starts is unknown: somebody has to do something first
              no_queue: its queue has no consumer yet; the leading coordinator makes one within seconds, if the lane has a place for it
              slots_busy: all 4 slots of 1 worker for its model are busy
              behind: 12 tasks before it in payment/core
        "#]],
        ),
        (
            &|s| s.route = Some(route("nobodys")),
            expect![[r#"
            waits: no class or model of this policy covers it, so nobody delivers it; the audit of a coordinator gives it up as unroutable; when it starts is unknown: somebody has to do something first
              no_queue: no class or model of this policy covers it, so nobody delivers it; the audit of a coordinator gives it up as unroutable
              slots_busy: all 4 slots of 1 worker for its model are busy
              behind: 12 tasks before it in nobodys/core
              other_queues: class nobodys has 2 % of the slots now by weighted, beside payment/core 20
        "#]],
        ),
    ] {
        check(&policy, &changed(change), expected);
    }
}

#[test]
fn a_model_that_nobody_runs_comes_first() {
    let policy = policy();
    for (change, expected) in [
        (
            (&|s: &mut Case| s.mesh.workers.clear()) as &dyn Fn(&mut Case),
            expect![[r#"
                waits: no worker is there; start one with `fairlane worker`; when it starts is unknown: somebody has to do something first
                  no_worker: no worker is there; start one with `fairlane worker`
                  behind: 12 tasks before it in payment/core
            "#]],
        ),
        (
            &|s| s.mesh.workers[0].models.clear(),
            expect![[r#"
            waits: none of the workers (1) has its model; start one that does with `fairlane worker`; when it starts is unknown: somebody has to do something first
              no_worker: none of the workers (1) has its model; start one that does with `fairlane worker`
              behind: 12 tasks before it in payment/core
        "#]],
        ),
        (
            &|s| s.mesh.workers[0].is_taking = false,
            expect![[r#"
            waits: the workers with its model (1) were told to take nothing, or stop; `fairlane worker uncordon` lets them go on; when it starts is unknown: somebody has to do something first
              no_worker: the workers with its model (1) were told to take nothing, or stop; `fairlane worker uncordon` lets them go on
              behind: 12 tasks before it in payment/core
        "#]],
        ),
        (
            &|s| s.mesh.workers[0].is_lost = true,
            expect![[r#"
            waits: the workers with its model (1) were not heard for too long; start one with `fairlane worker`; when it starts is unknown: somebody has to do something first
              no_worker: the workers with its model (1) were not heard for too long; start one with `fairlane worker`
              behind: 12 tasks before it in payment/core
        "#]],
        ),
    ] {
        check(&policy, &changed(change), expected);
    }
}

#[test]
fn the_limit_that_binds_is_named() {
    let mut policy = policy();
    let mut seen = seen();
    seen.mesh.workers[0].running = 2;
    seen.mesh.queues[0].limit = 2;
    check(
        &policy,
        &seen,
        expect![[r#"
        waits: its queue has 2 tasks out of the 2 it may; the leading coordinator moves places every second; it starts in about 1.3 s
          queue_limit: its queue has 2 tasks out of the 2 it may; the leading coordinator moves places every second
          behind: 12 tasks before it in payment/core
          based on tasks drain at 10.0 a second
    "#]],
    );
    policy.classes[0].max_concurrent = Some(2);
    check(
        &policy,
        &seen,
        expect![[r#"
        waits: class payment runs 2 of 2 tasks on core (max_concurrent); it starts in about 1.3 s
          class_limit: class payment runs 2 of 2 tasks on core (max_concurrent)
          behind: 12 tasks before it in payment/core
          based on tasks drain at 10.0 a second
    "#]],
    );
    policy.classes[0].max_concurrent = None;
    policy.core.concurrency = 2;
    check(
        &policy,
        &seen,
        expect![[r#"
        waits: core runs 2 of 2 tasks (concurrency); it starts in about 1.3 s
          lane_limit: core runs 2 of 2 tasks (concurrency)
          behind: 12 tasks before it in payment/core
          based on tasks drain at 10.0 a second
    "#]],
    );
    seen.mesh.queues[0].limit = 4;
    policy.classes[0].rate = Some(Rate {
        per_s: 2.0,
        burst: 1.0,
    });
    check(
        &policy,
        &seen,
        expect![[r#"
            waits: its class may start 2 tasks/s (rate), and 20 of it wait; it starts in about 6.2 s
              rate: its class may start 2 tasks/s (rate), and 20 of it wait
              behind: 12 tasks before it in payment/core
              based on tasks drain at 10.0 a second; a rate of 2 starts/s
        "#]],
    );
}

#[test]
fn the_lowest_rate_is_named_first_with_what_can_start_under_it() {
    let (mut policy, mut seen) = (policy(), seen());
    seen.mesh.workers[0].running = 2;
    let rate = |per_s| Some(Rate { per_s, burst: 1.0 });
    (policy.classes[0].rate, policy.models[0].rate) = (rate(2.0), rate(1.0));
    // What others hold back takes no token.
    let mut held = queue("auth", 500, 0);
    held.is_paused = true;
    seen.mesh.queues[1] = held;
    check(
        &policy,
        &seen,
        expect![[r#"
        waits: its model may start 1 tasks/s (rate), and 20 of it wait; it starts in about 12 s
          rate: its model may start 1 tasks/s (rate), and 20 of it wait
          rate: its class may start 2 tasks/s (rate), and 20 of it wait
          behind: 12 tasks before it in payment/core
          based on tasks drain at 10.0 a second; a rate of 1 starts/s
    "#]],
    );
}

#[test]
fn what_is_next_starts_at_once_and_what_is_not_known_is_said_to_be() {
    let (mut policy, mut seen) = (policy(), seen());
    seen.mesh.load = Some(load(None));
    check(
        &policy,
        &seen,
        expect![[r#"
        waits: all 4 slots of 1 worker for its model are busy, 12 tasks before it in payment/core; when it starts is unknown: nobody has seen of late how fast tasks end; ask again in a few seconds
          slots_busy: all 4 slots of 1 worker for its model are busy
          behind: 12 tasks before it in payment/core
    "#]],
    );
    on_lane(&mut seen).ahead.tasks = 0;
    seen.mesh.workers[0].running = 1;
    policy.classes[0].max_wait = Some(MaxWait {
        ms: 5_000,
        then: OnMaxWait::Expire,
    });
    on_lane(&mut seen).deadline = Some(NOW.plus_ms(500));
    check(
        &policy,
        &seen,
        expect![[r#"
        waits: it is next, and nothing that was seen holds it back; it starts at once
          next: it is next, and nothing that was seen holds it back
          max_wait: after 3.0 s more it ends as expired, if there is one (max_wait_ms)
          deadline: it ends as expired unless it starts within 500 ms
          based on a slot is free, and nothing is before it
    "#]],
    );
    let old = load(Some(10.0));
    seen.mesh.load = Some(Load {
        at: EpochMs(NOW.0 - 10_001),
        ..old
    });
    seen.mesh.workers[0].running = 4;
    assert_eq!(estimate(&policy, &seen), Estimate::Unknown(Unknown::NoDrain));
}

#[test]
fn what_the_rule_moves_up_is_told_when() {
    let (mut policy, mut seen) = (policy(), seen());
    policy.scheduler.between = Between::Mlfq(MlfqRules {
        boost_ms: 5_000,
        ..MlfqRules::DEFAULT
    });
    let told = |policy: &Policy, seen: &Case| {
        let all = reasons(policy, seen);
        let lift = all.iter().find(|reason| reason.as_str() == "lift");
        lift.map(|reason| reason.told(seen))
    };
    assert_eq!(told(&policy, &seen), None, "it is on core");
    let on_normal = Route {
        lane: Lane::Normal,
        ..route("payment")
    };
    seen.mesh.queues[0].route = on_normal.clone();
    seen.route = Some(on_normal);
    let soon = "after 3.0 s more it is moved to core as soon as that has room (mlfq)";
    assert_eq!(told(&policy, &seen).as_deref(), Some(soon));
    on_lane(&mut seen).since = EpochMs(NOW.0 - 5_000);
    let due = "it has waited for long enough to be moved to core, as soon as that has room (mlfq)";
    assert_eq!(told(&policy, &seen).as_deref(), Some(due));
    on_lane(&mut seen).may_rise = false;
    assert_eq!(told(&policy, &seen), None);
    on_lane(&mut seen).may_rise = true;
    seen.mesh.queues[0].is_paused = true;
    assert_eq!(told(&policy, &seen), None);
    seen.mesh.queues[0].is_paused = false;
    policy.scheduler.between = Between::Weighted;
    assert_eq!(told(&policy, &seen), None, "nothing is moved");
}
