//! Where two configurations differ, in the fields that the wanted one names.

use serde_json::{Map, Value};

/// A field that is not as it should be.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldChange {
    /// The server's name for it.
    pub field: String,
    /// What the server has; null when it has none.
    pub from: Value,
    /// What the file says.
    pub to: Value,
}

/// The fields of `wanted` that `actual` holds otherwise, in the order of the file.
pub(super) fn differences(wanted: &Map<String, Value>, actual: &Map<String, Value>) -> Vec<FieldChange> {
    wanted
        .iter()
        .filter(|(field, to)| !holds(field, to, actual.get(*field).unwrap_or(&Value::Null)))
        .map(|(field, to)| FieldChange {
            field: field.clone(),
            from: actual.get(field).cloned().unwrap_or_default(),
            to: to.clone(),
        })
        .collect()
}

/// `actual` with what `wanted` says over it. An update replaces a stream's whole configuration, so
/// what the file does not name must be sent back as it was.
pub(super) fn overlay(wanted: &Map<String, Value>, actual: &Map<String, Value>) -> Map<String, Value> {
    let mut whole = actual.clone();
    for (field, to) in wanted {
        let from = actual.get(field).unwrap_or(&Value::Null);
        let value = match (to, from) {
            _ if holds(field, to, from) => from.clone(),
            (Value::Object(to), Value::Object(from)) => Value::Object(overlay(to, from)),
            _ => to.clone(),
        };
        if !value.is_null() {
            whole.insert(field.clone(), value);
        }
    }
    whole
}

/// Whether the server's `from` satisfies the file's `to`.
fn holds(field: &str, to: &Value, from: &Value) -> bool {
    match (to, from) {
        // Operators scale replicas up; we never take a copy away.
        _ if field == "num_replicas" => from.as_u64() >= to.as_u64(),
        _ if field == "subjects" => sorted(to) == sorted(from),
        // The server adds keys of its own, to `metadata` for one.
        (Value::Object(to), Value::Object(from)) => differences(to, from).is_empty(),
        // The server leaves out what is at its zero.
        (to, Value::Null) => is_zero(to),
        (to, from) => to == from,
    }
}

fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(on) => !on,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.values().all(is_zero),
    }
}

fn sorted(value: &Value) -> Vec<&str> {
    let mut texts: Vec<&str> = value
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    texts.sort_unstable();
    texts
}
