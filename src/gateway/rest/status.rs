//! `GET /v1/tasks/{id}`: where a task stands.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::HeaderMap;

use super::caller;
use super::reply::Refused;
use crate::gateway::{Desk, Status};

pub(super) async fn handle(
    State(desk): State<Arc<Desk>>,
    id: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Json<Status>, Refused> {
    let named = caller::task(&headers, id)?;
    Ok(Json(desk.status(&named).await?))
}
