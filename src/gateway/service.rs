//! The NATS service: `fl.submit`, `fl.status`, `fl.why` and `fl.cancel`, answered as REST answers.

use std::future::Future;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::problem::{Code, Problem};
use super::{Desk, Named, Request};
use crate::broker::RequestError;
use crate::broker::service::{Answer, Answering, Description, Door, Question};
use crate::metrics;
use crate::task::TenantId;

/// The header that names the tenant.
const TENANT: &str = "Fl-Tenant";

const SERVICE: Description = Description {
    name: "fairlane",
    version: env!("CARGO_PKG_VERSION"),
    about: "A priority task mesh for model inference: submit tasks, see what became of them, cancel them",
};

const SUBMIT: Door = Door {
    name: "submit",
    subject: "fl.submit",
    request: include_str!("schema/task.json"),
    response: include_str!("schema/accepted.json"),
};

const STATUS: Door = Door {
    name: "status",
    subject: "fl.status",
    request: include_str!("schema/name.json"),
    response: include_str!("schema/status.json"),
};

const WHY: Door = Door {
    name: "why",
    subject: "fl.why",
    request: include_str!("schema/name.json"),
    response: include_str!("schema/why.json"),
};

const CANCEL: Door = Door {
    name: "cancel",
    subject: "fl.cancel",
    request: include_str!("schema/name.json"),
    response: include_str!("schema/cancelled.json"),
};

/// What names a task.
#[derive(Deserialize)]
struct Name {
    task_id: String,
}

impl Desk {
    /// Opens the service; it ends with the desk's lifecycle.
    ///
    /// # Errors
    /// [`RequestError`] when the server refuses it.
    pub async fn open_service(self: &Arc<Self>) -> Result<(), RequestError> {
        let doors = vec![
            (
                SUBMIT,
                self.answering(|desk, asked| async move { submit(&desk, asked).await }),
            ),
            (
                STATUS,
                self.answering(|desk, asked| async move { desk.status(&named(&asked)?).await }),
            ),
            (
                WHY,
                self.answering(|desk, asked| async move { desk.why(&named(&asked)?).await }),
            ),
            (
                CANCEL,
                self.answering(|desk, asked| async move { desk.cancel(&named(&asked)?).await }),
            ),
        ];
        self.broker.open_service(SERVICE, doors, &self.lifecycle).await
    }

    fn answering<T, F>(self: &Arc<Self>, through: fn(Arc<Desk>, Question) -> F) -> Answering
    where
        T: Serialize,
        F: Future<Output = Result<T, Problem>> + Send + 'static,
    {
        let desk = self.clone();
        Arc::new(move |asked| {
            let answer = through(desk.clone(), asked);
            Box::pin(async move { said(answer.await) })
        })
    }
}

async fn submit(desk: &Desk, asked: Question) -> Result<super::Accepted, Problem> {
    let own = |name| asked.header(name).map(str::to_owned);
    let request = Request {
        content_type: own("Content-Type"),
        tenant: tenant(&asked)?,
        idempotency_key: own("Idempotency-Key"),
        track: own("Fl-Track"),
        traceparent: own("traceparent"),
        body: asked.body.clone(),
    };
    desk.submit(request, metrics::Door::Nats).await
}

fn named(asked: &Question) -> Result<Named, Problem> {
    let name: Name = serde_json::from_slice(&asked.body).map_err(|error| {
        let what = format!("cannot read the request: {error}; send {{\"task_id\": \"…\"}}");
        Problem::new(Code::BodyUnreadable, what).in_field("body")
    })?;
    let tenant = tenant(asked)?.unwrap_or_else(TenantId::default_tenant);
    Named::new(tenant, &name.task_id)
}

fn tenant(asked: &Question) -> Result<Option<TenantId>, Problem> {
    let named = asked.header(TENANT).map(TenantId::new).transpose();
    named.map_err(|error| Problem::new(Code::BadHeader, format!("{TENANT}: {error}")).in_field(TENANT))
}

/// A value as a header: a text without its quotes.
fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn said<T: Serialize>(answer: Result<T, Problem>) -> Answer {
    match answer.map(|answer| serde_json::to_vec(&answer)) {
        Ok(Ok(body)) => Answer::Done(body),
        Ok(Err(error)) => unreachable!("texts and numbers: {error}"),
        Err(problem) => {
            let mut headers = vec![("Fl-Error-Code", problem.code.as_str().to_owned())];
            let wait = problem.retry_after_s();
            headers.extend(problem.field.map(|field| ("Fl-Error-Field", field)));
            let members = problem.members.into_iter();
            headers.extend(members.map(|member| (member.header, shown(&member.value))));
            headers.extend(wait.map(|seconds| ("Retry-After", seconds.to_string())));
            Answer::Failed {
                code: problem.code.status(),
                what: problem.detail,
                headers,
            }
        }
    }
}
