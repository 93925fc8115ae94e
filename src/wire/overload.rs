//! What the leading coordinator says of the load: the record `overload` in `fl_control`, and the event of a change.

use serde::{Deserialize, Serialize};

use crate::policy::{Cause, Level, Outlook, Standing};
use crate::task::{EpochMs, Lane};

/// The level that holds, and the figures it was judged by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OverloadNote {
    /// The level.
    pub standing: Standing,
    /// What waits on core, and how fast it goes.
    pub core: Outlook,
    /// The same of normal.
    pub normal: Outlook,
    /// Tasks that overload put aside and that have not gone back, about.
    pub archived: u64,
    /// Whether reports and timers take too much of the storage; none from a version that does not say so.
    pub is_retry_full: Option<bool>,
    /// When it was written.
    pub at: EpochMs,
}

impl OverloadNote {
    /// Nothing waits.
    #[must_use]
    pub fn calm(at: EpochMs) -> Self {
        Self {
            standing: Standing::calm(at),
            core: Outlook::default(),
            normal: Outlook::default(),
            archived: 0,
            is_retry_full: None,
            at,
        }
    }

    /// Whether a task that is to start later is refused for the room that its timer takes.
    #[must_use]
    pub fn refuses_timers(&self) -> bool {
        let Standing { level, cause, .. } = self.standing;
        // A level has the cause for which it was entered, whatever else holds since.
        level >= Level::Archive && self.is_retry_full.unwrap_or(cause == Cause::Retries)
    }

    /// What waits on a lane.
    #[must_use]
    pub const fn lane(&self, lane: Lane) -> &Outlook {
        match lane {
            Lane::Core => &self.core,
            Lane::Normal => &self.normal,
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Written {
    version: u32,
    level: u64,
    cause: String,
    since: i64,
    at: i64,
    core: WrittenLane,
    normal: WrittenLane,
    archived: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retry_full: Option<bool>,
    /// The level before, in an event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<u64>,
}

#[derive(Serialize, Deserialize)]
struct WrittenLane {
    waiting: u64,
    #[serde(default)]
    drain_per_s: Option<f64>,
}

/// The record's body, as JSON.
#[must_use]
pub fn overload_body(note: &OverloadNote) -> Vec<u8> {
    written(note, None)
}

/// The body of the event that tells that the level was `from` before.
#[must_use]
pub fn level_event_body(from: Level, note: &OverloadNote) -> Vec<u8> {
    written(note, Some(from))
}

/// Reads a record. None for one that this version cannot act on: then no level holds.
#[must_use]
pub fn read_overload(body: &[u8]) -> Option<OverloadNote> {
    let read: Written = serde_json::from_slice(body).ok()?;
    let standing = Standing {
        level: Level::of_number(read.level)?,
        // A later version may know of more.
        cause: read.cause.parse().unwrap_or(Cause::Calm),
        since: EpochMs(read.since),
    };
    Some(OverloadNote {
        standing,
        core: outlook(&read.core),
        normal: outlook(&read.normal),
        archived: read.archived,
        is_retry_full: read.retry_full,
        at: EpochMs(read.at),
    })
}

fn written(note: &OverloadNote, from: Option<Level>) -> Vec<u8> {
    let lane = |outlook: &Outlook| WrittenLane {
        waiting: outlook.backlog,
        drain_per_s: outlook.drain_per_s.map(|rate| (rate * 100.0).round() / 100.0),
    };
    let written = Written {
        version: 1,
        level: note.standing.level.number().into(),
        cause: note.standing.cause.to_string(),
        since: note.standing.since.0,
        at: note.at.0,
        core: lane(&note.core),
        normal: lane(&note.normal),
        archived: note.archived,
        retry_full: note.is_retry_full,
        from: from.map(|level| level.number().into()),
    };
    serde_json::to_vec(&written).unwrap_or_else(|error| unreachable!("texts and numbers: {error}"))
}

fn outlook(read: &WrittenLane) -> Outlook {
    Outlook {
        backlog: read.waiting,
        drain_per_s: read.drain_per_s.filter(|rate| rate.is_finite() && *rate > 0.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note() -> OverloadNote {
        OverloadNote {
            standing: Standing {
                level: Level::Archive,
                cause: Cause::Backlog,
                since: EpochMs(5),
            },
            core: Outlook {
                backlog: 3,
                drain_per_s: None,
            },
            normal: Outlook {
                backlog: 900,
                drain_per_s: Some(12.25),
            },
            archived: 77,
            is_retry_full: Some(true),
            at: EpochMs(9),
        }
    }

    /// As it was written before it said how full the storage is.
    const OLDER: &str = r#"{"version":1,"level":2,"cause":"backlog","since":5,"at":9,"core":{"waiting":3,"drain_per_s":null},"normal":{"waiting":900,"drain_per_s":12.25},"archived":77,"from":1}"#;

    #[test]
    fn a_record_reads_back_and_what_is_none_is_no_level() {
        assert_eq!(read_overload(&overload_body(&note())), Some(note()));
        let event = String::from_utf8(level_event_body(Level::RejectLower, &note())).unwrap();
        let with = r#""archived":77,"retry_full":true"#;
        assert_eq!(event, OLDER.replace(r#""archived":77"#, with));
        for (cause, level, is_read) in [("backlog", 4, false), ("moon", 2, true)] {
            let text = OLDER
                .replace("backlog", cause)
                .replace("\"level\":2", &format!("\"level\":{level}"));
            assert_eq!(read_overload(text.as_bytes()).is_some(), is_read, "{text}");
        }
        assert_eq!(read_overload(b"{}"), None);
    }

    #[test]
    fn an_older_record_says_by_its_cause_alone_that_the_storage_is_full() {
        let older = |cause| {
            let text = OLDER.replace("backlog", cause);
            read_overload(text.as_bytes()).expect("it is read")
        };
        let said = |is_full| OverloadNote {
            is_retry_full: is_full,
            ..note()
        };
        assert_eq!(older("backlog"), said(None));
        let calm = OverloadNote {
            standing: Standing::calm(EpochMs(5)),
            ..said(Some(true))
        };
        let since_ended = OverloadNote {
            is_retry_full: Some(false),
            ..older("retries")
        };
        for (note, refuses) in [
            (older("backlog"), false),
            (older("retries"), true),
            (said(Some(true)), true),
            (said(Some(false)), false),
            (since_ended, false),
            (calm, false),
        ] {
            assert_eq!(note.refuses_timers(), refuses, "{note:?}");
        }
    }
}
