//! What is asked before anything is judged.

use anyhow::Context;

use super::monitor::{self, Monitored};
use crate::broker::inspect::{Account, StreamState};
use crate::broker::topology::{self, Plan};
use crate::broker::{Broker, subject};
use crate::clock;
use crate::task::Lane;

/// Everything the checks look at.
pub(super) struct Facts {
    pub(super) version: String,
    pub(super) clock: anyhow::Result<ClockReading>,
    /// None when no monitoring port was named.
    pub(super) monitored: Option<anyhow::Result<Monitored>>,
    /// None when JetStream is off; then there is nothing more to learn.
    pub(super) jetstream: Option<JetStream>,
}

/// The server's clock beside ours.
#[derive(Debug, Clone, Copy)]
pub(super) struct ClockReading {
    /// How far the server's clock is ahead of ours, in ms.
    pub(super) ahead_ms: i64,
    /// How far that may be off: half of what the question took.
    pub(super) give_or_take_ms: i64,
}

/// What JetStream tells.
pub(super) struct JetStream {
    pub(super) account: Account,
    pub(super) plan: Plan,
    /// The lanes' streams that exist, and the archive.
    pub(super) lanes: Vec<(&'static str, StreamState)>,
    pub(super) results: Option<StreamState>,
}

/// Asks everything. Fails only where nothing could be learned at all.
pub(super) async fn gather(broker: &Broker, monitor: Option<&str>) -> anyhow::Result<Facts> {
    let monitored = match monitor {
        Some(url) => Some(monitor::read(url).await),
        None => None,
    };
    Ok(Facts {
        version: broker.server_version(),
        clock: read_clock(broker).await,
        monitored,
        jetstream: jetstream(broker).await.context("cannot look at JetStream")?,
    })
}

async fn read_clock(broker: &Broker) -> anyhow::Result<ClockReading> {
    let before = clock::wall();
    let server = broker.server_time().await?;
    let half = i64::try_from(clock::wall().since(before) / 2).unwrap_or(i64::MAX);
    Ok(ClockReading {
        ahead_ms: server.0 - before.0 - half,
        give_or_take_ms: half,
    })
}

async fn jetstream(broker: &Broker) -> anyhow::Result<Option<JetStream>> {
    let Some(account) = broker.account().await? else {
        return Ok(None);
    };
    let actual = topology::export(broker).await?;
    let mut lanes = Vec::new();
    let [core, normal] = Lane::ALL.map(subject::lane_stream);
    for stream in [core, normal, subject::ARCHIVE] {
        lanes.extend(broker.stream_state(stream).await?.map(|state| (stream, state)));
    }
    Ok(Some(JetStream {
        account,
        plan: topology::plan(&topology::desired(), &actual),
        lanes,
        results: broker.stream_state(subject::RESULTS).await?,
    }))
}
