//! Writing a task's body: what is not given is left out.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::ser::Serializer;
use serde_json::Value;

use super::{TaskBody, to_rfc3339};
use crate::task::TaskId;

#[derive(Serialize)]
struct Fields<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    task_id: Option<&'a str>,
    model: &'a str,
    input: &'a Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    priority: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deadline: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    urgency_score: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    business_weight: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    callback_url: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    depends_on: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    concurrency_key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_attempts: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    run_at: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    labels: &'a BTreeMap<String, String>,
}

impl Serialize for TaskBody {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Fields {
            task_id: self.task_id.as_ref().map(TaskId::as_str),
            model: self.model.as_str(),
            input: &self.input,
            priority: self.priority,
            class: self.class.as_ref().map(|class| class.as_str()),
            tenant: self.tenant.as_ref().map(|tenant| tenant.as_str()),
            deadline: self.deadline.map(to_rfc3339),
            urgency_score: self.urgency_score,
            business_weight: self.business_weight,
            callback_url: self.callback_url.as_deref(),
            depends_on: self.depends_on.iter().map(TaskId::as_str).collect(),
            concurrency_key: self.concurrency_key.as_deref(),
            timeout_ms: self.timeout_ms,
            max_attempts: self.max_attempts,
            run_at: self.run_at.map(to_rfc3339),
            labels: &self.labels,
        }
        .serialize(serializer)
    }
}
