//! Two tracks that are alike: rollouts of them go through.

use super::super::{Ground, Plan};
use super::many::{Run, many, plan, rolled_back, seeds};
use super::scenes::{BURSTS, four, one, shaped};
use super::traffic::{Bursts, Shape, Traffic};

/// Nearly all rollouts come to their end: at most one of twenty is rolled back.
fn goes_through(what: &str, traffic: &Traffic, few: u64) {
    let runs = many(traffic, &plan(traffic), seeds(few));
    let back = rolled_back(what, &runs);
    assert!(back * 20 <= runs.len(), "{what}: {back} of {}", runs.len());
    let done = runs.iter().filter(|run| run.is_done()).count();
    assert!(
        (done + back) * 100 >= runs.len() * 99,
        "{what}: {done} of {}",
        runs.len()
    );
}

#[test]
fn an_equal_canary_is_promoted_through_all_stages() {
    let runs = many(&one(), &plan(&one()), seeds(50));
    assert_eq!(rolled_back("alike, one class", &runs), 0);
    assert!(runs.iter().all(Run::is_done));
    let grounds = |ground| {
        runs.iter()
            .flat_map(|run| &run.grounds)
            .filter(|of| **of == ground)
            .count()
    };
    assert_eq!(grounds(Ground::Shown), 3 * runs.len());
    assert_eq!(grounds(Ground::Unwatched), runs.len());
}

#[test]
fn classes_of_very_unequal_traffic_raise_no_false_alarm() {
    goes_through("alike, four classes", &four(), 10);
}

#[test]
fn heavy_tailed_waits_raise_no_false_alarm() {
    goes_through("alike, lognormal waits", &shaped(four(), Shape::Lognormal), 20);
    goes_through("alike, Pareto waits", &shaped(one(), Shape::Pareto), 10);
}

#[test]
fn bursts_that_hit_both_tracks_raise_no_false_alarm() {
    let burst = Traffic {
        shared: Some(BURSTS),
        ..four()
    };
    goes_through("alike, shared bursts", &burst, 10);
    goes_through(
        "alike, shared bursts, Pareto waits",
        &shaped(burst, Shape::Pareto),
        20,
    );
}

#[test]
fn short_bursts_of_one_track_raise_no_false_alarm() {
    let own = Some(Bursts {
        factor: 3.0,
        on_s: 2.0,
        off_s: 20.0,
    });
    goes_through("alike, bursts of 2 s of one track", &Traffic { own, ..one() }, 10);
}

#[test]
fn failures_in_lumps_raise_no_false_alarm() {
    // As with failures of 2.5 %: proof that there is no harm takes long.
    let traffic = Traffic { lump: 5, ..one() };
    goes_through("alike, failures in lumps of 5", &traffic, 10);
}

/// What looks like harm and is none: long bursts that hit one track alone. Longer blocks help.
#[test]
fn longer_blocks_bear_longer_bursts_of_one_track() {
    let small = Bursts {
        factor: 3.0,
        on_s: 5.0,
        off_s: 60.0,
    };
    for (what, bursts, long_ms) in [
        ("3 times, 5 s", small, 15_000),
        ("10 times, 10 s", BURSTS, 30_000),
    ] {
        let traffic = Traffic {
            own: Some(bursts),
            ..one()
        };
        let [short, long] = [5_000, long_ms].map(|block_ms| {
            let runs = many(
                &traffic,
                &Plan {
                    block_ms,
                    ..plan(&traffic)
                },
                seeds(2),
            );
            rolled_back(
                &format!("alike, bursts of one track ({what}), blocks of {block_ms} ms"),
                &runs,
            )
        });
        assert!(long <= short, "{what}: {long} {short}");
    }
}
