//! What became of the lines of a file: each is counted once.

use serde::Serialize;

use super::accept::{Accepted, NotAccepted};
use crate::broker::publish::PublishError;
use crate::cli::exit::Exit;
use crate::cli::output::{one_line, table};
use crate::gateway::Refusal;

/// Faults that are listed; of more, only their number is told.
const LISTED_MAX: usize = 1000;

/// A line that was not accepted.
#[derive(Debug, Serialize)]
pub(super) struct Fault {
    pub(super) line: u64,
    pub(super) task_id: Option<String>,
    pub(super) code: &'static str,
    pub(super) message: String,
    #[serde(skip)]
    pub(super) fate: Fate,
}

/// Where a line's task is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// Nowhere, and the line is why.
    Refused,
    /// Nowhere; the same line may pass later. Lines behind it would meet the same.
    Unsent(Exit),
    /// In its stream or nowhere: there was no answer.
    Unknown,
}

impl Fault {
    pub(super) fn refused(line: u64, refusal: &Refusal) -> Self {
        Self {
            line,
            task_id: None,
            code: refusal.code(),
            // The text has one line, and its number in the file stands beside.
            message: refusal.to_string().replace(" at line 1 column ", " at column "),
            fate: Fate::Refused,
        }
    }

    pub(super) fn not_accepted(line: u64, task_id: String, error: &NotAccepted) -> Self {
        let (code, fate) = match error {
            NotAccepted::Publish(PublishError::TooLarge { .. }) => ("body_too_large", Fate::Refused),
            NotAccepted::Publish(PublishError::Full { .. }) => ("lane_full", Fate::Unsent(Exit::Refused)),
            NotAccepted::Publish(PublishError::NoStream { .. }) => {
                ("no_stream", Fate::Unsent(Exit::Unavailable))
            }
            NotAccepted::Offline => ("offline", Fate::Unsent(Exit::Unavailable)),
            NotAccepted::Publish(PublishError::Unknown { .. }) => ("no_answer", Fate::Unknown),
        };
        Self {
            line,
            task_id: Some(task_id),
            code,
            message: error.to_string(),
            fate,
        }
    }
}

/// The summary. Invariant: the five numbers add up to the lines that were read.
#[derive(Debug, Default, Serialize)]
pub(super) struct Tally {
    accepted: u64,
    duplicates: u64,
    refused: u64,
    unsent: u64,
    unknown: u64,
    errors: Vec<Fault>,
    errors_left_out: u64,
    /// The first line that was not read, if it ended before the file did.
    stopped_at_line: Option<u64>,
    #[serde(skip)]
    worst: Option<Exit>,
}

impl Tally {
    pub(super) fn accepted(&self) -> u64 {
        self.accepted + self.duplicates
    }

    /// Counts a line. Says whether the lines behind it are worth trying.
    pub(super) fn count(&mut self, line: Result<Accepted, Fault>) -> bool {
        let fault = match line {
            Ok(Accepted::New) => {
                self.accepted += 1;
                return true;
            }
            Ok(Accepted::Duplicate) => {
                self.duplicates += 1;
                return true;
            }
            Err(fault) => fault,
        };
        let (number, exit) = match fault.fate {
            Fate::Refused => (&mut self.refused, Exit::Error),
            Fate::Unsent(exit) => (&mut self.unsent, exit),
            Fate::Unknown => (&mut self.unknown, Exit::Unavailable),
        };
        *number += 1;
        self.worsen(exit);
        let goes_on = fault.fate == Fate::Refused;
        if self.errors.len() < LISTED_MAX {
            self.errors.push(fault);
        } else {
            self.errors_left_out += 1;
        }
        goes_on
    }

    /// Notes that it ended before the file did.
    pub(super) fn stop(&mut self, at_line: u64) {
        self.stopped_at_line.get_or_insert(at_line);
        self.worsen(Exit::Error);
    }

    /// Lines that are given up on while they wait for an answer.
    pub(super) fn abandon(&mut self, lines: u64) {
        self.unknown += lines;
        self.worsen(Exit::Error);
    }

    pub(super) fn sort(&mut self) {
        self.errors.sort_by_key(|fault| fault.line);
    }

    pub(super) fn exit(&self) -> Exit {
        self.worst.unwrap_or(Exit::Ok)
    }

    /// Exits rank by their number: whoever must act outside the file hears that first.
    fn worsen(&mut self, exit: Exit) {
        if self.worst.is_none_or(|worst| (worst as u8) < exit as u8) {
            self.worst = Some(exit);
        }
    }

    pub(super) fn text(&self) -> String {
        let mut text = format!(
            "accepted {}, duplicates {}, refused {}, unsent {}, unknown {}",
            self.accepted, self.duplicates, self.refused, self.unsent, self.unknown
        );
        if let Some(line) = self.stopped_at_line {
            text.push_str(&format!("\nstopped: lines from {line} on were not read"));
        }
        if !self.errors.is_empty() {
            let rows = self.errors.iter().map(|fault| {
                [
                    fault.line.to_string(),
                    fault.code.to_owned(),
                    one_line(&fault.message),
                ]
            });
            text.push_str(&format!("\n\n{}", table(["line", "code", "error"], rows)));
        }
        if self.errors_left_out > 0 {
            text.push_str(&format!("\nand {} more", self.errors_left_out));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    fn fault(line: u64, fate: Fate) -> Fault {
        Fault {
            line,
            task_id: None,
            code: "code",
            message: "what\nis wrong".to_owned(),
            fate,
        }
    }

    #[test]
    fn every_line_is_counted_once_and_the_exit_is_the_worst() {
        let mut tally = Tally::default();
        assert_eq!(tally.exit(), Exit::Ok);
        assert!(tally.count(Ok(Accepted::New)) && tally.count(Ok(Accepted::Duplicate)));
        assert!(tally.count(Err(fault(3, Fate::Refused))));
        assert_eq!(tally.exit(), Exit::Error);
        assert!(!tally.count(Err(fault(5, Fate::Unknown))));
        assert!(!tally.count(Err(fault(4, Fate::Unsent(Exit::Refused)))));
        tally.stop(6);
        tally.sort();
        assert_eq!(tally.exit(), Exit::Unavailable);
        expect![[r#"
            accepted 1, duplicates 1, refused 1, unsent 1, unknown 1
            stopped: lines from 6 on were not read

            LINE  CODE  ERROR
            3     code  what\nis wrong
            4     code  what\nis wrong
            5     code  what\nis wrong"#]]
        .assert_eq(&tally.text());
    }

    #[test]
    fn faults_beyond_the_list_are_counted() {
        let mut tally = Tally::default();
        for line in 1..=LISTED_MAX as u64 + 2 {
            tally.count(Err(fault(line, Fate::Refused)));
        }
        assert_eq!(
            (tally.errors.len(), tally.errors_left_out, tally.refused),
            (1000, 2, 1002)
        );
    }
}
