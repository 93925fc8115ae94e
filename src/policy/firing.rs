//! Which firings of a schedule are due, and when the next one is.

use super::Cron;
use crate::task::EpochMs;

/// A firing that comes later than this, in ms, was missed: longer than the server and a coordinator take to start again.
pub const LATE_MS: u64 = 60_000;
/// Missed firings that are made up for at once, the latest ones.
pub const MISSED_MAX: usize = 100;
/// Firings that are gone through one by one. After that many the older ones are passed over.
const STEPS_MAX: usize = 20_000;
/// How far back is looked then, in ms: an hour, which has no more than [`MISSED_MAX`] minutes.
const PASSED_OVER_TO_MS: i64 = 3_600_000;

/// What becomes of firings that nobody was there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missed {
    /// They are left out.
    Skip,
    /// The latest one is made up for.
    Once,
    /// All of them are, up to [`MISSED_MAX`].
    All,
}

impl Missed {
    /// Every word.
    pub const ALL: [Missed; 3] = [Missed::Skip, Missed::Once, Missed::All];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Missed::Skip => "skip",
            Missed::Once => "once",
            Missed::All => "all",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Missed> {
        Missed::ALL.into_iter().find(|missed| missed.as_str() == text)
    }
}

/// What is to be done now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Firings {
    /// Those that run now, oldest first.
    pub run: Vec<EpochMs>,
    /// Those that were missed and are left out.
    pub left_out: usize,
    /// The next one; none where there is none any more.
    pub next: Option<EpochMs>,
}

/// Decides at `now` for a schedule whose firing of `at` has come and is the first that nobody has dealt with. Two that
/// decide at different times may differ in what counts as missed; a firing they agree on is the same one.
#[must_use]
pub fn firings(cron: &Cron, missed: Missed, at: EpochMs, now: EpochMs) -> Firings {
    // The server's clock says that it has come.
    let now = now.max(at);
    let due = due(cron, at, now);
    let is_on_time = |at: &EpochMs| now.since(*at) <= LATE_MS;
    let run = match missed {
        Missed::Skip => due.iter().copied().filter(is_on_time).collect(),
        Missed::Once => due.last().copied().into_iter().collect(),
        Missed::All => due[due.len().saturating_sub(MISSED_MAX)..].to_vec(),
    };
    Firings {
        left_out: due.len() - run.len(),
        run,
        next: cron.next(now),
    }
}

/// All from `at` up to `now`, oldest first.
fn due(cron: &Cron, at: EpochMs, now: EpochMs) -> Vec<EpochMs> {
    let from = |first: Option<EpochMs>| {
        let all = std::iter::successors(first, |last| cron.next(*last));
        all.take_while(|at| *at <= now)
            .take(STEPS_MAX)
            .collect::<Vec<_>>()
    };
    let due = from(Some(at));
    match due.len() {
        STEPS_MAX => from(cron.next(EpochMs(now.0.saturating_sub(PASSED_OVER_TO_MS)))),
        _ => due,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MINUTE_MS: i64 = 60_000;
    /// A full hour.
    const NOON: EpochMs = EpochMs(1_795_435_200_000);

    fn minutes(of: i64) -> EpochMs {
        EpochMs(NOON.0 + of * MINUTE_MS)
    }

    fn every(expression: &str) -> Cron {
        Cron::new(expression, "UTC").unwrap()
    }

    #[test]
    fn a_firing_that_is_due_runs_whatever_the_policy() {
        for missed in Missed::ALL {
            let decided = firings(&every("0 * * * *"), missed, NOON, EpochMs(NOON.0 + 300));
            let expected = Firings {
                run: vec![NOON],
                left_out: 0,
                next: Some(minutes(60)),
            };
            assert_eq!(decided, expected, "{missed:?}");
        }
    }

    #[test]
    fn what_was_missed_is_made_up_for_as_the_policy_says() {
        let hourly = every("0 * * * *");
        let now = minutes(150);
        let run = |missed| {
            let decided = firings(&hourly, missed, NOON, now);
            assert_eq!(decided.next, Some(minutes(180)), "{missed:?}");
            (decided.run, decided.left_out)
        };
        assert_eq!(run(Missed::Skip), (vec![], 3));
        assert_eq!(run(Missed::Once), (vec![minutes(120)], 2));
        assert_eq!(run(Missed::All), (vec![NOON, minutes(60), minutes(120)], 0));
    }

    #[test]
    fn no_outage_makes_more_than_a_bounded_number_run() {
        let minutely = every("* * * * *");
        for back in [300, 60 * 24 * 400] {
            let decided = firings(&minutely, Missed::All, minutes(-back), NOON);
            assert!(decided.run.len() <= MISSED_MAX, "{back}: {}", decided.run.len());
            assert_eq!(decided.run.last(), Some(&NOON), "{back}");
        }
        let decided = firings(&minutely, Missed::Skip, minutes(-300), EpochMs(NOON.0 + 1));
        assert_eq!(decided.run, [NOON]);
    }

    #[test]
    fn a_firing_that_the_server_says_has_come_runs_by_a_clock_that_is_behind_too() {
        let decided = firings(&every("0 * * * *"), Missed::Skip, NOON, EpochMs(NOON.0 - 5));
        assert_eq!((decided.run, decided.next), (vec![NOON], Some(minutes(60))));
    }

    proptest! {
        #[test]
        fn every_firing_is_decided_on_once(
            step in 1_i64..30,
            gaps in prop::collection::vec(0_i64..40 * 60_000, 1..20),
        ) {
            // Coordinators decide at whatever times; together they run each firing once, in order.
            let cron = every(&format!("*/{step} * * * *"));
            let (mut now, mut run) = (NOON, Vec::new());
            let mut next = NOON;
            for gap in gaps {
                now = EpochMs(now.0 + gap);
                if next <= now {
                    let decided = firings(&cron, Missed::All, next, now);
                    run.extend(decided.run);
                    next = decided.next.unwrap();
                }
            }
            let expected: Vec<EpochMs> = std::iter::successors(Some(NOON), |last| cron.next(*last))
                .take_while(|at| *at <= now)
                .collect();
            prop_assert_eq!(run, expected);
        }
    }
}
