//! One of the two policies that are compared.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::config::policy::Faults;
use crate::config::policy::description::sentence;
use crate::config::policy::explain::{in_words, with_unit};
use crate::config::policy::note::Noted;
use crate::config::policy::parse::parse_noted;

pub(super) const SHARE: &str = "classes.NAME.share";

/// One of the two policies.
pub(super) struct Side {
    pub(super) notes: Vec<Noted>,
    numbers: BTreeMap<String, usize>,
}

impl Side {
    pub(super) fn read(name: &str, yaml: &str) -> Result<Self, Faults> {
        let (_, notes) = parse_noted(name, yaml)?;
        let numbered = notes.iter().enumerate();
        let numbers = numbered
            .map(|(number, noted)| (noted.place.path.clone(), number))
            .collect();
        Ok(Side { notes, numbers })
    }

    pub(super) fn find(&self, other: &Noted) -> Option<&Noted> {
        let number = self.numbers.get(&other.place.path)?;
        self.notes.get(*number)
    }

    /// The options in a mapping that are given, or else all: `share 40, max_concurrent 5 tasks`.
    pub(super) fn inside(&self, mapping: &Noted) -> String {
        let outer = format!("{}.", mapping.place.path);
        let options = self.notes.iter().filter_map(|noted| {
            let key = noted.place.path.strip_prefix(&outer)?;
            let value = in_words(&noted.value).filter(|_| !noted.kind.is_mapping())?;
            let unit = sentence(&noted.place.pattern).and_then(|sentence| sentence.unit);
            Some((noted.at, format!("{key} {}", with_unit(&value, unit))))
        });
        let (given, others): (Vec<_>, Vec<_>) = options.partition(|(at, _)| at.is_some());
        let told = if given.is_empty() { others } else { given };
        let told: Vec<String> = told.into_iter().map(|(_, option)| option).collect();
        told.join(", ")
    }

    /// The part of the whole that a share is, in per cent.
    pub(super) fn part(&self, share: &Json) -> String {
        let shares = self.notes.iter().filter(|noted| noted.place.pattern == SHARE);
        let whole: f64 = shares.filter_map(|noted| noted.value.as_f64()).sum();
        let part = share.as_f64().unwrap_or_default() / whole * 100.0;
        format!("{} %", (part * 10.0).round() / 10.0)
    }

    /// The names of the classes that both have, in the order of this one.
    pub(super) fn classes_also_in(&self, other: &Side) -> String {
        let classes = self
            .notes
            .iter()
            .filter(|noted| noted.place.pattern == "classes.NAME");
        let both = classes.filter(|class| other.find(class).is_some());
        let names: Vec<&str> = both
            .filter_map(|class| class.place.about.strip_prefix("class "))
            .collect();
        names.join(", ")
    }
}
