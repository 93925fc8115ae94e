//! A gateway, and an HTTP client at its door.

use std::sync::Arc;

use fairlane::broker::Broker;
use fairlane::config::LivePolicy;
use fairlane::gateway::{Desk, serve};
use fairlane::lifecycle::Lifecycle;
use fairlane::metrics::GatewayMetrics;
use fairlane::policy::Reach;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::Value;

use super::{Mesh, connect};

/// Callers that may wait for results at once: as few as a test can keep waiting.
const WAITS_MAX: usize = 2;

/// Where a gateway is, and a client for it.
#[derive(Clone)]
pub(crate) struct Door {
    pub(crate) url: String,
    client: Client,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: String,
}

impl Door {
    /// A gateway in the test's process, with both its doors.
    pub(crate) async fn of(mesh: &Mesh) -> Self {
        let broker = connect(&mesh.server, "gateway").await;
        Self::open(mesh, broker, &mesh.lifecycle.child()).await
    }

    /// The same, that takes a `callback_url` wherever it leads.
    pub(crate) async fn to_anywhere(mesh: &Mesh) -> Self {
        let broker = connect(&mesh.server, "gateway").await;
        Self::reaching(mesh, broker, Reach::Anywhere, &mesh.lifecycle.child()).await
    }

    /// The same over a connection and with a lifecycle of the test's.
    pub(crate) async fn open(mesh: &Mesh, broker: Broker, lifecycle: &Lifecycle) -> Self {
        Self::reaching(mesh, broker, Reach::Public, lifecycle).await
    }

    /// A gateway that lets callers change the policy.
    pub(crate) async fn writing_policies(mesh: &Mesh) -> Self {
        let broker = connect(&mesh.server, "writer").await;
        let may = |desk: Desk| desk.writing_policies(true);
        Self::with(
            broker,
            mesh.live.clone(),
            Reach::Public,
            &mesh.lifecycle.child(),
            may,
        )
        .await
    }

    /// A gateway that acts on `live`, and lets callers choose the track of a task.
    pub(crate) async fn choosing_tracks(mesh: &Mesh, live: Arc<LivePolicy>) -> Self {
        let broker = connect(&mesh.server, "chooser").await;
        let may = |desk: Desk| desk.choosing_tracks(true);
        Self::with(broker, live, Reach::Public, &mesh.lifecycle.child(), may).await
    }

    async fn reaching(mesh: &Mesh, broker: Broker, reach: Reach, lifecycle: &Lifecycle) -> Self {
        Self::with(broker, mesh.live.clone(), reach, lifecycle, |desk| desk).await
    }

    async fn with(
        broker: Broker,
        live: Arc<LivePolicy>,
        reach: Reach,
        lifecycle: &Lifecycle,
        may: impl FnOnce(Desk) -> Desk,
    ) -> Self {
        let metrics = Arc::new(GatewayMetrics::new());
        let desk = Desk::new(broker, live, reach, metrics, lifecycle.clone());
        let desk = Arc::new(may(desk.waiting_at_most(WAITS_MAX)));
        desk.heed_overload();
        desk.open_service().await.expect("the service opens");
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("there is a free port");
        let address = listener.local_addr().expect("it is bound");
        serve(listener, desk, axum::Router::new(), lifecycle);
        Self::at(&format!("http://{address}"))
    }

    /// A gateway that is there.
    pub(crate) fn at(url: &str) -> Self {
        let client = Client::builder().no_proxy().build().expect("a client");
        let url = url.to_owned();
        Self { url, client }
    }

    /// A request to it.
    pub(crate) fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        self.client.request(method, format!("{}{path}", self.url))
    }

    /// Sends `body` to `/v1/tasks`.
    pub(crate) async fn post(&self, body: impl Into<reqwest::Body>) -> Answered {
        Answered::of(self.request("POST", "/v1/tasks").body(body)).await
    }

    /// Asks for `path`.
    pub(crate) async fn get(&self, path: &str) -> Answered {
        Answered::of(self.request("GET", path)).await
    }

    /// Cancels the task `id`.
    pub(crate) async fn delete(&self, id: &str) -> Answered {
        Answered::of(self.request("DELETE", &format!("/v1/tasks/{id}"))).await
    }
}

impl Answered {
    /// Sends `request` and reads what comes.
    pub(crate) async fn of(request: RequestBuilder) -> Self {
        Self::try_of(request).await.expect("the gateway answers")
    }

    /// The same where nobody may answer.
    pub(crate) async fn try_of(request: RequestBuilder) -> Result<Self, reqwest::Error> {
        let response = request.send().await?;
        Ok(Self {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: response.text().await?,
        })
    }

    /// Its body.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The code of a problem.
    pub(crate) fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    /// One header; empty if it is not there.
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name).map(|value| value.to_str());
        value.map_or("", |text| text.expect("printable"))
    }

    /// Status, code and field of a problem.
    pub(crate) fn told(&self) -> String {
        format!("{} {} {}\n", self.status, self.header("content-type"), self.body)
    }
}
