//! `POST /v1/policy/validate`: every fault of a document. 200 whether it has any or not: the verdict is the answer.

use axum::Json;
use axum::body::Body;
use serde_json::{Value, json};

use super::current::document;
use crate::config::parse_policy;
use crate::gateway::rest::reply::Refused;
use crate::gateway::shown_faults;

pub(in crate::gateway::rest) async fn handle(body: Body) -> Result<Json<Value>, Refused> {
    let document = document(body).await?;
    let verdict = parse_policy("policy", &document).map(|_| ());
    let faults = verdict.as_ref().err().map_or_else(Vec::new, shown_faults);
    Ok(Json(json!({"valid": verdict.is_ok(), "faults": faults})))
}
