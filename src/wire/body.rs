//! A task's body: JSON or MessagePack, the same named fields in both.

use std::collections::BTreeMap;
use std::io::Cursor;

use serde::{Deserialize, Deserializer as _};
use serde_json::Value;

use super::body_fields::IdentityOnly;
use crate::task::{ClassName, EpochMs, ModelName, TaskId, TenantId};

/// Deepest nesting in a body; serde_json has the same bound built in.
const MAX_DEPTH: usize = 128;

/// What a client writes. Fields that are not listed are ignored here and kept in the bytes,
/// which every publication of the task carries on unchanged.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskBody {
    /// Its identity; absent on a bare publication that leaves it to the stream.
    pub task_id: Option<TaskId>,
    /// The model that is to answer.
    pub model: ModelName,
    /// What the model is asked; its shape is the model's affair.
    pub input: Value,
    /// Lower is more urgent.
    pub priority: Option<u32>,
    /// Its business scenario.
    pub class: Option<ClassName>,
    /// Who pays.
    pub tenant: Option<TenantId>,
    /// When the answer stops being worth having.
    pub deadline: Option<EpochMs>,
    /// The caller's own measure of urgency.
    pub urgency_score: Option<f64>,
    /// The caller's own measure of worth.
    pub business_weight: Option<f64>,
    /// Where to POST the result.
    pub callback_url: Option<String>,
    /// Tasks that must complete before this one.
    pub depends_on: Vec<TaskId>,
    /// Tasks of one key run one at a time.
    pub concurrency_key: Option<String>,
    /// Time to the first output and per idle gap, in milliseconds.
    pub timeout_ms: Option<u64>,
    /// Bound on executions that may fail.
    pub max_attempts: Option<u32>,
    /// Not to be started before.
    pub run_at: Option<EpochMs>,
    /// Free text the caller attached.
    pub labels: BTreeMap<String, String>,
}

impl TaskBody {
    /// A body with the two required fields.
    #[must_use]
    pub fn new(model: ModelName, input: Value) -> Self {
        Self {
            task_id: None,
            model,
            input,
            priority: None,
            class: None,
            tenant: None,
            deadline: None,
            urgency_score: None,
            business_weight: None,
            callback_url: None,
            depends_on: Vec::new(),
            concurrency_key: None,
            timeout_ms: None,
            max_attempts: None,
            run_at: None,
            labels: BTreeMap::new(),
        }
    }
}

/// How a body is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Codec {
    /// `application/json`.
    Json,
    /// `application/msgpack`, with named fields.
    MessagePack,
}

impl Codec {
    /// The codec of a body: what its content type says, else JSON when it starts with `{`
    /// (white space before it is no start of a MessagePack map either), else MessagePack.
    #[must_use]
    pub fn of(content_type: Option<&str>, body: &[u8]) -> Self {
        let named = content_type
            .and_then(|text| text.split(';').next())
            .map(|text| text.trim().to_ascii_lowercase());
        match named.as_deref() {
            Some("application/json") => Codec::Json,
            Some("application/msgpack" | "application/x-msgpack") => Codec::MessagePack,
            _ if body.trim_ascii_start().first() == Some(&b'{') => Codec::Json,
            _ => Codec::MessagePack,
        }
    }

    /// The content type to send.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Codec::Json => "application/json",
            Codec::MessagePack => "application/msgpack",
        }
    }
}

/// A body that is no task.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// The top level is not a map of named fields.
    #[error("the body is no {0} map of named fields")]
    NotAMap(&'static str),
    /// The JSON, or a field in it; the message names field, line and column.
    #[error(transparent)]
    Json(serde_json::Error),
    /// The MessagePack, or a field in it.
    #[error("{source} at byte {at}")]
    MessagePack {
        /// How far the body was read.
        at: u64,
        /// What was wrong there; names the field.
        #[source]
        source: rmp_serde::decode::Error,
    },
    /// Bytes follow the task.
    #[error("{0} bytes follow the task")]
    Trailing(u64),
    /// The input has no form in this codec.
    #[error("the body cannot be written: {0}")]
    Write(String),
}

impl BodyError {
    /// The field that is wrong, where it is one.
    #[must_use]
    pub fn field(&self) -> Option<String> {
        let told = self.to_string();
        let (field, _) = told.strip_prefix("TaskBody.")?.split_once(':')?;
        Some(field.to_owned())
    }
}

/// Reads a body.
///
/// # Errors
/// [`BodyError`], which names the field and the place where it can.
pub fn parse_body(content_type: Option<&str>, body: &[u8]) -> Result<TaskBody, BodyError> {
    decode(Codec::of(content_type, body), body)
}

/// A body as a plain value, whether or not it is a task; for showing.
#[must_use]
pub fn body_value(content_type: Option<&str>, body: &[u8]) -> Option<Value> {
    decode(Codec::of(content_type, body), body).ok()
}

/// Writes a body.
///
/// # Errors
/// [`BodyError::Write`] for an input that is nested too deep.
pub fn write_body(body: &TaskBody, codec: Codec) -> Result<Vec<u8>, BodyError> {
    match codec {
        Codec::Json => serde_json::to_vec(body).map_err(|e| BodyError::Write(e.to_string())),
        Codec::MessagePack => rmp_serde::to_vec_named(body).map_err(|e| BodyError::Write(e.to_string())),
    }
}

/// The identity in a body that may be broken elsewhere.
pub(super) fn salvage_task_id(content_type: Option<&str>, body: &[u8]) -> Option<TaskId> {
    let mut found = None;
    // Whatever comes after the identity may be broken: what was found until then counts.
    let _ = match Codec::of(content_type, body) {
        Codec::Json => {
            let mut json = serde_json::Deserializer::from_slice(body);
            json.deserialize_map(IdentityOnly(&mut found)).is_ok()
        }
        Codec::MessagePack => message_pack(body)
            .deserialize_map(IdentityOnly(&mut found))
            .is_ok(),
    };
    found
}

pub(super) fn decode<'a, T: Deserialize<'a>>(codec: Codec, body: &'a [u8]) -> Result<T, BodyError> {
    match codec {
        Codec::Json if body.trim_ascii_start().first() != Some(&b'{') => Err(BodyError::NotAMap("JSON")),
        Codec::Json => serde_json::from_slice(body).map_err(BodyError::Json),
        Codec::MessagePack if !starts_a_map(body) => Err(BodyError::NotAMap("MessagePack")),
        Codec::MessagePack => {
            let mut reader = message_pack(body);
            let read = T::deserialize(&mut reader);
            let at = reader.position();
            let value = read.map_err(|source| BodyError::MessagePack { at, source })?;
            match (body.len() as u64).saturating_sub(at) {
                0 => Ok(value),
                left => Err(BodyError::Trailing(left)),
            }
        }
    }
}

type MessagePackReader<'a> = rmp_serde::Deserializer<rmp_serde::decode::ReadReader<Cursor<&'a [u8]>>>;

fn message_pack(body: &[u8]) -> MessagePackReader<'_> {
    let mut reader = rmp_serde::Deserializer::new(Cursor::new(body));
    reader.set_max_depth(MAX_DEPTH);
    reader
}

/// A list would be read by position, and a client's field order is no contract.
fn starts_a_map(body: &[u8]) -> bool {
    matches!(body.first(), Some(0x80..=0x8f | 0xde | 0xdf))
}
