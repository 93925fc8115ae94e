//! What a drill says, and whether that is good.

use serde::Serialize;

use super::checker::{DEPENDENCY_FAILED, Findings, Lives, Observed, Promise, Run, lost_keys};
use super::fleet::Blows;
use super::plan::TASKS;

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
    /// Messages left in lanes and timers, aside and in the archive after everything had ended.
    pub left: u64,
    /// Executions that began before those had completed that the task waits for, or before its time.
    pub too_early: u64,
    /// Executions under a key beyond its limit, or after the key was lost.
    pub overheld: u64,
    /// Tasks that ended otherwise than those that they waited for demand.
    pub wrong_end: u64,
    /// What was tried, beside tasks that come and end.
    pub happened: Happened,
    /// How long it took, in ms.
    pub took_ms: u64,
}

/// How often what befell tasks. A whole run in which one of these is 0, but for `lost_keys`, proves nothing of it; a
/// shorter one is not sure to have each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Happened {
    /// Tasks that completed after those that they depend on.
    pub dependents: u64,
    /// Those that were queued when others had completed.
    pub released: u64,
    /// Those that were dead because one had not.
    pub dependency_failed: u64,
    /// Those that completed under a key.
    pub keyed: u64,
    /// How often one was queued because its key had a place.
    pub granted: u64,
    /// Executions that were frozen for so long that their key was lost.
    pub lost_keys: u64,
    /// How often one was moved up because one on core waited for it.
    pub inherited: u64,
    /// How often one was moved up because it had waited for long.
    pub lifted: u64,
    /// Tasks that overload put aside, and how often one was put back when there was room.
    pub put_aside: u64,
    /// See `put_aside`.
    pub put_back: u64,
    /// How often one was put into the archive because it ran out of time, and put back by hand.
    pub parked: u64,
    /// See `parked`.
    pub replayed: u64,
    /// Tasks that completed after a time that they were not to start before.
    pub delayed: u64,
}

impl Happened {
    pub(super) fn new(
        promises: &[Promise],
        runs: &[Run],
        lives: &Lives,
        observed: &Observed,
        lease_ms: i64,
    ) -> Self {
        let completed = |which: fn(&Promise) -> bool| {
            let has_completed = |p: &&Promise| {
                let record = observed.records.get(&p.task);
                record.is_some_and(|ended| ended.state == "completed")
            };
            let chosen = promises.iter().filter(|promise| which(promise));
            chosen.filter(has_completed).count() as u64
        };
        let failed = observed.letters.values().filter(|why| *why == DEPENDENCY_FAILED);
        let events = observed.events;
        Self {
            dependents: completed(|promise| !promise.after.is_empty()),
            released: events.released,
            dependency_failed: failed.count() as u64,
            keyed: completed(|promise| promise.key.is_some()),
            granted: events.granted,
            lost_keys: lost_keys(promises, runs, lives, lease_ms),
            inherited: events.inherited,
            lifted: events.lifted,
            put_aside: events.put_aside,
            put_back: events.put_back,
            parked: events.parked,
            replayed: events.replayed,
            delayed: completed(|promise| promise.not_before.is_some()),
        }
    }

    /// Each by its name, but for what a run is not sure to have.
    pub(crate) const fn sure(&self) -> [(&'static str, u64); 12] {
        [
            ("dependents", self.dependents),
            ("released", self.released),
            ("dependency_failed", self.dependency_failed),
            ("keyed", self.keyed),
            ("granted", self.granted),
            ("inherited", self.inherited),
            ("lifted", self.lifted),
            ("put_aside", self.put_aside),
            ("put_back", self.put_back),
            ("parked", self.parked),
            ("replayed", self.replayed),
            ("delayed", self.delayed),
        ]
    }
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
            too_early: 0,
            overheld: 0,
            wrong_end: 0,
            happened: Happened::default(),
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
        fault(
            self.too_early > 0,
            format!("{} executions began too early", self.too_early),
        );
        fault(
            self.overheld > 0,
            format!("{} executions under a key beyond its limit", self.overheld),
        );
        fault(
            self.wrong_end > 0,
            format!("{} tasks ended otherwise than they must", self.wrong_end),
        );
        for (name, count) in self.happened.sure() {
            fault(
                count == 0 && self.accepted >= TASKS as u64,
                format!("it had none of `{name}`, and proves nothing of that"),
            );
        }
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

    const HAPPENED: Happened = Happened {
        dependents: 1,
        released: 1,
        dependency_failed: 1,
        keyed: 1,
        granted: 1,
        lost_keys: 0,
        inherited: 1,
        lifted: 1,
        put_aside: 1,
        put_back: 1,
        parked: 1,
        replayed: 1,
        delayed: 1,
    };

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
        too_early: 0,
        overheld: 0,
        wrong_end: 0,
        happened: HAPPENED,
        took_ms: 1,
    };

    #[test]
    fn a_run_counts_that_was_hit_hard_enough_and_lost_nothing() {
        assert_eq!(GOOD.faults(), Vec::<String>::new());
        let short = Outcome {
            happened: Happened::default(),
            ..GOOD
        };
        assert_eq!(short.faults(), Vec::<String>::new());
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
            Outcome { too_early: 1, ..GOOD },
            Outcome { overheld: 1, ..GOOD },
            Outcome { wrong_end: 1, ..GOOD },
            Outcome {
                accepted: TASKS as u64,
                happened: Happened {
                    inherited: 0,
                    ..HAPPENED
                },
                ..GOOD
            },
        ];
        for outcome in bad {
            assert_eq!(outcome.faults().len(), 1, "{outcome:?}");
        }
    }
}
