//! What holds whatever happens.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;

use super::super::{Batch, BatchKey, Batcher, Limits, Reason};
use super::event::{Event, key};
use crate::task::Moment;

/// When each batch was handed out, and when and with what cost each item was added.
#[derive(Debug, Default)]
struct Run {
    batches: Vec<(Moment, Batch)>,
    added: BTreeMap<u64, (Moment, BatchKey, u64)>,
}

/// A step of random length in µs, and then an event.
type Steps = Vec<(u64, Event)>;

fn steps() -> impl Strategy<Value = Steps> {
    let key = (0_usize..2, 0_u64..2).prop_map(|(model, shape)| key(["a", "b"][model], shape));
    let event = prop_oneof![
        6 => (key, 0_u64..12).prop_map(|(key, cost)| Event::Add(key, cost)),
        1 => Just(Event::Idle),
        1 => Just(Event::Busy),
        1 => Just(Event::Look),
    ];
    prop::collection::vec((0_u64..4_000, event), 0..80)
}

fn limits() -> impl Strategy<Value = Limits> {
    (0_u64..12, 0_u32..6, prop::option::of(0_u64..30)).prop_map(|(ms, size_max, cost_max)| Limits {
        window: Duration::from_millis(ms),
        size_max,
        cost_max,
    })
}

/// Looks at every deadline and after every event, until nothing waits.
fn run(limits: Limits, steps: &Steps) -> Run {
    let mut batcher = Batcher::new(limits);
    let mut run = Run::default();
    let mut now = Moment::default();
    let look = |batcher: &mut Batcher, run: &mut Run, now| {
        while let Some(batch) = batcher.poll(now) {
            run.batches.push((now, batch));
        }
        let next = batcher.next_deadline();
        assert!(
            next.is_none_or(|at| at > now),
            "nothing that is due is left at {now:?}"
        );
    };
    for (us, event) in steps {
        let then = now + Duration::from_micros(*us);
        while let Some(at) = batcher.next_deadline().filter(|at| *at <= then) {
            look(&mut batcher, &mut run, at);
        }
        now = then;
        match event {
            Event::Add(key, cost) => {
                let item = run.added.len() as u64;
                run.added.insert(item, (now, key.clone(), *cost));
                batcher.add(key.clone(), item, *cost, now);
            }
            Event::Idle => batcher.device_idle(),
            Event::Busy => batcher.device_busy(),
            Event::Look => {}
        }
        look(&mut batcher, &mut run, now);
    }
    while let Some(at) = batcher.next_deadline() {
        look(&mut batcher, &mut run, at);
    }
    assert_eq!(
        batcher.poll(Moment(Duration::MAX)),
        None,
        "nothing waits without a deadline"
    );
    run
}

proptest! {
    #[test]
    fn a_batch_never_waits_over_its_window(limits in limits(), steps in steps()) {
        let run = run(limits, &steps);
        for (at, batch) in &run.batches {
            for item in &batch.items {
                prop_assert!(at.since(run.added[item].0) <= limits.window, "{:?} at {:?}", batch, at);
            }
        }
    }

    #[test]
    fn no_item_is_lost_or_doubled(limits in limits(), steps in steps()) {
        let run = run(limits, &steps);
        let mut items: Vec<u64> = run.batches.iter().flat_map(|(_, batch)| batch.items.clone()).collect();
        items.sort_unstable();
        prop_assert_eq!(items, run.added.keys().copied().collect::<Vec<_>>());
    }

    #[test]
    fn a_batch_has_one_key_and_keeps_its_bounds(limits in limits(), steps in steps()) {
        let run = run(limits, &steps);
        for (_, batch) in &run.batches {
            let size = batch.items.len();
            prop_assert!(batch.items.iter().all(|item| run.added[item].1 == batch.key));
            prop_assert!(size >= 1 && size <= limits.size_max.max(1) as usize);
            let cost: u64 = batch.items.iter().map(|item| run.added[item].2).sum();
            prop_assert!(size == 1 || limits.cost_max.is_none_or(|max| cost <= max), "{:?} costs {}", batch, cost);
            if batch.reason == Reason::Full {
                prop_assert_eq!(size, limits.size_max.max(1) as usize);
            }
        }
    }

    #[test]
    fn items_of_one_key_leave_in_the_order_they_came(limits in limits(), steps in steps()) {
        let run = run(limits, &steps);
        let mut last: BTreeMap<&BatchKey, u64> = BTreeMap::new();
        for (_, batch) in &run.batches {
            for item in &batch.items {
                let before = last.insert(&batch.key, *item);
                prop_assert!(before.is_none_or(|before| before < *item));
            }
        }
    }
}
