//! What the server has, over its JetStream API with the JSON as it is: a client's typed form would
//! drop the fields it does not know.

use async_nats::jetstream::context::{RequestError, RequestErrorKind};
use serde_json::{Map, Value, json};

use super::plan::FieldChange;
use super::spec::{SpecError, StreamSpec, is_ours};
use crate::broker::Broker;

/// Far more pages of 1024 names than a server has streams: an answer that never ends does.
const PAGES_MAX: usize = 100;

/// The server cannot be asked, or says no.
#[derive(Debug, thiserror::Error)]
pub enum TopologyError {
    /// No answer.
    #[error(
        "JetStream does not answer {request}: {source}; is it on for this account, and may this user ask it?"
    )]
    Unanswered {
        /// The API's subject.
        request: String,
        /// Why.
        source: RequestError,
    },
    /// An answer that says no.
    #[error("the server refuses {request}: {description} ({err_code})")]
    Refused {
        /// The API's subject.
        request: String,
        /// In the server's words.
        description: String,
        /// The server's number for it.
        err_code: u64,
    },
    /// An answer of another shape.
    #[error("the server's answer to {request} holds no stream: {source}")]
    Shape {
        /// The API's subject.
        request: String,
        /// Why.
        source: SpecError,
    },
    /// Live streams would have to become what they cannot.
    #[error("{}", immutable_text(.0))]
    Immutable(Vec<(String, Vec<FieldChange>)>),
    /// An extra stream is in use.
    #[error("{stream} still holds {messages} messages, so it is not deleted; drain it, or delete it by hand")]
    InUse {
        /// Which.
        stream: String,
        /// How many.
        messages: u64,
    },
}

impl TopologyError {
    /// Whether trying later may help.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unanswered { .. })
    }

    /// Whether nobody serves the API at all, so JetStream is off.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Unanswered { source, .. } if source.kind() == RequestErrorKind::NoResponders)
    }

    /// Whether a rule of ours forbade it, before anything was touched.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Immutable(_) | Self::InUse { .. })
    }
}

/// The configurations of all our streams, without what the server itself adds to them.
///
/// # Errors
/// [`TopologyError`].
pub async fn export(broker: &Broker) -> Result<Vec<StreamSpec>, TopologyError> {
    let mut streams = Vec::new();
    for name in names(broker).await? {
        let request = format!("STREAM.INFO.{name}");
        let mut info = ask(broker, &request, &json!({})).await?;
        let config = info.remove("config").unwrap_or_default();
        let spec = StreamSpec::new(without_server_notes(config));
        streams.push(spec.map_err(|source| TopologyError::Shape { request, source })?);
    }
    Ok(streams)
}

/// How many messages a stream holds.
pub(super) async fn messages(broker: &Broker, stream: &str) -> Result<u64, TopologyError> {
    let info = ask(broker, &format!("STREAM.INFO.{stream}"), &json!({})).await?;
    Ok(info["state"]["messages"].as_u64().unwrap_or(0))
}

/// One request to the JetStream API. `request` is its subject without the prefix.
pub(in crate::broker) async fn ask(
    broker: &Broker,
    request: &str,
    body: &Value,
) -> Result<Map<String, Value>, TopologyError> {
    let answer: Result<Map<String, Value>, _> = broker.context.request(request.to_owned(), body).await;
    let answer = answer.map_err(|source| TopologyError::Unanswered {
        request: request.to_owned(),
        source,
    })?;
    match answer.get("error") {
        None => Ok(answer),
        Some(error) => Err(TopologyError::Refused {
            request: request.to_owned(),
            description: error["description"]
                .as_str()
                .unwrap_or("no reason given")
                .to_owned(),
            err_code: error["err_code"].as_u64().unwrap_or(0),
        }),
    }
}

/// The names of all our streams, sorted by the server.
async fn names(broker: &Broker) -> Result<Vec<String>, TopologyError> {
    let mut all: Vec<String> = Vec::new();
    for _ in 0..PAGES_MAX {
        let page = ask(broker, "STREAM.NAMES", &json!({"offset": all.len()})).await?;
        let streams = page.get("streams").and_then(Value::as_array);
        let names: Vec<&str> = streams.into_iter().flatten().filter_map(Value::as_str).collect();
        all.extend(names.iter().map(|name| (*name).to_owned()));
        let total = page.get("total").and_then(Value::as_u64).unwrap_or(0);
        if names.is_empty() || all.len() as u64 >= total {
            break;
        }
    }
    all.retain(|name| is_ours(name));
    Ok(all)
}

/// The server notes its version and feature levels in `metadata`, which no file can foresee.
fn without_server_notes(mut config: Value) -> Value {
    if let Some(fields) = config.as_object_mut() {
        if let Some(Value::Object(metadata)) = fields.get_mut("metadata") {
            metadata.retain(|key, _| !key.starts_with("_nats."));
        }
        fields.retain(|_, value| value.as_object().is_none_or(|object| !object.is_empty()));
    }
    config
}

fn immutable_text(streams: &[(String, Vec<FieldChange>)]) -> String {
    let fields = streams.iter().flat_map(|(stream, fields)| {
        fields.iter().map(move |change| {
            format!(
                "{stream}: {} is {} and should be {}",
                change.field, change.from, change.to
            )
        })
    });
    let fields: Vec<String> = fields.collect();
    format!(
        "a live stream cannot change this, so nothing was changed: {}; drain the stream, delete it and apply again",
        fields.join("; ")
    )
}
