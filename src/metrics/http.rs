//! `GET /metrics`, `/healthz`, `/readyz` of every role.

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::Exposition;

/// The text format of Prometheus.
const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Whether a role takes work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Readiness {
    /// Not yet: it is not connected, or its policy is not there.
    #[default]
    Starting,
    /// It does.
    Ready,
    /// Not any more: it finishes what it has.
    Draining,
}

#[derive(Clone)]
struct Shown {
    exposition: Exposition,
    readiness: watch::Receiver<Readiness>,
}

/// The three pages, for a server that has more.
pub fn pages(exposition: Exposition, readiness: watch::Receiver<Readiness>) -> Router {
    let shown = Shown {
        exposition,
        readiness,
    };
    Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get("alive\n"))
        .route("/readyz", get(readyz))
        .with_state(shown)
}

/// Serves the pages until `stop`, then finishes the answers under way.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    listener: TcpListener,
    exposition: Exposition,
    readiness: watch::Receiver<Readiness>,
    stop: CancellationToken,
) -> std::io::Result<()> {
    let router = pages(exposition.clone(), readiness).fallback(unknown);
    let server = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned());
    tokio::select! {
        ended = server.into_future() => ended,
        () = exposition.upkeep() => Ok(()),
    }
}

async fn metrics(State(shown): State<Shown>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, TEXT_FORMAT)], shown.exposition.render())
}

async fn readyz(State(shown): State<Shown>) -> (StatusCode, &'static str) {
    match *shown.readiness.borrow() {
        Readiness::Ready => (StatusCode::OK, "ready\n"),
        Readiness::Starting => (
            StatusCode::SERVICE_UNAVAILABLE,
            "starting: not connected yet, or without a policy\n",
        ),
        Readiness::Draining => (
            StatusCode::SERVICE_UNAVAILABLE,
            "draining: takes nothing new and finishes what it has\n",
        ),
    }
}

async fn unknown() -> (StatusCode, &'static str) {
    (
        StatusCode::NOT_FOUND,
        "nothing here; there are /metrics, /healthz and /readyz\n",
    )
}
