//! `GET /v1/policy/rollout`: where the rollout stands, what was seen of it, and how the last one ended.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;

use super::place::tagged;
use crate::gateway::rest::reply::Refused;
use crate::gateway::{Desk, TrialStatus};

pub(in crate::gateway::rest) async fn handle(
    State(desk): State<Arc<Desk>>,
) -> Result<(HeaderMap, Json<TrialStatus>), Refused> {
    let status = desk.rollout_status().await?;
    Ok((tagged(&status), Json(status)))
}
