//! `GET /v1/tasks/{id}/result?wait=N`: 200 with the record of a task that has ended, 202 with where
//! it stands while it has not.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use super::caller;
use super::reply::Refused;
use crate::gateway::{Code, Desk, Outcome, Problem};

/// The longest a caller may wait, in s: under what proxies commonly allow an answer to take.
const WAIT_S_MAX: u64 = 300;

pub(super) async fn handle(
    State(desk): State<Arc<Desk>>,
    id: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let named = caller::task(&headers, id)?;
    let patience = patience(query.as_deref().unwrap_or_default())?;
    Ok(match desk.result(&named, patience).await? {
        Outcome::Ended(record) => Json(record).into_response(),
        Outcome::Open(status) => (StatusCode::ACCEPTED, Json(status)).into_response(),
    })
}

/// Reads `wait=N`; other parameters are passed over.
fn patience(query: &str) -> Result<Duration, Problem> {
    let wait = query.split('&').find_map(|pair| pair.strip_prefix("wait="));
    let Some(wait) = wait else {
        return Ok(Duration::ZERO);
    };
    match wait.parse() {
        Ok(seconds) if seconds <= WAIT_S_MAX => Ok(Duration::from_secs(seconds)),
        _ => {
            let what = format!("wait: give whole seconds from 0 to {WAIT_S_MAX}");
            Err(Problem::new(Code::OutOfRange, what).in_field("wait"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_seconds_within_bounds_are_waited() {
        for (query, seconds) in [
            ("", Some(0)),
            ("wait=0", Some(0)),
            ("a=b&wait=300", Some(300)),
            ("wait=301", None),
            ("wait=", None),
            ("wait=1.5", None),
            ("wait=-1", None),
        ] {
            assert_eq!(patience(query).ok().map(|p| p.as_secs()), seconds, "{query}");
        }
    }
}
