//! The statistics themselves, against what can be counted out.

use proptest::prelude::*;

use super::super::paired::{Paired, Sample};
use super::super::wealth::Wealth;
use super::traffic::Draws;

/// How many ways there are to choose `k` of `n`.
fn choose(n: u64, k: u64) -> f64 {
    (0..k).map(|i| (n - i) as f64 / (i + 1) as f64).product()
}

/// Every way in which `bad` tasks can fall on the tracks of one block, and how likely it is where the tracks are alike:
/// the hypergeometric distribution.
fn outcomes(canary: u64, stable: u64, bad: u64) -> impl Iterator<Item = (Sample, f64)> {
    (bad.saturating_sub(stable)..=bad.min(canary)).map(move |canary_bad| {
        let sample = Sample {
            canary,
            canary_bad,
            stable,
            stable_bad: bad - canary_bad,
        };
        let ways = choose(canary, canary_bad) * choose(stable, bad - canary_bad);
        (sample, ways / choose(canary + stable, bad))
    })
}

proptest! {
    /// A block of two tracks that are alike is a fair bet without a margin, and a losing one with it, whatever was
    /// staked before: that is what the bound on false alarms rests on.
    #[test]
    fn alike_tracks_win_nothing_on_average(
        (canary, stable, bad) in (1_u64..12, 1_u64..30).prop_flat_map(|(c, s)| (Just(c), Just(s), 0..=c + s)),
        before in prop::collection::vec((0_u32..9, 1_u32..9), 0..20),
        times in 1.0_f64..2.0,
    ) {
        let mut wealth = Wealth::default();
        for (observed, expected) in before {
            wealth.settle(f64::from(observed), f64::from(expected));
        }
        let grown = |times: f64| -> f64 {
            outcomes(canary, stable, bad)
                .map(|(sample, likely)| {
                    let mut after = wealth;
                    after.settle(sample.canary_bad as f64, sample.expected(times));
                    likely * (after.log() - wealth.log()).exp()
                })
                .sum()
        };
        prop_assert!((grown(1.0) - 1.0).abs() < 1e-9, "{}", grown(1.0));
        prop_assert!(grown(times) <= 1.0 + 1e-9, "{}", grown(times));
    }
}

/// The upper bound covers the true difference at every look, in 95 of 100 rollouts at least.
#[test]
fn the_upper_bound_holds_at_all_looks_together() {
    let (runs, looks) = (400, 300);
    for (canary_rate, stable_rate) in [(0.01, 0.01), (0.05, 0.02), (0.3, 0.3)] {
        let mut draws = Draws::new(7);
        let mut count = |of: u64, rate: f64| (0..of).filter(|_| draws.happens(rate)).count() as u64;
        let failed = (0..runs).filter(|_| {
            let mut paired = Paired::default();
            (0..looks).any(|_| {
                let (canary_bad, stable_bad) = (count(5, canary_rate), count(15, stable_rate));
                let sample = Sample {
                    canary: 5,
                    canary_bad,
                    stable: 15,
                    stable_bad,
                };
                paired.settle(std::iter::once(sample));
                // A promotion needs hundreds of tasks; the bound is asymptotic.
                paired.seen().canary >= 300 && paired.upper(0.05) < canary_rate - stable_rate
            })
        });
        let failed = failed.count();
        assert!(
            failed * 20 <= runs,
            "{canary_rate} {stable_rate}: {failed} of {runs}"
        );
    }
}

/// Fairly often near the level, never over it: the bound is one, and is not far off. No margin, 400 looks.
#[test]
fn the_p_value_of_alike_tracks_is_ever_small_as_seldom_as_it_says() {
    let mut draws = Draws::new(11);
    let mut count = |of: u64| (0..of).filter(|_| draws.happens(0.05)).count() as u64;
    let runs = 1_000;
    let small = (0..runs).filter(|_| {
        let mut wealth = Wealth::default();
        (0..400).any(|_| {
            let sample = Sample {
                canary: 5,
                canary_bad: count(5),
                stable: 15,
                stable_bad: count(15),
            };
            wealth.settle(sample.canary_bad as f64, sample.expected(1.0));
            wealth.p_value() <= 0.05
        })
    });
    let small = small.count();
    println!("p-values ever up to 0.05, no margin: {small} of {runs}");
    assert!((runs / 100..=runs / 20).contains(&small), "{small}");
}

#[test]
fn harm_that_begins_late_is_found_nearly_as_fast() {
    let looks = |quiet: u32| {
        let mut wealth = Wealth::default();
        for _ in 0..quiet {
            // Less than the margin allows, as two tracks that are alike have.
            wealth.settle(0.0, 0.2);
            wealth.settle(1.0, 1.6);
        }
        let mut looks = 0;
        while wealth.p_value() > 0.001 {
            wealth.settle(1.0, 0.5);
            looks += 1;
        }
        looks
    };
    // A stage's longest time.
    let (early, late) = (looks(0), looks(300));
    println!("harm from the beginning: {early} looks, after 600 quiet ones: {late}");
    assert!(late <= 3 * early, "{early} {late}");
}

#[test]
fn a_burst_on_both_tracks_is_no_difference() {
    let mut paired = Paired::default();
    // The canary happens to have more of the tasks in the burst.
    for (canary, stable, rate) in [(10, 90, 0), (50, 50, 10), (10, 90, 0)] {
        let sample = Sample {
            canary,
            canary_bad: canary * rate / 10,
            stable,
            stable_bad: stable * rate / 10,
        };
        paired.settle(std::iter::once(sample));
    }
    assert_eq!(paired.difference(), 0.0);
    assert!(paired.upper(0.05) > 0.0);
}
