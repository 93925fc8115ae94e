//! `GET /v1/schedules`: the caller's schedules, by name.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use serde_json::{Value, json};

use crate::gateway::Desk;
use crate::gateway::rest::caller;
use crate::gateway::rest::reply::Refused;

pub(in crate::gateway::rest) async fn handle(
    State(desk): State<Arc<Desk>>,
    headers: HeaderMap,
) -> Result<Json<Value>, Refused> {
    let schedules = desk.schedules(&caller::owner(&headers)?).await?;
    Ok(Json(json!({"schedules": schedules})))
}
