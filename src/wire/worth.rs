//! What rules compare of a task, read from its headers and, for what the caller thinks it is worth, from its body.

use serde::Deserialize;

use super::body::{Codec, decode};
use super::header::{CONTENT_TYPE, ReadHeaders};
use super::publication::{Arrival, read_facts};
use super::view::HeadView;
use crate::task::fnv1a_64;

/// The label that names a session.
pub const SESSION: &str = "session";

/// Bodies beyond this are not looked into, in bytes: a hint is not worth reading them twice.
const BODY_MAX: usize = 256 * 1024;

/// What the caller thinks a task is worth.
#[derive(Debug, Clone, Copy, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct Worth {
    /// 0 to 10, 10 is the most urgent.
    #[serde(rename = "urgency_score")]
    pub urgency: Option<f64>,
    /// 0 to 10.
    pub business_weight: Option<f64>,
}

/// Reads only that from a body. Nothing of one that cannot be read, or is larger than 256 KiB.
#[must_use]
pub fn read_worth(content_type: Option<&str>, body: &[u8]) -> Worth {
    if body.len() > BODY_MAX {
        return Worth::default();
    }
    decode(Codec::of(content_type, body), body).unwrap_or_default()
}

/// What the headers say of a task that waits; of a message that cannot be read, only when it was stored.
#[must_use]
pub fn head_view(arrival: &Arrival<'_>) -> HeadView {
    let Ok(task) = read_facts(arrival) else {
        return HeadView::arrived(arrival.stored_at);
    };
    let session = task.facts.labels.get(SESSION);
    HeadView {
        deadline: task.facts.deadline,
        tenant: Some(fnv1a_64(task.tenant.as_str().as_bytes())),
        session: session.map(|session| fnv1a_64(session.as_bytes())),
        cost_ms: task.facts.cost,
        ..HeadView::arrived(task.enqueued_at)
    }
}

impl HeadView {
    /// The same with what the body says.
    #[must_use]
    pub fn with_worth(self, headers: &dyn ReadHeaders, body: &[u8]) -> Self {
        let worth = read_worth(headers.header(CONTENT_TYPE), body);
        Self {
            urgency: worth.urgency,
            business_weight: worth.business_weight,
            ..self
        }
    }
}
