//! `POST /v1/tasks`: takes a task. 202 once its lane has confirmed it.

use std::sync::Arc;

use axum::Json;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::caller;
use super::reply::Refused;
use crate::gateway::{Code, Desk, Problem, Request};
use crate::metrics::Door;

/// Says that the same was accepted before.
const REPLAYED: &str = "Idempotency-Replayed";

pub(super) async fn handle(
    State(desk): State<Arc<Desk>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    let max = desk.body_max();
    let body = to_bytes(body, max).await.map_err(|error| unread(&error, max))?;
    let own = |name| caller::text(&headers, name).map(|text| text.map(str::to_owned));
    let request = Request {
        body,
        content_type: own(header::CONTENT_TYPE.as_str())?,
        tenant: caller::tenant(&headers)?,
        idempotency_key: own("Idempotency-Key")?,
        traceparent: own("traceparent").unwrap_or_default(),
        track: own("Fl-Track")?,
    };
    let accepted = desk.submit(request, Door::Rest).await?;
    let place = format!("/v1/tasks/{}", accepted.task_id);
    let mut response = (StatusCode::ACCEPTED, [(header::LOCATION, place)], Json(&accepted)).into_response();
    if accepted.repeated {
        let replayed = header::HeaderValue::from_static("true");
        response.headers_mut().insert(REPLAYED, replayed);
    }
    Ok(response)
}

pub(super) fn unread(error: &axum::Error, max: usize) -> Problem {
    let too_long = std::error::Error::source(error).is_some_and(|e| e.to_string().contains("length limit"));
    if too_long {
        let what = format!(
            "body: more than {max} bytes, which is what fits; make the input smaller, or raise the server's \
             max_payload"
        );
        return Problem::new(Code::BodyTooLarge, what).in_field("body");
    }
    Problem::new(
        Code::BodyUnreadable,
        "body: it broke off before its end; send it again",
    )
    .in_field("body")
}
