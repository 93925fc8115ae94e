//! `POST /v1/schedules/{name}/pause` and `/resume`: whether it fires.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::HeaderMap;

use crate::gateway::rest::caller;
use crate::gateway::rest::reply::Refused;
use crate::gateway::{Desk, Shown};

pub(in crate::gateway::rest) async fn pause(
    desk: State<Arc<Desk>>,
    name: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Json<Shown>, Refused> {
    hold(&desk, name, &headers, true).await
}

pub(in crate::gateway::rest) async fn resume(
    desk: State<Arc<Desk>>,
    name: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Json<Shown>, Refused> {
    hold(&desk, name, &headers, false).await
}

async fn hold(
    desk: &Desk,
    name: Result<Path<String>, PathRejection>,
    headers: &HeaderMap,
    is_paused: bool,
) -> Result<Json<Shown>, Refused> {
    let name = caller::schedule(name)?;
    let tenant = caller::owner(headers)?;
    Ok(Json(desk.hold_schedule(&tenant, &name, is_paused).await?))
}
