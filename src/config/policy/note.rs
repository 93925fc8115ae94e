//! What is noted of each option while a document is read: where it stands, what it may be, and what it is.
//!
//! The reader is the one owner of this. What explains a policy, compares two of them or describes all of them
//! works from these notes, so it cannot say anything else than the reader does.

use serde_json::Value as Json;

use super::fault::At;
use super::kind::Kind;

/// One key as it was read.
#[derive(Debug, Clone)]
pub(super) struct Noted {
    pub(super) place: Place,
    pub(super) kind: Kind,
    pub(super) absent: Absent<Json>,
    pub(super) needs: Option<Needs>,
    /// The value that counts; null where there is none. A mapping that is there is an empty one.
    pub(super) value: Json,
    /// Where it is given; none where it is absent.
    pub(super) at: Option<At>,
    /// Of a mapping: the keys that the reader knows in it.
    pub(super) keys: Vec<&'static str>,
}

/// Where an option stands, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// Keys from the top, joined by dots: `classes.payment_processing.share`; of the document itself, nothing.
    pub(super) path: String,
    /// The same, whatever the names are: `classes.NAME.share`.
    pub(super) pattern: String,
    /// Whose it is, in words: `class payment_processing`.
    pub(super) about: String,
    /// The path from there: `share`.
    pub(super) inside: String,
}

/// What holds where a key is absent.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Absent<T> {
    /// Nothing does: it has to be given.
    Required,
    /// This.
    Is(T),
    /// What another option is.
    As(T, Place),
    /// What follows from other options; how, in words.
    Derived(T, &'static str),
    /// What it would say is off.
    Off,
}

/// What has to be given beside a key; without it the key is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Needs {
    /// That word under that key. The key itself is required then, unless something else holds where it is absent.
    Word(&'static str, &'static str),
    /// That key.
    Key(&'static str),
}

impl Noted {
    /// The option that counts here, where this one is absent.
    pub(super) fn inherited(&self) -> Option<&Place> {
        match (&self.absent, self.at) {
            (Absent::As(_, from), None) => Some(from),
            _ => None,
        }
    }

    /// Whether it is a mapping that is turned off.
    pub(super) fn is_off(&self) -> bool {
        self.kind.is_mapping() && self.value.is_null()
    }
}

impl Place {
    /// The document itself.
    pub(super) fn document() -> Self {
        Place {
            path: String::new(),
            pattern: String::new(),
            about: "policy".to_owned(),
            inside: String::new(),
        }
    }

    /// `key` in here; a key that is no plain word is quoted.
    pub(super) fn of(&self, key: &str) -> Place {
        self.of_any(key, key)
    }

    /// `key` in here, which stands for any other that could be in its place.
    pub(super) fn of_any(&self, placeholder: &str, key: &str) -> Place {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
        let is_plain = !key.is_empty() && key.bytes().all(plain);
        let key = if is_plain {
            key.to_owned()
        } else {
            format!("{key:?}")
        };
        Place {
            path: joined(&self.path, &key),
            pattern: joined(&self.pattern, placeholder),
            about: self.about.clone(),
            inside: joined(&self.inside, &key),
        }
    }

    /// The same place, whose options are that thing's from here on.
    pub(super) fn about(self, about: String) -> Place {
        Place {
            about,
            inside: String::new(),
            ..self
        }
    }
}

fn joined(outer: &str, key: &str) -> String {
    match outer {
        "" => key.to_owned(),
        outer => format!("{outer}.{key}"),
    }
}

impl<T> Absent<T> {
    /// What holds, if anything does.
    pub(super) fn value(&self) -> Option<&T> {
        match self {
            Absent::Is(value) | Absent::As(value, _) | Absent::Derived(value, _) => Some(value),
            Absent::Required | Absent::Off => None,
        }
    }

    /// The same of another type.
    pub(super) fn map<U>(self, of: impl FnOnce(T) -> U) -> Absent<U> {
        match self {
            Absent::Required => Absent::Required,
            Absent::Is(value) => Absent::Is(of(value)),
            Absent::As(value, from) => Absent::As(of(value), from),
            Absent::Derived(value, how) => Absent::Derived(of(value), how),
            Absent::Off => Absent::Off,
        }
    }
}

/// A default, or none: then it has to be given.
impl<T> From<Option<T>> for Absent<T> {
    fn from(default: Option<T>) -> Self {
        default.map_or(Absent::Required, Absent::Is)
    }
}

/// A number without a point where it has no fraction.
pub(super) fn number(number: f64) -> Json {
    /// From here on not every whole number is one.
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() < EXACT_MAX {
        Json::from(number as i64)
    } else {
        Json::from(number)
    }
}
