//! `task submit`: one task, or a file of them.

use std::time::Duration;

use bytes::Bytes;
use clap::ArgGroup;
use serde::Serialize;
use serde_json::Value;

use super::accept::{Accepted, OnFull, Patience, accept};
use super::{ask, batch, record, wait};
use crate::broker::Broker;
use crate::broker::publish::HEADER_ROOM;
use crate::cli::exit::Exit;
use crate::cli::output::table;
use crate::cli::session::Session;
use crate::clock;
use crate::config::Raw;
use crate::gateway::{Admitted, Terms, admit, fresh_id};
use crate::policy::{Edition, Reach};
use crate::task::ModelName;
use crate::wire::to_rfc3339;

#[derive(clap::Args)]
#[group(skip)]
#[command(group = ArgGroup::new("source").args(["model", "body", "file"]).required(true))]
#[command(after_help = "A task is reported as accepted when its stream has confirmed it, not before.")]
pub(super) struct Args {
    /// Model that is to answer, one of the policy's
    #[arg(long, value_name = "NAME", value_parser = ModelName::new, requires = "input")]
    model: Option<ModelName>,
    /// What the model is asked, as text; @FILE reads a file, - stdin
    #[arg(long, value_name = "TEXT", requires = "model", allow_hyphen_values = true)]
    input: Option<String>,
    /// A whole task instead, JSON or MessagePack; - reads stdin
    #[arg(long, value_name = "FILE")]
    body: Option<String>,
    /// Many tasks instead, one in JSON per line; - reads stdin
    #[arg(long, value_name = "FILE")]
    file: Option<String>,
    #[command(flatten)]
    facts: ask::Facts,
    /// Free text to attach; may be given more than once
    #[arg(long, value_name = "KEY=VALUE", value_parser = ask::label, requires = "model")]
    label: Vec<(String, String)>,
    /// Wait for the result, 300 s unless given
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "300")]
    #[arg(conflicts_with = "file")]
    wait: Option<u64>,
    /// How long to try again while nothing gets through
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    patience: u64,
    /// Policy document to classify by, where none is stored at the server [env: FAIRLANE_POLICY]
    #[arg(long, value_name = "FILE")]
    policy: Option<String>,
}

impl Args {
    pub(super) fn fill(&self, raw: &mut Raw) {
        raw.policy.clone_from(&self.policy);
    }
}

/// What is told of one accepted task.
#[derive(Serialize)]
struct Submitted {
    task_id: String,
    lane: &'static str,
    class: String,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    run_at: Option<String>,
    duplicate: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<Value>,
}

pub(super) async fn run(args: &Args, session: &Session) -> anyhow::Result<Exit> {
    let own = Edition::own(session.policy()?);
    let now = clock::wall();
    let asked = args.facts.asked(now);
    let patience = Duration::from_secs(args.patience);
    if let Some(file) = &args.file {
        let many = batch::Many {
            policy: own,
            asked,
            patience,
        };
        return many.submit(file, session).await;
    }
    let body = match (&args.model, &args.input, &args.body) {
        (Some(model), Some(input), _) => ask::body(model, input, &args.label, &asked)?,
        (_, _, Some(file)) => Bytes::from(ask::read(file)?),
        _ => unreachable!("clap requires one of them"),
    };
    let broker = session.connect().await?;
    let policy = broker.policy_now(own).await?;
    let admitted = admit(&policy, body, None, &asked, now, || fresh_id(now), terms(&broker))?;
    let say = |what: &str| tracing::warn!(task.id = %admitted.task.id, "{what}");
    let accepted = accept(&broker, &admitted, &Patience::new(patience, OnFull::Refuse, &say)).await;
    let accepted = accepted.map_err(|error| {
        anyhow::Error::from(error).context(format!("task {} is not accepted", admitted.task.id))
    })?;
    let submitted = submitted(&admitted, accepted);
    match args.wait {
        None => show(&submitted, session).map(|()| Exit::Ok),
        Some(seconds) => show_result(&broker, &admitted, submitted, seconds, session).await,
    }
}

/// Where results may be delivered is the coordinator's to say: it may be one of `dev`.
pub(in crate::cli) fn terms(broker: &Broker) -> Terms {
    Terms {
        body_max: broker.max_payload().saturating_sub(HEADER_ROOM),
        reach: Reach::Anywhere,
    }
}

fn submitted(admitted: &Admitted, accepted: Accepted) -> Submitted {
    Submitted {
        task_id: admitted.task.id.to_string(),
        lane: admitted.task.lane.as_str(),
        class: admitted.task.class.to_string(),
        state: admitted.state().as_str(),
        run_at: admitted.run_at.map(to_rfc3339),
        duplicate: accepted == Accepted::Duplicate,
        result: None,
    }
}

fn show(submitted: &Submitted, session: &Session) -> anyhow::Result<()> {
    session.output.show(submitted, |s| {
        let duplicate = if s.duplicate { "yes" } else { "no" };
        let row = [&s.task_id, s.lane, &s.class, s.state, duplicate].map(str::to_owned);
        table(["task id", "lane", "class", "state", "duplicate"], [row])
    })
}

async fn show_result(
    broker: &Broker,
    admitted: &Admitted,
    mut submitted: Submitted,
    seconds: u64,
    session: &Session,
) -> anyhow::Result<Exit> {
    let id = &admitted.task.id;
    tracing::info!(task.id = %id, "accepted; waiting for the result");
    let found = wait::until_ended(broker, id, Duration::from_secs(seconds)).await;
    let Some(found) = found.inspect_err(|_| drop(show(&submitted, session)))? else {
        show(&submitted, session)?;
        return Err(wait::too_long(id, seconds));
    };
    submitted.state = found.record.state.as_str();
    submitted.result = Some(record::whole(&found));
    session.output.show(&submitted, |_| record::text(&found))?;
    Ok(record::exit(&found))
}
