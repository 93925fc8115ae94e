//! `GET /v1/policy/rollout`: where the rollout stands, what was seen of it, and how the last one ended.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use crate::gateway::rest::reply::Refused;
use crate::gateway::{Desk, TrialStatus};

pub(in crate::gateway::rest) async fn handle(
    State(desk): State<Arc<Desk>>,
) -> Result<Json<TrialStatus>, Refused> {
    Ok(Json(desk.rollout_status().await?))
}
