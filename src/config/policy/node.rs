//! A YAML document as a tree that remembers where everything stood.
//!
//! serde stops at the first value of a wrong type; this tree takes any value, so that the
//! sections that read it can report every fault of a document at once.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::budget::BudgetBreach;
use serde_saphyr::options::{DuplicateKeyPolicy, MergeKeyPolicy, NonFiniteFloatPolicy};
use serde_saphyr::{DefaultMessageFormatter, Error, MessageFormatter, Spanned};

use super::fault::At;

/// The largest document, in bytes; a policy of a thousand classes has a tenth of it.
pub(super) const SIZE_MAX: usize = 1 << 20;
/// The deepest nesting read; a policy has 4 levels.
const DEPTH_MAX: usize = 16;
/// How much aliases may add, in parser events: bounds documents that grow as they are read.
const REPLAYED_EVENTS_MAX: usize = 10_000;

/// A value and where it stood.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) at: At,
    pub(super) value: Value,
}

/// What YAML can say, as far as a policy can use it.
#[derive(Debug)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Whole(i128),
    Number(f64),
    Text(String),
    List(Vec<Node>),
    /// In document order, doubles included.
    Map(Vec<(Key, Node)>),
}

/// A key and where it stood.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) at: At,
    pub(super) text: String,
}

/// Reads text as a tree; the error is where and what, for the first thing that is no YAML.
pub(super) fn parse(yaml: &str) -> Result<Node, (At, String)> {
    if yaml.len() > SIZE_MAX {
        return Err((
            At::START,
            format!("has {} bytes; at most {SIZE_MAX} are read", yaml.len()),
        ));
    }
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! { max_depth: DEPTH_MAX },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: REPLAYED_EVENTS_MAX,
            max_replay_stack_depth: DEPTH_MAX,
        },
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        merge_keys: MergeKeyPolicy::AsOrdinary,
        non_finite_float_policy: NonFiniteFloatPolicy::PassThrough,
        leading_zero_numbers_as_strings: true,
        strict_booleans: true,
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options(yaml, options).map_err(|error| {
        let at = error
            .location()
            .map_or(At::START, |l| At::new(l.line(), l.column()));
        (at, in_words(&error))
    })
}

fn in_words(error: &Error) -> String {
    match error.without_snippet() {
        Error::MultipleDocuments { .. } => "begins a second document; keep one".to_owned(),
        Error::Budget {
            breach: BudgetBreach::Depth { .. },
            ..
        } => {
            format!("is nested deeper than {DEPTH_MAX} levels; no policy is")
        }
        error => format!(
            "cannot be read as YAML: {}",
            DefaultMessageFormatter.format_message(error)
        ),
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Spanned {
            value, referenced, ..
        } = Spanned::<Value>::deserialize(deserializer)?;
        Ok(Node {
            at: At::new(referenced.line(), referenced.column()),
            value,
        })
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Whole(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Whole(value.into()))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Value, E> {
        Ok(Value::Whole(value))
    }

    fn visit_u128<E>(self, value: u128) -> Result<Value, E> {
        Ok(Value::Whole(i128::try_from(value).unwrap_or(i128::MAX)))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Number(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut nodes = Vec::new();
        while let Some(node) = list.next_element()? {
            nodes.push(node);
        }
        Ok(Value::List(nodes))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut entries = Vec::new();
        while let Some((key, node)) = map.next_entry::<Spanned<String>, Node>()? {
            let at = At::new(key.referenced.line(), key.referenced.column());
            entries.push((Key { at, text: key.value }, node));
        }
        Ok(Value::Map(entries))
    }
}

impl Value {
    /// The value in words, as the rest of a sentence that begins with its path.
    pub(super) fn in_words(&self) -> String {
        match self {
            Value::Null => "is empty".to_owned(),
            Value::Bool(value) => format!("is {value}"),
            Value::Whole(value) => format!("is {value}"),
            Value::Number(value) => format!("is {value}"),
            Value::Text(text) => format!("is the text {:?}", text.chars().take(40).collect::<String>()),
            Value::List(nodes) if nodes.is_empty() => "is an empty list".to_owned(),
            Value::List(_) => "is a list".to_owned(),
            Value::Map(_) => "is a mapping".to_owned(),
        }
    }
}
