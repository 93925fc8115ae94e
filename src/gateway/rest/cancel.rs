//! `DELETE /v1/tasks/{id}`: cancels a task.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::HeaderMap;

use super::caller;
use super::reply::Refused;
use crate::gateway::{Cancelled, Desk};

pub(super) async fn handle(
    State(desk): State<Arc<Desk>>,
    id: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Json<Cancelled>, Refused> {
    let named = caller::task(&headers, id)?;
    Ok(Json(desk.cancel(&named).await?))
}
