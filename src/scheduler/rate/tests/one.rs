//! One bucket: never over its budget, and never longer shut than it must be.

use std::time::Duration;

use proptest::prelude::*;

use super::super::{Bucket, Rate};
use super::time::at_ms;
use crate::task::Moment;

const TWO_PER_S: Rate = Rate {
    per_s: 2.0,
    burst: 4.0,
};

/// What happens to a bucket and the tokens taken of it.
#[derive(Debug, Clone, Copy)]
enum Step {
    Pass { us: u64 },
    Take { at_most: u32 },
    Start { at_most: u32 },
    GiveBack { at_most: u32 },
}

fn step() -> impl Strategy<Value = Step> {
    let n = 1_u32..8;
    prop_oneof![
        (0_u64..900_000).prop_map(|us| Step::Pass { us }),
        n.clone().prop_map(|at_most| Step::Take { at_most }),
        n.clone().prop_map(|at_most| Step::Start { at_most }),
        n.prop_map(|at_most| Step::GiveBack { at_most }),
    ]
}

fn rate() -> impl Strategy<Value = Rate> {
    (0.05_f64..200.0, 1.0_f64..20.0).prop_map(|(per_s, burst)| Rate { per_s, burst })
}

/// When the tasks started, and the bucket and the tokens that are still held at the end.
fn run(rate: Rate, steps: &[Step]) -> (Vec<(Moment, u32)>, Bucket, u32, Moment) {
    let mut now = Moment::default();
    let mut bucket = Bucket::full(rate, now);
    let (mut held, mut starts) = (0, Vec::new());
    for step in steps {
        match *step {
            Step::Pass { us } => now = now + Duration::from_micros(us),
            Step::Take { at_most } => {
                let n = at_most.min(bucket.available(now));
                bucket.take(n);
                held += n;
            }
            Step::Start { at_most } => {
                let n = at_most.min(held);
                bucket.started(n, now);
                held -= n;
                starts.push((now, n));
            }
            Step::GiveBack { at_most } => {
                let n = at_most.min(held);
                bucket.give_back(n);
                held -= n;
            }
        }
    }
    (starts, bucket, held, now)
}

proptest! {
    #[test]
    fn a_rate_is_never_over_budget_by_more_than_one_burst(
        rate in rate(),
        steps in prop::collection::vec(step(), 1..200),
    ) {
        let (starts, ..) = run(rate, &steps);
        for (first, (from, _)) in starts.iter().enumerate() {
            let mut in_window = 0;
            for (to, n) in &starts[first..] {
                in_window += n;
                let budget = rate.per_s * to.since(*from).as_secs_f64() + rate.burst;
                prop_assert!(f64::from(in_window) <= budget + 1e-3, "{} of {}", in_window, budget);
            }
        }
    }

    #[test]
    fn a_bucket_is_full_again_after_one_burst_of_time_whatever_went_before(
        rate in rate(),
        steps in prop::collection::vec(step(), 0..60),
    ) {
        let (_, mut bucket, held, now) = run(rate, &steps);
        bucket.give_back(held);
        let full = now + Duration::from_secs_f64(rate.burst / rate.per_s);
        prop_assert_eq!(f64::from(bucket.available(full)), rate.burst.floor());
    }

    #[test]
    fn tokens_are_there_when_they_were_said_to_be_and_not_before(
        rate in rate(),
        steps in prop::collection::vec(step(), 0..60),
        n in 1_u32..25,
    ) {
        let (_, mut bucket, held, now) = run(rate, &steps);
        bucket.started(held, now);
        let Some(ready) = bucket.ready_at(now, n) else {
            prop_assert!(f64::from(n) > rate.burst);
            return Ok(());
        };
        prop_assert!(bucket.available(ready) >= n);
        if ready > now {
            // Time in which a hundred-thousandth of a token is refilled, ten times the slack of rounding.
            let before = ready.0.saturating_sub(Duration::from_secs_f64(1e-5 / rate.per_s));
            prop_assert!(bucket.available(Moment(before)) < n);
        }
    }
}

#[test]
fn a_bucket_runs_dry_and_fills_up_to_its_burst() {
    let mut bucket = Bucket::full(TWO_PER_S, at_ms(0));
    assert_eq!(bucket.available(at_ms(0)), 4);
    bucket.take(4);
    bucket.started(4, at_ms(0));
    let seen: Vec<u32> = [0, 499, 500, 1000, 1999, 2000, 60_000]
        .map(|ms| bucket.available(at_ms(ms)))
        .to_vec();
    assert_eq!(seen, [0, 0, 1, 2, 3, 4, 4]);
}

#[test]
fn a_token_that_is_held_is_not_refilled_in_its_stead() {
    let mut bucket = Bucket::full(TWO_PER_S, at_ms(0));
    bucket.take(4);
    assert_eq!(bucket.available(at_ms(60_000)), 0);
    bucket.started(3, at_ms(60_000));
    assert_eq!(bucket.available(at_ms(60_000)), 0);
    bucket.give_back(1);
    assert_eq!(bucket.available(at_ms(60_000)), 1);
}

#[test]
fn when_tokens_are_ready_is_known_or_never() {
    let still = Rate {
        per_s: 0.0,
        burst: 4.0,
    };
    let cases = [
        (TWO_PER_S, 1, Some(at_ms(500))),
        (TWO_PER_S, 4, Some(at_ms(2000))),
        (TWO_PER_S, 5, None),
        (still, 0, Some(at_ms(0))),
        (still, 1, None),
    ];
    for (rate, n, expected) in cases {
        let mut bucket = Bucket::full(rate, at_ms(0));
        bucket.take(4);
        bucket.started(2, at_ms(0));
        assert_eq!(bucket.ready_at(at_ms(0), n), expected, "{n} at {rate:?}");
    }
}

#[test]
fn a_debt_is_one_burst_at_most() {
    let mut bucket = Bucket::full(TWO_PER_S, at_ms(0));
    bucket.take(1000);
    bucket.started(1000, at_ms(0));
    assert_eq!(bucket.ready_at(at_ms(0), 1), Some(at_ms(2500)));
    assert_eq!(bucket.available(at_ms(2500)), 1);
}

#[test]
fn a_clock_that_steps_back_refills_nothing_twice() {
    let mut bucket = Bucket::full(TWO_PER_S, at_ms(1000));
    bucket.take(4);
    bucket.started(4, at_ms(1000));
    bucket.started(0, at_ms(0));
    assert_eq!(bucket.available(at_ms(1000)), 0);
}
