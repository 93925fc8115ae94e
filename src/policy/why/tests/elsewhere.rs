//! Tables of tasks that are elsewhere than on a lane, run, or have ended.

use expect_test::expect;

use super::stage::{NOW, at, check, id, on_lane, policy, seen};
use crate::policy::why::*;
use crate::task::{EpochMs, ErrorKind, ParkReason, State};

#[test]
fn a_timer_says_when_and_what_stands_in_the_way_then() {
    let policy = policy();
    let timer = |due, is_retry| Timer {
        due,
        attempt: u32::from(is_retry),
        is_retry,
        error: is_retry.then(|| (ErrorKind::Timeout, "too slow".to_owned())),
        lane: Some(LaneFill { held: 10, max: 10 }),
    };
    check(
        &policy,
        &at(Whereabouts::Timer(timer(NOW.plus_ms(90_000), false))),
        expect![[r#"
            waits: it is to start later (run_at); due in 90 s; it starts in about 92 s
              due: it is to start later (run_at); due in 90 s
              based on the time its timer ends at; tasks drain at 10.0 a second
        "#]],
    );
    check(
        &policy,
        &at(Whereabouts::Timer(timer(NOW.plus_ms(500), true))),
        expect![[r#"
            waits: it is tried again after 1 failed attempt: timeout: too slow; due in 500 ms; it starts in about 2.6 s
              due: it is tried again after 1 failed attempt: timeout: too slow; due in 500 ms
              based on the time its timer ends at; tasks drain at 10.0 a second
        "#]],
    );
    check(
        &policy,
        &at(Whereabouts::Timer(timer(EpochMs(NOW.0 - 500), true))),
        expect![[r#"
            waits: core is full: it holds 10 of 10; when it starts is unknown: it goes back when there is room
              lane_full: core is full: it holds 10 of 10
              due: it is tried again after 1 failed attempt: timeout: too slow; due since 500 ms ago
        "#]],
    );
    let mut seen = at(Whereabouts::Timer(timer(NOW.plus_ms(90_000), false)));
    seen.mesh.queues[0].is_paused = true;
    seen.paused_since = Some(EpochMs(NOW.0 - 60_000));
    check(
        &policy,
        &seen,
        expect![[r#"
        waits: it is to start later (run_at); due in 90 s; when it starts is unknown: somebody has to do something first
          due: it is to start later (run_at); due in 90 s
          paused: its queue was paused 60 s ago; `fairlane queue resume` lets it go on
    "#]],
    );
}

fn parent(name: &str, state: Option<State>) -> Parent {
    Parent { id: id(name), state }
}

fn held(holders: Vec<Holder>) -> Whereabouts {
    Whereabouts::Key(KeyHeld {
        key: "gpu:1".to_owned(),
        limit: 1,
        holders,
    })
}

#[test]
fn what_is_blocked_says_what_it_waits_for() {
    let policy = policy();
    let parents = vec![
        parent("a", Some(State::Queued)),
        parent("b", Some(State::Completed)),
        parent("c", Some(State::Dead)),
        parent("d", None),
    ];
    let holder = Holder {
        task: id("first"),
        worker: Some("w".to_owned()),
        until: Some(NOW.plus_ms(9_000)),
    };
    let ended = vec![parent("b", Some(State::Completed))];
    for (place, expected) in [
        (
            Whereabouts::Parents(parents),
            expect![[r#"
            waits: 2 tasks it depends on are open: a (queued), d (not known); not completed: c (dead); when it starts is unknown: nobody knows how long other tasks take
              depends_on: 2 tasks it depends on are open: a (queued), d (not known); not completed: c (dead)
        "#]],
        ),
        (
            Whereabouts::Parents(ended),
            expect![[r#"
            waits: everything it depends on has ended, and a coordinator acts on that next; when it starts is unknown: nobody knows how long other tasks take
              depends_on: everything it depends on has ended, and a coordinator acts on that next
        "#]],
        ),
        (
            held(vec![holder]),
            expect![[r#"
            waits: its key "gpu:1" has 1 place, held by first on w, free in 9.0 s unless heard of; when it starts is unknown: nobody knows how long other tasks take
              concurrency_key: its key "gpu:1" has 1 place, held by first on w, free in 9.0 s unless heard of
        "#]],
        ),
        (
            held(Vec::new()),
            expect![[r#"
            waits: its key "gpu:1" is free; a coordinator queues who waits for it; when it starts is unknown: nobody knows how long other tasks take
              concurrency_key: its key "gpu:1" is free; a coordinator queues who waits for it
        "#]],
        ),
    ] {
        check(&policy, &at(place), expected);
    }
}

#[test]
fn what_is_parked_or_on_its_way_says_who_goes_on_with_it() {
    let policy = policy();
    let since = EpochMs(NOW.0 - 50);
    for (place, expected) in [
        (
            Whereabouts::Archive(Some(ParkReason::Overload)),
            expect![[r#"
            waits: overload put it aside; no level of overload holds any more, and 7 tasks lie aside, the most urgent and oldest go back first; `fairlane archive replay` puts it back at once; when it starts is unknown: it goes back when there is room
              overload: overload put it aside; no level of overload holds any more, and 7 tasks lie aside, the most urgent and oldest go back first; `fairlane archive replay` puts it back at once
        "#]],
        ),
        (
            Whereabouts::Archive(Some(ParkReason::Timeout)),
            expect![[r#"
            waits: it lies in the archive (it ran out of time) until somebody takes it out with `fairlane archive replay`; when it starts is unknown: somebody has to do something first
              archived: it lies in the archive (it ran out of time) until somebody takes it out with `fairlane archive replay`
        "#]],
        ),
        (
            Whereabouts::Verdict { since },
            expect![[r#"
            waits: it failed 50 ms ago, and a coordinator has yet to say what follows; when it starts is unknown: it is on its way; ask again
              verdict: it failed 50 ms ago, and a coordinator has yet to say what follows
        "#]],
        ),
        (
            Whereabouts::Between,
            expect![[r#"
            waits: it is on its way from one place to another, or what was left of it has aged out; when it starts is unknown: it is on its way; ask again
              between: it is on its way from one place to another, or what was left of it has aged out
        "#]],
        ),
    ] {
        check(&policy, &at(place), expected);
    }
    let mut alone = at(Whereabouts::Archive(Some(ParkReason::Overload)));
    alone.mesh.is_led = false;
    check(
        &policy,
        &alone,
        expect![[r#"
        waits: no coordinator leads; start one with `fairlane coordinator`; when it starts is unknown: somebody has to do something first
          no_leader: no coordinator leads; start one with `fairlane coordinator`
          overload: overload put it aside; no level of overload holds any more, and 7 tasks lie aside, the most urgent and oldest go back first; `fairlane archive replay` puts it back at once
    "#]],
    );
}

#[test]
fn what_runs_or_has_ended_says_so() {
    let policy = policy();
    let mut running = seen();
    on_lane(&mut running).is_delivered = true;
    check(
        &policy,
        &running,
        expect![[r#"
        runs: it was given to a worker; it is given to another after 10 s without a sign of life
          running: it was given to a worker; it is given to another after 10 s without a sign of life
    "#]],
    );
    let ending = |state, letter: Option<&str>| {
        Whereabouts::Ended(Ending {
            state,
            at: Some(EpochMs(NOW.0 - 3_000)),
            worker: "w".to_owned(),
            queued_ms: 20,
            exec_ms: 1_500,
            attempt: 3,
            error: (state != State::Completed).then(|| ("permanent".to_owned(), "no such file".to_owned())),
            letter: letter.map(str::to_owned),
        })
    };
    check(
        &policy,
        &at(ending(State::Completed, None)),
        expect![[r#"
        completed 3.0 s ago: it waited for 20 ms and ran for 1.5 s on w
          ended: completed 3.0 s ago: it waited for 20 ms and ran for 1.5 s on w
    "#]],
    );
    check(
        &policy,
        &at(ending(State::Dead, Some("permanent"))),
        expect![[r#"
            dead 3.0 s ago for permanent after 3 failed attempts (permanent: no such file); `fairlane dlq show` shows the letter, `fairlane dlq replay` tries it again
              ended: dead 3.0 s ago for permanent after 3 failed attempts (permanent: no such file); `fairlane dlq show` shows the letter, `fairlane dlq replay` tries it again
        "#]],
    );
    check(
        &policy,
        &at(ending(State::Cancelled, None)),
        expect![[r#"
        cancelled 3.0 s ago (permanent: no such file); submit it anew to run it
          ended: cancelled 3.0 s ago (permanent: no such file); submit it anew to run it
    "#]],
    );
}
