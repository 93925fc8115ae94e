//! A candidate that is asked and not obeyed.

use proptest::prelude::*;

use super::random::{fill, setup};
use super::stage::{Setup, World};
use crate::scheduler::facts::ClassId;
use crate::scheduler::intake::Intake;
use crate::scheduler::rules::{Between, ClassTerms, MlfqRules, Rules};
use crate::scheduler::shadow::{Candidate, Picks};

/// From when on it is asked: the rounds are in full swing.
const FROM_MS: u64 = 300;

fn terms(of: &Setup) -> Vec<ClassTerms> {
    of.classes.iter().map(|class| class.terms).collect()
}

/// Plays a world out, with a candidate that is asked from some time on or without one; when each task ended, and how
/// often the candidate said otherwise.
fn play(setup: &Setup, candidate: Option<Candidate>) -> (Vec<Option<u64>>, u64) {
    let mut world = World::new(setup.clone());
    let bound_us = fill(&mut world, setup);
    world.run_until_ms(FROM_MS);
    for worker in &mut world.workers {
        worker.intake.watch(candidate.clone());
    }
    world.run_while(|w| !w.is_done() && w.now_us <= bound_us);
    assert!(world.is_done(), "{setup:?}");
    let picks = world.workers.iter().filter_map(|worker| worker.intake.shadowed());
    let otherwise = picks.map(|picks| picks.otherwise).sum();
    (
        world.tasks.iter().map(|task| task.finished_us).collect(),
        otherwise,
    )
}

fn candidate(rules: Rules, terms: Vec<ClassTerms>) -> Candidate {
    Candidate {
        mark: [2, 1],
        rules,
        terms,
    }
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
        let (_, otherwise) = play(&setup, Some(candidate(rules, terms(&setup))));
        prop_assert_eq!(otherwise, 0, "{:?}", rules.between);
    }

    #[test]
    fn asking_changes_nothing(seed in any::<u64>(), rule in 0..5_usize, other in 0..5_usize) {
        let setup = Setup { rules: under(every_rule()[rule]), sweep_us: Some(250_000), ..setup(seed) };
        let (without, _) = play(&setup, None);
        let asked = candidate(under(every_rule()[other]), terms(&setup));
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

fn asked(world: &mut World, rules: Rules, terms: Vec<ClassTerms>, until_ms: u64) -> Picks {
    world.workers[0].intake.watch(Some(candidate(rules, terms)));
    world.run_until_ms(until_ms);
    world.workers[0].intake.shadowed().expect("it is asked").clone()
}

fn all(picks: &Picks) -> u64 {
    picks.classes.values().map(|[has, _]| has).sum()
}

#[test]
fn other_shares_are_told_as_what_each_class_would_have_had() {
    let (_, mut world) = two();
    let terms = vec![ClassTerms::new(3.0, 1), ClassTerms::new(1.0, 1)];
    let picks = asked(&mut world, Rules::default(), terms, 5_000);
    let part = |at: usize| picks.classes[&ClassId(0)][at] as f64 / all(&picks) as f64;
    assert!(all(&picks) > 1_000, "{picks:?}");
    assert!((part(0) - 0.5).abs() < 0.02, "{picks:?}");
    assert!((part(1) - 0.75).abs() < 0.02, "{picks:?}");
}

#[test]
fn an_order_that_lets_one_class_go_first_says_so_at_every_pick() {
    let (_, mut world) = two();
    let terms = vec![ClassTerms::new(1.0, 2), ClassTerms::new(1.0, 1)];
    let picks = asked(&mut world, under(Between::Strict { floor: 0.0 }), terms, 3_000);
    let [first, second] = [ClassId(0), ClassId(1)];
    // Of the other queue nothing is known until the first slots were given out.
    let unseen = picks.classes[&first][1];
    assert!(unseen <= 4 && picks.otherwise > 300, "{picks:?}");
    assert_eq!(
        picks.pairs.keys().collect::<Vec<_>>(),
        [&(first, second)],
        "{picks:?}"
    );
    assert_eq!(picks.pairs[&(first, second)], picks.otherwise);
}

#[test]
fn what_was_seen_is_forgotten_with_the_policy_it_was_seen_beside() {
    let (setup, mut world) = two();
    let strict = candidate(under(Between::Strict { floor: 0.0 }), terms(&setup));
    let before = asked(&mut world, strict.rules, strict.terms.clone(), 1_000);
    let intake = &mut world.workers[0].intake;
    let count = |intake: &Intake| intake.shadowed().map(all);
    intake.watch(Some(strict.clone()));
    assert_eq!(count(intake), Some(all(&before)), "the same one goes on");
    let later = Candidate {
        mark: [3, 1],
        ..strict.clone()
    };
    intake.watch(Some(later));
    assert_eq!(count(intake), Some(0), "the same rules under another number");
    intake.reform(under(Between::Fifo), &terms(&setup));
    assert_eq!(count(intake), None);
    intake.watch(Some(strict));
    assert_eq!(count(intake), Some(0));
    intake.watch(None);
    assert_eq!(count(intake), None);
}
