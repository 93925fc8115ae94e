//! The part of JSON Schema that the policy's schema uses, for tests: a validator from elsewhere would build serde_json
//! otherwise for tests than for the program. It panics at a keyword that it does not know.

use serde_json::{Map, Value as Json};

use crate::config::policy::classes::NAME_LETTERS;

/// What is wrong with `value` under `schema`, a line each: its path and the keyword that it breaks.
pub(super) fn faults(schema: &Json, value: &Json) -> Vec<String> {
    let mut faults = Vec::new();
    let checker = Checker { root: schema };
    checker.check(schema, value, "", &mut faults);
    faults
}

struct Checker<'a> {
    root: &'a Json,
}

impl Checker<'_> {
    fn takes(&self, schema: &Json, value: &Json) -> bool {
        let mut faults = Vec::new();
        self.check(schema, value, "", &mut faults);
        faults.is_empty()
    }

    fn check(&self, schema: &Json, value: &Json, path: &str, faults: &mut Vec<String>) {
        let keywords = match schema {
            Json::Bool(true) => return,
            Json::Bool(false) => return faults.push(format!("{path}: false")),
            Json::Object(keywords) => keywords,
            other => panic!("{other} is no schema"),
        };
        for (keyword, terms) in keywords {
            match keyword.as_str() {
                "$schema" | "$defs" | "title" | "description" | "default" | "then" | "else" => {}
                "$ref" => self.check(self.shared(terms), value, path, faults),
                "allOf" => {
                    let all = terms.as_array().unwrap();
                    all.iter()
                        .for_each(|schema| self.check(schema, value, path, faults));
                }
                "if" => {
                    let branch = if self.takes(terms, value) { "then" } else { "else" };
                    let branch = keywords.get(branch).unwrap_or(&Json::Bool(true));
                    self.check(branch, value, path, faults);
                }
                "items" => {
                    for (at, item) in value.as_array().into_iter().flatten().enumerate() {
                        self.check(terms, item, &format!("{path}.{at}"), faults);
                    }
                }
                "properties" | "additionalProperties" | "propertyNames" => {
                    let entries = value.as_object().into_iter().flatten();
                    for (key, inner) in entries {
                        let (schema, value) = match keyword.as_str() {
                            "properties" => (terms.get(key), inner),
                            "propertyNames" => (Some(terms), &Json::from(key.as_str())),
                            _ => (Some(terms).filter(|_| !is_listed(keywords, key)), inner),
                        };
                        let schema = schema.unwrap_or(&Json::Bool(true));
                        self.check(schema, value, &format!("{path}.{key}"), faults);
                    }
                }
                "not" if self.takes(terms, value) => faults.push(format!("{path}: not")),
                "not" => {}
                keyword if !holds(keyword, terms, value) => faults.push(format!("{path}: {keyword}")),
                _ => {}
            }
        }
    }

    fn shared(&self, reference: &Json) -> &Json {
        let name = reference.as_str().unwrap().strip_prefix("#/$defs/").unwrap();
        &self.root["$defs"].as_object().unwrap()[name]
    }
}

fn is_listed(keywords: &Map<String, Json>, key: &str) -> bool {
    let properties = keywords.get("properties");
    properties.is_some_and(|properties| properties.get(key).is_some())
}

/// A keyword that looks at the value alone. It holds of values of a type that it does not speak of.
fn holds(keyword: &str, terms: &Json, value: &Json) -> bool {
    let number =
        |holds: fn(f64, f64) -> bool| value.as_f64().is_none_or(|n| holds(n, terms.as_f64().unwrap()));
    let size = |size: Option<usize>, holds: fn(usize, usize) -> bool| {
        size.is_none_or(|size| holds(size, usize::try_from(terms.as_u64().unwrap()).unwrap()))
    };
    let (list, text) = (value.as_array().map(Vec::len), value.as_str().map(str::len));
    let has = |key: &Json| value.get(key.as_str().unwrap()).is_some();
    match keyword {
        "type" => match terms {
            Json::Array(types) => types.iter().any(|name| is_of(name, value)),
            name => is_of(name, value),
        },
        "const" => terms == value,
        "enum" => terms.as_array().unwrap().contains(value),
        "minimum" => number(|n, least| n >= least),
        "exclusiveMinimum" => number(|n, least| n > least),
        "maximum" => number(|n, most| n <= most),
        "minItems" => size(list, |size, least| size >= least),
        "maxItems" => size(list, |size, most| size <= most),
        "minLength" => size(text, |size, least| size >= least),
        "maxLength" => size(text, |size, most| size <= most),
        "minProperties" => size(value.as_object().map(Map::len), |size, least| size >= least),
        "pattern" => value.as_str().is_none_or(|text| fits(terms, text)),
        "required" => !value.is_object() || terms.as_array().unwrap().iter().all(has),
        "dependentRequired" => {
            let mut pairs = terms.as_object().unwrap().iter();
            pairs.all(|(key, others)| value.get(key).is_none() || others.as_array().unwrap().iter().all(has))
        }
        _ => panic!("the checker does not know {keyword}"),
    }
}

fn is_of(name: &Json, value: &Json) -> bool {
    match name.as_str().unwrap() {
        "null" => value.is_null(),
        "integer" => value.as_f64().is_some_and(|n| n.fract() == 0.0),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("the checker does not know the type {other}"),
    }
}

/// The one pattern that there is.
fn fits(pattern: &Json, text: &str) -> bool {
    assert_eq!(pattern, NAME_LETTERS);
    !text.is_empty()
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}
