//! One request to a receiver: to the addresses that were checked, and nowhere else.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Client, Response, StatusCode, redirect};

use super::SigningKey;
use crate::policy::{AddressError, CallbackRules, Reach, callback_url};
use crate::task::EpochMs;

/// How results are delivered.
#[derive(Debug, Clone, Default)]
pub struct CallbackOptions {
    /// What deliveries are signed with; without it they are not.
    pub key: Option<SigningKey>,
    /// Where to.
    pub reach: Reach,
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Posted {
    /// The receiver has it.
    Taken,
    /// The receiver wants no more of it.
    Gone,
    /// The address is none that results are delivered to.
    Refused(AddressError),
    /// Not taken; another try may be.
    Failed {
        what: String,
        /// The least delay the receiver asked for, in ms.
        retry_after_ms: Option<u64>,
    },
}

/// Sends requests. Connections to one receiver are kept for the next.
pub(in crate::coordinator) struct Poster {
    client: Client,
    options: CallbackOptions,
}

impl Poster {
    pub(in crate::coordinator) fn new(options: CallbackOptions) -> Result<Self, reqwest::Error> {
        // The first one counts, and there is only one: ring.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            // A redirect could lead from a public address to one that is not.
            .redirect(redirect::Policy::none())
            .no_proxy()
            .dns_resolver(Arc::new(Guard(options.reach)))
            .user_agent(concat!("fairlane/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { client, options })
    }

    /// Sends `body` as the event `id`; it may take as long as `rules` allow.
    pub(super) async fn post(
        &self,
        url: &str,
        id: &str,
        now: EpochMs,
        body: Vec<u8>,
        rules: &CallbackRules,
    ) -> Posted {
        let url = match callback_url(url, self.options.reach) {
            Ok(url) => url,
            Err(refused) => return Posted::Refused(refused),
        };
        let at_s = now.0 / 1000;
        let mut request = self
            .client
            .post(url)
            .timeout(Duration::from_millis(rules.timeout_ms))
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", at_s);
        if let Some(key) = &self.options.key {
            request = request.header("webhook-signature", key.sign(id, at_s, &body));
        }
        match request.body(body).send().await {
            Ok(response) => judge(&response),
            Err(error) => match refusal(&error) {
                Some(refused) => Posted::Refused(refused.clone()),
                None => Posted::Failed {
                    what: innermost(&error),
                    retry_after_ms: None,
                },
            },
        }
    }
}

fn judge(response: &Response) -> Posted {
    let status = response.status();
    if status.is_success() {
        return Posted::Taken;
    }
    if status == StatusCode::GONE {
        return Posted::Gone;
    }
    let seconds = response.headers().get(RETRY_AFTER);
    let seconds: Option<u64> = seconds
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.trim().parse().ok());
    Posted::Failed {
        what: format!("answered {status}"),
        retry_after_ms: seconds.map(|s| s.saturating_mul(1000)),
    }
}

/// Resolves names, and refuses one that any address speaks against: what is connected to is what was
/// checked.
struct Guard(Reach);

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.0;
        Box::pin(async move {
            // The port is put in by the client.
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            for address in &found {
                reach.check(address.ip())?;
            }
            let addresses: Addrs = Box::new(found.into_iter());
            Ok(addresses)
        })
    }
}

fn refusal(error: &reqwest::Error) -> Option<&AddressError> {
    causes(error).find_map(|cause| cause.downcast_ref())
}

/// What happened at the bottom, without the URL: it may hold the receiver's secrets.
fn innermost(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    causes(error).last().map_or_else(String::new, ToString::to_string)
}

fn causes<'a>(error: &'a reqwest::Error) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    let mut next = error.source();
    std::iter::from_fn(move || {
        let cause = next?;
        next = cause.source();
        Some(cause)
    })
}
