//! `DELETE /v1/schedules/{name}`: takes a schedule away; what it has fired stays.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::HeaderMap;

use crate::gateway::rest::caller;
use crate::gateway::rest::reply::Refused;
use crate::gateway::{Desk, Removed};

pub(in crate::gateway::rest) async fn handle(
    State(desk): State<Arc<Desk>>,
    name: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Json<Removed>, Refused> {
    let name = caller::schedule(name)?;
    let tenant = caller::owner(&headers)?;
    Ok(Json(desk.remove_schedule(&tenant, &name).await?))
}
