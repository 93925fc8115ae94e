//! `GET /v1/policy/versions` and `GET /v1/policy/versions/{version}`.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use serde_json::{Value, json};

use super::note::version;
use crate::gateway::rest::caller;
use crate::gateway::rest::reply::Refused;
use crate::gateway::{Desk, ShownPolicy};

pub(in crate::gateway::rest) async fn list(State(desk): State<Arc<Desk>>) -> Result<Json<Value>, Refused> {
    let versions = desk.policies().await?;
    Ok(Json(json!({"versions": versions})))
}

pub(in crate::gateway::rest) async fn show(
    State(desk): State<Arc<Desk>>,
    named: Result<Path<String>, PathRejection>,
) -> Result<Json<ShownPolicy>, Refused> {
    let named = version(&caller::schedule(named)?)?;
    Ok(Json(desk.stored_policy(Some(named)).await?))
}
