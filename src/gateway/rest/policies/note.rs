//! What a caller says of a change: who and why in the query, and in a header what must hold for it.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, header};

use super::current::document;
use super::query::{parameters, unknown};
use crate::gateway::rest::caller;
use crate::gateway::{Applying, Code, Problem};
use crate::policy::PolicyVersion;

/// Who changes a policy, where the caller does not say.
pub(super) const NOBODY: &str = "rest";

/// `author` and `message` of a query.
pub(super) struct Note {
    pub(super) author: String,
    pub(super) message: String,
}

impl Note {
    pub(super) fn read(query: Option<&str>) -> Result<Self, Problem> {
        Self::of(parameters(query), "author and message")
    }

    /// Of what is left of a query that has other parameters, too; `there_are` names all of them.
    pub(super) fn of(left: impl Iterator<Item = (String, String)>, there_are: &str) -> Result<Self, Problem> {
        let mut note = Self {
            author: NOBODY.to_owned(),
            message: String::new(),
        };
        for (name, value) in left {
            match name.as_str() {
                "author" => note.author = value,
                "message" => note.message = value,
                _ => return Err(unknown(&name, there_are)),
            }
        }
        Ok(note)
    }

    /// The document in the body, with what is said of it.
    pub(super) async fn applying(self, headers: &HeaderMap, body: Body) -> Result<Applying, Problem> {
        Ok(Applying {
            name: "policy".to_owned(),
            document: document(body).await?,
            author: self.author,
            message: self.message,
            expected: expected(headers)?,
            restores: None,
        })
    }
}

/// A version as a path or a query names it.
pub(super) fn version(text: &str) -> Result<PolicyVersion, Problem> {
    match text.parse() {
        Ok(number) if number > 0 => Ok(PolicyVersion(number)),
        _ => {
            let what = "version: give a number from 1, one of GET /v1/policy/versions";
            Err(Problem::new(Code::BadName, what).in_field("version"))
        }
    }
}

/// The version that must hold, by `If-Match`, or that none must, by `If-None-Match: *`.
pub(super) fn expected(headers: &HeaderMap) -> Result<Option<PolicyVersion>, Problem> {
    if let Some(text) = caller::text(headers, header::IF_NONE_MATCH.as_str())? {
        return match text.trim() {
            "*" => Ok(Some(PolicyVersion::OWN)),
            _ => Err(bad("If-None-Match", "give *, for only where none is stored")),
        };
    }
    let version = |text: &str| text.parse().ok().map(PolicyVersion);
    if_match(headers, version, "give the ETag of GET /v1/policy, such as \"7\"")
}

/// What `If-Match` says, as `read` reads it without its quotes; none where nobody sent it.
pub(super) fn if_match<T>(
    headers: &HeaderMap,
    read: impl Fn(&str) -> Option<T>,
    what: &str,
) -> Result<Option<T>, Problem> {
    let Some(text) = caller::text(headers, header::IF_MATCH.as_str())? else {
        return Ok(None);
    };
    let quoted = text.trim().strip_prefix('"');
    let read = quoted.and_then(|rest| rest.strip_suffix('"')).and_then(read);
    match read {
        Some(read) => Ok(Some(read)),
        None => Err(bad("If-Match", what)),
    }
}

fn bad(name: &'static str, what: &str) -> Problem {
    Problem::new(Code::BadHeader, format!("{name}: {what}")).in_field(name)
}

/// The `ETag` of a version, or of what is told apart by a version and more.
pub(super) fn etag(of: impl std::fmt::Display) -> HeaderValue {
    HeaderValue::try_from(format!("\"{of}\"")).unwrap_or_else(|_| HeaderValue::from_static("\"0\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_and_why_are_read_and_what_is_not_known_is_told() {
        let note = Note::read(Some("author=ci%20bot&message=more+for+payments")).unwrap();
        assert_eq!(
            (note.author.as_str(), note.message.as_str()),
            ("ci bot", "more for payments")
        );
        assert_eq!(Note::read(None).unwrap().author, "rest");
        assert!(Note::read(Some("autor=x")).is_err());
        assert!(Note::read(Some("to=3")).is_err());
    }

    #[test]
    fn what_must_hold_is_an_etag() {
        let with = |name: header::HeaderName, text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, HeaderValue::from_static(text));
            expected(&headers).map_err(|problem| problem.code)
        };
        assert_eq!(with(header::IF_MATCH, "\"7\""), Ok(Some(PolicyVersion(7))));
        assert_eq!(with(header::IF_MATCH, "7"), Err(Code::BadHeader));
        assert_eq!(with(header::IF_NONE_MATCH, "*"), Ok(Some(PolicyVersion::OWN)));
        assert_eq!(with(header::IF_NONE_MATCH, "\"7\""), Err(Code::BadHeader));
        assert_eq!(etag(7), "\"7\"");
    }
}
