//! A receiver of callbacks: it answers as it is told and shows what came.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;

use super::PATIENCE;

/// Far more deliveries than any test causes.
const DELIVERED_MAX: usize = 1000;

/// One delivery, as the receiver sees it.
pub(crate) struct Delivered {
    pub(crate) path: String,
    headers: HeaderMap,
    pub(crate) body: String,
}

impl Delivered {
    /// One header; empty if it is not there.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().expect("text"))
    }
}

/// How it is answered: statuses in order, and the last one for ever. 0 is never answered.
type Script = Arc<Mutex<Vec<u16>>>;

/// A receiver on loopback.
pub(crate) struct Receiver {
    pub(crate) url: String,
    pub(crate) port: u16,
    delivered: mpsc::Receiver<Delivered>,
}

impl Receiver {
    /// Answers with these statuses in order, and with the last one for ever. 0 is never answered. On a free
    /// port.
    pub(crate) async fn answering(script: &[u16]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await;
        Self::on(listener.expect("there is a free port"), script)
    }

    /// The same on a port of the test's choosing.
    pub(crate) fn on(listener: TcpListener, script: &[u16]) -> Self {
        let (told, delivered) = mpsc::channel(DELIVERED_MAX);
        let script: Script = Arc::new(Mutex::new(script.to_vec()));
        let router = Router::new().fallback(take).with_state((told, script));
        let port = listener.local_addr().expect("it is bound").port();
        TaskTracker::new().spawn(async move { axum::serve(listener, router).await });
        Self {
            url: format!("http://127.0.0.1:{port}"),
            port,
            delivered,
        }
    }

    /// The next delivery.
    pub(crate) async fn next(&mut self) -> Delivered {
        let next = tokio::time::timeout(PATIENCE, self.delivered.recv()).await;
        next.expect("a delivery comes").expect("the receiver lives")
    }

    /// Nothing came so far.
    pub(crate) fn has_nothing(&mut self) -> bool {
        self.delivered.try_recv().is_err()
    }
}

async fn take(
    State((told, script)): State<(mpsc::Sender<Delivered>, Script)>,
    request: axum::extract::Request,
) -> Response {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.expect("a body");
    let status = {
        let mut script = script.lock().expect("no test panics in here");
        if script.len() > 1 {
            script.remove(0)
        } else {
            script[0]
        }
    };
    let delivered = Delivered {
        path: head.uri.path().to_owned(),
        headers: head.headers,
        body: String::from_utf8(body.to_vec()).expect("text"),
    };
    told.send(delivered).await.expect("the test reads");
    match status {
        0 => std::future::pending().await,
        302 => (StatusCode::FOUND, [("location", "/elsewhere")]).into_response(),
        status => StatusCode::from_u16(status).expect("a status").into_response(),
    }
}
