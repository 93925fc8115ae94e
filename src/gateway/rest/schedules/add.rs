//! `POST /v1/schedules`: adds a schedule. 201 when it is written, 200 when it was there before.

use std::sync::Arc;

use axum::Json;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::gateway::rest::caller;
use crate::gateway::rest::reply::Refused;
use crate::gateway::rest::submit::unread;
use crate::gateway::{Desk, TASK_BYTES_MAX};

/// The task, escaped as JSON at the worst, and what stands around it.
const BODY_MAX: usize = 2 * TASK_BYTES_MAX;

pub(in crate::gateway::rest) async fn handle(
    State(desk): State<Arc<Desk>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    let body = to_bytes(body, BODY_MAX)
        .await
        .map_err(|error| unread(&error, BODY_MAX))?;
    let (schedule, is_new) = desk.add_schedule(caller::tenant(&headers)?, &body).await?;
    let place = format!("/v1/schedules/{}", schedule.name);
    let status = if is_new {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok((status, [(header::LOCATION, place)], Json(schedule)).into_response())
}
