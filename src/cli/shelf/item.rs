//! One task that lies aside, as it is shown.

use serde_json::{Value, json};

use crate::broker::shelf::Kept;
use crate::task::EpochMs;
use crate::wire::to_rfc3339;

pub(super) struct Item {
    pub(super) sequence: u64,
    pub(super) stored_at: EpochMs,
    pub(super) class: String,
    pub(super) task_id: String,
    /// `unreadable` where it cannot be read.
    pub(super) reason: String,
    /// Executions that failed; none where it cannot be read.
    pub(super) attempts: Option<u32>,
    pub(super) kind: String,
    pub(super) error: String,
}

/// The reason of what cannot be read.
pub(super) const UNREADABLE: &str = "unreadable";

impl Item {
    pub(super) fn of(kept: &Kept) -> Self {
        let (class, task_id) = kept.names();
        let (reason, attempts, kind, error) = match &kept.read {
            Ok((report, reason)) => (
                *reason,
                Some(report.executions()),
                report.kind.as_str(),
                report.error.clone(),
            ),
            Err(malformed) => (UNREADABLE, None, UNREADABLE, malformed.what.clone()),
        };
        Self {
            sequence: kept.sequence,
            stored_at: kept.stored_at,
            class: class.to_owned(),
            task_id: task_id.to_owned(),
            reason: reason.to_owned(),
            attempts,
            kind: kind.to_owned(),
            error,
        }
    }

    /// For programs; `since` names the time it was put there.
    pub(super) fn as_json(&self, since: &str) -> Value {
        let reason = (self.reason != UNREADABLE).then_some(self.reason.as_str());
        let mut shown = json!({
            "task_id": self.task_id,
            "class": self.class,
            "reason": reason,
            "attempts": self.attempts,
            "error": {"kind": self.kind, "message": self.error},
        });
        shown[since] = Value::from(to_rfc3339(self.stored_at));
        shown["sequence"] = Value::from(self.sequence);
        shown
    }

    /// What it has in common with others of its kind: its error with every number left open.
    pub(super) fn group(&self) -> (String, String) {
        let mut error = String::with_capacity(self.error.len());
        for c in self.error.chars() {
            match c {
                '0'..='9' if error.ends_with('#') => (),
                '0'..='9' => error.push('#'),
                other => error.push(other),
            }
        }
        (self.reason.clone(), error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_do_not_part_what_belongs_together() {
        let item = |error: &str| Item {
            sequence: 1,
            stored_at: EpochMs(0),
            class: String::new(),
            task_id: String::new(),
            reason: "timeout".to_owned(),
            attempts: None,
            kind: String::new(),
            error: error.to_owned(),
        };
        assert_eq!(
            item("no output within 50 ms").group(),
            item("no output within 3000 ms").group()
        );
        assert_eq!(item("gpu 7: 12").group().1, "gpu #: #");
    }
}
