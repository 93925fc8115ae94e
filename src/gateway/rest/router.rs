//! The tree of paths.

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

use super::reply::Refused;
use super::{cancel, result, schedules, status, submit, why};
use crate::gateway::{Code, Desk, Problem};

/// Every endpoint over `desk`. What no path matches is answered as a problem, too.
pub fn router(desk: Arc<Desk>) -> Router {
    Router::new()
        .route("/v1/tasks", post(submit::handle))
        .route("/v1/tasks/{id}", get(status::handle).delete(cancel::handle))
        .route("/v1/tasks/{id}/result", get(result::handle))
        .route("/v1/tasks/{id}/why", get(why::handle))
        .route(
            "/v1/schedules",
            get(schedules::list::handle).post(schedules::add::handle),
        )
        .route(
            "/v1/schedules/{name}",
            get(schedules::show::handle).delete(schedules::remove::handle),
        )
        .route("/v1/schedules/{name}/pause", post(schedules::hold::pause))
        .route("/v1/schedules/{name}/resume", post(schedules::hold::resume))
        .fallback(unknown)
        .method_not_allowed_fallback(not_allowed)
        .with_state(desk)
}

async fn unknown() -> Refused {
    let what = "nothing here; there are /v1/tasks, /v1/tasks/{id}, /v1/tasks/{id}/result, /v1/tasks/{id}/why, /v1/schedules, \
                /v1/schedules/{name}, /v1/schedules/{name}/pause, /v1/schedules/{name}/resume, /healthz, /readyz and /metrics";
    Problem::new(Code::UnknownPath, what).into()
}

async fn not_allowed() -> Refused {
    let what = "this path does not take that method; POST /v1/tasks, GET or DELETE /v1/tasks/{id}, GET \
                /v1/tasks/{id}/result or /v1/tasks/{id}/why, GET or POST /v1/schedules, GET or DELETE /v1/schedules/{name}, \
                POST /v1/schedules/{name}/pause or /v1/schedules/{name}/resume";
    Problem::new(Code::MethodNotAllowed, what).into()
}
