//! `POST /v1/policy/rollback`: makes an earlier version hold again; `?to=` says which, else the one before.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};

use super::note::{Note, etag, expected};
use crate::gateway::Desk;
use crate::gateway::rest::reply::Refused;

pub(in crate::gateway::rest) async fn handle(
    State(desk): State<Arc<Desk>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    desk.may_write_policies()?;
    let Note { author, message, to } = Note::read(query.as_deref())?;
    let applied = desk
        .roll_policy_back(to, author, message, expected(&headers)?)
        .await?;
    Ok(([(header::ETAG, etag(applied.version))], Json(applied)).into_response())
}
