//! `/v1/policy/shadow`: `GET` tells what the policy that is asked would have done, `PUT` asks the document in the body from
//! now on, `DELETE` asks nobody.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;

use super::current::document;
use super::note::{Note, expected};
use crate::gateway::rest::reply::Refused;
use crate::gateway::{Applying, Desk, ShadowStatus};

pub(in crate::gateway::rest) async fn get(
    State(desk): State<Arc<Desk>>,
) -> Result<Json<ShadowStatus>, Refused> {
    Ok(Json(desk.shadow_status().await?))
}

/// The body is the document, in YAML.
pub(in crate::gateway::rest) async fn put(
    State(desk): State<Arc<Desk>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<ShadowStatus>, Refused> {
    desk.may_write_policies()?;
    let note = Note::read(query.as_deref())?;
    let applying = Applying {
        name: "policy".to_owned(),
        document: document(body).await?,
        author: note.author,
        message: note.message,
        expected: expected(&headers)?,
        restores: None,
    };
    Ok(Json(desk.begin_shadow(&applying).await?))
}

pub(in crate::gateway::rest) async fn delete(
    State(desk): State<Arc<Desk>>,
) -> Result<Json<ShadowStatus>, Refused> {
    desk.may_write_policies()?;
    Ok(Json(desk.end_shadow().await?))
}
