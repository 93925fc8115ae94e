//! What each setting may be.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use figment::Figment;
use figment::value::Value;

use super::{Settings, redact_url};

/// More slots than any one machine serves; a larger number is a typing mistake.
const SLOTS: RangeInclusive<u64> = 1..=4096;
/// An hour: longer than that, nobody waits for a shutdown.
const DRAIN_MS: RangeInclusive<u64> = 0..=3_600_000;
/// It stands in subjects and keys.
const WORKER_ID_LEN_MAX: usize = 64;
/// Of a label's key, and of its value.
const LABEL_LEN_MAX: usize = 63;

/// Merged values, and what is wrong with them.
pub(super) struct Check {
    pub(super) figment: Figment,
    pub(super) faults: Vec<String>,
}

impl Check {
    /// `None` only with a fault. Reads everything first, so that every fault is found.
    pub(super) fn settings(&mut self) -> Option<Settings> {
        let nats_url = self.nats_url();
        let nats_creds = self.path("nats_creds");
        let http_listen = self.listen("http_listen");
        let metrics_listen = self.listen("metrics_listen");
        let callback_key = self.path("callback_key");
        let policy = self.path("policy");
        let slots = self.whole("slots", SLOTS).and_then(|n| u32::try_from(n).ok());
        let worker_id = self.worker_id();
        let worker_labels = self.worker_labels();
        let log = self.text("log");
        let nats_server = self.path("nats_server");
        let model_dir = self.path("model_dir");
        let drain_ms = self.whole("drain_ms", DRAIN_MS);
        Some(Settings {
            nats_url: nats_url?,
            nats_creds,
            http_listen,
            metrics_listen: metrics_listen?,
            callback_key,
            policy,
            slots: slots?,
            worker_id,
            worker_labels,
            log: log?,
            nats_server,
            model_dir,
            drain_ms: drain_ms?,
        })
    }

    fn nats_url(&mut self) -> Option<Vec<String>> {
        let text = self.text("nats_url")?;
        let urls: Vec<String> = text.split(',').map(|url| url.trim().to_owned()).collect();
        if urls.iter().all(|url| is_server(url)) {
            return Some(urls);
        }
        let shown = redact_url(&text);
        self.fault(
            "nats_url",
            &format!("{shown:?} is no list of servers; give nats://HOST:PORT, several with commas"),
        )
    }

    fn listen(&mut self, key: &str) -> Option<SocketAddr> {
        let text = self.text(key)?;
        match text.parse::<SocketAddr>() {
            Ok(listen) if listen.ip().is_loopback() => Some(listen),
            Ok(_) => {
                let what = "would be open to the network, and there are no keys yet to guard it; \
                            give a loopback address such as 127.0.0.1:9090";
                self.fault(key, &format!("{text} {what}"))
            }
            Err(_) => {
                let what = format!("{text:?} is no address; give IP:PORT such as 127.0.0.1:9090");
                self.fault(key, &what)
            }
        }
    }

    fn worker_id(&mut self) -> Option<String> {
        let text = self.text("worker_id")?;
        let legal = text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
        if legal && text.len() <= WORKER_ID_LEN_MAX {
            return Some(text);
        }
        self.fault(
            "worker_id",
            &format!("{text:?} is no worker id; give 1 to {WORKER_ID_LEN_MAX} of A-Z a-z 0-9 _ -"),
        )
    }

    /// Empty where there are none, or with a fault.
    fn worker_labels(&mut self) -> BTreeMap<String, String> {
        let Some(text) = self.text("worker_labels") else {
            return BTreeMap::new();
        };
        let is_word = |word: &str| {
            (1..=LABEL_LEN_MAX).contains(&word.len())
                && word
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b))
        };
        let pairs = text.split(',').map(|pair| pair.trim().split_once('='));
        let read: Option<BTreeMap<String, String>> = pairs
            .map(|pair| {
                let (key, value) = pair.filter(|(key, value)| is_word(key) && is_word(value))?;
                Some((key.to_owned(), value.to_owned()))
            })
            .collect();
        let what = format!(
            "{text:?} are no labels; give KEY=VALUE, several with commas, each of 1 to {LABEL_LEN_MAX} of A-Z a-z 0-9 _ - ."
        );
        read.or_else(|| self.fault("worker_labels", &what))
            .unwrap_or_default()
    }

    fn path(&mut self, key: &str) -> Option<PathBuf> {
        self.text(key).map(PathBuf::from)
    }

    /// A text that is not empty.
    fn text(&mut self, key: &str) -> Option<String> {
        match self.figment.find_value(key).ok()? {
            Value::String(_, text) if !text.is_empty() => Some(text),
            Value::String(..) => self.fault(key, "is empty; give a text or leave it out"),
            // The value is not shown: it may be a secret in the wrong place.
            _ => self.fault(key, "is no text; put it in quotes"),
        }
    }

    fn whole(&mut self, key: &str, range: RangeInclusive<u64>) -> Option<u64> {
        let value = self.figment.find_value(key).ok()?;
        let (signed, unsigned) = (value.to_i128(), value.to_u128());
        let number = unsigned
            .and_then(|n| u64::try_from(n).ok())
            .or(signed.and_then(|n| u64::try_from(n).ok()));
        if let Some(number) = number.filter(|n| range.contains(n)) {
            return Some(number);
        }
        let shown = match (&value, signed, unsigned) {
            (Value::String(_, text), ..) => format!("{text:?}"),
            (_, Some(number), _) => number.to_string(),
            (_, _, Some(number)) => number.to_string(),
            _ => "the value".to_owned(),
        };
        let (from, to) = (range.start(), range.end());
        self.fault(
            key,
            &format!("{shown} is not allowed; give a whole number from {from} to {to}"),
        )
    }

    /// Adds a fault of `key`, with the layer its value comes from; gives `None` for the caller to return.
    fn fault<T>(&mut self, key: &str, what: &str) -> Option<T> {
        let source = self
            .figment
            .find_metadata(key)
            .map(|m| m.interpolate(self.figment.profile(), &[key]));
        self.faults
            .push(format!("{}: {what}", source.unwrap_or_else(|| key.to_owned())));
        None
    }
}

/// Whether `url` can be a server's: `[SCHEME://]AUTHORITY`.
fn is_server(url: &str) -> bool {
    let (scheme, rest) = url.split_once("://").unwrap_or(("nats", url));
    let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    ["nats", "tls", "ws", "wss"].contains(&scheme)
        && host.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[')
        && !url.contains(char::is_whitespace)
}
