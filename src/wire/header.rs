//! The names of all headers, and a list of headers that is safe to send.

use std::borrow::Cow;

use super::text;

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)+) => {
        $($(#[$doc])* pub const $name: &str = $text;)+

        /// Every header this version writes itself. All others are unknown to it and kept.
        pub const ALL: &[&str] = &[$($name,)+];
    };
}

names!(
    /// The version of the wire; 1.
    VERSION = "Fl-Version",
    /// The task's identity.
    TASK_ID = "Fl-Task-Id",
    /// Its business scenario.
    CLASS = "Fl-Class",
    /// Its model, by its real name, percent-encoded.
    MODEL = "Fl-Model",
    /// The lane it queues on.
    LANE = "Fl-Lane",
    /// The bucket of its tenant.
    SHARD = "Fl-Shard",
    /// Who pays.
    TENANT = "Fl-Tenant",
    /// Executions that failed.
    ATTEMPT = "Fl-Attempt",
    /// Publications after the first.
    HOP = "Fl-Hop",
    /// When it was first enqueued, in ms since the epoch.
    ENQUEUED_AT = "Fl-Enqueued-At",
    /// When the answer stops being worth having, in ms since the epoch.
    DEADLINE = "Fl-Deadline",
    /// Lower is more urgent.
    PRIORITY = "Fl-Priority",
    /// Estimated cost, in ms of one slot.
    COST = "Fl-Cost",
    /// Bound on executions that may fail.
    MAX_ATTEMPTS = "Fl-Max-Attempts",
    /// Time to the first output and per idle gap, in ms.
    TIMEOUT_MS = "Fl-Timeout-Ms",
    /// Where to POST the result.
    CALLBACK = "Fl-Callback",
    /// Deliveries of a result that failed before.
    CALLBACK_TRY = "Fl-Callback-Try",
    /// Tasks that must complete first, separated by commas.
    DEPENDS_ON = "Fl-Depends-On",
    /// Tasks of one key run one at a time; percent-encoded.
    KEY = "Fl-Key",
    /// Free text the caller attached, a JSON object in ASCII.
    LABELS = "Fl-Labels",
    /// The sequence the fence must still have.
    FENCE = "Fl-Fence",
    /// The policy version the task was classified by.
    POLICY = "Fl-Policy",
    /// W3C trace context.
    TRACEPARENT = "traceparent",
    /// How an execution failed.
    ERROR_KIND = "Fl-Error-Kind",
    /// What it said, percent-encoded.
    ERROR = "Fl-Error",
    /// How long the engine asks to wait, in ms.
    RETRY_AFTER = "Fl-Retry-After",
    /// The delivery count when it failed.
    DELIVERED = "Fl-Delivered",
    /// Who ran it, percent-encoded.
    WORKER = "Fl-Worker",
    /// How long it ran, in ms.
    EXEC_MS = "Fl-Exec-Ms",
    /// Where a task that is being moved lay: `<lane>:<sequence>`.
    MOVED_FROM = "Fl-Moved-From",
    /// What a task that lies aside waits for.
    BLOCKED = "Fl-Blocked",
    /// Earlier failures, a JSON list in ASCII.
    HISTORY = "Fl-History",
    /// Why a task became a dead letter.
    REASON = "Fl-Reason",
    /// The terminal state a result decides.
    STATE = "Fl-State",
    /// How long it queued, in ms.
    QUEUED_MS = "Fl-Queued-Ms",
    /// What the server deduplicates by.
    MSG_ID = "Nats-Msg-Id",
    /// Which codec the body is in.
    CONTENT_TYPE = "Content-Type",
);

/// Where a checkpoint lies. Reserved: nothing reads it yet, so it travels on as an unknown header.
pub const CHECKPOINT: &str = "Fl-Checkpoint";

/// A map of headers that can be read; the broker's own map is one.
pub trait ReadHeaders: Sync {
    /// The first value under `name`.
    fn header(&self, name: &str) -> Option<&str>;
}

/// Headers to send, in the order they were set.
///
/// Invariant: no value holds a control character, so none can end its line and start another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Headers(Vec<(Cow<'static, str>, String)>);

impl Headers {
    /// Sets `name`, in place of an earlier value. Control characters are percent-encoded: types
    /// keep them out of every value of ours, and what slips through must not become a header.
    pub fn set(&mut self, name: impl Into<Cow<'static, str>>, value: impl Into<String>) {
        let (name, value) = (name.into(), text::without_controls(value.into()));
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name, value)),
        }
    }

    /// The value under `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_ref(), value.as_str()))
    }

    /// Takes over the headers of an earlier publication that this version does not know. The
    /// server's own (`Nats-*`) are orders to the server and must not be given twice.
    pub fn keep_unknown<'a>(&mut self, from: impl Iterator<Item = (&'a str, &'a str)>) {
        for (name, value) in from {
            let servers = name
                .get(..5)
                .is_some_and(|start| start.eq_ignore_ascii_case("nats-"));
            let legal = !name.is_empty() && name.bytes().all(|b| b.is_ascii_graphic() && b != b':');
            if legal && !servers && !ALL.iter().any(|known| known.eq_ignore_ascii_case(name)) {
                self.set(name.to_owned(), value);
            }
        }
    }
}

impl ReadHeaders for Headers {
    fn header(&self, name: &str) -> Option<&str> {
        self.get(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_cannot_start_another_header() {
        let mut headers = Headers::default();
        headers.set(CALLBACK, "https://a\r\nFl-State: dead");
        assert_eq!(headers.get(CALLBACK), Some("https://a%0D%0AFl-State: dead"));
    }

    #[test]
    fn the_last_value_set_stands_in_the_first_place() {
        let mut headers = Headers::default();
        headers.set(HOP, "1");
        headers.set(ATTEMPT, "0");
        headers.set(HOP, "2");
        assert_eq!(headers.iter().collect::<Vec<_>>(), [(HOP, "2"), (ATTEMPT, "0")]);
    }

    #[test]
    fn only_what_is_neither_ours_nor_the_servers_is_kept() {
        let mut headers = Headers::default();
        let from = [
            ("Fl-Hop", "9"),
            ("fl-error", "x"),
            ("NATS-Schedule", "@at"),
            ("Fl-New", "1"),
            ("a:b", "2"),
            ("é", "3"),
        ];
        headers.keep_unknown(from.into_iter());
        assert_eq!(headers.iter().collect::<Vec<_>>(), [("Fl-New", "1")]);
    }
}
