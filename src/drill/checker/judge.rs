//! What was accepted against what is there: a pure function.

use std::collections::{HashMap, HashSet};

const TERMINAL: [&str; 4] = ["completed", "cancelled", "dead", "expired"];

/// How a task ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Ended {
    /// The state that its record names.
    pub(crate) state: String,
    /// When the record was stored, in ms since the epoch.
    pub(crate) at: i64,
}

/// What the streams hold once everything has come to rest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Observed {
    /// The record of each task.
    pub(crate) records: HashMap<String, Ended>,
    /// Records that were ever stored: one more than there are tasks is a second one for somebody.
    pub(crate) records_written: u64,
    /// Why each task with a dead letter is dead.
    pub(crate) letters: HashMap<String, String>,
    /// Dead letters that were ever stored.
    pub(crate) letters_written: u64,
    /// What the mesh says that it had to mend.
    pub(crate) repairs: u64,
    /// Messages in lanes and timers, aside and in the archive.
    pub(crate) left: u64,
    /// What befell tasks.
    pub(crate) events: Events,
}

/// How often what befell tasks, as the mesh tells it. It says what a run has tried, and nothing of whether that went
/// well.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Events {
    /// Queued when those had completed that they waited for.
    pub(crate) released: u64,
    /// Queued when their key had a place.
    pub(crate) granted: u64,
    /// Moved up for the sake of one that waits for them.
    pub(crate) inherited: u64,
    /// Moved up after a long wait.
    pub(crate) lifted: u64,
    /// Put aside by overload.
    pub(crate) put_aside: u64,
    /// Put back when there was room.
    pub(crate) put_back: u64,
    /// Put into the archive because they ran out of time.
    pub(crate) parked: u64,
    /// Put back by hand.
    pub(crate) replayed: u64,
}

/// What is wrong, as counts. All but `terminal` are 0 where nothing is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Findings {
    /// Accepted tasks with a terminal record, and with a dead letter if they are dead.
    pub(crate) terminal: u64,
    /// Accepted tasks without.
    pub(crate) lost: u64,
    /// Tasks with a record or a dead letter that nobody submitted.
    pub(crate) invented: u64,
    /// Second records and second dead letters.
    pub(crate) duplicates_visible: u64,
}

/// Compares.
pub(crate) fn judge(submitted: &HashSet<String>, accepted: &[String], observed: &Observed) -> Findings {
    let accepted: HashSet<&String> = accepted.iter().collect();
    let terminal = accepted.iter().filter(|id| has_ended(id, observed)).count() as u64;
    let named: HashSet<&String> = observed.records.keys().chain(observed.letters.keys()).collect();
    let twice = |written: u64, distinct: usize| written.saturating_sub(distinct as u64);
    Findings {
        terminal,
        lost: accepted.len() as u64 - terminal,
        invented: named.iter().filter(|id| !submitted.contains(**id)).count() as u64,
        duplicates_visible: twice(observed.records_written, observed.records.len())
            + twice(observed.letters_written, observed.letters.len()),
    }
}

fn has_ended(id: &str, observed: &Observed) -> bool {
    match observed.records.get(id).map(|ended| ended.state.as_str()) {
        // A dead letter is all that is left of the task.
        Some("dead") => observed.letters.contains_key(id),
        Some(state) => TERMINAL.contains(&state),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(of: &[&str]) -> Vec<String> {
        of.iter().map(|&id| id.to_owned()).collect()
    }

    fn observed(states: &[(&str, &str)], letters: &[&str]) -> Observed {
        Observed {
            records: states
                .iter()
                .map(|&(id, state)| {
                    let state = state.to_owned();
                    (id.to_owned(), Ended { state, at: 0 })
                })
                .collect(),
            records_written: states.len() as u64,
            letters: ids(letters).into_iter().map(|id| (id, String::new())).collect(),
            letters_written: letters.len() as u64,
            ..Observed::default()
        }
    }

    fn found(accepted: &[&str], observed: &Observed) -> (u64, u64, u64, u64) {
        let submitted = ids(&["a", "b", "c"]).into_iter().collect();
        let found = judge(&submitted, &ids(accepted), observed);
        (
            found.terminal,
            found.lost,
            found.invented,
            found.duplicates_visible,
        )
    }

    #[test]
    fn a_run_in_which_everything_ended_once_has_no_findings() {
        let all = observed(&[("a", "completed"), ("b", "dead"), ("c", "expired")], &["b"]);
        assert_eq!(found(&["a", "b", "c"], &all), (3, 0, 0, 0));
    }

    #[test]
    fn a_task_that_was_never_confirmed_may_end_or_not() {
        assert_eq!(found(&["a"], &observed(&[("a", "completed")], &[])), (1, 0, 0, 0));
        let all = observed(&[("a", "completed"), ("b", "completed")], &[]);
        assert_eq!(found(&["a"], &all), (1, 0, 0, 0));
    }

    #[test]
    fn a_planted_loss_is_found() {
        assert_eq!(
            found(&["a", "b"], &observed(&[("a", "completed")], &[])),
            (1, 1, 0, 0)
        );
        let still_queued = observed(&[("a", "queued")], &[]);
        assert_eq!(found(&["a"], &still_queued), (0, 1, 0, 0), "no terminal state");
        let without_letter = observed(&[("a", "dead")], &[]);
        assert_eq!(found(&["a"], &without_letter), (0, 1, 0, 0), "its task is gone");
    }

    #[test]
    fn a_planted_invention_is_found() {
        assert_eq!(
            found(&["a"], &observed(&[("a", "completed"), ("x", "completed")], &[])),
            (1, 0, 1, 0)
        );
        assert_eq!(
            found(&["a"], &observed(&[("a", "completed")], &["y"])),
            (1, 0, 1, 0)
        );
    }

    #[test]
    fn a_planted_duplicate_is_found() {
        let mut twice = observed(&[("a", "completed")], &[]);
        twice.records_written += 1;
        assert_eq!(found(&["a"], &twice), (1, 0, 0, 1));
        let mut twice = observed(&[("a", "dead")], &["a"]);
        twice.letters_written += 1;
        assert_eq!(found(&["a"], &twice), (1, 0, 0, 1));
    }
}
