//! `GET /v1/schedules/{name}`: one schedule.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::HeaderMap;

use crate::gateway::rest::caller;
use crate::gateway::rest::reply::Refused;
use crate::gateway::{Desk, Shown};

pub(in crate::gateway::rest) async fn handle(
    State(desk): State<Arc<Desk>>,
    name: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Json<Shown>, Refused> {
    let name = caller::schedule(name)?;
    Ok(Json(desk.schedule(&caller::owner(&headers)?, &name).await?))
}
