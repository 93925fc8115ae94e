//! What starts a batch, and which items are in it.

use std::time::Duration;

use expect_test::{Expect, expect};

use super::super::{Batch, Batcher, Limits};
use super::event::{Event, key};
use crate::task::Moment;

fn at_ms(ms: u64) -> Moment {
    Moment(Duration::from_millis(ms))
}

/// Runs the events, items numbered from 0, and writes down what is handed out after each and when to look next.
fn check(limits: Limits, events: &[(u64, Event)], expected: Expect) {
    let mut batcher = Batcher::new(limits);
    let mut table = String::new();
    let mut item = 0;
    for (ms, event) in events {
        match event {
            Event::Add(key, cost) => {
                batcher.add(key.clone(), item, *cost, at_ms(*ms));
                item += 1;
            }
            Event::Idle => batcher.device_idle(),
            Event::Busy => batcher.device_busy(),
            Event::Look => {}
        }
        while let Some(Batch { key, items, reason }) = batcher.poll(at_ms(*ms)) {
            let (model, shape) = (key.model.as_str(), key.shape);
            table += &format!("{ms} ms: {items:?} of {model}/{shape}, {reason:?}\n");
        }
        if let Some(at) = batcher.next_deadline() {
            table += &format!("{ms} ms: look at {:?}\n", at.0);
        }
    }
    expected.assert_eq(&table);
}

fn add(cost: u64) -> Event {
    Event::Add(key("m", 0), cost)
}

#[test]
fn an_idle_device_starts_at_once_and_a_busy_one_gathers_until_it_is_idle() {
    check(
        Limits::default(),
        &[
            (0, add(1)),
            (1, add(1)),
            (2, add(1)),
            (3, Event::Idle),
            (4, Event::Idle),
            (5, add(1)),
        ],
        expect![[r#"
            0 ms: [0] of m/0, Idle
            1 ms: look at 11ms
            2 ms: look at 11ms
            3 ms: [1, 2] of m/0, Idle
            5 ms: [3] of m/0, Idle
        "#]],
    );
}

#[test]
fn a_batch_starts_when_its_first_item_has_waited_for_the_window() {
    check(
        Limits::default(),
        &[
            (0, Event::Busy),
            (1, add(1)),
            (9, add(1)),
            (10, Event::Look),
            (11, Event::Look),
        ],
        expect![[r#"
            1 ms: look at 11ms
            9 ms: look at 11ms
            10 ms: look at 11ms
            11 ms: [0, 1] of m/0, Window
        "#]],
    );
}

#[test]
fn a_full_batch_starts_on_a_busy_device_too() {
    let limits = Limits {
        size_max: 2,
        ..Limits::default()
    };
    check(
        limits,
        &[(0, Event::Busy), (0, add(1)), (1, add(1)), (2, add(1))],
        expect![[r#"
            0 ms: look at 10ms
            1 ms: [0, 1] of m/0, Full
            2 ms: look at 12ms
        "#]],
    );
}

#[test]
fn an_item_that_would_go_over_the_cost_closes_the_batch_before_it() {
    let limits = Limits {
        cost_max: Some(10),
        ..Limits::default()
    };
    check(
        limits,
        &[
            (0, Event::Busy),
            (0, add(6)),
            (1, add(5)),
            (2, add(5)),
            (3, add(1)),
            (4, add(99)),
            (5, add(u64::MAX)),
        ],
        expect![[r#"
            0 ms: look at 10ms
            1 ms: [0] of m/0, Cost
            1 ms: look at 11ms
            2 ms: [1, 2] of m/0, Cost
            3 ms: look at 13ms
            4 ms: [3] of m/0, Cost
            4 ms: [4] of m/0, Cost
            5 ms: [5] of m/0, Cost
        "#]],
    );
}

#[test]
fn models_and_shapes_are_kept_apart_and_the_oldest_goes_first() {
    let add = |model, shape| Event::Add(key(model, shape), 1);
    check(
        Limits::default(),
        &[
            (0, Event::Busy),
            (1, add("b", 0)),
            (2, add("a", 0)),
            (3, add("a", 1)),
            (4, add("b", 0)),
            (5, Event::Idle),
            (12, Event::Look),
            (13, Event::Look),
        ],
        expect![[r#"
            1 ms: look at 11ms
            2 ms: look at 11ms
            3 ms: look at 11ms
            4 ms: look at 11ms
            5 ms: [0, 3] of b/0, Idle
            5 ms: look at 12ms
            12 ms: [1] of a/0, Window
            12 ms: look at 13ms
            13 ms: [2] of a/1, Window
        "#]],
    );
}

#[test]
fn without_a_window_or_with_one_item_a_batch_every_item_goes_by_itself() {
    let (window, one) = (Duration::ZERO, Limits::default());
    for limits in [
        Limits { window, ..one },
        Limits { size_max: 1, ..one },
        Limits { size_max: 0, ..one },
    ] {
        let mut batcher = Batcher::new(limits);
        batcher.device_busy();
        for item in 0..3 {
            batcher.add(key("m", 0), item, 1, at_ms(item));
            assert_eq!(batcher.next_deadline(), Some(at_ms(item)));
            assert_eq!(batcher.poll(at_ms(item)).unwrap().items, [item], "{limits:?}");
        }
        assert_eq!(batcher.next_deadline(), None);
    }
}
