//! The ladder: what asks for which level, and that it does not flap.

use proptest::prelude::*;

use super::ladder::*;
use super::rules::*;
use crate::task::EpochMs;

const RULES: OverloadRules = OverloadRules {
    wait_s: [10, 20, 100],
    full: [0.5, 0.7, 0.9],
    retry_full: 0.2,
    storage_bytes: None,
    leave_at: 0.5,
    depth_min: 10,
    hold_ms: 1_000,
    no_workers: Level::RejectLower,
    archive_drain_per_s: 1,
    infeasible: OnInfeasible::Certain,
};

/// A backlog that lasts for so many seconds.
fn backlog(wait_s: f64) -> Pressure {
    Pressure {
        waiting: (wait_s * 100.0) as u64,
        drain_per_s: Some(100.0),
        ..Pressure::default()
    }
}

fn at(level: Level) -> Standing {
    Standing {
        level,
        ..Standing::calm(EpochMs(0))
    }
}

/// Where the ladder ends up if nothing changes any more, and by which levels.
fn settles(rules: &OverloadRules, from: Level, seen: &Pressure) -> Vec<u8> {
    let mut standing = at(from);
    let mut levels = vec![from.number()];
    for second in 1..=10 {
        let next = step(rules, standing, seen, EpochMs(second * 1_000));
        if next.level != standing.level {
            levels.push(next.level.number());
        }
        standing = next;
    }
    levels
}

#[test]
fn each_sign_asks_for_its_level_one_step_at_a_time() {
    let with = |change: fn(&mut Pressure)| {
        let mut seen = Pressure::default();
        change(&mut seen);
        seen
    };
    let few = with(|p| (p.waiting, p.drain_per_s, p.oldest_ms) = (9, Some(0.01), 900_000));
    let old = with(|p| (p.waiting, p.oldest_ms) = (50, 20_000));
    let idle = with(|p| p.workers = Workers::Gone);
    let alone = with(|p| (p.waiting, p.workers) = (1, Workers::Gone));
    let room = with(|p| (p.archive_full, p.is_archive_in_use) = (0.89, true));
    let table: [(&str, Pressure, &[u8]); 14] = [
        ("nothing", Pressure::default(), &[0]),
        ("below the first threshold", backlog(9.9), &[0]),
        ("level 1", backlog(10.0), &[0, 1]),
        ("level 2", backlog(20.0), &[0, 1, 2]),
        ("level 3", backlog(100.0), &[0, 1, 2, 3]),
        ("a long wait of few", few, &[0]),
        ("an age, and no rate known", old, &[0, 1, 2]),
        ("a lane", with(|p| p.lane_full = 0.7), &[0, 1, 2]),
        ("the archive", with(|p| p.archive_full = 0.9), &[0, 1, 2, 3]),
        ("an archive that has room", room, &[0]),
        ("retries over a fifth", with(|p| p.retry_full = 0.2), &[0, 1, 2]),
        (
            "retries never shut normal",
            with(|p| p.retry_full = 1.0),
            &[0, 1, 2],
        ),
        ("no worker and something to do", alone, &[0, 1]),
        ("no worker and nothing to do", idle, &[0]),
    ];
    for (what, seen, levels) in table {
        assert_eq!(settles(&RULES, Level::Calm, &seen), levels, "{what}");
    }
}

#[test]
fn the_storage_is_full_of_retries_until_they_take_well_less_of_it() {
    for (before, part, after) in [
        (false, 0.19, false),
        (false, 0.2, true),
        (true, 0.19, true),
        (true, 0.1, true),
        (true, 0.09, false),
    ] {
        let seen = Pressure {
            retry_full: part,
            ..Pressure::default()
        };
        assert_eq!(is_retry_full(&RULES, before, &seen), after, "{before} {part}");
    }
}

#[test]
fn a_level_is_left_below_its_own_lower_threshold() {
    for (wait_s, from, levels) in [
        (50.0, Level::CoreOnly, &[3][..]),
        (49.0, Level::CoreOnly, &[3, 2]),
        (10.0, Level::CoreOnly, &[3, 2]),
        (9.9, Level::CoreOnly, &[3, 2, 1]),
        (5.0, Level::Archive, &[2, 1]),
        (4.9, Level::Archive, &[2, 1, 0]),
        (4.9, Level::RejectLower, &[1, 0]),
    ] {
        assert_eq!(
            settles(&RULES, from, &backlog(wait_s)),
            levels,
            "{wait_s} from {from}"
        );
    }
    let few = Pressure {
        waiting: 4,
        oldest_ms: 900_000,
        ..Pressure::default()
    };
    assert_eq!(settles(&RULES, Level::Archive, &few), [2, 1, 0]);
}

#[test]
fn level_2_stays_while_something_lies_aside_and_level_3_does_not_for_that() {
    let aside = Pressure {
        is_archive_in_use: true,
        ..Pressure::default()
    };
    assert_eq!(settles(&RULES, Level::CoreOnly, &aside), [3, 2]);
    let stays = step(&RULES, at(Level::CoreOnly), &aside, EpochMs(1_000));
    assert_eq!(stays.cause, Cause::Aside);
    assert_eq!(settles(&RULES, Level::RejectLower, &aside), [1, 0]);
}

#[test]
fn a_level_stays_for_its_least_time() {
    let (much, nothing) = (backlog(1_000.0), Pressure::default());
    let calm = at(Level::Calm);
    assert_eq!(step(&RULES, calm, &much, EpochMs(999)), calm);
    let first = step(&RULES, calm, &much, EpochMs(1_000));
    assert_eq!((first.level, first.since), (Level::RejectLower, EpochMs(1_000)));
    assert_eq!(first.cause, Cause::Backlog);
    assert_eq!(step(&RULES, first, &much, EpochMs(1_999)), first);
    assert_eq!(step(&RULES, first, &nothing, EpochMs(1_999)), first);
    assert_eq!(step(&RULES, first, &much, EpochMs(2_000)).level, Level::Archive);
    assert_eq!(step(&RULES, first, &nothing, EpochMs(2_000)).level, Level::Calm);
}

#[test]
fn a_cause_reads_back_from_its_word() {
    for cause in Cause::ALL {
        assert_eq!(cause.as_str().parse(), Ok(cause));
    }
    assert!("sang".parse::<Cause>().is_err());
}

proptest! {
    /// Whatever swings between the threshold at which a level is left and that of the next one changes nothing.
    #[test]
    fn what_swings_within_the_band_changes_nothing(
        level in 0_usize..4,
        parts in prop::collection::vec(0.0_f64..1.0, 1..200),
    ) {
        let level = Level::ALL[level];
        let (low, high) = match level {
            Level::Calm => (0.0, 9.99),
            Level::RejectLower => (5.0, 19.99),
            Level::Archive => (10.0, 99.99),
            Level::CoreOnly => (50.0, 1_000.0),
        };
        let mut standing = at(level);
        for (n, part) in (1_i64..).zip(parts) {
            // Rounded up, so that the lower end is not left by a task.
            let mut seen = backlog(low + (high - low) * part);
            seen.waiting = seen.waiting.max((low * 100.0) as u64);
            let next = step(&RULES, standing, &seen, EpochMs(n * 5_000));
            prop_assert_eq!(next, standing);
            standing = next;
        }
    }

    /// One rise and one fall: each level is entered and left once.
    #[test]
    fn one_rise_and_fall_goes_up_and_down_once(
        peak in 0.0_f64..400.0,
        rise in 1_u32..400,
        fall in 1_u32..400,
        tick_ms in 100_i64..3_000,
        aside in any::<bool>(),
    ) {
        let mut standing = Standing::calm(EpochMs(0));
        let mut levels = vec![0];
        let mut now = 0;
        let up = (0..=rise).map(|n| peak * f64::from(n) / f64::from(rise));
        let down = (0..fall).rev().map(|n| peak * f64::from(n) / f64::from(fall));
        let rest = std::iter::repeat_n(0.0, 200);
        let mut top = Level::Calm;
        for (wait_s, falling) in up.map(|w| (w, false)).chain(down.chain(rest).map(|w| (w, true))) {
            now += tick_ms;
            let mut seen = backlog(wait_s);
            seen.is_archive_in_use = aside && top >= Level::Archive && wait_s > 0.0 && falling;
            let next = step(&RULES, standing, &seen, EpochMs(now));
            prop_assert!(next.level <= standing.level.up() && next.level >= standing.level.down());
            if next.level != standing.level {
                prop_assert!(now - standing.since.0 >= 1_000);
                levels.push(i32::from(next.level.number()));
            }
            top = top.max(next.level);
            standing = next;
        }
        let most = *levels.iter().max().unwrap();
        let once: Vec<i32> = (0..=most).chain((0..most).rev()).collect();
        prop_assert_eq!(levels, once);
    }

    /// What asks for a level asks for all below it.
    #[test]
    fn worse_signs_never_ask_for_less(
        waiting in 0_u64..100_000, more in 0_u64..100_000, drain in 1.0_f64..500.0,
        full in 0.0_f64..1.0, retries in 0.0_f64..1.0, from in 0_usize..4,
    ) {
        let seen = Pressure {
            waiting, drain_per_s: Some(drain), lane_full: full / 2.0, archive_full: full, retry_full: retries,
            ..Pressure::default()
        };
        let worse = Pressure { waiting: waiting + more, ..seen };
        let from = Level::ALL[from];
        let (better, worse) = (settles(&RULES, from, &seen), settles(&RULES, from, &worse));
        prop_assert!(better.last() <= worse.last());
    }
}
