//! `/v1/policy/shadow`: `GET` tells what the policy that is asked would have done, `PUT` asks the document in the body from
//! now on, `DELETE` asks nobody.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};

use super::note::{Note, etag, if_match};
use crate::gateway::rest::reply::Refused;
use crate::gateway::{Desk, ShadowStatus};
use crate::policy::PolicyVersion;

type Answer = Result<Response, Refused>;

pub(in crate::gateway::rest) async fn get(State(desk): State<Arc<Desk>>) -> Answer {
    Ok(tagged(desk.shadow_status().await?))
}

/// The body is the document, in YAML.
pub(in crate::gateway::rest) async fn put(
    State(desk): State<Arc<Desk>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    desk.may_write_policies()?;
    let note = Note::read(query.as_deref())?;
    let applying = note.applying(&headers, body).await?;
    Ok(tagged(desk.begin_shadow(&applying).await?))
}

/// `If-Match` says which one is meant.
pub(in crate::gateway::rest) async fn delete(State(desk): State<Arc<Desk>>, headers: HeaderMap) -> Answer {
    desk.may_write_policies()?;
    let asked = |text: &str| text.parse().ok().map(PolicyVersion);
    let asked = if_match(
        &headers,
        asked,
        "give the ETag of GET /v1/policy/shadow, such as \"8\"",
    )?;
    Ok(Json(desk.end_shadow(asked).await?).into_response())
}

/// With the policy that is asked as its tag.
fn tagged(status: ShadowStatus) -> Response {
    let asked = status.shadow.as_ref().map(|shadow| shadow.candidate);
    let tag: HeaderMap = asked
        .map(|asked| (header::ETAG, etag(asked)))
        .into_iter()
        .collect();
    (tag, Json(status)).into_response()
}
