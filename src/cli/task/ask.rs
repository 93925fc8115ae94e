//! From flags to what is asked for: a body, and what wins over its fields.

use std::collections::BTreeMap;
use std::io::Read;
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use serde_json::Value;

use crate::cli::exit::Stop;
use crate::gateway::Asked;
use crate::task::{ClassName, EpochMs, Lane, ModelName, TaskId, TenantId};
use crate::wire::{Codec, TaskBody, parse_rfc3339, write_body};

/// The most that is read as one task: no server takes larger messages.
const READ_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Facts of a task that win over what its body says.
#[derive(clap::Args)]
pub(super) struct Facts {
    /// Business scenario, one of the policy's classes
    #[arg(long, value_name = "NAME")]
    class: Option<ClassName>,
    /// Lower is more urgent; finds the class where none is given
    #[arg(long, value_name = "N")]
    priority: Option<u32>,
    /// core or normal; else the policy decides
    #[arg(long)]
    lane: Option<Lane>,
    /// Who pays
    #[arg(long, value_name = "NAME")]
    tenant: Option<TenantId>,
    /// Identity; the same one again on the same lane within two minutes adds nothing
    #[arg(long, value_name = "ID", conflicts_with = "file")]
    task_id: Option<TaskId>,
    /// When the answer stops being worth having, such as 2026-11-23T12:00:00Z
    #[arg(long, value_name = "TIME", value_parser = parse_rfc3339)]
    deadline: Option<EpochMs>,
    /// Bound on one execution
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u64).range(1..))]
    timeout_ms: Option<u64>,
    /// Executions that may fail
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    max_attempts: Option<u32>,
    /// When it may start at the earliest, such as 2026-11-23T12:00:00Z; at most 366 days ahead
    #[arg(long, value_name = "TIME", value_parser = parse_rfc3339)]
    run_at: Option<EpochMs>,
    /// The same as a time from now, such as 90s, 30m or 2h
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration, conflicts_with = "run_at")]
    delay: Option<Duration>,
}

impl Facts {
    pub(super) fn asked(&self, now: EpochMs) -> Asked {
        let delay = self
            .delay
            .map(|delay| u64::try_from(delay.as_millis()).unwrap_or(u64::MAX));
        Asked {
            lane: self.lane,
            class: self.class.clone(),
            tenant: self.tenant.clone(),
            task_id: self.task_id.clone(),
            priority: self.priority,
            deadline: self.deadline,
            timeout_ms: self.timeout_ms,
            max_attempts: self.max_attempts,
            run_at: self.run_at.or(delay.map(|ms| now.plus_ms(ms))),
        }
    }
}

/// The body of a task given by flags. It says all that they say, so that it can stand alone.
pub(in crate::cli) fn body(
    model: &ModelName,
    input: &str,
    labels: &[(String, String)],
    asked: &Asked,
) -> anyhow::Result<Bytes> {
    let input = match input.strip_prefix('@') {
        Some(file) => text_of(file)?,
        None if input == "-" => text_of(input)?,
        None => input.to_owned(),
    };
    let body = TaskBody {
        task_id: asked.task_id.clone(),
        priority: asked.priority,
        class: asked.class.clone(),
        tenant: asked.tenant.clone(),
        deadline: asked.deadline,
        timeout_ms: asked.timeout_ms,
        max_attempts: asked.max_attempts,
        run_at: asked.run_at,
        labels: labels.iter().cloned().collect::<BTreeMap<_, _>>(),
        ..TaskBody::new(model.clone(), Value::String(input))
    };
    Ok(write_body(&body, Codec::Json)
        .context("cannot write the task")?
        .into())
}

/// `KEY=VALUE`.
pub(super) fn label(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("a label is written KEY=VALUE".to_owned()),
    }
}

/// A file, or stdin for `-`, whole.
pub(in crate::cli) fn read(file: &str) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = if file == "-" {
        std::io::stdin()
            .lock()
            .take(READ_BYTES_MAX + 1)
            .read_to_end(&mut bytes)
    } else {
        std::fs::File::open(file).and_then(|file| file.take(READ_BYTES_MAX + 1).read_to_end(&mut bytes))
    };
    read.map_err(|error| Stop::usage(format!("cannot read {file}: {error}")))?;
    if bytes.len() as u64 > READ_BYTES_MAX {
        return Err(Stop::refused(format!(
            "{file}: more than {READ_BYTES_MAX} bytes; no server takes that"
        ))
        .into());
    }
    Ok(bytes)
}

/// Text without the line end it finishes with: `echo` adds one that nobody means.
fn text_of(file: &str) -> anyhow::Result<String> {
    let text = String::from_utf8(read(file)?)
        .map_err(|error| Stop::usage(format!("{file} is no UTF-8 text: {error}; send a --body instead")))?;
    let line = text
        .strip_suffix('\n')
        .map(|line| line.strip_suffix('\r').unwrap_or(line));
    Ok(line.map_or_else(|| text.clone(), str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_split_at_the_first_equals_sign() {
        assert_eq!(label("a=b=c"), Ok(("a".to_owned(), "b=c".to_owned())));
        assert_eq!(label("a="), Ok(("a".to_owned(), String::new())));
        assert!(label("a").is_err() && label("=a").is_err());
    }
}
