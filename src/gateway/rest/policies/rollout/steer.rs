//! `POST /v1/policy/rollout/pause`, `/resume`, `/promote` and `/abort`; `If-Match` says which rollout is meant.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;

use super::place::{meant, tagged};
use crate::gateway::rest::policies::note::NOBODY;
use crate::gateway::rest::policies::query::{parameters, unknown};
use crate::gateway::rest::reply::Refused;
use crate::gateway::{Desk, Handle, Problem, TrialStatus};

type Answer = Result<(HeaderMap, Json<TrialStatus>), Refused>;

pub(in crate::gateway::rest) async fn pause(
    desk: State<Arc<Desk>>,
    query: RawQuery,
    headers: HeaderMap,
) -> Answer {
    steer(&desk, query, &headers, Handle::Pause).await
}

pub(in crate::gateway::rest) async fn resume(
    desk: State<Arc<Desk>>,
    query: RawQuery,
    headers: HeaderMap,
) -> Answer {
    steer(&desk, query, &headers, Handle::Resume).await
}

pub(in crate::gateway::rest) async fn promote(
    desk: State<Arc<Desk>>,
    query: RawQuery,
    headers: HeaderMap,
) -> Answer {
    steer(&desk, query, &headers, Handle::Promote).await
}

pub(in crate::gateway::rest) async fn abort(
    desk: State<Arc<Desk>>,
    query: RawQuery,
    headers: HeaderMap,
) -> Answer {
    steer(&desk, query, &headers, Handle::Abort).await
}

async fn steer(desk: &Desk, RawQuery(query): RawQuery, headers: &HeaderMap, how: Handle) -> Answer {
    desk.may_write_policies()?;
    let author = author(query.as_deref())?;
    let status = desk.steer_rollout(how, &author, meant(headers)?).await?;
    Ok((tagged(&status), Json(status)))
}

fn author(query: Option<&str>) -> Result<String, Problem> {
    let mut author = NOBODY.to_owned();
    for (name, value) in parameters(query) {
        match name.as_str() {
            "author" => author = value,
            _ => return Err(unknown(&name, "author")),
        }
    }
    Ok(author)
}
