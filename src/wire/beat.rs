//! What a worker says of itself about once a second.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::shadow_beat::{ShadowShape, Shadowed};
use super::timestamp::{parse_rfc3339, to_rfc3339};
use crate::policy::{Edition, PolicyVersion};
use crate::task::{EpochMs, WorkerId};

/// Whether a worker takes tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorkerState {
    /// It does.
    Taking,
    /// It was told not to, until it is told otherwise or starts anew.
    Cordoned,
    /// It stops once what it runs has ended.
    Draining,
}

impl WorkerState {
    const ALL: [Self; 3] = [Self::Taking, Self::Cordoned, Self::Draining];

    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Taking => "taking",
            Self::Cordoned => "cordoned",
            Self::Draining => "draining",
        }
    }

    /// One of those words.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// Which policy a process acts on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyMark {
    /// Its number; 0 where it is what the process was started with.
    pub version: u64,
    /// 16 hex digits that tell policies apart, between processes of one version of Fairlane.
    pub hash: String,
    /// The number of the one that holds, where the process cannot act on that.
    pub refused: Option<u64>,
}

impl PolicyMark {
    /// That of `policy`, while `refused` cannot be acted on.
    #[must_use]
    pub fn of(policy: &Edition, refused: Option<PolicyVersion>) -> Self {
        Self {
            version: policy.version.0,
            hash: format!("{:016x}", policy.fingerprint),
            refused: refused.map(|version| version.0),
        }
    }
}

/// A worker as it was when it said so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beat {
    /// Which.
    pub worker: WorkerId,
    /// The machine it runs on.
    pub host: String,
    /// Its version of Fairlane.
    pub fairlane: String,
    /// When it was started, by its own clock.
    pub started_at: EpochMs,
    /// Whether it takes tasks.
    pub state: WorkerState,
    /// Places to execute.
    pub slots: u32,
    /// Those that neither run a task nor wait for one they asked for.
    pub free: u32,
    /// Tasks it executes.
    pub running: u32,
    /// The real names of the models it serves.
    pub models: Vec<String>,
    /// What it is told apart by.
    pub labels: BTreeMap<String, String>,
    /// What it acts on.
    pub policy: PolicyMark,
    /// What another policy would have picked, where one is asked.
    pub shadow: Option<Shadowed>,
}

/// Something in the registry that is no heartbeat.
#[derive(Debug, thiserror::Error)]
#[error("is no heartbeat: {0}")]
pub struct UnreadableBeat(pub(super) String);

#[derive(Serialize, Deserialize)]
struct Shape {
    version: u64,
    worker: String,
    #[serde(default)]
    host: String,
    #[serde(default)]
    fairlane: String,
    started_at: String,
    state: String,
    slots: u32,
    #[serde(default)]
    free: u32,
    #[serde(default)]
    running: u32,
    #[serde(default)]
    models: Vec<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    policy: Mark,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shadow: Option<ShadowShape>,
}

/// A mark as it is written.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Mark {
    #[serde(default)]
    version: u64,
    #[serde(default)]
    hash: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refused: Option<u64>,
}

impl Mark {
    pub(super) fn of(mark: &PolicyMark) -> Self {
        Self {
            version: mark.version,
            hash: mark.hash.clone(),
            refused: mark.refused,
        }
    }

    pub(super) fn read(self) -> PolicyMark {
        PolicyMark {
            version: self.version,
            hash: self.hash,
            refused: self.refused,
        }
    }
}

/// A heartbeat as JSON.
#[must_use]
pub fn beat_body(beat: &Beat) -> Vec<u8> {
    let shape = Shape {
        version: 1,
        worker: beat.worker.to_string(),
        host: beat.host.clone(),
        fairlane: beat.fairlane.clone(),
        started_at: to_rfc3339(beat.started_at),
        state: beat.state.as_str().to_owned(),
        slots: beat.slots,
        free: beat.free,
        running: beat.running,
        models: beat.models.clone(),
        labels: beat.labels.clone(),
        policy: Mark::of(&beat.policy),
        shadow: beat.shadow.as_ref().map(ShadowShape::of),
    };
    serde_json::to_vec(&shape).unwrap_or_default()
}

/// Reads a heartbeat. A state of a later version reads as cordoned: whoever has to choose leaves such a worker alone.
///
/// # Errors
/// [`UnreadableBeat`] for anything else.
pub fn read_beat(body: &[u8]) -> Result<Beat, UnreadableBeat> {
    let unreadable = |error: &dyn std::fmt::Display| UnreadableBeat(error.to_string());
    let shape: Shape = serde_json::from_slice(body).map_err(|error| unreadable(&error))?;
    Ok(Beat {
        worker: WorkerId::new(&shape.worker).map_err(|error| unreadable(&error))?,
        host: shape.host,
        fairlane: shape.fairlane,
        started_at: parse_rfc3339(&shape.started_at).map_err(|error| unreadable(&error))?,
        state: WorkerState::of(&shape.state).unwrap_or(WorkerState::Cordoned),
        slots: shape.slots,
        free: shape.free,
        running: shape.running,
        models: shape.models,
        labels: shape.labels,
        policy: shape.policy.read(),
        shadow: shape.shadow.map(ShadowShape::read),
    })
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::task::ClassName;
    use crate::wire::ShadowedPair;

    fn beat() -> Beat {
        Beat {
            worker: WorkerId::new("w-1").unwrap(),
            host: "gpu-7".to_owned(),
            fairlane: "0.1.0".to_owned(),
            started_at: EpochMs(1_795_435_200_000),
            state: WorkerState::Taking,
            slots: 4,
            free: 1,
            running: 3,
            models: vec!["m".to_owned()],
            labels: BTreeMap::new(),
            policy: PolicyMark {
                version: 1,
                hash: "00000000000000ff".to_owned(),
                refused: None,
            },
            shadow: None,
        }
    }

    #[test]
    fn a_heartbeat_reads_back_and_looks_like_this_for_ever() {
        let body = beat_body(&beat());
        assert_eq!(read_beat(&body).unwrap(), beat());
        expect![[r#"{"version":1,"worker":"w-1","host":"gpu-7","fairlane":"0.1.0","started_at":"2026-11-23T12:00:00Z","state":"taking","slots":4,"free":1,"running":3,"models":["m"],"policy":{"version":1,"hash":"00000000000000ff"}}"#]]
        .assert_eq(&String::from_utf8(body).unwrap());
    }

    #[test]
    fn what_another_policy_would_have_picked_reads_back() {
        let class = |name| ClassName::new(name).unwrap();
        let asked = Beat {
            shadow: Some(Shadowed {
                policy: PolicyVersion(4),
                beside: PolicyVersion(3),
                classes: vec![(class("pay"), [9, 2]), (class("bulk"), [3, 10])],
                otherwise: 7,
                pairs: vec![ShadowedPair {
                    class: class("pay"),
                    instead: class("bulk"),
                    picks: 7,
                }],
            }),
            ..beat()
        };
        let body = beat_body(&asked);
        assert_eq!(read_beat(&body).unwrap(), asked);
        let text = String::from_utf8(body).unwrap();
        let shape = r#","shadow":{"policy":4,"beside":3,"classes":[["pay",9,2],["bulk",3,10]],"otherwise":7,"pairs":[["pay","bulk",7]]}}"#;
        assert!(text.ends_with(shape), "{text}");
    }

    #[test]
    fn what_a_later_version_adds_is_passed_over_and_what_is_no_worker_is_refused() {
        let later = r#"{"version":2,"worker":"w","started_at":"2026-11-23T12:00:00Z","state":"resting","slots":1,"gpu":{}}"#;
        assert_eq!(read_beat(later.as_bytes()).unwrap().state, WorkerState::Cordoned);
        for bad in [
            "",
            "{}",
            r#"{"version":1,"worker":"a.b","started_at":"2026-11-23T12:00:00Z","state":"taking","slots":1}"#,
        ] {
            assert!(read_beat(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
