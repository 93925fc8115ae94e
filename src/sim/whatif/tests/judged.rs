//! Verdicts over pairs of figures.

use proptest::prelude::*;

use crate::sim::whatif::{Judged, Measure, Of, Question, Verdict, judge};

type Pair = (Option<f64>, Option<f64>);

fn question(measure: Measure, margin: f64) -> Question {
    Question {
        measure,
        of: Of::All,
        margin,
    }
}

fn verdict(measure: Measure, margin: f64, pairs: &[(f64, f64)]) -> Verdict {
    let pairs: Vec<Pair> = pairs.iter().map(|(a, b)| (Some(*a), Some(*b))).collect();
    judge(&question(measure, margin), &pairs).verdict
}

#[test]
fn a_figure_is_worse_beyond_its_margin_and_not_at_it() {
    for (measure, margin, holds, candidate, wanted) in [
        (Measure::WaitP99, 5.0, 100.0, 105.0, Verdict::NoWorse),
        (Measure::WaitP99, 5.0, 100.0, 105.1, Verdict::Worse),
        (Measure::WaitP99, 5.0, 100.0, 94.9, Verdict::Better),
        (Measure::WaitP99, 0.0, 100.0, 101.0, Verdict::NoWorse),
        (Measure::WaitP99, 0.0, 100.0, 101.1, Verdict::Worse),
        // Records count whole milliseconds.
        (Measure::WaitP99, 5.0, 0.0, 1.0, Verdict::NoWorse),
        (Measure::TimeMean, 5.0, 0.2, 1.3, Verdict::Worse),
        // A part of all tasks is judged in points.
        (Measure::SloAttained, 1.0, 0.99, 0.985, Verdict::NoWorse),
        (Measure::SloAttained, 1.0, 0.99, 0.97, Verdict::Worse),
        (Measure::SloAttained, 1.0, 0.5, 0.6, Verdict::Better),
        (Measure::GivenUp, 1.0, 0.0, 0.02, Verdict::Worse),
        (Measure::Throughput, 5.0, 100.0, 94.0, Verdict::Worse),
        (Measure::Throughput, 5.0, 100.0, 106.0, Verdict::Better),
        (Measure::BypassMax, 5.0, 0.0, 1.0, Verdict::Worse),
    ] {
        let found = verdict(measure, margin, &[(holds, candidate)]);
        assert_eq!(found, wanted, "{} {holds} {candidate}", measure.as_str());
    }
}

#[test]
fn one_odd_seed_decides_nothing_and_half_of_them_do_not_either() {
    let (same, worse) = ((100.0, 100.0), (100.0, 900.0));
    let of = |pairs: &[(f64, f64)]| verdict(Measure::WaitP99, 5.0, pairs);
    assert_eq!(of(&[same, same, worse]), Verdict::NoWorse);
    assert_eq!(of(&[same, worse]), Verdict::NoWorse);
    assert_eq!(of(&[same, worse, worse]), Verdict::Worse);
}

#[test]
fn figures_are_medians_and_the_difference_is_that_of_pairs() {
    let pairs = [(10.0, 40.0), (20.0, 30.0), (90.0, 91.0)].map(|(a, b)| (Some(a), Some(b)));
    let Judged {
        holds,
        candidate,
        difference,
        ..
    } = judge(&question(Measure::WaitMean, 5.0), &pairs);
    assert_eq!(
        (holds, candidate, difference),
        (Some(20.0), Some(40.0), Some(10.0))
    );
}

#[test]
fn who_serves_nothing_is_the_worse_one() {
    let of = |pair: Pair| judge(&question(Measure::WaitP99, 5.0), &[pair, pair, pair]).verdict;
    assert_eq!(of((Some(1.0), None)), Verdict::Worse);
    assert_eq!(of((None, Some(1.0))), Verdict::Better);
    assert_eq!(of((None, None)), Verdict::NoTasks);
    assert_eq!(
        judge(&question(Measure::WaitP99, 5.0), &[]).verdict,
        Verdict::NoTasks
    );
}

fn measure() -> impl Strategy<Value = Measure> {
    (0..Measure::ALL.len()).prop_map(|at| Measure::ALL[at])
}

fn figure() -> impl Strategy<Value = Option<f64>> {
    prop::option::weighted(0.9, 0.0..1_000.0)
}

fn pairs() -> impl Strategy<Value = Vec<Pair>> {
    prop::collection::vec((figure(), figure()), 0..9)
}

proptest! {
    #[test]
    fn a_policy_is_never_worse_than_itself(measure in measure(), margin in 0.0..50.0, figures in prop::collection::vec(figure(), 0..9)) {
        let pairs: Vec<Pair> = figures.iter().map(|figure| (*figure, *figure)).collect();
        let verdict = judge(&question(measure, margin), &pairs).verdict;
        prop_assert!(matches!(verdict, Verdict::NoWorse | Verdict::NoTasks), "{:?}", verdict);
    }

    #[test]
    fn a_larger_margin_and_a_better_candidate_never_make_it_worse(
        measure in measure(),
        (margin, more) in (0.0..50.0, 0.0..50.0),
        pairs in pairs(),
        gain in 0.0..500.0_f64,
    ) {
        let before = judge(&question(measure, margin), &pairs).verdict;
        prop_assume!(before != Verdict::Worse);
        let wider = judge(&question(measure, margin + more), &pairs).verdict;
        prop_assert_ne!(wider, Verdict::Worse);
        let gain = if measure.is_better_high() { gain } else { -gain };
        let better: Vec<Pair> = pairs.iter().map(|(a, b)| (*a, b.map(|b| b + gain))).collect();
        prop_assert_ne!(judge(&question(measure, margin), &better).verdict, Verdict::Worse);
    }

    #[test]
    fn worse_the_one_way_is_better_the_other_way_without_a_margin(measure in measure(), pairs in pairs()) {
        let turned: Vec<Pair> = pairs.iter().map(|(a, b)| (*b, *a)).collect();
        let of = |pairs: &[Pair]| judge(&question(measure, 0.0), pairs).verdict;
        let mirrored = match of(&turned) {
            Verdict::Better => Verdict::Worse,
            Verdict::Worse => Verdict::Better,
            same => same,
        };
        prop_assert_eq!(of(&pairs), mirrored);
    }

    #[test]
    fn the_order_of_seeds_does_not_matter(measure in measure(), pairs in pairs()) {
        let turned: Vec<Pair> = pairs.iter().rev().copied().collect();
        let question = question(measure, 5.0);
        prop_assert_eq!(judge(&question, &pairs), judge(&question, &turned));
    }
}
