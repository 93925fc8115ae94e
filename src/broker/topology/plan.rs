//! What has to be done so that the server has what the files say.

use serde_json::{Map, Value};

pub use super::compare::FieldChange;
use super::compare::{differences, overlay};
use super::rule;
use super::spec::{StreamSpec, is_ours};

/// One entry per stream: first the described ones in the order of the files, then extras by name.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// What is to happen to each stream.
    pub entries: Vec<Entry>,
}

/// What is to happen to one stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The stream's name.
    pub stream: String,
    /// What.
    pub change: Change,
}

/// A difference, or none.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// It is as described.
    Unchanged,
    /// It is missing.
    Create {
        /// What to send: the file.
        config: Map<String, Value>,
    },
    /// It differs, and can be changed in place.
    Update {
        /// In what; at least one.
        fields: Vec<FieldChange>,
        /// What to send: what the server has, with the fields changed.
        config: Map<String, Value>,
    },
    /// It differs in what a live stream cannot change; people must decide what becomes of its messages.
    Immutable {
        /// In what; at least one, and only those that cannot be changed.
        fields: Vec<FieldChange>,
    },
    /// It is ours by its name, and no file describes it: left by another version, or by hand.
    Extra,
}

impl Plan {
    /// Whether the server has everything as described. Extras do not count: a newer version's
    /// streams are extras to an older one.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        let settled = |entry: &Entry| matches!(entry.change, Change::Unchanged | Change::Extra);
        self.entries.iter().all(settled)
    }

    /// The streams that differ in what cannot be changed.
    pub fn immutable(&self) -> impl Iterator<Item = (&str, &[FieldChange])> {
        self.entries.iter().filter_map(|entry| match &entry.change {
            Change::Immutable { fields } => Some((entry.stream.as_str(), &fields[..])),
            _ => None,
        })
    }
}

/// Compares what must exist with what exists. Streams of others are passed over.
#[must_use]
pub fn plan(desired: &[StreamSpec], actual: &[StreamSpec]) -> Plan {
    let find = |name: &str| actual.iter().find(|spec| spec.name() == name);
    let described = desired.iter().map(|wanted| Entry {
        stream: wanted.name().to_owned(),
        change: change(wanted, find(wanted.name())),
    });
    let mut extras: Vec<&str> = actual
        .iter()
        .map(StreamSpec::name)
        .filter(|name| is_ours(name) && !desired.iter().any(|wanted| wanted.name() == *name))
        .collect();
    extras.sort_unstable();
    let extras = extras.into_iter().map(|name| Entry {
        stream: name.to_owned(),
        change: Change::Extra,
    });
    Plan {
        entries: described.chain(extras).collect(),
    }
}

fn change(wanted: &StreamSpec, actual: Option<&StreamSpec>) -> Change {
    let Some(actual) = actual else {
        return Change::Create {
            config: wanted.config().clone(),
        };
    };
    let fields = differences(wanted.config(), actual.config());
    if fields.is_empty() {
        return Change::Unchanged;
    }
    let forbidden: Vec<FieldChange> = fields
        .iter()
        .filter(|field| rule::forbids(field))
        .cloned()
        .collect();
    if !forbidden.is_empty() {
        return Change::Immutable { fields: forbidden };
    }
    Change::Update {
        config: overlay(wanted.config(), actual.config()),
        fields,
    }
}
