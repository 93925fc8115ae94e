//! The gateway's HTTP server.

use std::sync::Arc;

use axum::Router;
use tokio::net::TcpListener;

use super::{Desk, rest};
use crate::lifecycle::Lifecycle;

/// Serves REST over `desk`, and `pages` beside it, until the soft stop; then what is under way is
/// answered and nothing new is taken.
pub fn serve(listener: TcpListener, desk: Arc<Desk>, pages: Router, lifecycle: &Lifecycle) {
    let router = rest::router(desk).merge(pages);
    let stop = lifecycle.soft().clone().cancelled_owned();
    let serving = axum::serve(listener, router).with_graceful_shutdown(stop);
    let hard = lifecycle.hard().clone();
    let stopping = lifecycle.clone();
    lifecycle.spawn(async move {
        let ended = tokio::select! {
            ended = serving.into_future() => ended,
            () = hard.cancelled() => Ok(()),
        };
        if let Err(error) = ended {
            tracing::error!(%error, "the HTTP server has ended; stopping");
            stopping.crash();
        }
    });
}
