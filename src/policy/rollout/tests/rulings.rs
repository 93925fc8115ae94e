//! What is ruled, case by case.

use expect_test::expect;

use super::super::{Evidence, Ground, Harm, Judgement, Missing, Plan, Ruling, Share, Stage, Tally, judge};
use crate::task::ClassName;

fn name(text: &str) -> ClassName {
    ClassName::new(text).unwrap()
}

/// `ended` tasks of class `a`, so many of which failed, that waited for 10 ms.
fn ended(ended: u64, failed: u64) -> Tally {
    let mut tally = Tally {
        ended,
        failed,
        ..Tally::default()
    };
    tally.waits.add(27, ended);
    tally
}

fn evidence(tally: &Tally) -> Evidence {
    Evidence {
        classes: [(name("a"), tally.clone())].into(),
    }
}

fn plan() -> Plan {
    Plan {
        classes: [(name("a"), Some(1_000))].into(),
        ..Plan::new(&[])
    }
}

/// The same every second, until something is ruled or the time is over; when, and what.
fn judged(stage: &mut Stage, stable: &Tally, canary: &Tally, seconds: u64) -> (u64, Judgement) {
    let (stable, canary) = (evidence(stable), evidence(canary));
    let mut at = 0;
    loop {
        at += 1;
        let judgement = judge(&plan(), stage, &stable, &canary, at * 1_000);
        if at == seconds || !matches!(judgement.ruling, Ruling::Hold { .. }) {
            return (at, judgement);
        }
    }
}

fn missing(judgement: &Judgement) -> &[Missing] {
    match &judgement.ruling {
        Ruling::Hold { missing } => missing,
        other => panic!("{other}"),
    }
}

#[test]
fn alike_tracks_are_promoted_after_the_shortest_time() {
    let (at, judgement) = judged(&mut Stage::new(0), &ended(180, 0), &ended(20, 0), 100);
    assert_eq!(at, 60);
    let to = Share::new(2_500);
    assert_eq!(
        judgement.ruling,
        Ruling::Promote {
            to,
            ground: Ground::Shown
        }
    );
    expect!["promote to 25 %: the canary is shown to be no worse"].assert_eq(&judgement.to_string());
}

#[test]
fn too_few_tasks_hold_for_any_time_and_say_what_is_missing() {
    let mut stage = Stage::new(0);
    let stable = evidence(&ended(1, 0));
    for second in 1..=2_000 {
        let canary = if second % 50 == 0 {
            evidence(&ended(1, 0))
        } else {
            Evidence::default()
        };
        let judgement = judge(&plan(), &mut stage, &stable, &canary, second * 1_000);
        let is_told = missing(&judgement)
            .iter()
            .any(|missing| matches!(missing, Missing::CanaryTasks { .. }));
        assert!(is_told, "{judgement}");
    }
    assert_eq!(stage.ended(), [2_000, 40]);
}

#[test]
fn a_hold_says_what_it_waits_for() {
    let (_, judgement) = judged(&mut Stage::new(0), &ended(90, 1), &ended(10, 0), 7);
    expect!["hold: 53000 ms of the stage are left; 70 of 500 canary tasks have ended; failures: 0.00 % of 70 canary tasks, 1.11 % of 630 stable ones; that may be 8.18 points more, and must be under 1.00; long waits: 0.00 % of 20 canary tasks, 0.00 % of 180 stable ones; that may be 52.57 points more, and must be under 0.50"]
        .assert_eq(&judgement.to_string());
}

#[test]
fn a_canary_that_fails_is_rolled_back_with_the_numbers() {
    let (at, judgement) = judged(&mut Stage::new(0), &ended(90, 1), &ended(10, 5), 100);
    assert!(at <= 10, "{at}");
    expect!["roll back: failures: 50.00 % of 60 canary tasks, 1.11 % of 540 stable ones; p = 9.5e-4, and 2.8e-3 is enough"]
        .assert_eq(&judgement.to_string());
}

#[test]
fn when_all_fail_on_both_tracks_the_canary_is_no_worse() {
    let (at, judgement) = judged(&mut Stage::new(1), &ended(90, 90), &ended(10, 10), 1_000);
    assert!(
        matches!(judgement.ruling, Ruling::Promote { .. }),
        "{at} {judgement}"
    );
}

#[test]
fn without_a_stable_task_nothing_is_compared() {
    let (_, judgement) = judged(&mut Stage::new(2), &ended(0, 0), &ended(100, 3), 1_000);
    assert!(missing(&judgement).contains(&Missing::StableTasks), "{judgement}");
}

#[test]
fn what_cannot_be_proved_is_promoted_when_the_time_is_up() {
    // One of ten fails on both tracks: too many for a proof with so few tasks.
    let mut stage = Stage::new(0);
    let (stable, canary) = (ended(20, 2), ended(2, 0));
    let last = (1..=600).find_map(|second| {
        let canary = if second % 5 == 0 {
            ended(2, 1)
        } else {
            canary.clone()
        };
        let judgement = judge(
            &plan(),
            &mut stage,
            &evidence(&stable),
            &evidence(&canary),
            second * 1_000,
        );
        (!matches!(judgement.ruling, Ruling::Hold { .. })).then_some((second, judgement))
    });
    let (second, judgement) = last.unwrap();
    assert_eq!(second, 600);
    expect!["promote to 25 %: nothing speaks against the canary, and the time is up"]
        .assert_eq(&judgement.to_string());
}

#[test]
fn what_looks_worse_is_not_promoted_for_its_age() {
    // 7 % instead of 5 %, of two tasks per second: neither proved.
    let mut stage = Stage::new(0);
    for second in 1..=700 {
        let canary = ended(2, u64::from(second % 7 == 0));
        let stable = ended(20, 1);
        let judgement = judge(
            &plan(),
            &mut stage,
            &evidence(&stable),
            &evidence(&canary),
            second * 1_000,
        );
        if second >= 600 {
            let doubts = missing(&judgement)
                .iter()
                .filter(|missing| matches!(missing, Missing::Doubt(_)));
            assert!(doubts.count() > 0, "{second} {judgement}");
        }
    }
}

#[test]
fn the_last_stage_ends_by_its_time() {
    let (at, judgement) = judged(&mut Stage::new(3), &ended(0, 0), &ended(100, 1), 100);
    assert_eq!(
        (at, &judgement.ruling),
        (
            60,
            &Ruling::Promote {
                to: None,
                ground: Ground::Unwatched
            }
        )
    );
    expect!["done: the canary has all tasks, with nothing to compare it with"]
        .assert_eq(&judgement.to_string());
}

/// A canary track whose oldest task has waited since the stage began.
fn oldest(canary: &Tally, seconds: u64) -> (u64, Judgement) {
    let mut stage = Stage::new(0);
    let mut at = 0;
    loop {
        at += 1;
        let canary = Tally {
            waiting: 10,
            longest_ms: at * 1_000,
            ..canary.clone()
        };
        let judgement = judge(
            &plan(),
            &mut stage,
            &evidence(&ended(90, 0)),
            &evidence(&canary),
            at * 1_000,
        );
        if at == seconds || !matches!(judgement.ruling, Ruling::Hold { .. }) {
            return (at, judgement);
        }
    }
}

#[test]
fn a_class_of_which_nothing_starts_is_starved() {
    let (at, judgement) = oldest(&ended(0, 0), 100);
    assert!((5..=10).contains(&at), "{at}");
    expect!["roll back: a task of a has waited 8000 ms on the canary track; 1000 ms would be all right, and the longest on the stable track is 10 ms"]
        .assert_eq(&judgement.to_string());
}

#[test]
fn one_task_that_is_late_holds_and_one_that_is_forgotten_rolls_back() {
    let late = oldest(&ended(10, 0), 9).1;
    let turn = Missing::Turn {
        class: name("a"),
        longest_ms: 9_000,
    };
    assert!(missing(&late).contains(&turn), "{late}");
    let (at, forgotten) = oldest(&ended(10, 0), 100);
    assert!((11..=16).contains(&at), "{at}");
    assert!(matches!(forgotten.ruling, Ruling::RollBack(Harm::Starved { .. })));
}

#[test]
fn a_stage_knows_how_long_the_stable_track_had_to_wait_before_it() {
    let busy = Tally {
        waiting: 1,
        longest_ms: 30_000,
        ..ended(180, 0)
    };
    let mut first = Stage::new(0);
    judged(&mut first, &busy, &ended(20, 0), 10);
    let waiting = Tally {
        waiting: 1,
        longest_ms: 60_000,
        ..ended(20, 0)
    };
    for (mut stage, is_back) in [(first.next(), false), (Stage::new(1), true)] {
        assert_eq!(stage.index(), 1);
        let (_, judgement) = judged(&mut stage, &ended(180, 0), &waiting, 30);
        assert_eq!(
            matches!(judgement.ruling, Ruling::RollBack(_)),
            is_back,
            "{judgement}"
        );
    }
}

#[test]
fn the_levels_of_all_comparisons_add_up_to_alpha() {
    let classes = ["a", "b", "c"].map(|class| (name(class), None));
    let plan = Plan {
        classes: classes.into(),
        ..Plan::new(&[])
    };
    let all = Evidence {
        classes: ["a", "b", "c"].map(|class| (name(class), ended(10, 0))).into(),
    };
    let stages = (0..3).map(|index| judge(&plan, &mut Stage::new(index), &all, &all, 1_000));
    let levels = stages
        .flat_map(|judgement| judgement.findings)
        .map(|finding| finding.level);
    assert!((levels.sum::<f64>() - plan.alpha).abs() < 1e-12);
}
