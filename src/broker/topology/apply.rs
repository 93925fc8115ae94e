//! Brings the server to a plan. Doing it twice does nothing the second time.

use serde_json::{Value, json};

use super::plan::{Change, Entry, Plan};
use super::server::{TopologyError, ask, messages};
use super::spec::desired;
use crate::broker::Broker;

/// What becomes of our streams that no file describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extras {
    /// They stay.
    Keep,
    /// They are deleted if they are empty; if one is not, nothing is done at all.
    Prune,
}

/// One thing that was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The stream did not exist.
    Created(String),
    /// The stream differed.
    Updated(String),
    /// The stream was an extra, and empty.
    Deleted(String),
}

/// Does what `plan` says and tells every step. Whoever applies at the same time does no harm: creating
/// what exists in the same form is no error at the server.
///
/// # Errors
/// [`TopologyError`]. A refusal comes before the first step; after any other error, a new plan says what is left.
pub async fn apply(broker: &Broker, plan: &Plan, extras: Extras) -> Result<Vec<Step>, TopologyError> {
    refuse(broker, plan, extras).await?;
    let mut steps = Vec::new();
    for Entry { stream, change } in &plan.entries {
        let step = match change {
            Change::Create { config } => {
                let config = Value::Object(config.clone());
                ask(broker, &format!("STREAM.CREATE.{stream}"), &config).await?;
                Step::Created(stream.clone())
            }
            Change::Update { config, .. } => {
                let config = Value::Object(config.clone());
                ask(broker, &format!("STREAM.UPDATE.{stream}"), &config).await?;
                Step::Updated(stream.clone())
            }
            Change::Extra if extras == Extras::Prune => {
                ask(broker, &format!("STREAM.DELETE.{stream}"), &json!({})).await?;
                Step::Deleted(stream.clone())
            }
            Change::Extra | Change::Unchanged | Change::Immutable { .. } => continue,
        };
        tracing::debug!(stream.name = stream, "{}", step.word());
        steps.push(step);
    }
    Ok(steps)
}

/// Makes the streams that a server keeps in memory alone and has not: one that was started anew forgot them. All others
/// are made by people. Says which it made.
///
/// # Errors
/// [`TopologyError`]; what was not made is found by the next call.
pub async fn recall(broker: &Broker) -> Result<Vec<String>, TopologyError> {
    let mut made = Vec::new();
    for spec in desired().iter().filter(|spec| spec.is_in_memory()) {
        let stream = spec.name();
        if broker.stream_state(stream).await?.is_none() {
            let config = Value::Object(spec.config().clone());
            ask(broker, &format!("STREAM.CREATE.{stream}"), &config).await?;
            made.push(stream.to_owned());
        }
    }
    Ok(made)
}

impl Step {
    /// The stream it was done to.
    #[must_use]
    pub fn stream(&self) -> &str {
        match self {
            Self::Created(stream) | Self::Updated(stream) | Self::Deleted(stream) => stream,
        }
    }

    /// What was done, in one word.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Created(_) => "created",
            Self::Updated(_) => "updated",
            Self::Deleted(_) => "deleted",
        }
    }
}

/// Everything that forbids the whole plan.
async fn refuse(broker: &Broker, plan: &Plan, extras: Extras) -> Result<(), TopologyError> {
    let immutable: Vec<_> = plan
        .immutable()
        .map(|(stream, fields)| (stream.to_owned(), fields.to_vec()))
        .collect();
    if !immutable.is_empty() {
        return Err(TopologyError::Immutable(immutable));
    }
    if extras == Extras::Keep {
        return Ok(());
    }
    for entry in plan.entries.iter().filter(|entry| entry.change == Change::Extra) {
        let messages = messages(broker, &entry.stream).await?;
        if messages > 0 {
            let stream = entry.stream.clone();
            return Err(TopologyError::InUse { stream, messages });
        }
    }
    Ok(())
}
