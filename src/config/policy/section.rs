//! One mapping of the document: what reads its keys, and complains about the ones nobody read.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::fault::{At, Collector};
use super::node::{Node, Value};
use crate::config::nearest::nearest;

/// A mapping that is being read. A faulty value is reported and replaced by a stand-in, so that
/// reading goes on; the stand-in never reaches a policy.
pub(super) struct Section<'a> {
    pub(super) path: String,
    pub(super) faults: &'a Collector,
    /// Without doubles.
    entries: Vec<(&'a str, At, &'a Node)>,
    read: Vec<&'static str>,
    /// Whether absent keys are to be reported: not where the whole mapping already was.
    pub(super) is_mapping: bool,
}

impl<'a> Section<'a> {
    /// Opens `node`, or reports that it is no mapping and goes on as if it were empty.
    pub(super) fn open(path: String, node: &'a Node, faults: &'a Collector) -> Self {
        let mut section = Section {
            path,
            faults,
            entries: Vec::new(),
            read: Vec::new(),
            is_mapping: true,
        };
        faults.place(&section.path, node.at);
        let Value::Map(entries) = &node.value else {
            let what = format!("{}; give a mapping of keys to values", node.value.in_words());
            faults.add(&section.path, what);
            section.is_mapping = false;
            return section;
        };
        let mut seen: BTreeMap<&str, At> = BTreeMap::new();
        for (key, node) in entries {
            let path = section.path_of(&key.text);
            match seen.entry(&key.text) {
                Entry::Occupied(first) => {
                    let what = format!(
                        "is given twice; keep one, the first stands in line {}",
                        first.get().line()
                    );
                    faults.add_at(&path, key.at, what);
                }
                Entry::Vacant(place) => {
                    place.insert(key.at);
                    faults.place(&path, node.at);
                    section.entries.push((&key.text, key.at, node));
                }
            }
        }
        section
    }

    /// The path of `key` in here; a key that is no plain word is quoted.
    pub(super) fn path_of(&self, key: &str) -> String {
        let plain = !key.is_empty()
            && key
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
        let key = if plain { key.to_owned() } else { format!("{key:?}") };
        if self.path.is_empty() {
            key
        } else {
            format!("{}.{key}", self.path)
        }
    }

    /// The value of `key`, if it is there.
    pub(super) fn take(&mut self, key: &'static str) -> Option<&'a Node> {
        if !self.read.contains(&key) {
            self.read.push(key);
        }
        self.entries
            .iter()
            .find(|(text, ..)| *text == key)
            .map(|(_, _, node)| *node)
    }

    /// The mapping under `key`; an absent one is empty.
    pub(super) fn child(&mut self, key: &'static str) -> Section<'a> {
        let path = self.path_of(key);
        match self.take(key) {
            Some(node) => Section::open(path, node, self.faults),
            None => Section {
                path,
                faults: self.faults,
                entries: Vec::new(),
                read: Vec::new(),
                is_mapping: true,
            },
        }
    }

    /// Every entry in document order, for mappings whose keys are names.
    pub(super) fn entries(&self) -> &[(&'a str, At, &'a Node)] {
        &self.entries
    }

    /// Whether it has no entry.
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Reports the keys nobody read. Those of `later` are known to a later version.
    pub(super) fn close(self, later: &[&str]) {
        for (key, at, _) in &self.entries {
            if self.read.contains(key) {
                continue;
            }
            let what = if later.contains(key) {
                "is not supported in this version; leave it out".to_owned()
            } else if let Some(near) = nearest(key, self.read.iter().copied()) {
                format!("is no key here; did you mean {near}?")
            } else {
                format!("is no key here; the keys are {}", self.read.join(", "))
            };
            self.faults.add_at(&self.path_of(key), *at, what);
        }
    }
}
