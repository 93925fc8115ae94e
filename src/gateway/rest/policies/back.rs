//! `POST /v1/policy/rollback`: makes an earlier version hold again; `?to=` says which, else the one before.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};

use super::note::{Note, etag, expected, version};
use super::query::parameters;
use crate::gateway::rest::reply::Refused;
use crate::gateway::{Desk, Problem};
use crate::policy::PolicyVersion;

pub(in crate::gateway::rest) async fn handle(
    State(desk): State<Arc<Desk>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    desk.may_write_policies()?;
    let (to, Note { author, message }) = asked(query.as_deref())?;
    let applied = desk
        .roll_policy_back(to, author, message, expected(&headers)?)
        .await?;
    Ok(([(header::ETAG, etag(applied.version))], Json(applied)).into_response())
}

/// Which version is to hold again, and what is said of it.
fn asked(query: Option<&str>) -> Result<(Option<PolicyVersion>, Note), Problem> {
    let (to, left): (Vec<_>, Vec<_>) = parameters(query).partition(|(name, _)| name == "to");
    let to = to.last().map(|(_, value)| version(value)).transpose()?;
    Ok((to, Note::of(left.into_iter(), "author, message and to")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_back_to_the_one_that_is_named() {
        let (to, note) = asked(Some("author=ci&to=3")).unwrap();
        assert_eq!((to, note.author.as_str()), (Some(PolicyVersion(3)), "ci"));
        assert_eq!(asked(None).unwrap().0, None);
        assert!(asked(Some("to=0")).is_err());
        let unknown = asked(Some("from=3")).err().unwrap();
        assert!(
            unknown.detail.contains("author, message and to"),
            "{}",
            unknown.detail
        );
    }
}
