//! A NATS service: requests in, answers out, found and measured through `$SRV`.

use std::collections::HashMap;
use std::sync::Arc;

use async_nats::HeaderMap;
use async_nats::service::{Request, Service, ServiceExt, endpoint::Endpoint, error};
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use tokio::sync::Semaphore;

use super::connect::Broker;
use super::error::RequestError;
use crate::lifecycle::Lifecycle;
use crate::wire::ReadHeaders;

/// Requests answered at once by one process; the others wait in the client.
const UNDER_WAY_MAX: usize = 1024;

/// What a service is found by.
#[derive(Debug, Clone, Copy)]
pub struct Description {
    /// Its name, such as `fairlane`.
    pub name: &'static str,
    /// Its version, as in semantic versioning.
    pub version: &'static str,
    /// What it is for.
    pub about: &'static str,
}

/// One subject of a service.
#[derive(Debug, Clone, Copy)]
pub struct Door {
    /// Its name in statistics.
    pub name: &'static str,
    /// Where requests go.
    pub subject: &'static str,
    /// JSON schema of a request.
    pub request: &'static str,
    /// JSON schema of an answer.
    pub response: &'static str,
}

/// One request.
pub struct Question {
    /// Its body.
    pub body: Bytes,
    headers: HeaderMap,
}

impl Question {
    /// One of its headers.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.header(name)
    }
}

/// What a request is answered with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// A body.
    Done(Vec<u8>),
    /// `Nats-Service-Error`, `Nats-Service-Error-Code`, and further headers; no body.
    Failed {
        /// A number as HTTP has it.
        code: u16,
        /// What is wrong, in one line.
        what: String,
        /// More about it.
        headers: Vec<(&'static str, String)>,
    },
}

/// Answers questions that came through one door.
pub type Answering = Arc<dyn Fn(Question) -> BoxFuture<'static, Answer> + Send + Sync>;

impl Broker {
    /// Opens the doors; each question is answered by what stands beside its door. Every process that
    /// does so takes its part of the questions. It ends with the lifecycle, once what was asked is answered.
    ///
    /// # Errors
    /// [`RequestError`] when the server does not take a subscription.
    pub async fn open_service(
        &self,
        description: Description,
        doors: Vec<(Door, Answering)>,
        lifecycle: &Lifecycle,
    ) -> Result<(), RequestError> {
        let builder = self.client.service_builder().description(description.about);
        let service = builder
            .start(description.name, description.version)
            .await
            .map_err(|source| failed(description.name, source))?;
        let places = Arc::new(Semaphore::new(UNDER_WAY_MAX));
        for (door, answering) in doors {
            let schema = HashMap::from([
                ("request_schema".to_owned(), door.request.to_owned()),
                ("response_schema".to_owned(), door.response.to_owned()),
            ]);
            let endpoint = service
                .endpoint_builder()
                .name(door.name)
                .metadata(schema)
                .add(door.subject)
                .await
                .map_err(|source| failed(door.subject, source))?;
            lifecycle.spawn(attend(endpoint, answering, places.clone(), lifecycle.clone()));
        }
        // The server must have the subscriptions before anybody is told that the service is there.
        self.client
            .flush()
            .await
            .map_err(RequestError::of("open the service"))?;
        lifecycle.spawn(until_stopped(service, lifecycle.clone()));
        Ok(())
    }
}

/// The service stays open for as long as its handle lives.
async fn until_stopped(service: Service, lifecycle: Lifecycle) {
    lifecycle.soft().cancelled().await;
    if let Err(error) = service.stop().await {
        tracing::debug!(%error, "the service was not closed in order");
    }
}

async fn attend(mut endpoint: Endpoint, answering: Answering, places: Arc<Semaphore>, lifecycle: Lifecycle) {
    loop {
        let request = tokio::select! {
            request = endpoint.next() => request,
            () = lifecycle.soft().cancelled() => return,
        };
        let (Some(request), Ok(place)) = (request, places.clone().acquire_owned().await) else {
            return;
        };
        let answering = answering.clone();
        lifecycle.spawn(async move {
            answer(request, &answering).await;
            drop(place);
        });
    }
}

async fn answer(request: Request, answering: &Answering) {
    let question = Question {
        body: request.message.payload.clone(),
        headers: request.message.headers.clone().unwrap_or_default(),
    };
    let sent = match answering(question).await {
        Answer::Done(body) => request.respond(Ok(body.into())).await,
        Answer::Failed { code, what, headers } => {
            let mut map = HeaderMap::new();
            for (name, value) in headers {
                map.insert(name, one_line(&value).as_str());
            }
            let error = error::Error {
                status: one_line(&what),
                code: usize::from(code),
            };
            request.respond_with_headers(Err(error), map).await
        }
    };
    if let Err(error) = sent {
        // It asked without a place for the answer, or the connection is gone: nobody to tell.
        tracing::debug!(%error, "a request could not be answered");
    }
}

/// A header's value has no line breaks.
fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

fn failed(what: &str, source: async_nats::Error) -> RequestError {
    RequestError {
        operation: format!("open the service {what}"),
        source,
    }
}
