//! Every option that there is, as the reader notes it when it reads a document that has them all.

use crate::config::policy::kind::Kind;
use crate::config::policy::note::Noted;
use crate::config::policy::parse::parse_noted;

const EVERYTHING_YAML: &str = include_str!("everything.yaml");

/// The options of a document that has them all.
pub(super) struct Shape {
    notes: Vec<Noted>,
}

impl Shape {
    pub(super) fn read() -> Self {
        let read = parse_noted("everything.yaml", EVERYTHING_YAML);
        let (_, notes) = read.unwrap_or_else(|faults| unreachable!("{faults}"));
        Shape { notes }
    }

    /// The document itself.
    pub(super) fn document(&self) -> &Noted {
        &self.notes[0]
    }

    /// Every option and every mapping, in the order of reading.
    pub(super) fn notes(&self) -> &[Noted] {
        &self.notes
    }

    /// What is in a mapping, by key; of one whose keys are names, what is under a name.
    pub(super) fn children(&self, of: &Noted) -> Vec<(&'static str, &Noted)> {
        match of.kind.without_null().0 {
            Kind::Names(names) => {
                let pattern = format!("{}.{}", of.place.pattern, names.placeholder);
                let named = self.notes.iter().find(|noted| noted.place.pattern == pattern);
                named
                    .map(|noted| (names.placeholder, noted))
                    .into_iter()
                    .collect()
            }
            Kind::Mapping => {
                let child = |key: &&'static str| {
                    let path = of.place.of(key).path;
                    let noted = self.notes.iter().find(|noted| noted.place.path == path);
                    noted.map(|noted| (*key, noted))
                };
                of.keys.iter().filter_map(child).collect()
            }
            _ => Vec::new(),
        }
    }
}
