//! A candidate that is asked and not obeyed.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::random::{fill, setup};
use super::stage::{Setup, World};
use crate::scheduler::facts::ClassId;
use crate::scheduler::rules::{Between, ClassTerms, MlfqRules, Rules};
use crate::scheduler::shadow::Picks;

/// From when on it is asked: the rounds are in full swing.
const FROM_MS: u64 = 300;

fn terms(of: &Setup) -> Vec<ClassTerms> {
    of.classes.iter().map(|class| class.terms).collect()
}

/// Plays a world out, with a candidate that is asked from some time on or without one; when each task ended, and what
/// the candidate said.
fn play(setup: &Setup, candidate: Option<(Rules, Vec<ClassTerms>)>) -> (Vec<Option<u64>>, Picks) {
    let mut world = World::new(setup.clone());
    let bound_us = fill(&mut world, setup);
    world.run_until_ms(FROM_MS);
    for worker in &mut world.workers {
        worker.intake.watch(candidate.clone());
    }
    world.run_while(|w| !w.is_done() && w.now_us <= bound_us);
    assert!(world.is_done(), "{setup:?}");
    let mut picks = Picks::new();
    for worker in &world.workers {
        for (pair, count) in worker.intake.shadowed().into_iter().flatten() {
            *picks.entry(*pair).or_default() += count;
        }
    }
    (world.tasks.iter().map(|task| task.finished_us).collect(), picks)
}

fn otherwise(picks: &Picks) -> u64 {
    let other = picks.iter().filter(|((class, instead), _)| class != instead);
    other.map(|(_, count)| count).sum()
}

fn under(between: Between) -> Rules {
    Rules {
        between,
        ..Rules::default()
    }
}

fn every_rule() -> [Between; 5] {
    [
        Between::Weighted,
        Between::Strict { floor: 0.0 },
        Between::Fifo,
        Between::Aging,
        Between::Mlfq(MlfqRules::DEFAULT),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_rule_in_force_asked_beside_itself_never_says_otherwise(seed in any::<u64>(), rule in 0..5_usize) {
        let rules = under(every_rule()[rule]);
        let setup = Setup { rules, sweep_us: Some(250_000), ..setup(seed) };
        let (_, picks) = play(&setup, Some((rules, terms(&setup))));
        prop_assert_eq!(otherwise(&picks), 0, "{:?}: {:?}", rules.between, picks);
    }

    #[test]
    fn asking_changes_nothing(seed in any::<u64>(), rule in 0..5_usize, other in 0..5_usize) {
        let setup = Setup { rules: under(every_rule()[rule]), sweep_us: Some(250_000), ..setup(seed) };
        let (without, _) = play(&setup, None);
        let asked = (under(every_rule()[other]), terms(&setup));
        let (with, _) = play(&setup, Some(asked));
        prop_assert_eq!(without, with);
    }
}

/// Two classes that always have tasks, 1 to 1.
fn two() -> (Setup, World) {
    let setup = Setup::new(vec![4], &[1.0, 1.0], 10.0);
    let mut world = World::new(setup.clone());
    for queue in 0..2 {
        world.publish(0, queue, 4_000, 10_000);
    }
    (setup, world)
}

fn asked(
    world: &mut World,
    rules: Rules,
    terms: Vec<ClassTerms>,
    until_ms: u64,
) -> BTreeMap<(usize, usize), u64> {
    world.workers[0].intake.watch(Some((rules, terms)));
    world.run_until_ms(until_ms);
    let picks = world.workers[0].intake.shadowed().expect("it is asked");
    picks
        .iter()
        .map(|((ClassId(class), ClassId(instead)), count)| ((*class, *instead), *count))
        .collect()
}

#[test]
fn other_shares_are_told_as_what_each_class_would_have_had() {
    let (_, mut world) = two();
    let terms = vec![ClassTerms::new(3.0, 1), ClassTerms::new(1.0, 1)];
    let picks = asked(&mut world, Rules::default(), terms, 5_000);
    let all: u64 = picks.values().sum();
    let of = |is: fn(&(usize, usize)) -> bool| -> f64 {
        let those = picks.iter().filter(|(pair, _)| is(pair));
        those.map(|(_, count)| *count as f64).sum::<f64>() / all as f64
    };
    assert!(all > 1_000, "{picks:?}");
    assert!((of(|pair| pair.0 == 0) - 0.5).abs() < 0.02, "{picks:?}");
    assert!((of(|pair| pair.1 == 0) - 0.75).abs() < 0.02, "{picks:?}");
}

#[test]
fn an_order_that_lets_one_class_go_first_says_so_at_every_pick() {
    let (_, mut world) = two();
    let terms = vec![ClassTerms::new(1.0, 2), ClassTerms::new(1.0, 1)];
    let picks = asked(&mut world, under(Between::Strict { floor: 0.0 }), terms, 3_000);
    // Of the other queue nothing is known until the first slots were given out.
    let first = picks.get(&(0, 0)).copied().unwrap_or(0);
    assert!(first <= 4 && picks[&(0, 1)] > 300, "{picks:?}");
    assert!(!picks.contains_key(&(1, 0)), "{picks:?}");
}

#[test]
fn what_was_seen_is_forgotten_with_the_policy_it_was_seen_beside() {
    let (setup, mut world) = two();
    let strict = under(Between::Strict { floor: 0.0 });
    let before = asked(&mut world, strict, terms(&setup), 1_000);
    let intake = &mut world.workers[0].intake;
    intake.watch(Some((strict, terms(&setup))));
    let count = |intake: &crate::scheduler::intake::Intake| -> u64 {
        intake
            .shadowed()
            .into_iter()
            .flatten()
            .map(|(_, count)| count)
            .sum()
    };
    assert_eq!(
        count(intake),
        before.values().sum::<u64>(),
        "the same one goes on"
    );
    intake.reform(under(Between::Fifo), &terms(&setup));
    intake.watch(Some((strict, terms(&setup))));
    assert_eq!(count(intake), 0);
    intake.watch(None);
    assert_eq!(intake.shadowed(), None);
}
