//! What holds under a document: every option with its value, and where that comes from.

use std::fmt;

use serde::Serialize;
use serde_json::Value as Json;

use super::Faults;
use super::description::sentence;
use super::fault::At;
use super::note::Noted;
use super::parse::parse_noted;

/// One option as it holds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Effective {
    /// Keys from the top, joined by dots: `classes.payment_processing.share`.
    pub path: String,
    /// The value that counts; null where there is none, or where the thing is off.
    pub value: Json,
    /// What a number is counted in, if it is counted in anything.
    pub unit: Option<&'static str>,
    /// Where the value comes from.
    pub origin: Origin,
    /// What the option is.
    pub what: &'static str,
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum Origin {
    /// The document says so.
    Document {
        /// In this line, from 1.
        line: usize,
    },
    /// The document says nothing here, and what it says or means elsewhere counts.
    Inherited {
        /// The path of the option that counts; of a mapping, every option in it does.
        path: String,
    },
    /// The document says nothing.
    Default,
}

impl Effective {
    /// The value in words, with its unit.
    #[must_use]
    pub fn value_in_words(&self) -> String {
        match (&self.origin, &self.value) {
            (Origin::Inherited { .. }, Json::Object(_)) => "the same".to_owned(),
            (_, value) => match in_words(value) {
                Some(text) => with_unit(&text, self.unit),
                None => "none".to_owned(),
            },
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Document { line } => write!(f, "line {line}"),
            Origin::Inherited { path } => write!(f, "as {path}"),
            Origin::Default => f.write_str("default"),
        }
    }
}

/// Every option of a policy document: first what the document says, in its order, then what holds beside that.
/// `name` stands before each fault.
///
/// A mapping has a line of its own only where it is turned off, or where all of it is taken from another one.
///
/// # Errors
/// Those of [`super::parse_policy`].
pub fn explain(name: &str, yaml: &str) -> Result<Vec<Effective>, Faults> {
    let (_, notes) = parse_noted(name, yaml)?;
    let mut told: Vec<(Option<At>, Effective)> = Vec::new();
    let mut whole: Option<String> = None;
    for noted in &notes {
        let path = &noted.place.path;
        if whole
            .as_ref()
            .is_some_and(|whole| path.starts_with(whole.as_str()))
        {
            continue;
        }
        let is_whole = noted.kind.is_mapping() && noted.inherited().is_some();
        if is_whole {
            whole = Some(format!("{path}."));
        }
        if is_whole || noted.is_off() || !noted.kind.is_mapping() {
            told.push((noted.at, effective(noted)));
        }
    }
    // What is absent comes last, and the sort is stable.
    told.sort_by_key(|(at, _)| (at.is_none(), *at));
    Ok(told.into_iter().map(|(_, effective)| effective).collect())
}

fn effective(noted: &Noted) -> Effective {
    let origin = match (noted.at, noted.inherited()) {
        (Some(at), _) => Origin::Document { line: at.line() },
        (None, Some(from)) => Origin::Inherited {
            path: from.path.clone(),
        },
        (None, None) => Origin::Default,
    };
    let sentence = sentence(&noted.place.pattern);
    Effective {
        path: noted.place.path.clone(),
        value: noted.value.clone(),
        unit: sentence.and_then(|sentence| sentence.unit),
        origin,
        what: sentence.map_or("", |sentence| sentence.what),
    }
}

/// A value as text, without its unit; none for null.
pub(super) fn in_words(value: &Json) -> Option<String> {
    match value {
        Json::Null => None,
        Json::String(text) => Some(text.clone()),
        Json::Array(list) => {
            let list: Vec<String> = list.iter().filter_map(in_words).collect();
            Some(format!("[{}]", list.join(", ")))
        }
        Json::Object(entries) => {
            let entry = |(key, value): (&String, &Json)| Some(format!("{key}: {}", in_words(value)?));
            let entries: Vec<String> = entries.iter().filter_map(entry).collect();
            Some(format!("{{ {} }}", entries.join(", ")))
        }
        Json::Bool(_) | Json::Number(_) => Some(value.to_string()),
    }
}

/// A value with its unit, which is one of many for most.
pub(super) fn with_unit(value: &str, unit: Option<&str>) -> String {
    const MANY: [(&str, &str); 5] = [
        ("tasks", "task"),
        ("picks", "pick"),
        ("tokens", "token"),
        ("bytes", "byte"),
        ("retries", "retry"),
    ];
    let Some(unit) = unit else {
        return value.to_owned();
    };
    let one = MANY
        .iter()
        .find(|(many, _)| value == "1" && unit.starts_with(many));
    match one {
        Some((many, one)) => format!("1 {}", unit.replacen(many, one, 1)),
        None => format!("{value} {unit}"),
    }
}
