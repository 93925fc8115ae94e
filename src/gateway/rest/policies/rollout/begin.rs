//! `POST /v1/policy/rollout`: puts the document in the body on trial.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::place::tagged;
use crate::gateway::rest::policies::current::document;
use crate::gateway::rest::policies::note::{NOBODY, expected};
use crate::gateway::rest::policies::query::{parameters, unknown};
use crate::gateway::rest::reply::Refused;
use crate::gateway::{Applying, Code, Comparing, Desk, Problem, Trying};
use crate::policy::LotBy;
use crate::policy::rollout::{FIRST_SHARE, Misspelt, Share, read_label, read_lot_by, read_share, stages};

const PARAMETERS: &str = "canary, steps, compare, by, label, author and message";

/// What the query says of a rollout.
#[derive(Debug, PartialEq, Eq)]
struct Asked {
    shares: Vec<Share>,
    /// Whether both are only compared, and for how long.
    compare: Option<Comparing>,
    by: LotBy,
    label: Option<(String, String)>,
    author: String,
    message: String,
}

/// The body is the document, in YAML.
pub(in crate::gateway::rest) async fn handle(
    State(desk): State<Arc<Desk>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    desk.may_write_policies()?;
    let asked = Asked::read(query.as_deref())?;
    let trying = Trying {
        applying: Applying {
            name: "policy".to_owned(),
            document: document(body).await?,
            author: asked.author,
            message: asked.message,
            expected: expected(&headers)?,
            restores: None,
        },
        shares: asked.shares,
        by: asked.by,
        label: asked.label,
        compare: asked.compare,
    };
    let begun = desk.begin_rollout(&trying).await?;
    let place = [(header::LOCATION, "/v1/policy/rollout")];
    let tag = tagged(&begun.status);
    Ok((StatusCode::CREATED, place, tag, Json(begun)).into_response())
}

impl Asked {
    fn read(query: Option<&str>) -> Result<Self, Problem> {
        let (mut canary, mut steps) = (FIRST_SHARE.to_owned(), String::new());
        let (mut by, mut label, mut compare) = (LotBy::Tenant, None, None);
        let (mut author, mut message) = (NOBODY.to_owned(), String::new());
        for (name, value) in parameters(query) {
            match name.as_str() {
                "canary" => canary = value,
                "steps" => steps = value,
                "compare" => compare = Some(comparing(&value)?),
                "by" => by = read_lot_by(&value).map_err(misspelt("by"))?,
                "label" => label = Some(read_label(&value).map_err(misspelt("label"))?),
                "author" => author = value,
                "message" => message = value,
                _ => return Err(unknown(&name, PARAMETERS)),
            }
        }
        let first = read_share(&canary).map_err(misspelt("canary"))?;
        let steps = steps.split(',').filter(|step| !step.is_empty());
        let steps: Result<Vec<Share>, Misspelt> = steps.map(read_share).collect();
        let steps = steps.map_err(misspelt("steps"))?;
        let shares = match compare {
            None => stages(first, &steps).map_err(misspelt("steps"))?,
            Some(_) if !steps.is_empty() || first == Share::WHOLE => {
                let what = "compare: two policies are compared at one part below 100%; give canary alone, without steps";
                return Err(Problem::new(Code::OutOfRange, what).in_field("compare"));
            }
            Some(_) => vec![first],
        };
        Ok(Self {
            shares,
            compare,
            by,
            label,
            author,
            message,
        })
    }
}

/// Empty until somebody ends it.
fn comparing(text: &str) -> Result<Comparing, Problem> {
    if text.is_empty() {
        return Ok(Comparing { for_ms: None });
    }
    let lasts = humantime::parse_duration(text).map_err(|error| {
        let what = format!("compare: {error}; give how long, such as 30m, or nothing until it is aborted");
        Problem::new(Code::OutOfRange, what).in_field("compare")
    })?;
    let for_ms = u64::try_from(lasts.as_millis()).unwrap_or(u64::MAX);
    Ok(Comparing { for_ms: Some(for_ms) })
}

fn misspelt(name: &'static str) -> impl Fn(Misspelt) -> Problem {
    move |what| Problem::new(Code::OutOfRange, format!("{name}: {what}")).in_field(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn percent(of: &Asked) -> Vec<u16> {
        of.shares
            .iter()
            .map(|share| share.ten_thousandths() / 100)
            .collect()
    }

    #[test]
    fn what_is_not_said_is_as_on_the_command_line() {
        let asked = Asked::read(None).unwrap();
        assert_eq!(percent(&asked), [10, 25, 50, 100]);
        assert_eq!((asked.by, asked.label), (LotBy::Tenant, None));
        assert_eq!((asked.author.as_str(), asked.message.as_str()), ("rest", ""));
    }

    #[test]
    fn a_comparison_has_one_part_of_the_tasks() {
        let asked = Asked::read(Some("canary=50%25&compare=30m&by=task")).unwrap();
        assert_eq!(percent(&asked), [50]);
        let lasts = Some(Comparing {
            for_ms: Some(1_800_000),
        });
        assert_eq!(asked.compare, lasts);
        let asked = Asked::read(Some("compare=")).unwrap();
        assert_eq!(asked.compare, Some(Comparing { for_ms: None }));
    }

    #[test]
    fn everything_can_be_said_and_what_is_none_names_its_parameter() {
        let query = "canary=5%25&steps=20%25,100&by=task&label=pool=b&author=ci&message=try+it";
        let asked = Asked::read(Some(query)).unwrap();
        assert_eq!(percent(&asked), [5, 20, 100]);
        assert_eq!(asked.by, LotBy::Task);
        assert_eq!(asked.label, Some(("pool".to_owned(), "b".to_owned())));
        assert_eq!((asked.author.as_str(), asked.message.as_str()), ("ci", "try it"));
        for (query, field) in [
            ("canary=0%25", "canary"),
            ("canary=", "canary"),
            ("canary=50%25&steps=25%25", "steps"),
            ("steps=a", "steps"),
            ("by=class", "by"),
            ("label=pool", "label"),
            ("canari=5", "canari"),
            ("compare=soon", "compare"),
            ("compare=1h&canary=100%25", "compare"),
            ("compare=1h&canary=5%25&steps=10%25", "compare"),
        ] {
            let problem = Asked::read(Some(query)).unwrap_err();
            assert_eq!(
                (problem.code, problem.field.as_deref()),
                (Code::OutOfRange, Some(field)),
                "{query}"
            );
        }
    }
}
