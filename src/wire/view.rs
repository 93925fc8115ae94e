//! What waits on a lane, as the leading coordinator tells it on `fl.view.<lane>`: hints, never stored.

use serde::{Deserialize, Serialize};

use crate::task::{ClassName, EpochMs, Lane, ModelToken, NameError, Route, Shard};

/// A lane as a sweep saw it.
#[derive(Debug, Clone, PartialEq)]
pub struct LaneView {
    /// Which.
    pub lane: Lane,
    /// When.
    pub taken_at: EpochMs,
    /// Its queues, also those in which nothing waits.
    pub queues: Vec<QueueView>,
}

/// One queue of it.
#[derive(Debug, Clone, PartialEq)]
pub struct QueueView {
    /// Which.
    pub route: Route,
    /// Tasks that wait.
    pub depth: u64,
    /// Tasks that are out with workers.
    pub running: u64,
    /// Tasks that may be out at once; at least 1.
    pub limit: u32,
    /// Whether it is held back: what waits is not given out.
    pub is_paused: bool,
    /// The oldest task that waits, if it was read.
    pub head: Option<HeadView>,
}

/// What rules compare of a task.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HeadView {
    /// When it was first enqueued.
    pub enqueued_at: EpochMs,
    /// When its answer stops being worth having.
    pub deadline: Option<EpochMs>,
    /// FNV-1a-64 of its tenant.
    pub tenant: Option<u64>,
    /// FNV-1a-64 of its label `session`.
    pub session: Option<u64>,
    /// What it is expected to cost, in ms of one slot.
    pub cost_ms: Option<f64>,
    /// 0 to 10, 10 is the most urgent.
    pub urgency: Option<f64>,
    /// 0 to 10.
    pub business_weight: Option<f64>,
}

impl HeadView {
    /// One of which only that is known.
    #[must_use]
    pub const fn arrived(enqueued_at: EpochMs) -> Self {
        Self {
            enqueued_at,
            deadline: None,
            tenant: None,
            session: None,
            cost_ms: None,
            urgency: None,
            business_weight: None,
        }
    }
}

/// A message that is no view.
#[derive(Debug, thiserror::Error)]
pub enum UnreadableView {
    /// No JSON, or a field is missing or of another type.
    #[error("the view cannot be read: {0}")]
    Body(#[from] serde_json::Error),
    /// A name is not one.
    #[error("the view cannot be read: {key}: {source}")]
    Name {
        /// Where it stands.
        key: &'static str,
        /// What is wrong with it.
        source: NameError,
    },
    /// A lane, a shard or a hash is none.
    #[error("the view cannot be read: {key}: {found:?} is none")]
    Word {
        /// Where it stands.
        key: &'static str,
        /// What stands there.
        found: String,
    },
}

impl UnreadableView {
    fn name(key: &'static str) -> impl FnOnce(NameError) -> Self {
        move |source| Self::Name { key, source }
    }

    const fn word(key: &'static str, found: String) -> Self {
        Self::Word { key, found }
    }
}

#[derive(Serialize, Deserialize)]
struct Written {
    version: u32,
    lane: String,
    taken_at: i64,
    queues: Vec<WrittenQueue>,
}

#[derive(Serialize, Deserialize)]
struct WrittenQueue {
    class: String,
    model: String,
    shard: String,
    depth: u64,
    running: u64,
    limit: u32,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    paused: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    head: Option<WrittenHead>,
}

#[derive(Serialize, Deserialize)]
struct WrittenHead {
    enqueued_at: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    deadline: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tenant: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    session: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cost_ms: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    urgency: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    business_weight: Option<f64>,
}

/// The view's body, as JSON.
#[must_use]
pub fn view_body(of: &LaneView) -> Vec<u8> {
    let written = Written {
        version: 1,
        lane: of.lane.to_string(),
        taken_at: of.taken_at.0,
        queues: of.queues.iter().map(write_queue).collect(),
    };
    serde_json::to_vec(&written).unwrap_or_else(|error| unreachable!("texts and numbers: {error}"))
}

fn write_queue(of: &QueueView) -> WrittenQueue {
    WrittenQueue {
        class: of.route.class.to_string(),
        model: of.route.model.to_string(),
        shard: of.route.shard.to_string(),
        depth: of.depth,
        running: of.running,
        limit: of.limit,
        paused: of.is_paused,
        head: of.head.map(|head| WrittenHead {
            enqueued_at: head.enqueued_at.0,
            deadline: head.deadline.map(|at| at.0),
            tenant: head.tenant.map(hex),
            session: head.session.map(hex),
            cost_ms: head.cost_ms,
            urgency: head.urgency,
            business_weight: head.business_weight,
        }),
    }
}

/// Reads a view; fields it does not know are passed over.
///
/// # Errors
/// [`UnreadableView`].
pub fn read_view(body: &[u8]) -> Result<LaneView, UnreadableView> {
    let read: Written = serde_json::from_slice(body)?;
    let lane: Lane = read
        .lane
        .parse()
        .map_err(|_| UnreadableView::word("lane", read.lane))?;
    let queues = read.queues.into_iter().map(|queue| read_queue(lane, queue));
    Ok(LaneView {
        lane,
        taken_at: EpochMs(read.taken_at),
        queues: queues.collect::<Result<_, _>>()?,
    })
}

fn read_queue(lane: Lane, read: WrittenQueue) -> Result<QueueView, UnreadableView> {
    let shard: Shard = read
        .shard
        .parse()
        .map_err(|_| UnreadableView::word("queues.shard", read.shard))?;
    let head = read.head.map(read_head).transpose()?;
    Ok(QueueView {
        route: Route {
            lane,
            class: ClassName::new(&read.class).map_err(UnreadableView::name("queues.class"))?,
            model: ModelToken::new(&read.model).map_err(UnreadableView::name("queues.model"))?,
            shard,
        },
        depth: read.depth,
        running: read.running,
        limit: read.limit.max(1),
        is_paused: read.paused,
        head,
    })
}

fn read_head(read: WrittenHead) -> Result<HeadView, UnreadableView> {
    Ok(HeadView {
        enqueued_at: EpochMs(read.enqueued_at),
        deadline: read.deadline.map(EpochMs),
        tenant: unhex("queues.head.tenant", read.tenant)?,
        session: unhex("queues.head.session", read.session)?,
        cost_ms: read.cost_ms,
        urgency: read.urgency,
        business_weight: read.business_weight,
    })
}

/// Sixteen digits: a number of 64 bits does not survive in every language's JSON.
fn hex(hash: u64) -> String {
    format!("{hash:016x}")
}

fn unhex(key: &'static str, text: Option<String>) -> Result<Option<u64>, UnreadableView> {
    let Some(text) = text else { return Ok(None) };
    match u64::from_str_radix(&text, 16) {
        Ok(hash) => Ok(Some(hash)),
        Err(_) => Err(UnreadableView::word(key, text)),
    }
}
