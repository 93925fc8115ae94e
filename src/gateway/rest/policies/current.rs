//! `GET /v1/policy` and `PUT /v1/policy`.

use std::sync::Arc;

use axum::Json;
use axum::body::{Body, to_bytes};
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};

use super::note::{Note, etag};
use crate::gateway::rest::reply::Refused;
use crate::gateway::rest::submit::unread;
use crate::gateway::{Code, DOCUMENT_BYTES_MAX, Desk, Problem};

pub(in crate::gateway::rest) async fn get(State(desk): State<Arc<Desk>>) -> Result<Response, Refused> {
    let shown = desk.stored_policy(None).await?;
    Ok(([(header::ETAG, etag(shown.past.version))], Json(shown)).into_response())
}

/// The body is the document, in YAML.
pub(in crate::gateway::rest) async fn put(
    State(desk): State<Arc<Desk>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    desk.may_write_policies()?;
    let note = Note::read(query.as_deref())?;
    let applying = note.applying(&headers, body).await?;
    let applied = desk.apply_policy(&applying).await?;
    Ok(([(header::ETAG, etag(applied.version))], Json(applied)).into_response())
}

/// A document as a body.
pub(super) async fn document(body: Body) -> Result<String, Problem> {
    let read = to_bytes(body, DOCUMENT_BYTES_MAX).await;
    let bytes = read.map_err(|error| unread(&error, DOCUMENT_BYTES_MAX))?;
    String::from_utf8(bytes.into()).map_err(|_| {
        let what = "body: no text in UTF-8; send the policy document, in YAML";
        Problem::new(Code::BodyUnreadable, what).in_field("body")
    })
}
