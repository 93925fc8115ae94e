//! `GET /v1/tasks/{id}/why`: why a task has not started or ended yet.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::HeaderMap;

use super::caller;
use super::reply::Refused;
use crate::gateway::{Desk, Why};

pub(super) async fn handle(
    State(desk): State<Arc<Desk>>,
    id: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Json<Why>, Refused> {
    let named = caller::task(&headers, id)?;
    Ok(Json(desk.why(&named).await?))
}
