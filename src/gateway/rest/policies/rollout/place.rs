//! Which rollout is meant, and in which stage: `ETag` and `If-Match`.

use axum::http::{HeaderMap, header};

use crate::gateway::rest::policies::note::{etag, if_match};
use crate::gateway::{Problem, TrialPlace, TrialStatus};
use crate::policy::PolicyVersion;

const WHAT: &str =
    "give the ETag of GET /v1/policy/rollout, such as \"8-0\": the policy on trial and its stage";

/// The header that tells what is on trial; none where nothing is.
pub(super) fn tagged(status: &TrialStatus) -> HeaderMap {
    let trial = status.trial.as_ref();
    let tag = trial.map(|trial| {
        (
            header::ETAG,
            etag(format_args!("{}-{}", trial.candidate, trial.stage)),
        )
    });
    tag.into_iter().collect()
}

/// What must be on trial, by `If-Match`.
pub(super) fn meant(headers: &HeaderMap) -> Result<Option<TrialPlace>, Problem> {
    let place = |text: &str| {
        let (candidate, stage) = text.split_once('-')?;
        Some(TrialPlace {
            candidate: PolicyVersion(candidate.parse().ok()?),
            stage: stage.parse().ok()?,
        })
    };
    if_match(headers, place, WHAT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::Code;
    use axum::http::HeaderValue;

    #[test]
    fn a_candidate_and_its_stage_are_an_etag() {
        let sent = |text: &'static str| {
            let headers = [(header::IF_MATCH, HeaderValue::from_static(text))];
            meant(&headers.into_iter().collect()).map_err(|problem| problem.code)
        };
        let place = TrialPlace {
            candidate: PolicyVersion(8),
            stage: 2,
        };
        assert_eq!(sent("\"8-2\""), Ok(Some(place)));
        for none in ["8-2", "\"8\"", "\"8-\"", "\"-2\"", "\"8-2-1\"", "*"] {
            assert_eq!(sent(none), Err(Code::BadHeader), "{none}");
        }
        assert_eq!(meant(&HeaderMap::new()).unwrap(), None);
    }
}
