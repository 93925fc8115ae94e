//! What tasks were promised besides an end, against what was executed: a pure function.

use std::collections::HashMap;

use super::journal::{Lives, Run};
use super::judge::{Ended, Observed};

/// How long one that lost its key may go on once its process goes on, in ms: it stops as soon as it gets to run.
const STOPPED_WITHIN_MS: i64 = 1_000;
/// Why a task is dead that waited for one that failed.
pub(crate) const DEPENDENCY_FAILED: &str = "dependency_failed";

/// What one task was promised.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Promise {
    pub(crate) task: String,
    /// It starts when these have completed, and never if one does not.
    pub(crate) after: Vec<String>,
    /// The key it runs under, and how many of that may run at once.
    pub(crate) key: Option<(String, usize)>,
    /// It does not start before, in ms since the epoch.
    pub(crate) not_before: Option<i64>,
}

/// Which promise was broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Breach {
    /// It started before those that it waits for had completed, or before its time.
    TooEarly,
    /// More ran under a key than may, or one went on that had lost it.
    Overheld,
    /// It ended otherwise than those that it waits for demand.
    WrongEnd,
}

/// What broke a promise, and how, in words.
pub(crate) type Broken = Vec<(Breach, String)>;

/// Which promises were broken. A key that is not renewed is lost after `lease_ms`.
pub(crate) fn examine(
    promises: &[Promise],
    runs: &[Run],
    lives: &Lives,
    observed: &Observed,
    lease_ms: i64,
) -> Broken {
    let mut broken = Vec::new();
    let of: HashMap<&str, &Promise> = promises.iter().map(|p| (p.task.as_str(), p)).collect();
    let mut by_key: HashMap<&(String, usize), Vec<&Run>> = HashMap::new();
    for run in runs {
        let Some(promise) = of.get(run.task.as_str()) else {
            continue;
        };
        broken.extend(started(promise, run, observed).map(|what| (Breach::TooEarly, what)));
        if let Some(key) = &promise.key {
            by_key.entry(key).or_default().push(run);
        }
    }
    for ((key, limit), runs) in by_key {
        let found = overheld(key, *limit, &runs, lives, lease_ms);
        broken.extend(found.into_iter().map(|what| (Breach::Overheld, what)));
    }
    let ends = promises.iter().filter_map(|promise| ended(promise, observed));
    broken.extend(ends.map(|what| (Breach::WrongEnd, what)));
    broken
}

/// Executions that lost their key, because their process was frozen.
pub(crate) fn lost_keys(promises: &[Promise], runs: &[Run], lives: &Lives, lease_ms: i64) -> u64 {
    let keyed: HashMap<&str, ()> = promises
        .iter()
        .filter(|promise| promise.key.is_some())
        .map(|promise| (promise.task.as_str(), ()))
        .collect();
    let of_keys = runs.iter().filter(|run| keyed.contains_key(run.task.as_str()));
    of_keys.filter(|run| lives.froze(run, lease_ms).is_some()).count() as u64
}

/// Why the execution began too early, if it did.
fn started(promise: &Promise, run: &Run, observed: &Observed) -> Option<String> {
    let task = &promise.task;
    if let Some(at) = promise.not_before.filter(|at| run.start < *at) {
        return Some(format!("{task} started at {}, before its time {at}", run.start));
    }
    promise
        .after
        .iter()
        .find_map(|parent| match observed.records.get(parent) {
            Some(Ended { state, at, .. }) if state == "completed" => (run.start < *at).then(|| {
                format!(
                    "{task} started at {}, before {parent} completed at {at}",
                    run.start
                )
            }),
            Some(Ended { state, .. }) => Some(format!("{task} started, and {parent} ended as {state}")),
            None => Some(format!("{task} started, and {parent} has not ended")),
        })
}

/// Where more executions than `limit` were under way at once. One that was frozen for longer than a lease has lost its
/// key, did nothing meanwhile, and stops when it goes on.
fn overheld(key: &str, limit: usize, runs: &[&Run], lives: &Lives, lease_ms: i64) -> Vec<String> {
    let mut found = Vec::new();
    let mut changes: Vec<(i64, i32, &Run)> = Vec::new();
    for run in runs {
        let mut until = lives.end(run);
        if let Some((from, to)) = lives.froze(run, lease_ms) {
            if until.saturating_sub(to) > STOPPED_WITHIN_MS {
                let task = &run.task;
                found.push(format!(
                    "{task} had lost {key} by {to}, and went on until {until}"
                ));
            }
            until = from;
        }
        // One that was over within its millisecond was beside nobody.
        if until > run.start {
            changes.push((run.start, 1, run));
            changes.push((until, -1, run));
        }
    }
    // What ends makes way first.
    changes.sort_by_key(|&(at, change, _)| (at, change));
    let mut running: Vec<&Run> = Vec::new();
    for (at, change, run) in changes {
        if change < 0 {
            running.retain(|other| (other.pid, other.start, &other.task) != (run.pid, run.start, &run.task));
            continue;
        }
        running.push(run);
        if running.len() > limit {
            let names: Vec<String> = running
                .iter()
                .map(|run| format!("{} in {}", run.task, run.pid))
                .collect();
            found.push(format!(
                "at {at} more than {limit} ran under {key}: {}",
                names.join(", ")
            ));
        }
    }
    found
}

/// How it ended otherwise than it must, if it did. What has no end is lost, and counted as that.
fn ended(promise: &Promise, observed: &Observed) -> Option<String> {
    let own = observed.records.get(&promise.task)?;
    let parents: Vec<&Ended> = promise
        .after
        .iter()
        .filter_map(|id| observed.records.get(id))
        .collect();
    if promise.after.is_empty() || parents.len() < promise.after.len() {
        return None;
    }
    let letter = observed.letters.get(&promise.task).map(String::as_str);
    let has_failed = own.state == "dead" && letter == Some(DEPENDENCY_FAILED);
    let must_fail = parents.iter().any(|parent| parent.state != "completed");
    (has_failed != must_fail).then(|| {
        let (task, state) = (&promise.task, &own.state);
        let parents: Vec<&str> = parents.iter().map(|parent| parent.state.as_str()).collect();
        format!("{task} ended as {state}, {letter:?}, and what it waited for as {parents:?}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEASE_MS: i64 = 2_000;

    fn run(task: &str, pid: i32, start: i64, end: i64) -> Run {
        Run {
            task: task.to_owned(),
            pid,
            start,
            end: (end > 0).then_some(end),
        }
    }

    fn child(after: &[&str]) -> Promise {
        Promise {
            task: "c".to_owned(),
            after: after.iter().map(|&id| id.to_owned()).collect(),
            ..Promise::default()
        }
    }

    fn keyed(task: &str, limit: usize) -> Promise {
        Promise {
            task: task.to_owned(),
            key: Some(("k".to_owned(), limit)),
            ..Promise::default()
        }
    }

    fn observed(ends: &[(&str, &str, i64)], letters: &[(&str, &str)]) -> Observed {
        let ended = |&(id, state, at): &(&str, &str, i64)| {
            let state = state.to_owned();
            (id.to_owned(), Ended { state, at })
        };
        Observed {
            records: ends.iter().map(ended).collect(),
            letters: letters
                .iter()
                .map(|&(id, why)| (id.to_owned(), why.to_owned()))
                .collect(),
            ..Observed::default()
        }
    }

    fn breaches(promises: &[Promise], runs: &[Run], lives: &Lives, observed: &Observed) -> Vec<Breach> {
        let found = examine(promises, runs, lives, observed, LEASE_MS);
        found.into_iter().map(|(breach, _)| breach).collect()
    }

    #[test]
    fn a_task_that_started_after_all_it_waits_for_kept_its_promise() {
        let seen = observed(
            &[
                ("a", "completed", 10),
                ("b", "completed", 20),
                ("c", "completed", 30),
            ],
            &[],
        );
        let (promises, lives) = ([child(&["a", "b"])], Lives::default());
        assert_eq!(breaches(&promises, &[run("c", 1, 20, 30)], &lives, &seen), []);
        let early = breaches(&promises, &[run("c", 1, 19, 30)], &lives, &seen);
        assert_eq!(early, [Breach::TooEarly]);
    }

    #[test]
    fn one_whose_parent_failed_never_starts_and_is_dead_for_it() {
        let (promises, lives) = ([child(&["a"])], Lives::default());
        let ends = [("a", "dead", 10), ("c", "dead", 20)];
        let right = observed(&ends, &[("c", DEPENDENCY_FAILED)]);
        assert_eq!(breaches(&promises, &[], &lives, &right), []);
        let ran = breaches(&promises, &[run("c", 1, 15, 16)], &lives, &right);
        assert_eq!(ran, [Breach::TooEarly]);
        let otherwise = observed(&ends, &[("c", "permanent")]);
        assert_eq!(breaches(&promises, &[], &lives, &otherwise), [Breach::WrongEnd]);
        let alive = observed(&[("a", "dead", 10), ("c", "completed", 20)], &[]);
        assert_eq!(breaches(&promises, &[], &lives, &alive), [Breach::WrongEnd]);
        let unjustly = observed(
            &[("a", "completed", 10), ("c", "dead", 20)],
            &[("c", DEPENDENCY_FAILED)],
        );
        assert_eq!(breaches(&promises, &[], &lives, &unjustly), [Breach::WrongEnd]);
    }

    #[test]
    fn one_that_started_before_its_time_is_found() {
        let promise = Promise {
            task: "c".to_owned(),
            not_before: Some(50),
            ..Promise::default()
        };
        let (lives, seen) = (Lives::default(), Observed::default());
        assert_eq!(
            breaches(
                std::slice::from_ref(&promise),
                &[run("c", 1, 50, 60)],
                &lives,
                &seen
            ),
            []
        );
        assert_eq!(
            breaches(&[promise], &[run("c", 1, 49, 60)], &lives, &seen),
            [Breach::TooEarly]
        );
    }

    #[test]
    fn as_many_run_under_a_key_as_may_and_one_more_is_found() {
        let (lives, seen) = (Lives::default(), Observed::default());
        let runs = [run("a", 1, 0, 10), run("b", 2, 5, 15), run("a", 1, 10, 20)];
        let two = [keyed("a", 2), keyed("b", 2)];
        assert_eq!(breaches(&two, &runs, &lives, &seen), []);
        let one = [keyed("a", 1), keyed("b", 1)];
        assert_eq!(
            breaches(&one, &runs, &lives, &seen),
            [Breach::Overheld, Breach::Overheld]
        );
        assert_eq!(
            breaches(&one, &[runs[0].clone(), runs[2].clone()], &lives, &seen),
            []
        );
    }

    #[test]
    fn a_place_is_held_until_its_process_dies() {
        let (promises, seen) = ([keyed("a", 1), keyed("b", 1)], Observed::default());
        let runs = [run("a", 1, 0, 0), run("b", 2, 50, 60)];
        let mut lives = Lives::default();
        lives.died(1, 51);
        assert_eq!(breaches(&promises, &runs, &lives, &seen), [Breach::Overheld]);
        lives.died(1, 50);
        assert_eq!(breaches(&promises, &runs, &lives, &seen), []);
    }

    #[test]
    fn one_that_was_frozen_out_of_its_key_has_to_stop_when_it_goes_on() {
        let (promises, seen) = ([keyed("a", 1), keyed("b", 1)], Observed::default());
        let mut lives = Lives::default();
        lives.frozen(1, 100);
        lives.thawed(1, 100 + LEASE_MS);
        let other = run("b", 2, 1_900, 9_000);
        let stopped = run("a", 1, 50, 3_000);
        assert_eq!(
            breaches(&promises, &[stopped.clone(), other.clone()], &lives, &seen),
            []
        );
        assert_eq!(
            lost_keys(&promises, &[stopped, other.clone()], &lives, LEASE_MS),
            1
        );
        let went_on = run("a", 1, 50, 3_200);
        assert_eq!(
            breaches(&promises, &[went_on, other.clone()], &lives, &seen),
            [Breach::Overheld]
        );
        let mut short = Lives::default();
        short.frozen(1, 100);
        short.thawed(1, 99 + LEASE_MS);
        let kept = run("a", 1, 50, 2_200);
        assert_eq!(
            breaches(&promises, &[kept, other], &short, &seen),
            [Breach::Overheld]
        );
    }
}
