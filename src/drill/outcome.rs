//! What a drill says, and whether that is good.

use serde::Serialize;

use super::checker::{Findings, Observed};
use super::fleet::Blows;

/// The fewest processes that have to die, and how many of them between two writes, for a run to count.
const DEATHS_MIN: u32 = 10;
const FAILPOINTS_MIN: u32 = 3;
const FREEZES_MIN: u32 = 2;

/// The figures of one run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// Tasks whose acceptance was confirmed.
    pub accepted: u64,
    /// Those of them that have ended.
    pub terminal: u64,
    /// Those that have not.
    pub lost: u64,
    /// Tasks with a record that nobody submitted.
    pub invented: u64,
    /// Second records and second dead letters.
    pub duplicates_visible: u64,
    /// What the mesh mended by itself, by its own word.
    pub repairs: u64,
    /// Messages that were answered on a later delivery than the first.
    pub redeliveries: u64,
    /// What made the plan.
    pub seed: u64,
    /// Processes that this drill killed.
    pub kills: u32,
    /// Processes that ended between two writes.
    pub failpoints: u32,
    /// Workers that were frozen for longer than their tasks wait, and woke up again.
    pub freezes: u32,
    /// Workers that a task took down.
    pub crashes: u32,
    /// Messages left in lanes and timers after everything had ended.
    pub left: u64,
    /// How long it took, in ms.
    pub took_ms: u64,
}

impl Outcome {
    pub(super) fn new(
        seed: u64,
        accepted: usize,
        found: Findings,
        observed: &Observed,
        blows: Blows,
    ) -> Self {
        Self {
            accepted: accepted as u64,
            terminal: found.terminal,
            lost: found.lost,
            invented: found.invented,
            duplicates_visible: found.duplicates_visible,
            repairs: observed.repairs,
            redeliveries: 0,
            seed,
            kills: blows.kills,
            failpoints: blows.failpoints,
            freezes: blows.freezes,
            crashes: blows.crashes,
            left: observed.left,
            took_ms: 0,
        }
    }

    /// Why the run failed; none when it did not. One in which too little happened proves nothing, and failed too.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut fault = |is: bool, what: String| {
            if is {
                faults.push(what);
            }
        };
        fault(self.accepted == 0, "no task was accepted".to_owned());
        fault(self.lost > 0, format!("{} accepted tasks have no end", self.lost));
        fault(
            self.invented > 0,
            format!("{} tasks ended that nobody submitted", self.invented),
        );
        fault(
            self.duplicates_visible > 0,
            format!("{} second records", self.duplicates_visible),
        );
        fault(self.left > 0, format!("{} messages are left behind", self.left));
        fault(self.redeliveries == 0, "nothing was delivered again".to_owned());
        fault(self.repairs == 0, "nothing had to be mended".to_owned());
        fault(
            self.kills + self.failpoints < DEATHS_MIN || self.failpoints < FAILPOINTS_MIN,
            format!(
                "{} processes were killed and {} ended between two writes; {DEATHS_MIN} in all and \
                 {FAILPOINTS_MIN} between two writes make a run",
                self.kills, self.failpoints
            ),
        );
        fault(
            self.freezes < FREEZES_MIN,
            format!("{} processes were frozen; {FREEZES_MIN} make a run", self.freezes),
        );
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: Outcome = Outcome {
        accepted: 10,
        terminal: 10,
        lost: 0,
        invented: 0,
        duplicates_visible: 0,
        repairs: 1,
        redeliveries: 1,
        seed: 1,
        kills: 7,
        failpoints: 3,
        freezes: 2,
        crashes: 0,
        left: 0,
        took_ms: 1,
    };

    #[test]
    fn a_run_counts_that_was_hit_hard_enough_and_lost_nothing() {
        assert_eq!(GOOD.faults(), Vec::<String>::new());
    }

    #[test]
    fn a_run_fails_for_what_is_wrong_and_for_what_did_not_happen() {
        let bad = [
            Outcome { accepted: 0, ..GOOD },
            Outcome { lost: 1, ..GOOD },
            Outcome { invented: 1, ..GOOD },
            Outcome {
                duplicates_visible: 1,
                ..GOOD
            },
            Outcome { left: 1, ..GOOD },
            Outcome {
                redeliveries: 0,
                ..GOOD
            },
            Outcome { repairs: 0, ..GOOD },
            Outcome { kills: 6, ..GOOD },
            Outcome {
                failpoints: 2,
                kills: 20,
                ..GOOD
            },
            Outcome { freezes: 1, ..GOOD },
        ];
        for outcome in bad {
            assert_eq!(outcome.faults().len(), 1, "{outcome:?}");
        }
    }
}
