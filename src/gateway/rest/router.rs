//! The tree of paths.

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

use super::reply::Refused;
use super::{cancel, policies, result, schedules, status, submit, why};
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
        .route(
            "/v1/policy",
            get(policies::current::get).put(policies::current::put),
        )
        .route("/v1/policy/versions", get(policies::past::list))
        .route("/v1/policy/versions/{version}", get(policies::past::show))
        .route("/v1/policy/rollback", post(policies::back::handle))
        .route("/v1/policy/validate", post(policies::check::handle))
        .route(
            "/v1/policy/rollout",
            get(policies::rollout::status::handle).post(policies::rollout::begin::handle),
        )
        .route("/v1/policy/rollout/pause", post(policies::rollout::steer::pause))
        .route(
            "/v1/policy/rollout/resume",
            post(policies::rollout::steer::resume),
        )
        .route(
            "/v1/policy/rollout/promote",
            post(policies::rollout::steer::promote),
        )
        .route("/v1/policy/rollout/abort", post(policies::rollout::steer::abort))
        .route(
            "/v1/policy/shadow",
            get(policies::shadow::get)
                .put(policies::shadow::put)
                .delete(policies::shadow::delete),
        )
        .fallback(unknown)
        .method_not_allowed_fallback(not_allowed)
        .with_state(desk)
}

async fn unknown() -> Refused {
    let what = "nothing here; there are /v1/tasks, /v1/tasks/{id}, /v1/tasks/{id}/result, /v1/tasks/{id}/why, /v1/schedules, \
                /v1/schedules/{name}, /v1/schedules/{name}/pause, /v1/schedules/{name}/resume, /v1/policy, \
                /v1/policy/versions, /v1/policy/rollback, /v1/policy/validate, /v1/policy/rollout, \
                /v1/policy/rollout/pause, /v1/policy/rollout/resume, /v1/policy/rollout/promote, \
                /v1/policy/rollout/abort, /v1/policy/shadow, /healthz, /readyz and /metrics";
    Problem::new(Code::UnknownPath, what).into()
}

async fn not_allowed() -> Refused {
    let what = "this path does not take that method; POST /v1/tasks, GET or DELETE /v1/tasks/{id}, GET \
                /v1/tasks/{id}/result or /v1/tasks/{id}/why, GET or POST /v1/schedules, GET or DELETE /v1/schedules/{name}, \
                POST /v1/schedules/{name}/pause or /v1/schedules/{name}/resume, GET or PUT /v1/policy, GET \
                /v1/policy/versions, POST /v1/policy/rollback or /v1/policy/validate, GET or POST /v1/policy/rollout, \
                POST /v1/policy/rollout/pause, /v1/policy/rollout/resume, /v1/policy/rollout/promote or \
                /v1/policy/rollout/abort, GET, PUT or DELETE /v1/policy/shadow";
    Problem::new(Code::MethodNotAllowed, what).into()
}
