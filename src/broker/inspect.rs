//! What the server tells about itself, for checks. No task's path asks any of it.

use serde_json::{Map, Value, json};

use super::topology::{TopologyError, ask};
use super::{Broker, RequestError};
use crate::task::EpochMs;
use crate::wire::parse_rfc3339;

/// The server's number for an account without JetStream.
const NOT_ENABLED: u64 = 10039;
/// The server's number for a stream that does not exist.
const NO_STREAM: u64 = 10059;

/// JetStream's storage as this account sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Account {
    /// Bytes in file streams.
    pub used_bytes: u64,
    /// The sum of `max_bytes` over bounded file streams: taken, whether used or not.
    pub reserved_bytes: u64,
    /// The account's limit; none when only the server's own limits it.
    pub limit_bytes: Option<u64>,
}

/// How full a stream is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamState {
    /// Messages it holds.
    pub messages: u64,
    /// Its limit of messages.
    pub messages_max: Option<u64>,
    /// Bytes it holds.
    pub bytes: u64,
    /// Its limit of bytes.
    pub bytes_max: Option<u64>,
    /// How long it keeps a message, in ms.
    pub age_max_ms: Option<u64>,
    /// When the oldest message was published; none when it is empty.
    pub first: Option<EpochMs>,
    /// Messages published from the oldest on, also those gone since.
    pub published: u64,
    /// The sequence of the last one, 0 where there was none.
    pub last_sequence: u64,
}

impl Broker {
    /// The server's wall time. Any user may ask for it, unless its permissions say otherwise.
    ///
    /// # Errors
    /// When the server does not answer, or without its time.
    pub async fn server_time(&self) -> Result<EpochMs, RequestError> {
        let operation = "ask the server for its time";
        let answer = self.client.request("$SYS.REQ.USER.INFO", Vec::new().into()).await;
        let answer = answer.map_err(RequestError::of(operation))?;
        let answer: Value = serde_json::from_slice(&answer.payload).map_err(RequestError::of(operation))?;
        parse_rfc3339(answer["server"]["time"].as_str().unwrap_or_default())
            .map_err(RequestError::of(operation))
    }

    /// The account's storage; none when JetStream is off for it.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn account(&self) -> Result<Option<Account>, TopologyError> {
        let info = match ask(self, "INFO", &json!({})).await {
            Ok(info) => info,
            Err(error) if error.is_absent() => return Ok(None),
            Err(TopologyError::Refused {
                err_code: NOT_ENABLED,
                ..
            }) => return Ok(None),
            Err(error) => return Err(error),
        };
        Ok(Some(Account {
            used_bytes: info.get("storage").and_then(Value::as_u64).unwrap_or(0),
            reserved_bytes: info.get("reserved_storage").and_then(Value::as_u64).unwrap_or(0),
            limit_bytes: info
                .get("limits")
                .and_then(|limits| limits["max_storage"].as_u64()),
        }))
    }

    /// What the account may store, in bytes; none where only the server's own limit holds.
    ///
    /// # Errors
    /// [`RequestError`] when the server does not answer.
    pub async fn storage_quota(&self) -> Result<Option<u64>, RequestError> {
        let account = self.account().await;
        let account = account.map_err(RequestError::of("ask what may be stored"))?;
        Ok(account.and_then(|account| account.limit_bytes))
    }

    /// How full `stream` is; none when there is no such stream.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn stream_state(&self, stream: &str) -> Result<Option<StreamState>, TopologyError> {
        match ask(self, &format!("STREAM.INFO.{stream}"), &json!({})).await {
            Ok(info) => Ok(Some(state(&info))),
            Err(TopologyError::Refused {
                err_code: NO_STREAM, ..
            }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Absent and negative limits are none; a `max_age` of 0 is none too.
fn state(info: &Map<String, Value>) -> StreamState {
    let null = Value::Null;
    let (config, state) = (
        info.get("config").unwrap_or(&null),
        info.get("state").unwrap_or(&null),
    );
    let count = |field: &str| state[field].as_u64().unwrap_or(0);
    let messages = count("messages");
    let first = state["first_ts"]
        .as_str()
        .and_then(|text| parse_rfc3339(text).ok());
    StreamState {
        messages,
        messages_max: config["max_msgs"].as_u64(),
        bytes: count("bytes"),
        bytes_max: config["max_bytes"].as_u64(),
        age_max_ms: config["max_age"]
            .as_u64()
            .filter(|ns| *ns > 0)
            .map(|ns| ns / 1_000_000),
        first: first.filter(|_| messages > 0),
        published: (count("last_seq") + 1).saturating_sub(count("first_seq")),
        last_sequence: count("last_seq"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_below_zero_are_none_and_an_empty_stream_has_no_first() {
        let info = json!({
            "config": {"max_msgs": -1, "max_bytes": 100, "max_age": 0},
            "state": {"messages": 0, "bytes": 0, "first_seq": 8, "last_seq": 7, "first_ts": "0001-01-01T00:00:00Z"},
        });
        let state = state(info.as_object().unwrap());
        assert_eq!(
            (state.messages_max, state.bytes_max, state.age_max_ms),
            (None, Some(100), None)
        );
        assert_eq!((state.first, state.published), (None, 0));
    }
}
