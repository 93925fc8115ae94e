//! Field by field between bytes and [`TaskBody`], so that an error can name the field.

use std::collections::BTreeMap;
use std::fmt::{self, Display};

use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use super::{TaskBody, limit, parse_rfc3339};
use crate::task::{ClassName, EpochMs, ModelName, TaskId, TenantId};

/// The fields in the order of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, serde::Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum Field {
    TaskId,
    Model,
    Input,
    Priority,
    Class,
    Tenant,
    Deadline,
    UrgencyScore,
    BusinessWeight,
    CallbackUrl,
    DependsOn,
    ConcurrencyKey,
    TimeoutMs,
    MaxAttempts,
    RunAt,
    Labels,
    #[serde(other)]
    Unknown,
}

impl<'de> Deserialize<'de> for TaskBody {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(TaskVisitor)
    }
}

struct TaskVisitor;

impl<'de> Visitor<'de> for TaskVisitor {
    type Value = TaskBody;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a task: a map of named fields")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<TaskBody, A::Error> {
        let (mut model, mut input) = (None, None);
        let mut optional = Optional::default();
        let mut seen = 0_u32;
        while let Some(field) = map.next_key::<Field>()? {
            let bit = 1_u32 << (field as u32);
            // Two readers could take a different one of two, so neither is taken.
            if field != Field::Unknown && seen & bit != 0 {
                return Err(A::Error::custom(format!("TaskBody: {field:?} is given twice")));
            }
            seen |= bit;
            match field {
                Field::Model => model = text(&mut map, "model", ModelName::new)?,
                Field::Input => input = Some(map.next_value::<Value>().map_err(|e| within("input", e))?),
                Field::Unknown => drop(map.next_value::<IgnoredAny>()?),
                field => optional.take(field, &mut map)?,
            }
        }
        let model = model.ok_or_else(|| A::Error::custom("TaskBody.model: missing"))?;
        let input = input.ok_or_else(|| A::Error::custom("TaskBody.input: missing"))?;
        Ok(optional.into_body(model, input))
    }
}

/// The values of the fields read so far; `null` counts as left out.
#[derive(Default)]
struct Optional {
    task_id: Option<TaskId>,
    priority: Option<u32>,
    class: Option<ClassName>,
    tenant: Option<TenantId>,
    deadline: Option<EpochMs>,
    urgency_score: Option<f64>,
    business_weight: Option<f64>,
    callback_url: Option<String>,
    depends_on: Option<Vec<TaskId>>,
    concurrency_key: Option<String>,
    timeout_ms: Option<u64>,
    max_attempts: Option<u32>,
    run_at: Option<EpochMs>,
    labels: Option<BTreeMap<String, String>>,
}

impl Optional {
    fn take<'de, A: MapAccess<'de>>(&mut self, field: Field, map: &mut A) -> Result<(), A::Error> {
        match field {
            Field::TaskId => self.task_id = text(map, "task_id", TaskId::new)?,
            Field::Priority => self.priority = plain(map, "priority")?,
            Field::Class => self.class = text(map, "class", ClassName::new)?,
            Field::Tenant => self.tenant = text(map, "tenant", TenantId::new)?,
            Field::Deadline => self.deadline = text(map, "deadline", parse_rfc3339)?,
            Field::UrgencyScore => self.urgency_score = plain(map, "urgency_score")?,
            Field::BusinessWeight => self.business_weight = plain(map, "business_weight")?,
            Field::CallbackUrl => self.callback_url = text(map, "callback_url", limit::callback)?,
            Field::DependsOn => self.depends_on = ids(map)?,
            Field::ConcurrencyKey => self.concurrency_key = text(map, "concurrency_key", limit::key)?,
            Field::TimeoutMs => self.timeout_ms = plain(map, "timeout_ms")?,
            Field::MaxAttempts => self.max_attempts = plain(map, "max_attempts")?,
            Field::RunAt => self.run_at = text(map, "run_at", parse_rfc3339)?,
            Field::Labels => {
                let labels: Option<BTreeMap<String, String>> = plain(map, "labels")?;
                self.labels = labels
                    .map(limit::labels)
                    .transpose()
                    .map_err(|e| within("labels", e))?;
            }
            Field::Model | Field::Input | Field::Unknown => drop(map.next_value::<IgnoredAny>()?),
        }
        Ok(())
    }

    fn into_body(self, model: ModelName, input: Value) -> TaskBody {
        TaskBody {
            task_id: self.task_id,
            model,
            input,
            priority: self.priority,
            class: self.class,
            tenant: self.tenant,
            deadline: self.deadline,
            urgency_score: self.urgency_score,
            business_weight: self.business_weight,
            callback_url: self.callback_url,
            depends_on: self.depends_on.unwrap_or_default(),
            concurrency_key: self.concurrency_key,
            timeout_ms: self.timeout_ms,
            max_attempts: self.max_attempts,
            run_at: self.run_at,
            labels: self.labels.unwrap_or_default(),
        }
    }
}

/// Looks for `task_id` alone and keeps it even when what follows is broken.
pub(super) struct IdentityOnly<'a>(pub(super) &'a mut Option<TaskId>);

impl<'de> Visitor<'de> for IdentityOnly<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of named fields")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(field) = map.next_key::<Field>()? {
            match field {
                Field::TaskId => *self.0 = text(&mut map, "task_id", TaskId::new)?,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

fn ids<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Option<Vec<TaskId>>, A::Error> {
    let name = "depends_on";
    let Some(given) = plain::<_, Vec<String>>(map, name)? else {
        return Ok(None);
    };
    let ids = given
        .iter()
        .map(|id| TaskId::new(id))
        .collect::<Result<_, _>>()
        .map_err(|e| within(name, e))?;
    limit::depends_on(ids).map(Some).map_err(|e| within(name, e))
}

fn plain<'de, A: MapAccess<'de>, T: Deserialize<'de>>(
    map: &mut A,
    name: &str,
) -> Result<Option<T>, A::Error> {
    map.next_value().map_err(|e| within(name, e))
}

fn text<'de, A: MapAccess<'de>, T, E: Display>(
    map: &mut A,
    name: &str,
    parse: fn(&str) -> Result<T, E>,
) -> Result<Option<T>, A::Error> {
    let given: Option<String> = plain(map, name)?;
    given
        .map(|text| parse(&text))
        .transpose()
        .map_err(|e| within(name, e))
}

fn within<E: serde::de::Error>(name: &str, error: impl Display) -> E {
    E::custom(format!("TaskBody.{name}: {error}"))
}
