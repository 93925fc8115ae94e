//! What was executed, as the executions wrote it down themselves, and what befell the processes that they ran in.

use std::collections::HashMap;

/// One execution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) task: String,
    pub(crate) pid: i32,
    /// When it began and when it ended, in ms since the epoch; it has no end where its process died.
    pub(crate) start: i64,
    pub(crate) end: Option<i64>,
}

/// When processes died and were frozen, by their ids, in ms since the epoch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Lives {
    died: HashMap<i32, i64>,
    /// From when until when; without an end while it lasts.
    frozen: HashMap<i32, Vec<(i64, Option<i64>)>>,
}

impl Lives {
    /// A process has died.
    pub(crate) fn died(&mut self, pid: i32, at: i64) {
        self.died.insert(pid, at);
    }

    /// A process was frozen.
    pub(crate) fn frozen(&mut self, pid: i32, at: i64) {
        self.frozen.entry(pid).or_default().push((at, None));
    }

    /// A process goes on.
    pub(crate) fn thawed(&mut self, pid: i32, at: i64) {
        let last = self.frozen.get_mut(&pid).and_then(|all| all.last_mut());
        if let Some((_, end @ None)) = last {
            *end = Some(at);
        }
    }

    /// When an execution was over. One whose process has not died by now goes on for ever.
    pub(crate) fn end(&self, run: &Run) -> i64 {
        let died = self.died.get(&run.pid).copied();
        run.end.or(died).unwrap_or(i64::MAX)
    }

    /// The first time in which an execution was frozen for at least `ms`: from when, and until when.
    pub(crate) fn froze(&self, run: &Run, ms: i64) -> Option<(i64, i64)> {
        let end = self.end(run);
        let all = self.frozen.get(&run.pid)?.iter();
        let mut long = all.map(|&(from, to)| (from, to.unwrap_or(i64::MAX)));
        long.find(|&(from, to)| run.start <= from && from < end && to - from >= ms)
    }
}

/// The executions that a journal tells of, in the order in which they began. A line that is cut off tells nothing.
pub(crate) fn runs(journal: &str) -> Vec<Run> {
    let mut runs = Vec::new();
    let mut open: HashMap<(i32, &str), usize> = HashMap::new();
    for line in journal.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let [what, task, pid, number, at] = words[..] else {
            continue;
        };
        let (Ok(pid), Ok(at)) = (pid.parse::<i32>(), at.parse::<i64>()) else {
            continue;
        };
        if what == "start" {
            open.insert((pid, number), runs.len());
            runs.push(Run {
                task: task.to_owned(),
                pid,
                start: at,
                end: None,
            });
        } else if let Some(place) = open.remove(&(pid, number)) {
            runs[place].end = Some(at);
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(start: i64, end: Option<i64>) -> Run {
        Run {
            task: "a".to_owned(),
            pid: 7,
            start,
            end,
        }
    }

    #[test]
    fn a_beginning_and_an_end_are_one_execution_and_one_that_was_killed_has_no_end() {
        let journal = "start a 7 0 100\nstart a 8 0 110\nend a 7 0 120\nstart b 7 1 1";
        let found = runs(journal);
        assert_eq!(found[0], run(100, Some(120)));
        assert_eq!((found[1].pid, found[1].end), (8, None));
        assert_eq!(found.len(), 3);
        assert_eq!(runs("start a 7\nnothing\n"), []);
    }

    #[test]
    fn an_execution_ends_by_itself_or_with_its_process_or_never() {
        let mut lives = Lives::default();
        assert_eq!(lives.end(&run(1, None)), i64::MAX);
        lives.died(7, 50);
        assert_eq!(lives.end(&run(1, None)), 50);
        assert_eq!(lives.end(&run(1, Some(20))), 20);
    }

    #[test]
    fn what_was_frozen_for_long_in_the_middle_of_it_is_found() {
        let mut lives = Lives::default();
        lives.frozen(7, 10);
        lives.thawed(7, 13);
        lives.frozen(7, 20);
        lives.thawed(7, 120);
        assert_eq!(lives.froze(&run(1, Some(130)), 100), Some((20, 120)));
        assert_eq!(lives.froze(&run(1, Some(15)), 100), None);
        assert_eq!(lives.froze(&run(30, Some(130)), 100), None);
        lives.frozen(7, 200);
        assert_eq!(lives.froze(&run(150, None), 100), Some((200, i64::MAX)));
    }
}
