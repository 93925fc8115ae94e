//! The policy document as a JSON Schema, for editors: what the reader notes, and the sentences.

use serde_json::{Map, Value as Json, json};

use super::sentences::sentence;
use super::shape::Shape;
use crate::config::policy::kind::{ABOVE_ZERO, Kind, Names};
use crate::config::policy::note::{Absent, Needs, Noted, number};

/// The JSON Schema (draft 2020-12) of policy documents: keys, types, ranges, words, defaults, and what each option is.
///
/// The reader refuses more than the schema does: what has to fit together across keys.
#[must_use]
pub fn policy_schema() -> Json {
    let shape = Shape::read();
    let mut schema = Map::new();
    let dialect = "https://json-schema.org/draft/2020-12/schema";
    schema.insert("$schema".to_owned(), dialect.into());
    schema.insert("title".to_owned(), "Fairlane policy".into());
    let mut shared = Map::new();
    schema.extend(option(&shape, shape.document(), &mut shared));
    schema.insert("$defs".to_owned(), shared.into());
    schema.into()
}

/// The schema of one option. `shared` collects those of mappings that several keys have.
fn option(shape: &Shape, noted: &Noted, shared: &mut Map<String, Json>) -> Map<String, Json> {
    let (kind, nullable) = noted.kind.without_null();
    let mut schema = Map::new();
    schema.insert("description".to_owned(), description(noted).into());
    schema.extend(match kind {
        Kind::Mapping => closed(shape, noted, shared),
        Kind::Names(names) => named(shape, noted, names, shared),
        kind => scalar(kind),
    });
    if nullable {
        let or_null = schema.get("type").map(|kind| json!([kind, "null"]));
        schema.extend(or_null.map(|kind| ("type".to_owned(), kind)));
    }
    if let Absent::Is(value) = &noted.absent
        && !is_empty(value)
    {
        schema.insert("default".to_owned(), value.clone());
    }
    schema
}

/// A mapping that is read as if it were empty where it is absent has no default that says anything.
fn is_empty(value: &Json) -> bool {
    value.as_object().is_some_and(Map::is_empty)
}

fn description(noted: &Noted) -> String {
    let sentence = sentence(&noted.place.pattern);
    let mut text = sentence.map_or("", |sentence| sentence.what).to_owned();
    if let Some(unit) = sentence.and_then(|sentence| sentence.unit) {
        text.push_str(&format!(" Unit: {unit}."));
    }
    match &noted.absent {
        Absent::As(_, from) => text.push_str(&format!(" Default: as `{}`.", from.pattern)),
        Absent::Derived(_, how) => text.push_str(&format!(" Default: {how}.")),
        Absent::Required | Absent::Is(_) | Absent::Off => {}
    }
    text
}

fn scalar(kind: &Kind) -> Map<String, Json> {
    let schema = match kind {
        Kind::Whole { from, to } if from == to => json!({ "type": "integer", "const": from }),
        Kind::Whole { from, to } => json!({ "type": "integer", "minimum": from, "maximum": to }),
        Kind::Number { from, to } if *from == ABOVE_ZERO => {
            json!({ "type": "number", "exclusiveMinimum": 0, "maximum": number(*to) })
        }
        Kind::Number { from, to } => {
            json!({ "type": "number", "minimum": number(*from), "maximum": number(*to) })
        }
        Kind::Word(words) => json!({ "type": "string", "enum": words }),
        Kind::List { of, least, most } => {
            let mut list = json!({ "type": "array", "items": scalar(of), "minItems": least });
            if let Some(most) = most {
                list["maxItems"] = json!(most);
            }
            list
        }
        Kind::Text | Kind::Mapping | Kind::Names(_) | Kind::OrNull(_) => json!({ "type": "string" }),
    };
    match schema {
        Json::Object(schema) => schema,
        _ => Map::new(),
    }
}

fn named(shape: &Shape, noted: &Noted, names: &Names, shared: &mut Map<String, Json>) -> Map<String, Json> {
    let mut schema = Map::new();
    schema.insert("type".to_owned(), "object".into());
    for (_, child) in shape.children(noted) {
        let child = option(shape, child, shared);
        schema.insert("additionalProperties".to_owned(), child.into());
    }
    let mut legal = Map::new();
    if let Some(letters) = names.letters {
        legal.insert("pattern".to_owned(), letters.into());
    }
    if let Some(length_max) = names.length_max {
        legal.insert("minLength".to_owned(), 1.into());
        legal.insert("maxLength".to_owned(), length_max.into());
    }
    if !legal.is_empty() {
        schema.insert("propertyNames".to_owned(), legal.into());
    }
    if names.is_required {
        schema.insert("minProperties".to_owned(), 1.into());
    }
    schema
}

/// The keys that the reader knows, and no others.
fn closed(shape: &Shape, noted: &Noted, shared: &mut Map<String, Json>) -> Map<String, Json> {
    let (mut properties, mut required) = (Map::new(), Vec::new());
    let (mut beside, mut cases) = (Map::new(), Vec::new());
    for (key, child) in shape.children(noted) {
        properties.insert(key.to_owned(), property(shape, child, shared));
        match child.needs {
            None if child.absent == Absent::Required => required.push(Json::from(key)),
            None => {}
            Some(Needs::Key(other)) => {
                beside.insert(key.to_owned(), json!([other]));
            }
            Some(Needs::Word(under, word)) => cases.push(case(key, child, under, word)),
        }
    }
    let mut schema = Map::new();
    schema.insert("type".to_owned(), "object".into());
    schema.insert("properties".to_owned(), properties.into());
    schema.insert("additionalProperties".to_owned(), false.into());
    if !required.is_empty() {
        schema.insert("required".to_owned(), required.into());
    }
    if !beside.is_empty() {
        schema.insert("dependentRequired".to_owned(), beside.into());
    }
    if !cases.is_empty() {
        schema.insert("allOf".to_owned(), cases.into());
    }
    schema
}

/// Keys that are alike have one schema, which each refers to.
fn property(shape: &Shape, noted: &Noted, shared: &mut Map<String, Json>) -> Json {
    let pattern = &noted.place.pattern;
    if pattern.rsplit('.').next() == noted.place.path.rsplit('.').next() {
        return option(shape, noted, shared).into();
    }
    if !shared.contains_key(pattern) {
        let schema = option(shape, noted, shared);
        shared.insert(pattern.clone(), schema.into());
    }
    json!({ "$ref": format!("#/$defs/{pattern}") })
}

/// `key` goes with `word` under `under` alone, and is required there unless something else holds.
fn case(key: &str, noted: &Noted, under: &str, word: &str) -> Json {
    let refused = json!({ "properties": { key: false } });
    if noted.absent == Absent::Required {
        json!({
            "if": { "properties": { under: { "const": word } }, "required": [under] },
            "then": { "required": [key] },
            "else": refused,
        })
    } else {
        json!({
            "if": { "properties": { under: { "not": { "const": word } } }, "required": [under] },
            "then": refused,
        })
    }
}
