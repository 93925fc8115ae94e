//! What a gateway says of itself about once a second.

use serde::{Deserialize, Serialize};

use super::beat::{Mark, PolicyMark, UnreadableBeat};
use super::timestamp::{parse_rfc3339, to_rfc3339};
use crate::task::{EpochMs, WorkerId};

/// A gateway as it was when it said so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewayBeat {
    /// Which.
    pub gateway: WorkerId,
    /// Its version of Fairlane.
    pub fairlane: String,
    /// When it was started, by its own clock.
    pub started_at: EpochMs,
    /// What it classifies tasks by.
    pub policy: PolicyMark,
}

#[derive(Serialize, Deserialize)]
struct Shape {
    version: u64,
    gateway: String,
    #[serde(default)]
    fairlane: String,
    started_at: String,
    #[serde(default)]
    policy: Mark,
}

/// A heartbeat as JSON.
#[must_use]
pub fn gateway_beat_body(beat: &GatewayBeat) -> Vec<u8> {
    let shape = Shape {
        version: 1,
        gateway: beat.gateway.to_string(),
        fairlane: beat.fairlane.clone(),
        started_at: to_rfc3339(beat.started_at),
        policy: Mark::of(&beat.policy),
    };
    serde_json::to_vec(&shape).unwrap_or_default()
}

/// Reads a heartbeat.
///
/// # Errors
/// [`UnreadableBeat`].
pub fn read_gateway_beat(body: &[u8]) -> Result<GatewayBeat, UnreadableBeat> {
    let unreadable = |error: &dyn std::fmt::Display| UnreadableBeat(error.to_string());
    let shape: Shape = serde_json::from_slice(body).map_err(|error| unreadable(&error))?;
    Ok(GatewayBeat {
        gateway: WorkerId::new(&shape.gateway).map_err(|error| unreadable(&error))?,
        fairlane: shape.fairlane,
        started_at: parse_rfc3339(&shape.started_at).map_err(|error| unreadable(&error))?,
        policy: shape.policy.read(),
    })
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn a_heartbeat_reads_back_and_looks_like_this_for_ever() {
        let beat = GatewayBeat {
            gateway: WorkerId::new("gateway-7").unwrap(),
            fairlane: "0.1.0".to_owned(),
            started_at: EpochMs(1_795_435_200_000),
            policy: PolicyMark {
                version: 3,
                hash: "00000000000000ff".to_owned(),
                refused: Some(4),
            },
        };
        let body = gateway_beat_body(&beat);
        assert_eq!(read_gateway_beat(&body).unwrap(), beat);
        expect![[r#"{"version":1,"gateway":"gateway-7","fairlane":"0.1.0","started_at":"2026-11-23T12:00:00Z","policy":{"version":3,"hash":"00000000000000ff","refused":4}}"#]]
        .assert_eq(&String::from_utf8(body).unwrap());
    }
}
