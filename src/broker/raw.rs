//! Reading messages past the client's own parser: headers that are none end its connection, and one
//! with a carriage return in a value ends it for good. Only the way that the server's API answers in
//! JSON is safe from what anybody may have published.

use async_nats::header::{HeaderName, HeaderValue};
use async_nats::{HeaderMap, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::json;

use super::connect::Broker;
use super::error::RequestError;
use super::publish::Original;
use crate::task::EpochMs;
use crate::wire::parse_rfc3339;

/// "no message found".
const NOT_FOUND: u64 = 10_037;
/// What the first line of a header block starts with.
const VERSION_LINE: &str = "NATS/1.0";

/// A stored message, whatever its headers are.
#[derive(Debug, Clone)]
pub struct Raw {
    /// Its sequence.
    pub sequence: u64,
    /// When the stream stored it.
    pub stored_at: EpochMs,
    /// Its subject; bytes that are no text are replaced.
    pub subject: String,
    /// Its body, with its headers if they can be read.
    pub original: Original,
    /// Why they cannot, if so.
    pub unreadable: Option<String>,
}

#[derive(Deserialize)]
struct Answer {
    message: Option<Message>,
    error: Option<Refusal>,
}

#[derive(Deserialize)]
struct Message {
    subject: String,
    seq: u64,
    #[serde(default)]
    hdrs: String,
    #[serde(default)]
    data: String,
    time: String,
}

#[derive(Deserialize)]
struct Refusal {
    err_code: u64,
    description: String,
}

impl Broker {
    /// The first message of `stream` at or after `sequence` on a subject that `filter` matches.
    pub(super) async fn raw_next(
        &self,
        stream: &str,
        filter: &str,
        sequence: u64,
    ) -> Result<Option<Raw>, RequestError> {
        let operation = format!("read {filter} from {stream}");
        let request = format!("STREAM.MSG.GET.{stream}");
        let asked = json!({"seq": sequence, "next_by_subj": filter});
        let answer: Result<Answer, _> = self.context.request(request, &asked).await;
        match answer.map_err(RequestError::of(operation.clone()))? {
            Answer {
                message: Some(message),
                ..
            } => read(message).map(Some).map_err(RequestError::of(operation)),
            Answer {
                error: Some(error), ..
            } if error.err_code != NOT_FOUND => Err(RequestError::of(operation)(error.description)),
            Answer { .. } => Ok(None),
        }
    }
}

fn read(message: Message) -> Result<Raw, Box<dyn std::error::Error + Send + Sync>> {
    let stored_at = parse_rfc3339(&message.time)?;
    let body = Bytes::from(STANDARD.decode(message.data)?);
    let (headers, unreadable) = match headers(&STANDARD.decode(message.hdrs)?) {
        Ok(headers) => (headers, None),
        Err(what) => (None, Some(what)),
    };
    Ok(Raw {
        sequence: message.seq,
        stored_at,
        subject: message.subject,
        original: Original { body, headers },
        unreadable,
    })
}

/// Reads a block of headers as the client would, but says what is wrong instead of going down.
fn headers(block: &[u8]) -> Result<Option<HeaderMap>, String> {
    if block.is_empty() {
        return Ok(None);
    }
    let text = std::str::from_utf8(block).map_err(|error| format!("the headers are no UTF-8: {error}"))?;
    let mut lines = text.lines().peekable();
    let version = lines.next().and_then(|line| line.strip_prefix(VERSION_LINE));
    let status = version
        .ok_or_else(|| format!("the headers do not start with {VERSION_LINE}"))?
        .trim();
    let status = status.split(' ').next().unwrap_or_default();
    if !status.is_empty() && status.parse::<StatusCode>().is_err() {
        return Err(format!("{status:?} is no status"));
    }
    let mut map = HeaderMap::new();
    while let Some(line) = lines.next() {
        if line.is_empty() {
            continue;
        }
        let (name, value) = line
            .split_once(':')
            .ok_or_else(|| format!("{line:?} is no header"))?;
        let mut value = value.trim_start().to_owned();
        while let Some(more) = lines.next_if(|line| line.starts_with(char::is_whitespace)) {
            value.push_str(more);
        }
        let header = name
            .parse::<HeaderName>()
            .map_err(|_| format!("{name:?} is no name of a header"))?;
        let value = value.trim_end().parse::<HeaderValue>();
        map.append(
            header,
            value.map_err(|_| format!("{name} has a line break in its value"))?,
        );
    }
    Ok(Some(map))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_of_headers_reads_as_the_client_reads_it() {
        let read = headers(b"NATS/1.0\r\nFl-Task-Id: one \r\nA: b\r\n  c\r\n\r\n")
            .unwrap()
            .unwrap();
        assert_eq!(read.get("Fl-Task-Id").unwrap().as_str(), "one");
        assert_eq!(read.get("A").unwrap().as_str(), "b  c");
        assert!(headers(b"").unwrap().is_none());
        assert!(headers(b"NATS/1.0 503\r\n\r\n").unwrap().unwrap().is_empty());
    }

    #[test]
    fn what_would_end_the_connection_is_named() {
        for (block, says) in [
            (&b"NATS/1.0\r\nA: \xe9\r\n\r\n"[..], "no UTF-8"),
            (b"NATS/1.0\r\nA: b\rc\r\n\r\n", "A has a line break in its value"),
            (b"NATS/1.0\r\nno colon\r\n\r\n", "\"no colon\" is no header"),
            (b"NATS/1.0\r\nA b: c\r\n\r\n", "\"A b\" is no name of a header"),
            (b"NATS/1.0 odd\r\nA: b\r\n\r\n", "\"odd\" is no status"),
            (b"HTTP/1.1\r\n\r\n", "do not start with NATS/1.0"),
        ] {
            let said = headers(block).unwrap_err();
            assert!(said.contains(says), "{said:?} does not say {says:?}");
        }
    }
}
