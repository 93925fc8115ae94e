//! What stands in the cells of a reference table: type, range, default and sentence of one option.

use serde_json::Value as Json;

use super::reference::has_table;
use super::sentences::{home, sentence};
use super::shape::Shape;
use crate::config::policy::explain::in_words;
use crate::config::policy::kind::{ABOVE_ZERO, Kind};
use crate::config::policy::note::{Absent, Needs, Noted};

/// The sentence of an option, with links to other pages.
pub(super) fn what(pattern: &str) -> String {
    let what = sentence(pattern).map_or("", |sentence| sentence.what).to_owned();
    ["policy.md", "process-executor.md"]
        .iter()
        .fold(what, |what, page| {
            what.replace(&format!("docs/{page}"), &format!("[{page}]({page})"))
        })
}

pub(super) fn type_of(noted: &Noted) -> String {
    let (kind, nullable) = noted.kind.without_null();
    let name = match kind {
        Kind::Whole { .. } => "whole".to_owned(),
        Kind::Number { .. } => "number".to_owned(),
        Kind::Word(_) => "word".to_owned(),
        Kind::Text => "text".to_owned(),
        Kind::List { of, least, most } => {
            let of = match **of {
                Kind::Whole { .. } => "whole",
                Kind::Number { .. } => "numbers",
                _ => "texts",
            };
            match most {
                Some(most) if most == least => format!("list of {least} {of}"),
                Some(most) => format!("list of {least} to {most} {of}"),
                None => format!("list of {of}, at least {least}"),
            }
        }
        _ => "mapping".to_owned(),
    };
    if nullable { format!("{name} or null") } else { name }
}

pub(super) fn range(shape: &Shape, noted: &Noted) -> String {
    let home = home(&noted.place.pattern);
    match noted.kind.without_null().0 {
        Kind::List { of, .. } => match range_of(of) {
            range if range.is_empty() => range,
            range => format!("{range}, each"),
        },
        Kind::Mapping if has_table(noted) => {
            let link = format!("as [`{home}`](#{})", home.to_lowercase().replace('.', ""));
            link + &alike(shape, noted)
        }
        kind => range_of(kind),
    }
}

/// The keys that one of several mappings that are alike may stand under.
fn alike(shape: &Shape, noted: &Noted) -> String {
    let of_this = |other: &&Noted| {
        other
            .keys
            .iter()
            .any(|key| other.place.of(key).path == noted.place.path)
    };
    let around = shape.notes().iter().find(of_this);
    let known = around.map_or(&[][..], |around| &around.keys);
    match noted.place.pattern.rsplit_once('.') {
        Some((_, placeholder)) if !known.contains(&placeholder) => {
            let known: Vec<String> = known.iter().map(|key| code(key)).collect();
            format!("; `{placeholder}` is one of {}", known.join(", "))
        }
        _ => String::new(),
    }
}

fn range_of(kind: &Kind) -> String {
    match kind {
        Kind::Whole { from, to } if from == to => from.to_string(),
        Kind::Whole { from, to } => format!("{} to {}", grouped(&from.to_string()), grouped(&to.to_string())),
        Kind::Number { from, to } if *from == ABOVE_ZERO => {
            format!("more than 0, up to {}", grouped(&to.to_string()))
        }
        Kind::Number { from, to } => {
            format!("{} to {}", grouped(&from.to_string()), grouped(&to.to_string()))
        }
        Kind::Word(words) => words.iter().map(|word| code(word)).collect::<Vec<_>>().join(", "),
        _ => String::new(),
    }
}

/// `604800` as `604,800`.
fn grouped(digits: &str) -> String {
    if digits.contains('.') {
        return digits.to_owned();
    }
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

pub(super) fn absent(noted: &Noted) -> String {
    let otherwise = match noted.needs {
        Some(Needs::Word(key, word)) => format!(" with `{key}: {word}`, else not allowed"),
        Some(Needs::Key(key)) => format!("; goes with `{key}`"),
        None => String::new(),
    };
    let default = match &noted.absent {
        Absent::Required => "required".to_owned(),
        Absent::Is(Json::String(word)) => code(word),
        Absent::Is(value @ Json::Object(_)) => code(&in_words(value).unwrap_or_default()),
        Absent::Is(value) => in_words(value).unwrap_or_else(|| "null".to_owned()),
        Absent::As(_, from) => format!("as {}", code(&from.pattern)),
        Absent::Derived(_, how) => (*how).to_owned(),
        Absent::Off => "none".to_owned(),
    };
    default + &otherwise
}

pub(super) fn code(text: &str) -> String {
    format!("`{text}`")
}

/// `a`, `a and b`, `a, b and c`.
pub(super) fn and(all: &[String]) -> String {
    match all {
        [] => String::new(),
        [only] => only.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}
