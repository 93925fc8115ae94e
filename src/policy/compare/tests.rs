//! Comparisons of tracks that are alike, and of such that are not.

use std::collections::BTreeSet;

use super::{Comparison, Contrast, Figure, Finding};
use crate::policy::rollout::shared::{
    BURSTS, Bursts, Flow, Shape, Stream, Traffic, four, harmed, one, seeds, shaped,
};
use crate::policy::rollout::{Evidence, Share};
use crate::task::ClassName;

/// Seconds from one look to the next: rarely by default, as it takes a while, and often where many seeds are asked for.
fn every_s() -> u64 {
    if seeds(1) > 1 { 10 } else { 60 }
}

/// A comparison of a traffic for so many seconds at 50 %; whether any look found a difference,
/// and the last look.
fn compare(traffic: &Traffic, seconds: u64, seed: u64) -> (bool, Vec<Contrast>) {
    let classes: BTreeSet<ClassName> = traffic
        .flows
        .iter()
        .map(|flow| ClassName::new(flow.name).unwrap())
        .collect();
    let mut stream = Stream::new(traffic, seed);
    let mut comparison = Comparison::new(classes);
    let (mut found, mut last) = (false, Vec::new());
    for second in 1..=seconds {
        let [a, b] = stream.second(Share::new(5_000).unwrap());
        comparison.look(&a, &b);
        if second % every_s() == 0 {
            last = comparison.contrasts().to_vec();
            found |= last
                .iter()
                .any(|contrast| matches!(contrast.finding(), Finding::Better | Finding::Worse));
        }
    }
    (found, last)
}

fn of<'a>(contrasts: &'a [Contrast], figure: Figure, class: Option<&str>) -> &'a Contrast {
    let found = contrasts.iter().find(|contrast| {
        contrast.figure == figure && contrast.class.as_ref().map(ClassName::as_str) == class
    });
    found.unwrap_or_else(|| panic!("{figure:?} of {class:?}: {contrasts:?}"))
}

#[test]
fn tracks_that_are_alike_are_found_to_differ_in_no_more_than_five_of_a_hundred_comparisons() {
    let bursts = Traffic {
        shared: Some(BURSTS),
        ..four()
    };
    let own = Traffic {
        own: Some(Bursts {
            factor: 3.0,
            on_s: 5.0,
            off_s: 60.0,
        }),
        ..four()
    };
    let scenes = [
        ("one class", one()),
        ("four classes", four()),
        ("four classes, lognormal waits", shaped(four(), Shape::Lognormal)),
        ("four classes, shared bursts", bursts),
        ("four classes, bursts of one track", own),
    ];
    let seeds = seeds(4);
    for (name, traffic) in scenes {
        let found = (1..=seeds).filter(|seed| compare(&traffic, 600, *seed).0).count() as u64;
        println!("{name}: {found} of {seeds} alike found to differ");
        assert!(found * 20 <= seeds, "{name}: {found} of {seeds}");
    }
}

#[test]
fn a_difference_is_found_and_its_bounds_hold_it() {
    let shorter = harmed(four(), |flow| flow.wait_ms = [100.0, 80.0]);
    let failing = harmed(four(), |flow| flow.failed = [0.01, 0.03]);
    let seeds = seeds(4);
    let (mut waits, mut failures, mut outside) = (0, 0, 0);
    for seed in 1..=seeds {
        let (_, last) = compare(&shorter, 300, seed);
        let mean = of(&last, Figure::WaitMean, None);
        waits += u64::from(mean.finding() == Finding::Better);
        outside += u64::from(
            mean.bounds
                .is_none_or(|[low, high]| !(low < -20.0 && -20.0 < high)),
        );
        let (_, last) = compare(&failing, 300, seed);
        failures += u64::from(of(&last, Figure::Failed, None).finding() == Finding::Worse);
    }
    println!(
        "a fifth shorter: {waits} of {seeds} found in 300 s, {outside} outside; 3 % failures for 1: {failures}"
    );
    assert!(waits * 10 >= seeds * 9, "{waits} of {seeds}");
    assert!(failures * 10 >= seeds * 9, "{failures} of {seeds}");
    assert!(outside * 20 <= seeds, "{outside} of {seeds}");
}

/// The second track has the slow class alone, and tasks of it wait as long there as on the first.
#[test]
fn who_has_more_tasks_of_a_slow_class_is_not_worse_for_it() {
    let (fast, slow) = (ClassName::new("fast").unwrap(), ClassName::new("slow").unwrap());
    let mut comparison = Comparison::new([fast.clone(), slow.clone()].into());
    for look in 0..200_u64 {
        let mut both = [Evidence::default(), Evidence::default()];
        for (track, counts) in [(0, [50, 5]), (1, [5, 50])] {
            for (class, count, wait_ms) in [(&fast, counts[0], 10), (&slow, counts[1], 1_000)] {
                let tally = both[track].of(class);
                for n in 0..count {
                    tally.ended += 1;
                    tally.waits.record(wait_ms + (look * 7 + n) % 5);
                }
            }
        }
        comparison.look(&both[0], &both[1]);
    }
    let contrasts = comparison.contrasts();
    let all = of(contrasts, Figure::WaitMean, None);
    assert!((all.values[1] - all.values[0]).abs() < 1.0, "{all:?}");
    assert_eq!(all.finding(), Finding::Open, "{all:?}");
    assert!(all.difference.abs() < 1.0, "{all:?}");
}

#[test]
fn nothing_is_said_of_too_little() {
    let (_, last) = compare(&Traffic::of(&[Flow::new("all", 0.02)]), 600, 1);
    assert_eq!(of(&last, Figure::WaitMean, None).finding(), Finding::TooFew);
    let without_slo = Traffic::of(&[Flow {
        slo_ms: None,
        ..Flow::new("all", 50.0)
    }]);
    let (_, last) = compare(&without_slo, 60, 1);
    assert!(last.iter().all(|contrast| contrast.figure != Figure::SloMissed));
}

/// Waits of one length each, a little apart, on both sides of the edge of a bucket: the mean is known exactly, quantiles no
/// better than their buckets.
#[test]
fn buckets_make_no_difference() {
    let class = ClassName::new("all").unwrap();
    let mut comparison = Comparison::new([class.clone()].into());
    for _ in 0..200 {
        let mut both = [Evidence::default(), Evidence::default()];
        for (seen, wait_ms) in both.iter_mut().zip([90, 91]) {
            let tally = seen.of(&class);
            (0..20).for_each(|_| tally.waits.record(wait_ms));
        }
        comparison.look(&both[0], &both[1]);
    }
    let contrasts = comparison.contrasts();
    let mean = of(contrasts, Figure::WaitMean, None);
    assert_eq!((mean.values, mean.finding()), ([90.0, 91.0], Finding::Worse));
    for figure in [Figure::WaitMedian, Figure::WaitP99] {
        let quantile = of(contrasts, figure, Some("all"));
        assert!(
            quantile.values[1] - quantile.values[0] > 2.0,
            "on both sides: {quantile:?}"
        );
        assert_eq!(quantile.finding(), Finding::Open, "{quantile:?}");
    }
}

/// Batches grow with the run: what is kept does not.
#[test]
fn however_long_it_lasts_no_task_is_forgotten() {
    let class = ClassName::new("all").unwrap();
    let mut comparison = Comparison::new([class.clone()].into());
    for look in 1..=3_000_u64 {
        let mut seen = Evidence::default();
        seen.of(&class).ended = 1;
        comparison.look(&seen, &seen);
        let contrasts = comparison.contrasts();
        let tasks = contrasts
            .iter()
            .find(|contrast| contrast.figure == Figure::Failed)
            .map_or(0, |contrast| contrast.tasks[0]);
        assert!(
            tasks <= look && tasks + 5 * look / 20 + 5 >= look,
            "{tasks} after {look}"
        );
    }
}
